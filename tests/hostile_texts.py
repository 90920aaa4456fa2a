"""Texts that want to run, to mislead or to freeze a page, and messages of every kind that are made of them."""

from __future__ import annotations

from told_history import Told

from models.messages import DisplayHint, Metadata
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
    StreamingResponsePayload,
    SystemControlPayload,
    TextPayload,
    ToolCall,
    ToolRequestPayload,
    ToolResultPayload,
    WorkflowExecutionPayload,
)

AT = "2026-11-20T09:15:00.000Z"
RUN = "window.__hacked=(window.__hacked||0)+1"

EVIL = "\n\n".join(
    [
        f"<script>{RUN}</script>",
        f'<img src=x onerror="{RUN}"><svg onload="{RUN}"></svg><iframe src="javascript:{RUN}"></iframe>',
        f"[one](javascript:{RUN}) [two](JaVaScRiPt:{RUN}) [three](java\tscript:{RUN}) [four](&#106;avascript:{RUN})",
        f"[data](data:text/html,<script>{RUN}</script>) [file](file:///etc/passwd) [relative](/api/me) [blob](blob:x)",
        f"<javascript:{RUN}> [ref][a] ![picture](http://foreign.invalid/pixel.png) ![js](javascript:{RUN})",
        f"[a]: javascript:{RUN}",
        "<style>*{display:none}</style><base href=//foreign.invalid><link rel=stylesheet href=//foreign.invalid/a.css>",
        "<form action=//foreign.invalid><button>Go</button></form>",
        "<meta http-equiv=refresh content='0;//foreign.invalid'>",
        "\u202egnp.exe\u202c \u2066hidden\u2069 a\u200bb \x1b[31mred \u0301\u0302" + "\u0334" * 200,
        "{{constructor.constructor('" + RUN + "')()}} ${" + RUN + "} `" + RUN + "`",
    ]
)
LINE = EVIL.replace("\n\n", " ")

DEEP = 10_000


def heavy_texts() -> dict[str, str]:
    """Each alone is meant to keep a careless page busy for seconds."""
    return {
        "a megabyte of Markdown": "## Head\n\nSome *words* and `code`, [a link](https://example.org).\n\n" * 15_000,
        "a hundred kilobytes in one line": "x" * 100_000,
        "a hundred kilobytes of emphasis in one line": "*a _b " * 17_000,
        "nested quotes": ">" * DEEP + " deep",
        "nested quotes in lines": "\n".join(">" * depth + " a" for depth in range(1, 200)),
        "nested lists": "\n".join("  " * depth + "- a" for depth in range(150)),
        "nested brackets": "[" * DEEP + "a" + "](b)" * DEEP,
        "nested emphasis": "*" * DEEP + "a" + "*" * DEEP,
        "backticks": "`" * DEEP + "a" + "``" * DEEP,
        "a table of ten thousand columns": "|a" * DEEP + "|\n" + "|-" * DEEP + "|\n" + "|b" * DEEP + "|\n",
        "a broken table": "|a|b|\n|-|\n|c|\n" * 2_000,
        "a table of ten thousand rows": "|a|b|\n|-|-|\n" + "|c|d|\n" * DEEP,
        "ten thousand paragraphs": "a\n\n" * DEEP,
        "ten thousand items": "- a\n" * DEEP,
        "ten thousand headings": "# a\n" * DEEP,
        "ten thousand fences": "```\na\n```\n" * DEEP,
        "code without an end": "```ts\n" + "const a = [1, 'b', `c`]; // d\n" * 20_000,
        "zalgo": ("a" + "\u0334\u0335\u0336\u0337\u0338" * 12) * 1_500,
        "turned around": "\u202e\u2067" * 5_000 + "txt.exe",
        "entities": "&amp;&#x41;&lt;" * 7_000,
        "autolinks": "http://a.b www.c.d e@f.g " * 4_000,
        "HTML": "<div><b>" * 12_000,
    }


def evil_kinds() -> dict[str, Told]:
    """Every kind, with such texts in every field that takes text."""
    return {payload.kind: Told(EVIL, payload, metadata=_metadata(), author=LINE[:80]) for payload in _payloads()}


def _metadata() -> Metadata:
    return Metadata(display_hint=DisplayHint(summary=LINE, icon="__proto__"), extra={"__proto__": LINE})


def _payloads() -> list[Payload]:
    calls = (_call("h1", "done"), _call("h2", "executing"))
    raw = ToolCall(call_id="h3", name="constructor", raw_arguments=EVIL, status="denied", decided_by=LINE)
    step = {"id": LINE, "kind": "tool", "tool": LINE, "status": LINE, "output": EVIL, "error": EVIL, "attempts": 3}
    return [
        TextPayload(text=EVIL),
        StreamingResponsePayload(model=LINE, finish_reason=EVIL),
        PlanPayload(items=(PlanItem(id="1", text=EVIL, status="done"),)),
        ImagePayload(source="url", data=f"javascript:{RUN}", mime_type="image/png", ocr_text=EVIL, error=EVIL),
        FileReferencePayload(path=LINE, start_line=1, end_line=2, content=EVIL, error=EVIL, read_at=AT),
        ProjectStructurePayload(root=LINE, type="tree", content=EVIL, excluded=(LINE,), generated_at=AT),
        ToolRequestPayload(calls=(*calls, raw)),
        ToolResultPayload(call_id="lone", name=LINE, status="error", output=EVIL, error=EVIL, handle=LINE),
        McpToolRequestPayload(server=LINE, calls=(_call("m1", "done"),)),
        McpToolResultPayload(server=LINE, call_id="none", name=LINE, status="ok", output=EVIL),
        McpResourcePayload(server=LINE, uri=f"javascript:{RUN}", mime_type="text/html", content=EVIL, retrieved_at=AT),
        WorkflowExecutionPayload(name=LINE, execution_id="e", status="failed", steps=(step,), result=EVIL, error=EVIL),
        SystemControlPayload(control="summary", parameters={"source": LINE}),
        ProcessingPayload(stage=LINE, started_at=AT, finished_at=AT, details={LINE: EVIL}),
    ]


def _call(call_id: str, status: str) -> ToolCall:
    arguments = {LINE: EVIL, "path": LINE, "old": EVIL, "new": LINE, "deep": {"a": [EVIL, {"b": LINE}]}}
    return ToolCall.model_validate({"callId": call_id, "name": LINE, "arguments": arguments, "status": status})


def evil_pictures() -> list[Told]:
    """What calls itself a picture and is none, or is one that holds a script."""
    svg = "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIG9ubG9hZD0icGFyZW50Ll9faGFja2VkPTEiPjwvc3ZnPg=="
    html = "PHNjcmlwdD5wYXJlbnQuX19oYWNrZWQ9MTwvc2NyaXB0Pg=="
    return [
        Told("", ImagePayload(source="base64", data=svg, mime_type="image/svg+xml")),
        Told("", ImagePayload(source="base64", data=html, mime_type="text/html")),
        Told("", ImagePayload(source="base64", data='"><script>', mime_type="image/png")),
        Told("", ImagePayload(source="file", data="../../etc/passwd", mime_type="image/png", embedded=html)),
        Told("", ImagePayload(source="url", data="http://foreign.invalid/pixel.png", mime_type="image/png")),
    ]
