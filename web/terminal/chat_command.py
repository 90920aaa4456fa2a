"""`parley chat`: a session in the terminal, over the hub. Streams, reconnects, shows what is going on."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import threading

from hub.client import CallError, HubClient, SessionView
from hub.client.connection import ConnectionState
from hub.client.wire import Json, Sent, SessionEvent
from services.llm.demo import DEMO
from services.operating import logs
from web.loading import port_to_ask
from web.terminal.screen import Screen

FAILED, WAITS_FOR_APPROVAL = 1, 3
REFUSED_FOR_S, ARRIVE_WITHIN_S = 5.0, 30.0
"""How long to knock at the start where connections are refused, and how long in all where they only take their time.
Later the client tries for ever."""
HELP = (
    "/stop ends the run · /allow, /allow! (for the session), /deny [reason] answer what waits · "
    "/new begins a session · /sessions lists them · /open N opens one · /quit leaves"
)
STATES: dict[ConnectionState, str] = {
    "connecting": "connecting …",
    "connected": "connected",
    "reconnecting": "connection lost, reconnecting …",
    "closed": "closed",
}


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--url", help="Where the hub is. Default: this machine, on the port of PARLEY_PORT or parley.toml, else 8765"
    )
    parser.add_argument(
        "--session",
        metavar="ID|last|URL",
        help="The session to join, also as the address of its page (which then stands for --url too); "
        "without it a new one.",
    )
    parser.add_argument("--once", metavar="TEXT", help="Send one message, print the reply, leave.")
    parser.epilog = (
        f"PARLEY_TOKEN is sent when it is set. While chatting: {HELP}. --once ends with the code "
        f"{WAITS_FOR_APPROVAL} when an approval or a question waits, "
        f"and with {FAILED} when the run failed or was stopped."
    )


def run(parsed: argparse.Namespace) -> int:
    # The transcript goes to stdout; what the client has to say about itself doesn't belong there.
    logs.configure("warning")
    try:
        page, session = _page_and_session(parsed.session)
        url = parsed.url or page or f"http://127.0.0.1:{port_to_ask()}"
        return asyncio.run(_chat(url, session, parsed.once))
    except KeyboardInterrupt:
        return 0


def _page_and_session(asked: str | None) -> tuple[str | None, str | None]:
    """People copy what they see: the address of a session's page is https://HOST/#ID."""
    if asked is None or "#" not in asked:
        return None, asked
    page, _, session_id = asked.partition("#")
    return page.rstrip("/") or None, session_id or None


class TerminalChat:
    """One user at one terminal."""

    def __init__(self, hub: HubClient, screen: Screen) -> None:
        self._hub = hub
        self._screen = screen
        self._view: SessionView | None = None
        self._listed: list[Json] = []
        self._ends: dict[str, str] = {}

    async def open(self, session_id: str | None) -> SessionView:
        """`last` is the session that changed last. Raises CallError, TimeoutError."""
        if session_id is None or (session_id == "last" and not await self._sessions()):
            session_id = (await self._hub.post("/api/sessions", {}))["id"]
        elif session_id == "last":
            session_id = max(self._listed, key=lambda session: session["updatedAtUtc"])["id"]
        if self._view is not None:
            await self._hub.leave(self._view.session_id)
        view = await self._hub.open(session_id)
        self._view = view
        view.on_event = self._event
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
                case "/allow" | "/allow!":
                    await self._allow("session" if command == "/allow!" else "once")
                case "/deny":
                    await self._deny(argument.strip())
                case "/help" | "/?":
                    self._screen.note(HELP)
                    if command == "/help" and self._is_demo:
                        await self.say(line)
                case _ if command.startswith("/") and not self._is_demo:
                    self._screen.note("unknown command, /help")
                case _:
                    await self.say(line)
        except (CallError, TimeoutError) as error:
            self._screen.note(f"that did not work: {error}")
        return True

    async def say(self, text: str) -> Sent | None:
        """The ack. A message that is sent while a question waits is its answer."""
        if self._view is None or not text.strip():
            return None
        return await self._hub.send_message(self._view.session_id, text)

    async def once(self, text: str) -> int:
        """Sends, waits for the reply, and returns the exit code: nobody is there to answer an approval."""
        view = self._view
        # A question is answered by the message itself.
        answered = {each["id"] for each in self._waiting() if each["kind"] != "tool"}
        ack = await self.say(text)
        if view is None or ack is None:
            return FAILED

        def waiting() -> bool:
            return any(each["id"] not in answered for each in self._waiting())

        await view.until(lambda _: waiting() or self._is_over(view, ack), 3600)
        if not waiting():
            return 0 if self._end_of(view, ack) == "completed" else FAILED
        _complain(f"an approval waits; answer it with parley chat --session {view.session_id}")
        return WAITS_FOR_APPROVAL

    def _is_over(self, view: SessionView, ack: Sent) -> bool:
        """Whether the run of a message has ended: its events tell, or a snapshot that is later than the message."""
        return ack["runId"] in self._ends or (view.folded_from >= ack["seq"] and view.session_state != "RUNNING")

    def _end_of(self, view: SessionView, ack: Sent) -> str:
        return self._ends.get(ack["runId"] or "", (view.session_state or "").lower())

    def _event(self, event: SessionEvent) -> None:
        self._screen.event(event)
        snapshot = self._view.snapshot if self._view is not None else None
        if event["type"] == "run.finished":
            self._ends[event["data"]["run"]["id"]] = event["data"]["run"]["state"]
        elif snapshot is None:
            return
        elif event["type"] == "run.queued" and snapshot["run"] is not None:
            self._screen.note(f"queued ({len(snapshot['queue'])})")
        elif event["type"] == "approval.resolved" and snapshot["approvals"]:
            self._screen.asked(snapshot["approvals"][0])

    def _waiting(self) -> list[Json]:
        """What the user is asked; commands answer the first of it."""
        snapshot = self._view.snapshot if self._view is not None else None
        return list(snapshot["approvals"]) if snapshot is not None else []

    @property
    def _is_demo(self) -> bool:
        """The demo has commands of its own; a model would take a mistyped one for a question."""
        snapshot = self._view.snapshot if self._view is not None else None
        return snapshot is not None and snapshot["model"] == DEMO.name

    async def _allow(self, scope: str) -> None:
        match self._waiting():
            case []:
                self._screen.note("nothing waits for your approval")
            case [{"kind": "tool", "grantable": False}, *_] if scope == "session":
                self._screen.note("this is asked each time: /allow allows it once")
            case [{"kind": "tool"} as approval, *_]:
                await self._resolve(approval, {"decision": "approve", "scope": scope})
            case _:
                self._screen.note("this is a question: write your answer")

    async def _deny(self, reason: str) -> None:
        waiting = self._waiting()
        if not waiting:
            self._screen.note("nothing waits for your approval")
            return
        await self._resolve(waiting[0], {"decision": "deny", **({"reason": reason} if reason else {})})

    async def _resolve(self, approval: Json, answer: Json) -> None:
        asked = {"sessionId": approval["sessionId"], "approvalId": approval["id"]}
        await self._hub.call("resolve_approval", {**asked, **answer})

    async def _stop(self) -> None:
        if self._view is not None:
            answer = await self._hub.cancel_run(self._view.session_id)
            if not answer["cancelled"]:
                self._screen.note("nothing runs")

    async def _sessions(self) -> list[Json]:
        self._listed = (await self._hub.call("watch_sessions"))["sessions"]
        await self._hub.call("unwatch_sessions")
        return self._listed

    async def _list(self) -> None:
        for number, session in enumerate(await self._sessions(), start=1):
            self._screen.note(f"{number}. {session['title'] or 'New session'} ({session['state'].lower()})")

    async def _open_listed(self, argument: str) -> None:
        if argument.isdigit() and 1 <= int(argument) <= len(self._listed):
            await self.open(self._listed[int(argument) - 1]["id"])
        else:
            self._screen.note("/open takes a number of the list that /sessions shows")


async def _chat(url: str, session_id: str | None, once: str | None) -> int:
    screen = Screen()
    arrived = asyncio.Event()

    def on_state(state: ConnectionState) -> None:
        # Before the first connection there is none that could be lost.
        if once is None and (arrived.is_set() or state == "connected"):
            screen.note(STATES[state])
        if state in ("connected", "closed"):
            arrived.set()

    async with HubClient(url, token=os.environ.get("PARLEY_TOKEN"), on_state=on_state) as hub:
        if not await _answers(hub, arrived):
            _complain(f"nobody answers at {url}; is 'make serve' running? Another address: --url")
            return FAILED
        chat = TerminalChat(hub, screen)
        try:
            await chat.open(session_id)
        except (CallError, TimeoutError) as error:
            _complain(f"can't open a session at {url}: {error or 'no answer'}")
            return FAILED
        if once is not None:
            return await _only_once(chat, once)
        screen.note(HELP)
        return await _talk(chat)


async def _answers(hub: HubClient, arrived: asyncio.Event) -> bool:
    """Whether a server is there. One that refuses us is: what it says comes with the first call."""
    for patience_s in (REFUSED_FOR_S, ARRIVE_WITHIN_S - REFUSED_FOR_S):
        try:
            async with asyncio.timeout(patience_s):
                await arrived.wait()
        except TimeoutError:
            if hub.state != "connecting":
                return False
        else:
            return True
    return False


async def _only_once(chat: TerminalChat, text: str) -> int:
    try:
        return await chat.once(text)
    except (CallError, TimeoutError) as error:
        _complain(f"that did not work: {error or 'no answer'}")
        return FAILED


async def _talk(chat: TerminalChat) -> int:
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


def _complain(text: str) -> None:
    print(f"parley: {text}", file=sys.stderr, flush=True)
