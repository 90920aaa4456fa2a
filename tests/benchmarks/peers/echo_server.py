"""A bare Socket.IO echo with the same calls as the hub: stock python-socketio, no storage. A join gets as
many events as it says that it `missed`, each emitted as a stock server emits."""

from __future__ import annotations

import sys
from typing import Any

import socketio
from aiohttp import web

EVENT = {"sessionId": "x" * 36, "epoch": "x" * 36, "type": "message.delta", "at": "2026-11-20T09:00:00.000Z"}

sio = socketio.AsyncServer(async_mode="aiohttp", ping_interval=3600)


@sio.event  # type: ignore[untyped-decorator]  # socketio is untyped
async def join_session(sid: str, data: dict[str, Any]) -> dict[str, Any]:
    await sio.enter_room(sid, data["sessionId"])
    delta = {"messageId": "x" * 36, "sequence": 1, "delta": "word and word "}
    for seq in range(data.get("missed", 0)):
        await sio.emit("event", {**EVENT, "seq": seq, "data": delta}, to=sid)
    return {"ok": True, "events": []}


@sio.event  # type: ignore[untyped-decorator]
async def send_message(sid: str, data: dict[str, Any]) -> dict[str, Any]:
    message = {**EVENT, "data": {"message": {"content": data["content"]}}}
    await sio.emit("event", message, room=data["sessionId"], skip_sid=sid)
    return {"ok": True}


app = web.Application()
sio.attach(app)
if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
