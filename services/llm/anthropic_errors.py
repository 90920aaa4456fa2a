"""Turns what the Anthropic SDK raises into the three provider errors. Never lets the API key into a message."""

from __future__ import annotations

from models.errors import ProviderBroken, ProviderError, ProviderRefused
from models.ids import EpochMs
from services.llm.endpoint_errors import lost, of_status, retry_after_ms
from services.llm.sent_failures import SentFailure, words_in


def translate(error: Exception, *, key: str, opened: bool, began: bool, now: EpochMs) -> ProviderError | None:
    """The provider error that `error` amounts to, or None when it is no failure of the endpoint.

    `opened`: the stream was open; `began`: text had come. The order of the cases is the SDK's class tree, leaves first.
    """
    if isinstance(error, ProviderError):
        return error
    import anthropic
    import httpx2

    match error:
        case SentFailure():
            return error.translated(key, began=began)
        case anthropic.APIStatusError():
            wait_ms = retry_after_ms(error.response.headers, now)
            return of_status(error.status_code, words_in(error.body), key, wait_ms=wait_ms, hopeless=False)
        case anthropic.APITimeoutError() | httpx2.TimeoutException():
            return lost("The model did not answer in time", broken=began)
        case anthropic.APIConnectionError() | httpx2.HTTPError() | httpx2.StreamError() | OSError():
            return lost("The connection to the model failed", broken=opened)
        case ValueError() if opened:
            return ProviderBroken("The model sent a malformed event")
        case ValueError() | TypeError() | anthropic.AnthropicError() if not opened:
            return ProviderRefused("The request could not be built")
        case _:
            return None
