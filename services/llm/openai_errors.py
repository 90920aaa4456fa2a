"""Turns what the OpenAI SDK raises into the three provider errors. Never lets the API key into a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import ProviderBroken, ProviderError, ProviderRefused
from models.ids import EpochMs
from services.llm.endpoint_errors import lost, of_status, retry_after_ms, says

if TYPE_CHECKING:
    from openai import APIError

# OpenAI answers 429 for an empty purse too; no waiting fills it.
_HOPELESS_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


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
        case openai.APIError():
            return _of_stream(error, key, began)
        case ValueError() if opened:
            return ProviderBroken("The model sent a malformed chunk")
        case ValueError() | openai.OpenAIError():
            return ProviderRefused("The request could not be built")
        case _:
            return None


def _of_status(status: int, error: APIError, key: str, wait_ms: int | None) -> ProviderError:
    hopeless = error.code in _HOPELESS_CODES or error.type in _HOPELESS_CODES
    return of_status(status, _words(error), key, wait_ms=wait_ms, hopeless=hopeless)


def _of_stream(error: APIError, key: str, began: bool) -> ProviderError:
    """An error sent inside the stream, after status 200. Gateways put the upstream's status in its code."""
    status = int(error.code) if error.code and error.code.isdecimal() else 0
    if error.type == "invalid_request_error" or 400 <= status < 500:
        refusal = _of_status(status or 400, error, key, None)
        if isinstance(refusal, ProviderRefused):
            return refusal
    if status >= 400 and not began:
        return _of_status(status, error, key, None)
    return ProviderBroken(says("The model's stream broke off", _words(error), key))


def _words(error: APIError) -> object:
    return error.body.get("message") if isinstance(error.body, dict) else error.body
