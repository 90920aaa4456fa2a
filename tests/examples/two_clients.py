"""Two clients on one session: what one of them says, both see, word by word.

python tests/examples/two_clients.py                          starts a server of its own for as long as it runs
python tests/examples/two_clients.py http://127.0.0.1:8765    uses a running one (`make serve`)
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from hub.client import HubClient
from hub.client.wire import SessionEvent


async def main(url: str) -> None:
    # A session is made by REST; everything live goes through the hub.
    async with aiohttp.ClientSession() as http, http.post(f"{url}/api/sessions", json={"title": "Two clients"}) as made:
        session_id = (await made.json())["id"]

    async with HubClient(url) as ada, HubClient(url) as bob:
        # `open` joins the session and stays joined: after a lost connection the client comes back by itself and gets
        # what it missed. The view is the session as this client sees it: `snapshot` is kept up to date by events,
        # and `session`, `messages`, `state`, `approvals` and `runs` read it.
        hers = await ada.open(session_id)
        his = await bob.open(session_id)

        # Called for every event, in order and without gaps.
        his.on_event = lambda event: show("bob", event)

        # Returns once the message is stored. The agent's answer comes as events, to everybody in the session.
        await ada.send_message(session_id, "Hello! What is this?")

        # `settled` waits until nothing runs in the session any more.
        await hers.settled(timeout_s=60)
        await his.settled(timeout_s=60)

    # Both folded the same events, so both have the same transcript.
    assert hers.messages == his.messages
    print(f"ada and bob agree on {len(hers.messages)} messages; the last one has {len(hers.text())} letters")


def show(who: str, event: SessionEvent) -> None:
    match event["type"]:
        case "message.created":
            print(f"{who} sees a message by {event['data']['message']['author']}")
        case "message.delta":
            print(f"{who} reads: {event['data']['delta']!r}")
        case "run.finished":
            print(f"{who} sees the run end: {event['data']['run']['state']}")


@asynccontextmanager
async def own_server() -> AsyncIterator[str]:
    """`parley serve` on a free port, with a data folder that is thrown away afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "web.terminal.cli", "serve", "--port", "0", "--data", folder]
        options = ["--demo-words-per-s", "100", "--log-level", "warning"]
        server = await asyncio.create_subprocess_exec(*command, *options, stdout=asyncio.subprocess.PIPE)
        assert server.stdout is not None
        try:
            # "Parley listens on http://127.0.0.1:43210 (pid …, data …, workspace …)"
            yield (await server.stdout.readline()).decode().split()[3]
        finally:
            server.terminate()
            await server.wait()


async def start() -> None:
    if len(sys.argv) > 1:
        await main(sys.argv[1].rstrip("/"))
        return
    async with own_server() as url:
        await main(url)


if __name__ == "__main__":
    asyncio.run(start())
