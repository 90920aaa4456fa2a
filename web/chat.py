"""`parley chat`: a session in the terminal, over the hub. Streams, reconnects, shows what is going on."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from hub.client import CallFailed, ClientError, HubClient, State
from hub.session_view import SessionView

Json = dict[str, Any]
FAILED = 1
HELP = "/stop ends the run · /new begins a session · /sessions lists them · /open N opens one · /quit leaves"
STATES: dict[State, str] = {
    "connecting": "connecting …",
    "connected": "connected",
    "reconnecting": "connection lost, reconnecting …",
    "closed": "closed",
}


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", default="http://127.0.0.1:8765", help="Where the hub is. Default: %(default)s")
    parser.add_argument("--session", help="The session to join; without it a new one.")
    parser.add_argument("--once", metavar="TEXT", help="Send one message, print the reply, leave.")
    parser.epilog = f"PARLEY_TOKEN is sent when it is set. While chatting: {HELP}."


def run(parsed: argparse.Namespace) -> int:
    try:
        return asyncio.run(_chat(parsed.url, parsed.session, parsed.once))
    except KeyboardInterrupt:
        return 0


class Screen:
    """Prints a session as it goes. What streams is written piece by piece, everything else in whole lines."""

    def __init__(self, write: Callable[[str], object] | None = None) -> None:
        self._write = write or _to_stdout
        self._streaming: str | None = None

    def note(self, text: str) -> None:
        self._end_line()
        self._write(f"· {text}\n")

    def transcript(self, snapshot: Json) -> None:
        for message in snapshot["messages"]:
            self._message(message)

    def event(self, event: Json) -> None:
        data = event["data"]
        match event["type"]:
            case "message.created":
                self._message(data["message"])
            case "message.delta":
                self._stream(data["messageId"], data["delta"])
            case "message.completed":
                self._completed(data["message"])
            case "context.state_changed" if data["state"]["name"] == "awaiting_llm":
                self.note("waiting for the model …")
            case "run.finished" if data["run"]["state"] != "completed":
                self.note(f"run {data['run']['state']}: {data['run']['reason']}")
            case _:
                pass

    def _message(self, message: Json) -> None:
        self._end_line()
        if message["status"] == "streaming":
            self._streaming = message["id"]
            self._write(f"{message['author']}: {message['content']}")
        else:
            self._write(f"{message['author']}: {message['content']}\n")

    def _stream(self, message_id: str, delta: str) -> None:
        self._streaming = message_id
        self._write(delta)

    def _completed(self, message: Json) -> None:
        self._end_line()
        if message["status"] != "complete":
            self.note(f"this reply is {message['status']}")

    def _end_line(self) -> None:
        if self._streaming is not None:
            self._streaming = None
            self._write("\n")


class Chat:
    """One user at one terminal."""

    def __init__(self, hub: HubClient, screen: Screen) -> None:
        self._hub = hub
        self._screen = screen
        self._view: SessionView | None = None
        self._listed: list[Json] = []

    async def open(self, session_id: str | None) -> SessionView:
        """Raises CallFailed for an unknown session."""
        if session_id is None:
            session_id = (await self._hub.post("/api/sessions", {}))["id"]
        if self._view is not None:
            await self._hub.leave(self._view.session_id)
        view = await self._hub.open(session_id)
        self._view = view
        view.on_event = self._screen.event
        self._screen.note(f"session {session_id}")
        if view.snapshot is not None:
            self._screen.transcript(view.snapshot)
        return view

    async def obey(self, line: str) -> bool:
        """Carries out one line; False when the user wants to leave."""
        command, _, argument = line.partition(" ")
        try:
            match command:
                case "/quit":
                    return False
                case "/stop":
                    await self._stop()
                case "/new":
                    await self.open(None)
                case "/sessions":
                    await self._list()
                case "/open":
                    await self._open_listed(argument)
                case "/help" | "/?":
                    self._screen.note(HELP)
                case _:
                    await self.say(line)
        except (ClientError, TimeoutError) as error:
            self._screen.note(f"that did not work: {error}")
        return True

    async def say(self, text: str) -> None:
        if self._view is not None and text.strip():
            await self._hub.send_message(self._view.session_id, text)

    async def _stop(self) -> None:
        if self._view is not None:
            answer = await self._hub.cancel_run(self._view.session_id)
            if not answer["cancelled"]:
                self._screen.note("nothing runs")

    async def _list(self) -> None:
        self._listed = (await self._hub.call("watch_sessions"))["sessions"]
        await self._hub.call("unwatch_sessions")
        for number, session in enumerate(self._listed, start=1):
            self._screen.note(f"{number}. {session['title'] or 'New session'} ({session['state'].lower()})")

    async def _open_listed(self, argument: str) -> None:
        if argument.isdigit() and 1 <= int(argument) <= len(self._listed):
            await self.open(self._listed[int(argument) - 1]["id"])
        else:
            self._screen.note("/open takes a number of the list that /sessions shows")


async def _chat(url: str, session_id: str | None, once: str | None) -> int:
    screen = Screen()

    def on_state(state: State) -> None:
        if once is None:
            screen.note(STATES[state])

    async with HubClient(url, token=os.environ.get("PARLEY_TOKEN"), on_state=on_state) as hub:
        chat = Chat(hub, screen)
        try:
            view = await chat.open(session_id)
        except (CallFailed, TimeoutError) as error:
            screen.note(f"can't open a session at {url}: {error or 'no answer'}")
            return FAILED
        if once is not None:
            await chat.say(once)
            await view.until(lambda _: view.session_state == "RUNNING", 60)
            await view.settled(timeout_s=3600)
            return 0
        screen.note(HELP)
        return await _talk(chat)


async def _talk(chat: Chat) -> int:
    lines = _lines()
    while (line := await lines.get()) is not None:
        if not await chat.obey(line):
            break
    return 0


def _lines() -> asyncio.Queue[str | None]:
    """The lines of standard input, then None. A daemon thread reads: a read of a terminal can't be cancelled."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1000)

    def read() -> None:
        try:
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line.rstrip("\n"))
            loop.call_soon_threadsafe(lines.put_nowait, None)
        except RuntimeError:  # the loop is closed: nobody listens
            return

    threading.Thread(target=read, name="parley-stdin", daemon=True).start()
    return lines


def _to_stdout(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
