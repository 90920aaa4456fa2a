"""`parley chat` against a real server: what the terminal shows, what its commands do, and how it ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from agents_for_tests import Says
from patience import HANG_S
from rest_client import Rest

from hub.client import HubClient
from hub.client.wire import SessionEvent
from services.runs.context import RunContext
from web.loading import port_to_ask
from web.terminal import chat_command as chat
from web.terminal.chat_command import TerminalChat
from web.terminal.screen import Screen

Json = dict[str, Any]
Serve = Callable[..., Awaitable[Rest]]
DEMO: Json = {"model": "demo", "demo_words_per_s": 0}


class Asks:
    async def run(self, ctx: RunContext) -> None:
        await ctx.emit(f"A fine {await ctx.ask('Which tree?', options=('birch', 'cedar'), key='tree')}.")


class Breaks:
    async def run(self, ctx: RunContext) -> None:
        raise RuntimeError("no tree today")


class Waits:
    async def run(self, ctx: RunContext) -> None:
        await asyncio.sleep(3600)


@dataclass
class Terminal:
    chat: TerminalChat
    hub: HubClient
    written: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.written)

    async def shows(self, text: str) -> None:
        deadline = asyncio.get_running_loop().time() + HANG_S
        while text not in self.text:
            assert asyncio.get_running_loop().time() < deadline, f"{text!r} was not shown, but {self.text!r}"
            await asyncio.sleep(0.005)

    async def types(self, line: str, shows: str) -> None:
        assert await self.chat.obey(line)
        await self.shows(shows)


@asynccontextmanager
async def terminal(rest: Rest, session: str | None = None) -> AsyncIterator[Terminal]:
    written: list[str] = []
    async with HubClient(address(rest)) as hub:
        one = Terminal(TerminalChat(hub, Screen(written.append)), hub, written)
        await one.chat.open(session)
        yield one


def address(rest: Rest) -> str:
    return str(rest.client.make_url("")).rstrip("/")


def nobodys_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# Approvals. Taken out, a command is sent to the model as a message, and nothing says that anything waits.


async def test_an_approval_is_shown_and_allowed(serve: Serve, tmp_path: Path) -> None:
    async with terminal(await serve(**DEMO, workspace=tmp_path)) as one:
        await one.types("/ask", '· waits for your approval: run_command {"command": "echo Hello from Parley"}')
        assert "— /allow, /deny [reason]" in one.text
        await one.types("/allow!", "this is asked each time")
        await one.types("/allow", "· approved: run_command")
        await one.shows("· run_command: ok, ")
        await one.shows("It ran")


async def test_an_approval_is_denied_with_a_reason(serve: Serve, tmp_path: Path) -> None:
    async with terminal(await serve(**DEMO, workspace=tmp_path)) as one:
        await one.types("/ask", "waits for your approval")
        await one.types("/deny not today", "· run_command: denied, The user did not allow this: not today")
        assert "· calls run_command {" in one.text


async def test_a_tool_is_allowed_for_the_session(serve: Serve, tmp_path: Path) -> None:
    """Taken out: the scope of the answer."""
    (tmp_path / "notes.txt").write_text("apply_event\n")
    rest = await serve(**DEMO, workspace=tmp_path, approval_policy="manual")
    async with terminal(rest) as one:
        await one.types("where is apply_event?", "/allow, /allow! (for the session), /deny [reason]")
        await one.types("/allow!", "approved: ")
        grants = (await one.hub.get(f"/api/contexts/{await _id(one)}"))["grants"]
        assert len(grants) == 1


async def test_an_approval_that_waits_is_shown_when_its_session_is_opened(serve: Serve, tmp_path: Path) -> None:
    rest = await serve(**DEMO, workspace=tmp_path)
    async with terminal(rest) as one, terminal(rest, "last") as other:
        await one.types("/ask", "waits for your approval")
        await other.chat.open(await _id(one))
        await other.shows("waits for your approval: run_command")


async def test_nothing_can_be_allowed_when_nothing_waits(rest: Rest) -> None:
    async with terminal(rest) as one:
        await one.types("/allow", "nothing waits for your approval")
        one.written.clear()
        await one.types("/deny", "nothing waits for your approval")


async def test_a_plain_line_answers_a_question(serve: Serve) -> None:
    rest = await serve({"agents": {"asks": Asks()}}, agent="asks")
    async with terminal(rest) as one:
        await one.types("go", "· asks: Which tree? [birch / cedar] — write your answer, or /deny [reason]")
        await one.types("/allow", "this is a question: write your answer")
        await one.types("cedar", "A fine cedar.")


# Runs


async def test_a_message_that_waits_is_told_and_so_is_a_stop(serve: Serve) -> None:
    rest = await serve({"agents": {"waits": Waits()}}, agent="waits")
    async with terminal(rest) as one:
        await one.chat.obey("one")
        assert "queued" not in one.text
        await one.types("two", "· queued (1)")
        await one.types("three", "· queued (2)")
        await one.types("/stop", "· stopped")
        assert "cancelled" not in one.text


async def test_an_unknown_command_is_not_sent_to_a_model(rest: Rest) -> None:
    async with terminal(rest) as one:
        await one.types("/halp", "unknown command, /help")
        await one.types("/help", "/allow! (for the session)")
        assert "local: /h" not in one.text


async def test_the_demo_gets_its_own_commands(serve: Serve) -> None:
    async with terminal(await serve(**DEMO)) as one:
        await one.types("/long 3", "assistant: This is a")
        await one.types("/help", "Things to try")


# Which session, and where


async def test_last_is_the_session_that_changed_last(rest: Rest) -> None:
    async with terminal(rest) as one, terminal(rest) as other:
        await one.types("hello", "assistant:")
        await other.chat.open("last")
        await other.shows(f"session {await _id(one)}")


async def test_last_of_no_session_is_a_new_one(rest: Rest) -> None:
    async with terminal(rest, "last") as one:
        assert "session " in one.text


@pytest.mark.parametrize(
    ("session", "told"),
    [
        ("http://127.0.0.1:1/#abc", ("http://127.0.0.1:1", "abc")),
        ("#abc", (None, "abc")),
        ("abc", (None, "abc")),
        ("http://127.0.0.1:1/#", ("http://127.0.0.1:1", None)),
        (None, (None, None)),
    ],
)
def test_a_pasted_page_names_the_hub_and_the_session(session: str | None, told: tuple[str | None, str | None]) -> None:
    assert chat._page_and_session(session) == told


def test_the_port_is_that_of_the_environment_then_of_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PARLEY_PORT", raising=False)
    config = tmp_path / "parley.toml"
    assert port_to_ask(config) == 8765
    for text, port in (("port = 4000", 4000), ("port = 0", 8765), ("this is no TOML", 8765)):
        config.write_text(text)
        assert port_to_ask(config) == port
    config.write_text("port = 4000")
    monkeypatch.setenv("PARLEY_PORT", "5000")
    assert port_to_ask(config) == 5000
    monkeypatch.setenv("PARLEY_PORT", "x")
    assert port_to_ask(config) == 4000


# How it ends


async def test_where_nobody_answers_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chat, "REFUSED_FOR_S", 0.3)
    url = f"http://127.0.0.1:{nobodys_port()}"
    assert await chat._chat(url, None, None) == 1
    told = capsys.readouterr()
    assert told.err == f"parley: nobody answers at {url}; is 'make serve' running? Another address: --url\n"
    assert told.out == ""


async def test_a_session_that_is_not_there_is_told_with_code_1(rest: Rest, capsys: pytest.CaptureFixture[str]) -> None:
    assert await chat._chat(address(rest), "nonsense", None) == 1
    assert capsys.readouterr().err.startswith("parley: can't open a session at ")


async def test_a_token_that_is_missing_is_told_with_code_1(
    serve: Serve, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PARLEY_TOKEN", raising=False)
    assert await chat._chat(address(await serve(token="open-sesame")), None, "hi") == 1
    assert "can't open a session" in capsys.readouterr().err


async def test_once_prints_the_reply_however_quick_its_agent_is(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    """Waiting to see the session run, rather than for the end of the message's own run, hangs here."""
    url = address(await serve({"agents": {"quick": Says()}}, agent="quick"))
    for _ in range(10):
        async with asyncio.timeout(HANG_S):
            assert await chat._chat(url, None, "hi") == 0
    assert capsys.readouterr().out.count("quick: done") == 10


async def test_once_ends_with_3_when_an_approval_waits(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asyncio.timeout(HANG_S):
        assert await chat._chat(address(await serve(**DEMO, workspace=tmp_path)), None, "/ask") == 3
    told = capsys.readouterr()
    assert "waits for your approval: run_command" in told.out
    assert "parley: an approval waits; answer it with parley chat --session " in told.err


async def test_once_ends_with_1_when_the_run_failed(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    url = address(await serve({"agents": {"breaks": Breaks()}}, agent="breaks"))
    async with asyncio.timeout(HANG_S):
        assert await chat._chat(url, None, "go") == 1
    assert "run failed" in capsys.readouterr().out


async def test_once_answers_a_question_that_waits(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    url = address(await serve({"agents": {"asks": Asks()}}, agent="asks"))
    async with asyncio.timeout(HANG_S):
        assert await chat._chat(url, None, "go") == 3
        assert await chat._chat(url, "last", "birch") == 0
    assert "A fine birch." in capsys.readouterr().out


# The screen


def shown(show: Callable[[Screen], None]) -> str:
    written: list[str] = []
    show(Screen(written.append))
    return "".join(written)


def created(message: Json) -> SessionEvent:
    envelope = {"sessionId": "s", "epoch": "e", "seq": 2, "at": "2026-11-20T09:00:00.000Z"}
    return cast(SessionEvent, {**envelope, "type": "message.created", "data": {"message": message}})


def test_long_arguments_and_results_are_cut() -> None:
    message = {"kind": "tool_result", "payload": {"name": "x", "status": "ok", "output": "a" * 9_000, "error": None}}
    line = shown(lambda screen: screen.event(created(message)))
    assert line.startswith("· x: ok, aaa")
    assert len(line) < 500


def test_a_result_that_came_without_its_body_is_shown_by_its_header() -> None:
    header = {"kind": "tool_request", "content": "", "status": "complete", "author": "assistant", "id": "m"}
    line = shown(lambda screen: screen.event(created(header)))
    assert line == "assistant: \n"


async def _id(one: Terminal) -> str:
    view = one.chat._view
    assert view is not None
    return view.session_id
