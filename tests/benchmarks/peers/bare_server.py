"""A bare aiohttp WebSocket server without compression: the floor for memory. It only says `0{}` and `40{}`."""

from __future__ import annotations

import sys

from aiohttp import web


async def serve(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse(compress=False)
    await ws.prepare(request)
    await ws.send_str("0{}")
    async for message in ws:
        if message.data == "40":
            await ws.send_str("40{}")
    return ws


app = web.Application()
app.router.add_get("/socket.io/", serve)
if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
