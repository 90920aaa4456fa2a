"""What Schemathesis is told beside the OpenAPI document: things that are there, and the rules between fields, which no
schema says. `schemathesis.toml` names it; the ids come by environment."""

from __future__ import annotations

import os
from typing import Any

import schemathesis
from schemathesis import Case, GenerationMode, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData

KNOWN = {name: os.environ[f"KNOWN_{name}"] for name in ("sessionId", "projectId", "messageId")}
BETWEEN_FIELDS = (
    "expectedVersion and If-Match name different versions",
    "before and after exclude each other",
    "branch and scope=pool exclude each other",
    "cursor is none of this list in this order",
    "q has no word in it",
    "sessionId is not the session of the path",
    "content: content or payload is required",
    "messageId: either messageId or text is required",
    "payload.text: must not be empty",
)
"""How the refusal of a request begins whose every field fits, but not beside the others."""


@schemathesis.hook
def map_case(context: HookContext, case: Case[Any]) -> Case[Any]:
    """Most valid requests are about something that is there: what lies behind a 404 is tried, too."""
    if case.method != "DELETE" and case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE:
        case.path_parameters.update({name: KNOWN[name] for name in case.path_parameters if name in KNOWN})
    return case


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    if not isinstance(failure, RejectedPositiveData):
        return True
    refusal = response.json()
    return refusal["code"] != "unknown_model" and not refusal["error"].startswith(BETWEEN_FIELDS)
