"""Turns what the Anthropic SDK raises into the three provider errors. Never lets the API key into a message."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from models.errors import ProviderBroken, ProviderError, ProviderRefused
from models.ids import EpochMs
from services.llm.endpoint_errors import lost, of_status, retry_after_ms, says

if TYPE_CHECKING:
    from anthropic import APIStatusError

# An error inside the stream comes after status 200; its type tells the status that it would have had.
_STATUSES: Mapping[str, int] = MappingProxyType(
    {
        "invalid_request_error": 400,
        "authentication_error": 401,
        "billing_error": 402,
        "permission_error": 403,
        "not_found_error": 404,
        "request_too_large": 413,
        "rate_limit_error": 429,
        "timeout_error": 504,
        "overloaded_error": 529,
    }
)
_UNKNOWN_FAILURE = 500


def translate(error: Exception, *, key: str, opened: bool, began: bool, now: EpochMs) -> ProviderError | None:
    """The provider error that `error` amounts to, or None when it is no failure of the endpoint.

    `opened`: the stream was open; `began`: text had come. The order of the cases is the SDK's class tree, leaves first.
    """
    if isinstance(error, ProviderError):
        return error
    import anthropic
    import httpx2

    match error:
        case anthropic.APIStatusError() if opened:
            return _of_stream(error, key, began)
        case anthropic.APIStatusError():
            wait_ms = retry_after_ms(error.response.headers, now)
            return of_status(error.status_code, error.api_message, key, wait_ms=wait_ms, hopeless=False)
        case anthropic.APITimeoutError() | httpx2.TimeoutException():
            return lost("The model did not answer in time", broken=began)
        case anthropic.APIConnectionError() | httpx2.HTTPError() | httpx2.StreamError() | OSError():
            return lost("The connection to the model failed", broken=opened)
        case ValueError() | anthropic.APIError() if opened:
            return ProviderBroken("The model sent a malformed event")
        case ValueError() | TypeError() | anthropic.AnthropicError() if not opened:
            return ProviderRefused("The request could not be built")
        case _:
            return None


def _of_stream(error: APIStatusError, key: str, began: bool) -> ProviderError:
    failure = of_status(_STATUSES.get(error.type or "", _UNKNOWN_FAILURE), error.api_message, key, hopeless=False)
    if began and not isinstance(failure, ProviderRefused):
        return ProviderBroken(says("The model's stream broke off", error.api_message, key))
    return failure
