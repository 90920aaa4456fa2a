"""Stock python-socketio: clients enter one room, `GET /emit` emits to it."""

from __future__ import annotations

import asyncio
import sys

import socketio
from aiohttp import web

server = socketio.AsyncServer(async_mode="aiohttp", ping_interval=3600)


async def connect(sid: str, environ: dict[str, object], auth: object) -> None:
    await server.enter_room(sid, "room")


async def emit(request: web.Request) -> web.Response:
    text = "x" * int(request.query["size"])
    for _ in range(int(request.query["count"])):
        await server.emit("event", text, room="room")
        await asyncio.sleep(0)
    return web.Response(text="ok")


server.on("connect", connect)
app = web.Application()
app.router.add_get("/emit", emit)
server.attach(app)
if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
