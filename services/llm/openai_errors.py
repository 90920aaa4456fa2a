"""Turns what the OpenAI SDK raises into the three provider errors. Never lets the API key into a message."""

from __future__ import annotations

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from models.errors import ProviderBroken, ProviderError, ProviderRefused, ProviderUnavailable
from models.ids import EpochMs

if TYPE_CHECKING:
    from openai import APIError

# What the endpoint says is shown to people: enough for the cause, no room for a page of HTML.
_MESSAGE_LIMIT = 300

# Request timeout, conflict, too early, too many requests: the same request may pass in a moment.
_RETRYABLE_STATUSES = frozenset({408, 409, 425, 429})

# OpenAI answers 429 for an empty purse too; no waiting fills it.
_HOPELESS_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


def translate(error: Exception, *, key: str, opened: bool, began: bool, now: EpochMs) -> ProviderError | None:
    """The provider error that `error` amounts to, or None when it is no failure of the endpoint.

    `opened`: the stream was open; `began`: text had come. The order of the cases is the SDK's class tree, leaves first.
    """
    import httpx2
    import openai

    match error:
        case ProviderError():
            return error
        case openai.APIStatusError():
            return _of_status(error.status_code, error, key, retry_after_ms(error.response.headers, now))
        case openai.APITimeoutError() | httpx2.TimeoutException():
            return _lost("The model did not answer in time", broken=began)
        case openai.APIConnectionError() | httpx2.HTTPError() | httpx2.StreamError() | OSError():
            return _lost("The connection to the model failed", broken=opened)
        case openai.APIError():
            return _of_stream(error, key, began)
        case ValueError() if opened:
            return ProviderBroken("The model sent a malformed chunk")
        case ValueError() | openai.OpenAIError():
            return ProviderRefused("The request could not be built")
        case _:
            return None


def retry_after_ms(headers: Mapping[str, str], now: EpochMs) -> int | None:
    """How long to wait: `retry-after-ms`, else `Retry-After` in seconds or as a date (RFC 9110 §10.2.3)."""
    precise = _number(headers.get("retry-after-ms"))
    if precise is not None:
        return max(0, math.ceil(precise))
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None:
        return max(0, math.ceil(seconds * 1000))
    return None if text is None else _until(text, now)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _until(date: str, now: EpochMs) -> int | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return max(0, round(moment.timestamp() * 1000) - now)


def _lost(message: str, *, broken: bool) -> ProviderError:
    return ProviderBroken(message) if broken else ProviderUnavailable(message)


def _of_status(status: int, error: APIError, key: str, wait_ms: int | None) -> ProviderError:
    hopeless = error.code in _HOPELESS_CODES or error.type in _HOPELESS_CODES
    if hopeless or (status < 500 and status not in _RETRYABLE_STATUSES):
        return ProviderRefused(_says(f"The model provider refused ({status})", error, key), status=status)
    details = {} if wait_ms is None else {"retry_after_ms": wait_ms}
    return ProviderUnavailable(
        _says(f"The model provider is unavailable ({status})", error, key), status=status, **details
    )


def _of_stream(error: APIError, key: str, began: bool) -> ProviderError:
    """An error sent inside the stream, after status 200. Gateways put the upstream's status in its code."""
    status = int(error.code) if error.code and error.code.isdecimal() else 0
    if error.type == "invalid_request_error" or 400 <= status < 500:
        refusal = _of_status(status or 400, error, key, None)
        if isinstance(refusal, ProviderRefused):
            return refusal
    if status >= 400 and not began:
        return _of_status(status, error, key, None)
    return ProviderBroken(_says("The model's stream broke off", error, key))


def _says(what: str, error: APIError, key: str) -> str:
    """`what` and the endpoint's own words, without the key, which some quote back."""
    body: object = error.body
    words: object = body.get("message") if isinstance(body, dict) else body
    if not isinstance(words, str) or not words.strip() or words.lstrip().startswith("<"):
        return what  # nothing said, or a proxy's page
    line = " ".join(words.replace(key, "***").split())
    return f"{what}: {line[:_MESSAGE_LIMIT]}"
