"""Finds the failure that an endpoint sent in place of a reply, in whatever form. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from models.errors import ProviderBroken, ProviderError, ProviderRefused, ProviderUnavailable
from services.llm.endpoint_errors import of_status, says

_WORDS = (
    "message",
    "error_message",
    "errorMessage",
    "error_msg",
    "msg",
    "status_msg",
    "detail",
    "error",
    "errors",
    "error_description",
    "description",
    "reason",
    "title",
)
_ALONE = ("error_message", "errorMessage", "error_msg", "detail", "errors")
"""These tell of a failure wherever there is no reply beside them."""
_DEPTH_MAX = 4
_LISTED_MAX = 3

# OpenAI answers 429 for an empty purse too; no waiting fills it.
HOPELESS = frozenset({"insufficient_quota", "billing_hard_limit_reached"})

_STATUSES: Mapping[str, int] = MappingProxyType(
    {
        "invalid_request_error": 400,
        "invalid_argument": 400,
        "context_length_exceeded": 400,
        "authentication_error": 401,
        "invalid_api_key": 401,
        "unauthenticated": 401,
        "billing_error": 402,
        "insufficient_quota": 429,
        "billing_hard_limit_reached": 429,
        "permission_error": 403,
        "permission_denied": 403,
        "not_found_error": 404,
        "model_not_found": 404,
        "not_found": 404,
        "request_too_large": 413,
        "rate_limit_error": 429,
        "rate_limit_exceeded": 429,
        "resource_exhausted": 429,
        "server_error": 500,
        "internal_server_error": 500,
        "api_error": 500,
        "unavailable": 503,
        "timeout_error": 504,
        "overloaded_error": 529,
    }
)
"""After status 200 the failure's own code tells which status it would have had."""


class SentFailure(Exception):
    """`codes` are what the endpoint calls it, most telling first."""

    def __init__(self, words: str, codes: tuple[str, ...] = ()) -> None:
        super().__init__(words)
        self.words = words
        self.codes = codes

    @property
    def status(self) -> int | None:
        known = (int(code) if code.isdecimal() and len(code) == 3 else _STATUSES.get(code) for code in self.codes)
        return next((status for status in known if status is not None and status >= 400), None)

    def translated(self, key: str, *, began: bool) -> ProviderError:
        """A refusal is final at any time; anything else has broken a reply that began."""
        if self.status is not None:
            failure = of_status(self.status, self.words, key, hopeless=not HOPELESS.isdisjoint(self.codes))
            if isinstance(failure, ProviderRefused) or not began:
                return failure
        if began:
            return ProviderBroken(says("The model's stream broke off", self.words, key))
        return ProviderUnavailable(says("The model provider answered with an error", self.words, key))


def failure_in(document: Mapping[str, Any], *, answered: bool) -> SentFailure | None:
    """None for what is no failure; `answered` when there is a part of a reply beside it."""
    if error := document.get("error"):
        return SentFailure(words_in(error) or words_in(document), (*_codes(error), *_codes(document)))
    if answered:
        return None
    told = next((words for name in _ALONE if (words := words_in(document.get(name)))), "")
    if not told and _is_called_failure(document):
        told = words_in(document)
    if told:
        return SentFailure(told, _codes(document))
    nested = document.get("base_resp")
    if isinstance(nested, Mapping) and nested.get("status_code"):
        return SentFailure(words_in(nested), _codes(nested))
    return None


def words_in(value: object, depth: int = 0) -> str:
    """What a failure says for people; empty when it says nothing."""
    if depth > _DEPTH_MAX:
        return ""
    match value:
        case str():
            return value.strip()
        case list():
            said = [words for each in value[:_LISTED_MAX] if (words := words_in(each, depth + 1))]
            return "; ".join(said)
        case Mapping():
            return next((words for name in _WORDS if (words := words_in(value.get(name), depth + 1))), "")
        case _:
            return ""


def no_reply(stray: str, key: str, *, began: bool) -> ProviderError:
    """The body is over and held no reply; `stray` is what it held instead."""
    if began:
        return ProviderBroken("The model's stream ended without saying why")
    if stray.startswith("<"):
        return ProviderRefused(says("The endpoint answered with a web page in place of a reply", stray, key))
    if stray:
        return ProviderUnavailable(says("The endpoint answered with words in place of a reply", stray, key))
    return ProviderBroken("The model's stream ended without saying why")


def _is_called_failure(document: Mapping[str, Any]) -> bool:
    if "error" in (document.get("object"), document.get("type"), document.get("status")):
        return True
    code = document.get("code", document.get("status_code"))
    return code not in (None, 0, 200, "0", "200", "", "success", "ok") and "choices" not in document


def _codes(holder: object) -> tuple[str, ...]:
    if not isinstance(holder, Mapping):
        return ()
    named = (holder.get(name) for name in ("code", "status_code", "status", "type"))
    return tuple(str(code).lower() for code in named if isinstance(code, str | int) and not isinstance(code, bool))
