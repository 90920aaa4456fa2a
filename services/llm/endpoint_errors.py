"""What endpoints have in common: keys, URLs, and how they fail. Never lets a key into a message."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from models.errors import InvalidArgument, ProviderBroken, ProviderError, ProviderRefused, ProviderUnavailable
from models.ids import EpochMs

# Servers that people run themselves want no key, yet the SDKs want something to send.
NO_KEY = "none"

# What the endpoint says is shown to people: enough for the cause, no room for a page of HTML.
_MESSAGE_LIMIT = 300

_TITLE_WITHIN = 10_000

# A word that is shorter is no key.
_SECRET_MIN_CHARS = 8
_NO_SECRETS = frozenset(
    "sk pk no not none null nil na key keys apikey api token empty needed required necessary dummy test testing fake "
    "local localhost ollama lm studio lmstudio vllm llama cpp llamacpp your my the here placeholder change me changeme "
    "any anything unused ignored example secret default password invalid openai anthropic foo bar abc xyz something "
    "whatever free demo sample mock auth bearer nokey noapikey notneeded notrequired".split()
)

# Request timeout, conflict, too early, too many requests: the same request may pass in a moment.
_RETRYABLE_STATUSES = frozenset({408, 409, 425, 429})


def checked_key(key: str | None, field: str) -> str:
    """Refused here, where the field can be named; as a header it would fail in each request, quoting the key."""
    key = (key or NO_KEY).strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidArgument("The API key holds characters that no header can carry", field=field)
    return key


def checked_url(url: str, field: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise InvalidArgument("The base URL must begin with http:// or https://", field=field)
    return url


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


def lost(message: str, *, broken: bool) -> ProviderError:
    """A connection that failed: broken when the reply had begun."""
    return ProviderBroken(message) if broken else ProviderUnavailable(message)


def of_status(status: int, words: object, key: str, *, wait_ms: int | None = None, hopeless: bool) -> ProviderError:
    """What an HTTP status means; `hopeless` when the endpoint's own code says that no waiting helps."""
    if hopeless or (status < 500 and status not in _RETRYABLE_STATUSES):
        return ProviderRefused(says(f"The model provider refused ({status})", words, key), status=status)
    details = {} if wait_ms is None else {"retry_after_ms": wait_ms}
    message = says(f"The model provider is unavailable ({status})", words, key)
    return ProviderUnavailable(message, status=status, **details)


def says(what: str, words: object, key: str) -> str:
    """`what` and the endpoint's own words, without the key, which some quote back."""
    if not isinstance(words, str):
        return what
    if words.lstrip().startswith("<"):
        words = _title(words)  # of a page, often a proxy's, nobody wants to read more
    line = " ".join(_masked(words, key).split())
    return f"{what}: {line[:_MESSAGE_LIMIT]}" if line else what


def is_secret(key: str) -> bool:
    """False for what people write where an endpoint wants no key: to blot such words out would garble every message."""
    parts = [part for part in re.split(r"[^a-z0-9]+", key.lower()) if part]
    if all(part in _NO_SECRETS or len(set(part)) == 1 or (part.isdecimal() and len(part) < 4) for part in parts):
        return False
    return len(key) >= (_SECRET_MIN_CHARS if key.isalpha() else _SECRET_MIN_CHARS // 2)


def _masked(words: str, key: str) -> str:
    return words.replace(key, "***") if is_secret(key) else words


def _title(page: str) -> str:
    found = re.search(r"<title[^>]*>([^<]*)", page[:_TITLE_WITHIN], re.IGNORECASE)
    return html.unescape(found[1]) if found else ""


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
