"""What a full, valid request of each route looks like, and the ways to spoil one. A route without an entry fails."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from web.rest.route import Route

Json = dict[str, Any]
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Example:
    """`body` has every field, the optional ones too; `free` are the paths below which anything goes. `query` has a
    valid text for every parameter; `numbers` and `choices` say which of them are what, `repeatable` which may come
    several times, `asked` which have to come. `{session}` and `{project}` stand for the ids that a test has made.
    `status` is the answer where a new session has nothing for the example to find, `without` names fields that can't
    come together with the others."""

    body: Json | None = None
    required: tuple[str, ...] = ()
    free: tuple[Path, ...] = ()
    query: dict[str, str] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    repeatable: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    status: int | None = None
    without: tuple[str, ...] = ()


MESSAGE: Json = {
    "sessionId": "{session}",
    "content": "hello",
    "payload": {
        "kind": "image",
        "source": "url",
        "data": "http://127.0.0.1/a.png",
        "mimeType": "image/png",
        "mode": "auto",
        "ocrText": "a",
        "description": "b",
        "error": "c",
    },
    "clientMessageId": "c1",
    "metadata": {
        "displayHint": {"summary": "a", "collapsed": True, "icon": "b"},
        "traceId": "t",
        "originalInput": "o",
        "extra": {"note": "n", "list": ["l"]},
    },
    "onBusy": "enqueue",
    "expectedVersion": 1,
}
USER_STATE: Json = {
    "activeSessions": ["s"],
    "tabs": {"s": 1.5},
    "lastSessionId": "s",
    "ui": {"sidebar": "open", "expanded": {"a": True}},
    "preferences": {
        "theme": "dark",
        "fontSize": "large",
        "language": "zh",
        "defaultModel": "demo",
        "approvalPolicy": "manual",
        "sendKey": "mod-enter",
        "notifications": True,
    },
    "expectedVersion": 0,
}
USER_STATE_FREE: tuple[Path, ...] = (("tabs",), ("ui",))
LIST_QUERY = {
    "projectId": "{project}",
    "state": "IDLE",
    "archived": "all",
    "q": "word",
    "sort": "title",
    "order": "asc",
    "take": "50",
    "cursor": "WyIiLDFd",
}
LIST_CHOICES = ("state", "archived", "sort", "order")
NOTHING = Example()
EDIT = Example(body={"expectedVersion": 1})
EXAMPLES: dict[str, Example] = {
    "list_projects": NOTHING,
    "create_project": Example({"name": "a"}, ("name",)),
    "get_project": NOTHING,
    "edit_project": Example({"name": "a", "expectedVersion": 1}, ("name",)),
    "delete_project": Example(query={"expectedVersion": "1"}, numbers=("expectedVersion",)),
    "set_current_session": Example({"sessionId": "{session}", "expectedVersion": 1}, ("sessionId",)),
    "list_project_sessions": Example(
        query={name: value for name, value in LIST_QUERY.items() if name != "projectId"},
        numbers=("take",),
        choices=LIST_CHOICES,
        repeatable=("state",),
    ),
    "list_sessions": Example(query=LIST_QUERY, numbers=("take",), choices=LIST_CHOICES, repeatable=("state",)),
    "search": Example(
        query={
            "q": "word",
            "projectId": "{project}",
            "state": "IDLE",
            "role": "user",
            "kind": "text",
            "from": "2026-11-20",
            "to": "2026-11-21T00:00:00Z",
            "archived": "all",
            "sort": "newest",
            "take": "20",
            "cursor": "WyIiLDFd",
        },
        numbers=("take",),
        choices=("state", "role", "kind", "archived", "sort", "from", "to"),
        repeatable=("state", "role", "kind"),
        asked=("q",),
    ),
    "create_session": Example({"projectId": "{project}", "title": "a", "model": "demo"}),
    "list_running_sessions": NOTHING,
    "get_session": NOTHING,
    "edit_session": Example({"title": "a", "expectedVersion": 1}, ("title",)),
    "delete_session": Example(
        query={"purge": "true", "expectedVersion": "1"}, numbers=("expectedVersion",), choices=("purge",)
    ),
    "restore_session": EDIT,
    "list_messages": Example(
        query={
            "skip": "0",
            "take": "50",
            "order": "asc",
            "before": "9",
            "after": "0",
            "branch": "main",
            "scope": "pool",
        },
        numbers=("skip", "take", "before", "after"),
        choices=("order", "scope"),
    ),
    "list_events": Example(query={"after": "0"}, numbers=("after",)),
    "list_runs": NOTHING,
    "list_branches": NOTHING,
    "list_participants": NOTHING,
    "get_context": NOTHING,
    "get_context_metadata": NOTHING,
    "get_context_messages": Example(query={"ids": "a,b"}),
    "list_streaming_chunks": Example(
        query={"after": "0", "intervals": "true"}, numbers=("after",), choices=("intervals",)
    ),
    "send_message": Example(MESSAGE, (), (("metadata", "extra"),)),
    "post_message": Example({"role": "user", **MESSAGE}, (), (("metadata", "extra"),)),
    "cancel_run": Example({"runId": "r", "expectedVersion": 1}),
    "set_model": Example({"model": "demo", "expectedVersion": 1}, ("model",)),
    "list_approvals": NOTHING,
    "set_mode": Example({"mode": "plan", "expectedVersion": 1}, ("mode",)),
    "retry": Example({"expectedVersion": 1}, status=404),
    "archive": EDIT,
    "unarchive": EDIT,
    "resolve_approval": Example(
        {
            "approvalId": "a",
            "decision": "edit",
            "arguments": {"x": "y"},
            "reason": "r",
            "scope": "once",
            "expectedVersion": 1,
        },
        ("approvalId", "decision"),
        (("arguments",),),
        status=404,
    ),
    "revoke_grant": Example({"tool": "t", "expectedVersion": 1}, ("tool",)),
    "fork": Example(
        {
            "name": "b",
            "branch": "main",
            "messageId": "m",
            "position": 1,
            "before": False,
            "systemPrompt": "p",
            "switch": True,
            "expectedVersion": 1,
        },
        status=404,
    ),
    "switch_branch": Example({"name": "main", "expectedVersion": 1}, ("name",)),
    "merge": Example(
        {
            "source": "main",
            "strategy": "append",
            "messageIds": ["m"],
            "summary": "s",
            "name": "n",
            "resolution": "source",
            "preview": False,
            "expectedVersion": 1,
        },
        ("source", "strategy"),
        status=400,
    ),
    "set_branch_prompt": Example({"branch": "main", "systemPrompt": "p", "expectedVersion": 1}, ("branch",)),
    "pin": Example({"messageId": "m", "expectedVersion": 1}, status=404, without=("text",)),
    "unpin": Example({"pinId": "p", "expectedVersion": 1}, ("pinId",), status=404),
    "set_plan": Example({"items": [{"id": "1", "text": "t", "status": "pending"}], "expectedVersion": 1}, ("items",)),
    "get_prompt": NOTHING,
    "get_view": NOTHING,
    "list_tools": NOTHING,
    "switch_tool": Example({"enabled": False}, ("enabled",), status=404),
    "list_workflows": NOTHING,
    "execute_workflow": Example(
        {
            "sessionId": "{session}",
            "projectId": "{project}",
            "input": {"word": "a"},
            "clientMessageId": "c1",
            "expectedVersion": 1,
        },
        (),
        (("input",),),
        status=404,
    ),
    "execute_tool": Example(
        {
            "sessionId": "{session}",
            "projectId": "{project}",
            "toolName": "t",
            "args": {"word": "a"},
            "clientMessageId": "c1",
            "expectedVersion": 1,
        },
        ("toolName",),
        (("args",),),
        status=404,
    ),
    "send_many": Example({"items": [{"sessionId": "{session}", "content": "a"}]}, ("items",), (("items",),)),
    "fetch_many": Example({"items": [{"sessionId": "{session}"}]}, ("items",), (("items",),)),
    "delete_many": Example({"items": [{"sessionId": "{session}"}]}, ("items",), (("items",),)),
    "list_models": NOTHING,
    "get_me": NOTHING,
    "get_user_state": NOTHING,
    "replace_user_state": Example(USER_STATE, (), USER_STATE_FREE),
    "patch_user_state": Example(USER_STATE, (), USER_STATE_FREE),
    "reset_user_state": Example(query={"expectedVersion": "0"}, numbers=("expectedVersion",)),
    "get_openapi": NOTHING,
    "get_metrics": NOTHING,
    "get_health": NOTHING,
    "get_readiness": NOTHING,
}


def name_of(route: Route) -> str:
    return route.handler.__name__


def example_of(route: Route) -> Example:
    return EXAMPLES[name_of(route)]


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every place of a body that holds a plain value, and the places that hold others."""
    if path:
        yield path, value
    if isinstance(value, dict):
        for name, child in value.items():
            yield from leaves(child, (*path, name))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from leaves(child, (*path, index))


def replaced(body: Json, path: Path, value: Any) -> Json:
    """A copy with another value at one place."""
    spoiled = copy.deepcopy(body)
    target: Any = spoiled
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return spoiled


def dotted(path: Path) -> str:
    return ".".join(str(step) for step in path)


def wrong_types(value: Any) -> list[Any]:
    """Values of every other type of JSON, beside None: that one stands for a field that is left out."""
    others: list[Any] = [7, 1.5, True, "text", ["x"], {"x": "y"}]
    return [other for other in others if type(other) is not type(value)]


MALFORMED = (
    b"{",
    b"}",
    b"nonsense",
    b"'a'",
    b'{"a":}',
    b"\xff",
    b'{"a":"\xff"}',
    b"\x00",
    b"{}{}",
    b'{"a":NaN}',
    b" ",
    b'"\\ud800',
)
NO_OBJECTS: tuple[Any, ...] = ([], ["a"], "a", 1, True)
OTHER_MEDIA = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "nonsense",
    "application/json; charset=utf-16",
)
UNKNOWN_FIELDS = ("unknown", "", "__proto__", "x" * 100_000, "\U0001f600", "id")
BAD_ESCAPES = ("\\u0000", "a\\u0000b", "\\ud800", "\\udc00", "x\\ud83dx", "\\ud800\\ud800")
ABSURD_JSON_NUMBERS = ("1e999", "-1e999", "1e308", "9" * 400, "-" + "9" * 30, "0.1e-400", "-0", "1.5", "true")
BAD_NUMBERS = ("-1", "+1", "1.0", "1e3", "0x10", "", "%201", "abc", "NaN", "null", "%D9%A1", "9" * 17, "9" * 5000)
BAD_CHOICES = ("", "ASC", "1", "yes", "asc,desc", "%5B%5D")
BAD_TEXTS = ("a%00b", "%00", "%ED%A0%80", "%FF", "%C3")
"""NUL, a surrogate as UTF-8 would write it if it could, bytes that are no UTF-8, an unfinished character."""
