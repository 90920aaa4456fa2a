"""MCP servers that speak the protocol by hand, because the SDK would not let them: of an older version, or unruly.

    python by_hand.py MANNER

MANNER is old, mute, deaf, nonsense, greeting, flood, endless_line, bad_schemas, endless_list, no_list or stubborn.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from typing import Any

manner = sys.argv[1]
tools: list[Any] = [{"name": "hello", "inputSchema": {"type": "object"}}]

if manner == "bad_schemas":
    deep: dict[str, Any] = {"type": "object"}
    for _ in range(60):
        deep = {"type": "object", "properties": {"x": deep}}
    tools += [
        {"name": "no_schema"},
        {"name": "text_schema", "inputSchema": "object"},
        {"name": "wrong_type", "inputSchema": {"type": "object", "properties": {"x": {"type": "strng"}}}},
        {"name": "array", "inputSchema": {"type": "array"}},
        {"name": "deep", "inputSchema": deep},
        {"name": "huge", "inputSchema": {"type": "object", "description": "x" * 70_000}},
        {"name": 7, "inputSchema": {"type": "object"}},
        "no object",
        {"name": "far_ref", "inputSchema": {"type": "object", "properties": {"x": {"$ref": "http://127.0.0.1:9/x"}}}},
        {"name": "lost_ref", "inputSchema": {"type": "object", "properties": {"x": {"$ref": "#/$defs/x"}}}},
        {"name": "odd_keys", "inputSchema": {"type": "object", "properties": {"a b": {"type": "string"}}}},
        {"name": "either", "inputSchema": {"type": "object", "oneOf": [{"required": ["x"]}]}},
        {"name": "untyped", "inputSchema": {}},
        {"name": "trap", "inputSchema": {"type": "object"}, "outputSchema": {"type": 5}},
    ]


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def answer(request: dict[str, Any]) -> dict[str, Any]:
    match request["method"]:
        case "initialize":
            capabilities = {"tools": {"listChanged": True}}
            return {
                "result": {
                    "protocolVersion": "2025-06-18",
                    "capabilities": capabilities,
                    "serverInfo": {"name": manner, "version": "1"},
                }
            }
        case "tools/list" if manner == "no_list":
            return {"result": {"tools": "none"}}
        case "tools/list" if manner == "endless_list":
            page = int((request.get("params") or {}).get("cursor", 0))
            names = [f"tool{page * 30 + number}" for number in range(30)]
            listed = [{"name": name, "inputSchema": {"type": "object"}} for name in names]
            return {"result": {"tools": listed, "nextCursor": str(page + 1)}}
        case "tools/list":
            return {"result": {"tools": tools}}
        case "tools/call" if request["params"]["name"] == "trap":
            return {"result": {"content": [], "structuredContent": {"x": 1}}}
        case "tools/call":
            tools.append({"name": "later", "inputSchema": {"type": "object"}})
            send({"method": "notifications/tools/list_changed"})
            return {"result": {"content": [{"type": "text", "text": "hello"}]}}
        case _:
            return {"error": {"code": -32601, "message": "Method not found"}}


if manner == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if manner == "greeting":
    print("Welcome to the server!\n\nIt is \x00 ready.", flush=True)
while manner == "nonsense":
    print("what is this?", flush=True)
while manner == "endless_line":
    sys.stdout.write("x" * 65_536)
if manner in ("mute", "deaf"):
    if manner == "mute":
        sys.stdin.read()
    time.sleep(600)

for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        send({"id": message["id"], **answer(message)})
    if manner == "flood" and message["method"] == "notifications/initialized":
        while True:
            send({"method": "notifications/message", "params": {"level": "info", "data": "x" * 200}})

if manner == "stubborn":
    time.sleep(600)
