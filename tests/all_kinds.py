"""One message of each kind, with content as it occurs in earnest. Never hostile: that is another file's business."""

from __future__ import annotations

from told_history import Told

from models.messages import DisplayHint, Metadata
from models.payloads import (
    FileReferencePayload,
    ImagePayload,
    McpResourcePayload,
    McpToolRequestPayload,
    McpToolResultPayload,
    PlanItem,
    PlanPayload,
    ProcessingPayload,
    ProjectStructurePayload,
    StreamingResponsePayload,
    SystemControlPayload,
    ToolCall,
    ToolRequestPayload,
    ToolResultPayload,
    WorkflowExecutionPayload,
)
from models.usage import Usage

AT = "2026-11-20T09:15:00.000Z"
LATER = "2026-11-20T09:15:02.400Z"

# A small picture: 8 by 8 pixels.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFklEQVR4nGNgSPuPFTEMjAR2RLIEWYYDAGhYXiFcBAmXAAAAAElFTkSuQmCC"

MARKDOWN = """\
Each connection has **one outbox**, which is what keeps a slow reader from costing anyone else. In short:

1. Encode the event once.
2. Offer it to every subscription of the room:
   - live ones take it at once,
   - those that lag keep their *cursor* and read the journal later.
3. Abort what took nothing for ~~30~~ 10 s.

```python
async def publish(self, event: Event) -> None:
    frame = encode(event)  # once, however many listen
    for subscription in self._rooms[event.session_id]:
        subscription.offer(event.seq, frame)
```

| Round | Deliveries per CPU-second | p99 |
|:------|--------------------------:|:---:|
| stock | 20,112 | 840 ms |
| encode once | 58,730 | 210 ms |
| direct write | **171,904** | 34 ms |

- [x] bounded memory
- [ ] the same under HTTP/3

> A reader that lags costs a cursor, not a queue.

See `hub/outbox.py` and [the protocol](https://example.org/parley/protocol), or write to <mailto:hub@example.org>.

### What is left
Polling clients go the stock way.
"""

TREE = """\
parley
├── hub
│   ├── outbox.py
│   └── rooms.py
├── models
├── services
│   ├── engine
│   └── tools
└── web
    ├── client
    └── ui
"""

HITS = """\
hub/rooms.py:41: class Rooms:
hub/rooms.py:77:     def publish(self, event: Event) -> None:
hub/outbox.py:18: class Outbox:
[3 matches in 2 files]"""

CHANGED = "Changed hub/outbox.py:18"

TICKETS = '{"tickets":[{"id":4711,"title":"A slow tab delays the others","open":false}]}'


def told_kinds() -> list[Told]:
    return [
        Told("How does the hub keep a slow reader from delaying the others?\nPlease look at the code.", role="user"),
        Told("", _plan()),
        Told("", _calls()),
        Told(HITS, ToolResultPayload(call_id="c1", name="search", status="ok", output=HITS, duration_ms=184)),
        Told(CHANGED, ToolResultPayload(call_id="c2", name="edit_file", status="ok", output=CHANGED)),
        Told("..F.", _failed()),
        Told(MARKDOWN, _reply()),
        Told("hub/outbox.py", _file(), role="user"),
        Told("", FileReferencePayload(path="hub/gone.py", error="There is no file “hub/gone.py”"), role="user"),
        Told("", _structure()),
        Told("a chart", _picture(), role="user"),
        Told("", ImagePayload(source="url", data="https://example.org/chart.png", mime_type="image/png"), role="user"),
        Told("", McpToolRequestPayload(server="tickets", calls=(_mcp_call(),))),
        Told(TICKETS, _mcp_result()),
        Told("", _resource()),
        Told("", _workflow()),
        Told("", SystemControlPayload(control="mode_switch", parameters={"mode": "plan"}), role="system"),
        Told("", SystemControlPayload(control="merge", parameters={"source": "try-two", "count": 3}), role="system"),
        Told("Both ways work; the *second* is simpler.", _summary(), role="system"),
        Told("", ProcessingPayload(stage="Reading the pictures", started_at=AT, finished_at=LATER), role="system"),
        Told("", ProcessingPayload(stage="Compacting", started_at=AT, details={"messages": 412}), role="system"),
        Told("The log of the whole build, 4,000 lines.", metadata=_hint()),
        Told("I would begin with the", _reply(), status="interrupted"),
        Told("And then", _reply(finish="error: the provider closed the stream"), status="error"),
        Told("That is eno", _reply(), status="cancelled"),
    ]


def _plan() -> PlanPayload:
    states = ("done", "in_progress", "pending", "dropped")
    texts = ("Find where events are fanned out", "Read `hub/outbox.py`", "Explain the bounds", "Benchmark it again")
    items = [PlanItem(id=str(at), text=text, status=states[at]) for at, text in enumerate(texts)]
    return PlanPayload(items=tuple(items))


def _calls() -> ToolRequestPayload:
    edit = {"path": "hub/outbox.py", "old": "LIMIT = 1\nname = 'a'", "new": "LIMIT = 262_144\nname = 'a'\nkind = 'b'"}
    return ToolRequestPayload(
        calls=(
            ToolCall(call_id="c1", name="search", arguments={"query": "class Outbox"}, risk="read_only", status="done"),
            ToolCall(call_id="c2", name="edit_file", arguments=edit, risk="unsafe", status="done", decided_by="local"),
            ToolCall(call_id="c3", name="run_command", arguments={"command": "pytest -q"}, status="done"),
            ToolCall(call_id="c4", name="read_file", arguments={"path": "a.py", "line": 3}, status="executing"),
        )
    )


def _failed() -> ToolResultPayload:
    error = "It took longer than 60 s and was stopped"
    return ToolResultPayload(
        call_id="c3", name="run_command", status="timeout", output="..F.", error=error, duration_ms=60_012
    )


def _reply(finish: str = "stop") -> StreamingResponsePayload:
    usage = Usage(input_tokens=2_310, output_tokens=412, estimated=False)
    return StreamingResponsePayload(
        model="claude-sonnet-4", finish_reason=finish, usage=usage, chunks_count=96, total_duration_ms=8_420
    )


def _file() -> FileReferencePayload:
    content = "class Outbox:\n    def offer(self, frame: bytes) -> None:\n        self._bytes += len(frame)\n"
    return FileReferencePayload(path="hub/outbox.py", start_line=18, end_line=20, content=content, read_at=AT, cut=True)


def _structure() -> ProjectStructurePayload:
    return ProjectStructurePayload(
        root="parley", type="tree", content=TREE, excluded=("node_modules", "dist"), generated_at=AT
    )


def _picture() -> ImagePayload:
    return ImagePayload(
        source="base64", data=PNG, mime_type="image/png", ocr_text="p99 34 ms", description="A chart of latencies"
    )


def _mcp_call() -> ToolCall:
    return ToolCall(call_id="m1", name="find_ticket", arguments={"query": "slow"}, risk="idempotent", status="done")


def _mcp_result() -> McpToolResultPayload:
    return McpToolResultPayload(
        server="tickets", call_id="m1", name="find_ticket", status="ok", output=TICKETS, duration_ms=1_310, handle="m1"
    )


def _resource() -> McpResourcePayload:
    return McpResourcePayload(
        server="tickets", uri="ticket://4711", mime_type="text/plain", content="A slow tab…", retrieved_at=AT
    )


def _workflow() -> WorkflowExecutionPayload:
    steps = (
        {"id": "read", "kind": "tool", "tool": "read_file", "status": "done", "output": "120 lines", "attempts": 1},
        {"id": "both", "kind": "parallel", "status": "running"},
        {"id": "lint", "kind": "tool", "group": "both", "tool": "run_command", "status": "running", "attempts": 2},
        {
            "id": "types",
            "kind": "tool",
            "group": "both",
            "tool": "run_command",
            "status": "failed",
            "error": "3 errors",
        },
        {"id": "sum up", "kind": "prompt", "status": "pending"},
    )
    return WorkflowExecutionPayload(name="review", execution_id="e1", status="running", steps=steps, current_step=2)


def _summary() -> SystemControlPayload:
    return SystemControlPayload(control="summary", parameters={"source": "try-two"})


def _hint() -> Metadata:
    return Metadata(display_hint=DisplayHint(summary="Build log", collapsed=True, icon="terminal"))
