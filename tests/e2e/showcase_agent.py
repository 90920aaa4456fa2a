"""An agent that has no model behind it and writes one message of each kind, with content as it is in use: for pictures
of the page, and for tests that look at all of it: `parley serve --agent tests.e2e.showcase_agent:Showcase`.
"""

from __future__ import annotations

import asyncio
import base64
import zlib

from models.payloads import (
    FileReferencePayload,
    ImagePayload,
    McpResourcePayload,
    McpToolRequestPayload,
    McpToolResultPayload,
    Payload,
    PlanItem,
    PlanPayload,
    ProcessingPayload,
    ProjectStructurePayload,
    SystemControlPayload,
    ToolCall,
    ToolRequestPayload,
    ToolResultPayload,
    WorkflowExecutionPayload,
)
from models.runs import OnCrash
from services.runs.context import RunContext

AT = "2026-11-20T09:30:00.000Z"
LATER = "2026-11-20T09:30:02.400Z"
AUTHOR = "assistant"
WORDS_PER_S = 40

ANSWER = """A client that comes back sends **the position it has** and gets what came after it, in order, once.

1. It joins with `after` and `epoch`; the server registers it as *buffering* first.
2. The journal is read after that position, in one read transaction.
3. What was buffered meanwhile is merged, doubles are dropped, and the client goes live **without an await**.

```python
async def join(room: Room, after: int) -> JoinAck:
    subscription = room.register(buffering=True)
    page = await journal.since(room.session_id, after)
    events = merged(page.events, subscription.buffered)
    subscription.go_live(at=page.head)
    return JoinAck(events=events, head=page.head, recovered=True)
```

| what happens to the client | what it gets |
|---|---|
| two seconds without network | the events it missed |
| the server was killed | the same: they were committed |
| away for a month | a snapshot, and a word that it is one |

> Nothing is shown that is not committed, so a crash loses nothing that anyone has seen.
"""


class Showcase:
    """Answers a question with "everything" in it with every kind, any other with one streamed answer."""

    on_crash: OnCrash = "resume"

    async def run(self, ctx: RunContext) -> None:
        asked = next(message for message in reversed(await ctx.history()) if message.role == "user")
        if "everything" in asked.content:
            for text, payload in tour():
                await ctx.emit(text, payload=payload, author=AUTHOR)
        async with ctx.stream(model="showcase", author=AUTHOR) as reply:
            for word in ANSWER.split(" "):
                await reply.write(word + " ")
                await asyncio.sleep(1 / WORDS_PER_S)


def tour() -> list[tuple[str, Payload | None]]:
    """Text and payload of one message of each kind but the streamed one."""
    return [
        ("", ProcessingPayload(stage="reading references", started_at=AT, finished_at=LATER, details={"files": 3})),
        ("", PlanPayload(items=_PLAN)),
        (_tree(), ProjectStructurePayload(root="hub", type="tree", content=_tree(), generated_at=AT)),
        ("", FileReferencePayload(path="hub/join.py", start_line=41, end_line=47, content=_SOURCE, read_at=AT)),
        ("", ImagePayload(source="base64", data=_picture(), mime_type="image/png", mode="vision", description=_CHART)),
        ("", ToolRequestPayload(calls=(_SEARCH, _EDIT))),
        ("", ToolResultPayload(call_id="c1", name="search_code", status="ok", output=_FOUND, duration_ms=38)),
        ("", ToolResultPayload(call_id="c2", name="edit_file", status="denied", error="not in a release week")),
        ("", McpToolRequestPayload(server="issues", calls=(_LIST,))),
        (
            "",
            McpToolResultPayload(
                server="issues", call_id="m1", name="list", status="ok", output=_ISSUES, duration_ms=210
            ),
        ),
        (
            "",
            McpResourcePayload(
                server="issues", uri="issue://214", mime_type="text/markdown", content=_ISSUE, retrieved_at=AT
            ),
        ),
        (
            "",
            WorkflowExecutionPayload(name="release", execution_id="w1", status="completed", steps=_STEPS),
        ),
        ("", SystemControlPayload(control="mode_switch", parameters={"mode": "act"})),
    ]


_PLAN = (
    PlanItem(id="1", text="Find out where a rejoin reads the journal", status="done"),
    PlanItem(id="2", text="Bound what one answer may hold", status="in_progress"),
    PlanItem(id="3", text="Test it with 200 clients that are cut at random", status="pending"),
    PlanItem(id="4", text="Ask every client to acknowledge", status="dropped"),
)
_SOURCE = """    subscription = self._rooms.register(client, buffering=True)
    try:
        page = await self._journal.since(session_id, after, limit=PAGE_EVENTS)
    except EventsGone:
        return await self._snapshot(subscription)
    return subscription.go_live(page)
"""
_FOUND = """hub/join.py:43: page = await self._journal.since(session_id, after, limit=PAGE_EVENTS)
hub/subscription.py:118: page = await self._journal.since(self.session_id, self.cursor)
services/journal.py:158: async def since(
"""
_SEARCH = ToolCall(
    call_id="c1", name="search_code", arguments={"query": "journal.since"}, risk="read_only", status="done"
)
_EDIT = ToolCall(
    call_id="c2",
    name="edit_file",
    arguments={
        "path": "hub/join.py",
        "old": "page = await self._journal.since(session_id, after)",
        "new": "page = await self._journal.since(session_id, after, limit=PAGE_EVENTS)",
    },
    risk="unsafe",
    status="denied",
    decided_by="local",
    decided_at=LATER,
)
_LIST = ToolCall(call_id="m1", name="list", arguments={"label": "recovery"}, risk="read_only", status="done")
_ISSUES = (
    '[{"number": 214, "title": "Rejoin answers 40 MB at once"}, {"number": 219, "title": "Epoch is not compared"}]'
)
_ISSUE = "# Rejoin answers 40 MB at once\n\nAfter a week away a client got **everything** in one frame.\n"
_CHART = "A line that falls from 40 MB to 256 KB after the limit."
_STEPS = (
    {"id": "checks", "kind": "tool", "status": "completed"},
    {"id": "notes", "kind": "prompt", "status": "completed"},
    {"id": "publish", "kind": "tool", "status": "completed"},
)


def _tree() -> str:
    return "hub/\n├── connection.py\n├── join.py\n├── outbox.py\n├── rooms.py\n└── transport.py\n"


def _picture() -> str:
    """A small PNG: a falling line on paper."""
    width, height = 240, 90
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            line = abs(y - (12 + 60 * min(1.0, x / width * 1.6) ** 2)) < 1.5
            rows += bytes((11, 106, 97) if line else (248, 248, 246))
    return base64.b64encode(_png(width, height, bytes(rows))).decode()


def _png(width: int, height: int, rows: bytes) -> bytes:
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((8, 2, 0, 0, 0))
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    body = b"".join(
        len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big") for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body
