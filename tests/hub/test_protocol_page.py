"""PROTOCOL.md tells the truth: its numbers, calls, events and codes are those of the code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from hub import hub, presence
from hub.hub import CALLS
from hub.socket import backlog, engine_socket, server, websocket
from models import calls, errors, events, json_scan, user_state
from models.events import BODIES
from models.search import INDEXED_MAX_CHARS
from models.user_state import Preferences, UserState
from services.engine.transitions import StateName
from services.search import query as search
from services.search import snippets
from services.store import journal
from services.tools import results
from services.workflows import errors as workflow_errors
from web.rest import queries

PAGE = (Path(__file__).parents[2] / "hub" / "PROTOCOL.md").read_text(encoding="utf-8")
STATE = PAGE[PAGE.index("### User state") : PAGE.index("### Tools")]
INTERNAL = {"stale_head", "client_message_id_taken", "declined", "tool_call_failed"}
"""Codes that reach no client as an answer."""


def codes(base: type[errors.ParleyError] = errors.ParleyError) -> set[str]:
    """Those of the error tree, and of workflows, which have theirs beside them."""
    known = (errors.__name__, workflow_errors.__name__)
    return {each.code for each in base.__subclasses__() if each.__module__ in known} | {
        code for each in base.__subclasses__() for code in codes(each)
    }


NUMBERS = (
    f"at most {journal.PAGE_EVENTS} events and {journal.PAGE_BYTES // 1024} KiB",
    f"Up to {backlog.HIGH_WATER_BYTES // 1024} KiB may wait",
    f"Below {backlog.LOW_WATER_BYTES // 1024} KiB",
    f"at most {calls.BROADCAST_MAX_BYTES // 1024} KiB, to the others",
    f"over {events.TRUNCATE_OVER_BYTES // 1024} KiB travels",
    f"every {hub.HEAD_EVERY_S:g} s per joined session",
    f"{presence.LEAVE_GRACE_S:g} s after the last; gathered for {presence.BATCH_S * 1000:g} ms",
    f"above {presence.LISTED_MAX} participants",
    f"A packet may have {server.PAYLOAD_LIMIT_BYTES} bytes",
    f"connection to the namespace {server.INTRODUCTION_LIMIT_BYTES};",
    f"request holds at most {engine_socket.BATCH_MAX_PACKETS} packets",
    f"packet has at most {json_scan.JSON_PLACES_MAX} commas",
    f"(`2probe`), may take {engine_socket.PROBE_WITHIN_S:g} s",
    f"with `6` at most every {engine_socket.RELEASE_EVERY_S * 1000:g} ms",
    f"Beyond {websocket.TRANSPORT_LIMIT_BYTES} the WebSocket",
    f"as far as {INDEXED_MAX_CHARS} characters",
    f"`q` (1 to {queries.SEARCH_MAX_CHARS} characters)",
    f"the newest {search.RANKED} ranked",
    f"{search.RANKED * search.WINDOWS_MAX} matches at most",
    f"`take` is 1 to {search.SEARCH_TAKE_MAX}",
    f"about {snippets.SNIPPET_CHARS} characters",
    f"| `take` | 1 to {calls.LIST_MAX} |",
    f"over {results.BUDGET_TOKENS} tokens has a `handle`",
    f"there are at most {user_state.OPEN_MAX} of each",
    f"The document has at most {user_state.STATE_MAX_BYTES // 1024} KiB",
    f"a request that changes it {user_state.CHANGE_MAX_BYTES // 1024} KiB",
    f"nests at most {calls.DEPTH_MAX} levels deep and has at most {calls.VALUES_MAX} values",
)
"""Sentences of the page, with the numbers of the code."""


def missing(names: Iterable[str], *, among: str = PAGE) -> list[str]:
    return [name for name in names if name not in among]


def test_the_numbers_on_the_page_are_those_of_the_code() -> None:
    assert missing(NUMBERS) == []


def test_every_call_is_on_the_page() -> None:
    assert missing(f"`{name}`" for name in CALLS) == []


def test_every_event_type_is_on_the_page() -> None:
    assert missing(f"`{body.type}`" for body in BODIES) == []


def test_every_state_is_on_the_page() -> None:
    assert missing(f"`{name}" for name in get_args(StateName)) == []


def test_every_part_of_the_users_state_is_on_the_page() -> None:
    assert missing((field.alias or "" for field in UserState.model_fields.values()), among=STATE) == []


def test_every_preference_is_on_the_page_with_its_choices() -> None:
    preferences = Preferences.model_fields.values()
    assert missing((f"`{preference.alias}` (" for preference in preferences), among=STATE) == []
    choices = [choice for preference in preferences for choice in get_args(preference.annotation)]
    assert missing((f"`{choice}`" for choice in choices if isinstance(choice, str)), among=STATE) == []


def test_every_code_that_a_client_can_get_is_on_the_page() -> None:
    assert missing(f"`{code}`" for code in sorted(codes() - INTERNAL)) == []


def test_every_code_on_the_page_exists() -> None:
    table = PAGE[PAGE.index("## 6. Codes") :]
    named = {code for row in re.findall(r"^\| (`.*?) \|", table, re.M) for code in re.findall(r"`(\w+)`", row)}
    assert named <= codes() | {"internal_error"}
