"""The transport with the smallest possible hub on it: one room, `GET /emit` fills it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from aiohttp import web

sys.path.insert(0, str(Path(__file__).parents[3]))

from hub.socket.connection import Connection
from hub.socket.frames import event_frame
from hub.socket.transport import Ack, Transport


class Room:
    def admit(self, request: web.Request) -> None:
        pass

    async def on_connect(self, connection: Connection, auth: object) -> None:
        pass

    async def on_call(self, connection: Connection, name: str, args: list[object]) -> Ack:
        return Ack({})

    def on_disconnect(self, connection: Connection, reason: str) -> None:
        pass


async def emit(request: web.Request) -> web.Response:
    """One event after the other, with a turn of the loop in between; a slow subscription would not be fed."""
    text = "x" * int(request.query["size"])
    for _ in range(int(request.query["count"])):
        frame = event_frame("event", text)
        for connection in transport.connections.values():
            if not connection.outbox.over_high_water:
                connection.send(frame)
        await asyncio.sleep(0)
    return web.Response(text="ok")


# No pings while measuring: the swarm counts bytes.
transport = Transport(Room(), ping_interval_s=3600)
app = web.Application()
app.router.add_get("/emit", emit)
transport.attach(app)
if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None, handler_cancellation=False)
