"""Turns what the OpenAI SDK raises into the three provider errors. Never lets the API key into a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import ProviderBroken, ProviderError, ProviderRefused
from models.ids import EpochMs
from services.llm.endpoint_errors import lost, of_status, retry_after_ms
from services.llm.sent_failures import HOPELESS, SentFailure, words_in

if TYPE_CHECKING:
    from openai import APIError


def translate(error: Exception, *, key: str, opened: bool, began: bool, now: EpochMs) -> ProviderError | None:
    """The provider error that `error` amounts to, or None when it is no failure of the endpoint.

    `opened`: the stream was open; `began`: text had come. The order of the cases is the SDK's class tree, leaves first.
    """
    if isinstance(error, ProviderError):
        return error
    import httpx2
    import openai

    match error:
        case openai.APIStatusError():
            return _of_status(error.status_code, error, key, retry_after_ms(error.response.headers, now))
        case openai.APITimeoutError() | httpx2.TimeoutException():
            return lost("The model did not answer in time", broken=began)
        case openai.APIConnectionError() | httpx2.HTTPError() | httpx2.StreamError() | OSError():
            return lost("The connection to the model failed", broken=opened)
        case SentFailure():
            return error.translated(key, began=began)
        case ValueError() if opened:
            return ProviderBroken("The model sent a malformed chunk")
        case ValueError() | openai.OpenAIError():
            return ProviderRefused("The request could not be built")
        case _:
            return None


def _of_status(status: int, error: APIError, key: str, wait_ms: int | None) -> ProviderError:
    hopeless = error.code in HOPELESS or error.type in HOPELESS
    return of_status(status, words_in(error.body), key, wait_ms=wait_ms, hopeless=hopeless)
