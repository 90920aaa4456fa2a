"""MCP servers as processes: what they offer, calls, failures, restarts, and their end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from mcp_rack import by_hand, children, is_alive, rack, toolbox
from world import eventually

from models.backoff import Backoff
from models.payloads import McpResourcePayload
from services.mcp import stdio
from services.mcp.config import McpServerConfig
from services.mcp.errors import McpServerDown, McpToolFailed, UnknownMcpServer, reason_of
from services.mcp.guard import BURST, FLOODS
from services.mcp.server import Patience


async def test_its_tools_stand_beside_the_others_with_risk_and_policy() -> None:
    async with rack({"box": toolbox(policies={"person": "off"}, risks={"picture": "read_only"})}) as on:
        status = await on.until("box", "ready")
        assert status.reason is None
        add, crash = on.registry.get("box__add"), on.registry.get("box__crash")
        assert (add.risk, add.policy, add.dangerous, add.category) == ("read_only", "auto", False, "mcp:box")
        assert add.description == "Add two numbers."
        assert set(add.parameters["properties"]) == {"a", "b"}
        assert (crash.risk, crash.policy, crash.dangerous) == ("unsafe", "ask", True)
        assert on.registry.get("box__slow").risk == "idempotent"
        assert on.registry.get("box__picture").policy == "auto"
        assert "box__person" not in on.offered()
        assert {tool.name for tool in on.registry.available("plan")} == {"box__add", "box__picture"}


async def test_a_call_gives_the_servers_answer_in_text() -> None:
    async with rack({"box": toolbox()}) as on:
        await on.until("box", "ready")
        assert (await on.call("box__add", a=2, b=3)).output == "5"
        assert (await on.call("box__person")).output.count("Ada") == 1
        assert "[image, image/png, 8 bytes: not shown]" in (await on.call("box__picture")).output
        dotted = next(name for name in on.offered() if "dotted" in name)
        assert (await on.call(dotted)).output == "dotted"
        assert len((await on.call("box__long", length=5_000_000)).output) == 5_000_000


async def test_errors_of_tools_are_results_in_the_servers_words() -> None:
    async with rack({"box": toolbox()}) as on:
        await on.until("box", "ready")
        failed = await on.call("box__fail", words="out of cheese")
        assert failed.status == "error"
        assert "out of cheese" in str(failed.error)
        wrong = await on.call("box__add", a="two", b=3)
        assert wrong.status == "error"
        assert "a" in str(wrong.error)
        assert on.status("box").state == "ready"


async def test_a_hundred_calls_run_side_by_side() -> None:
    async with rack({"box": toolbox()}) as on:
        await on.until("box", "ready")
        started = time.monotonic()
        outcomes = await asyncio.gather(*(on.call("box__slow", f"c{n}", seconds=0.5) for n in range(100)))
        assert [outcome.output for outcome in outcomes] == ["waited 0.5"] * 100
        assert time.monotonic() - started < 20


async def test_a_cancelled_call_is_cancelled_in_the_server(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with rack({"box": toolbox("--spy", log)}) as on:
        await on.until("box", "ready")
        call = asyncio.ensure_future(on.call("box__slow", "c1", seconds=60))
        await eventually(lambda: log.exists() and "slow began" in log.read_text(), "the call began")
        assert on.executor.cancel("c1")
        assert (await call).status == "cancelled"
        await eventually(lambda: "slow was cancelled" in log.read_text(), "the server knows")
        assert (await on.call("box__add", a=1, b=1)).output == "2"


async def test_a_call_that_takes_too_long_times_out_and_the_server_stays() -> None:
    async with rack({"box": toolbox(timeout_s=0.5)}) as on:
        await on.until("box", "ready")
        assert (await on.call("box__slow", seconds=60)).status == "timeout"
        assert (await on.call("box__add", a=1, b=1)).output == "2"
        assert on.status("box").starts == 1


@pytest.mark.slow
async def test_a_server_that_hangs_is_found_out_and_started_again() -> None:
    patience = Patience(retry=Backoff(0.05, 60.0), heartbeat_s=60.0, answer_s=1.0)
    async with rack({"box": toolbox(timeout_s=0.5), "other": toolbox()}, patience=patience) as on:
        await on.until("box", "ready")
        await on.until("other", "ready")
        assert (await on.call("box__block", seconds=600)).status == "timeout"
        assert (await on.call("other__add", a=1, b=1)).output == "2"
        await on.until("box", "ready", starts=2)
        assert (await on.call("box__add", a=1, b=1)).output == "2"


@pytest.mark.slow
async def test_the_heartbeat_finds_a_server_that_was_stopped_in_its_tracks() -> None:
    before = children()
    async with rack(
        {"box": toolbox()}, patience=Patience(retry=Backoff(0.05, 60.0), heartbeat_s=0.2, answer_s=1.0)
    ) as on:
        await on.until("box", "ready")
        (pid,) = children() - before
        os.kill(pid, signal.SIGSTOP)
        down = await on.until("box", "down")
        assert "does not answer" in str(down.reason)
        await on.until("box", "ready", starts=2)


@pytest.mark.slow
async def test_a_crash_is_told_with_its_reason_and_the_server_comes_back() -> None:
    slow = Patience(retry=Backoff(3.0, 60.0, lambda: 1.0), heartbeat_s=60.0)
    async with rack({"box": toolbox(), "other": toolbox()}, patience=slow) as on:
        await on.until("box", "ready")
        await on.until("other", "ready")
        bystander = asyncio.ensure_future(on.call("other__slow", "c2", seconds=1))
        lost = await on.call("box__crash")
        assert lost.status == "error"
        assert "unknown" in str(lost.error)
        down = await on.until("box", "down")
        assert down.reason == "it ended with exit code 3: about to crash"
        assert not any(name.startswith("box__") for name in on.offered())
        refused = await on.call("box__add", a=1, b=1)
        assert refused.status == "denied"
        assert "exit code 3" in str(refused.error)
        with pytest.raises(McpServerDown, match="exit code 3"):
            await on.servers.read_resource("box", "notes://today")
        assert (await bystander).output == "waited 1.0"
        await on.until("box", "ready", starts=2)
        assert (await on.call("box__add", a=1, b=1)).output == "2"


@pytest.mark.slow
async def test_calls_in_flight_end_when_the_process_is_killed() -> None:
    before = children()
    async with rack({"box": toolbox()}) as on:
        await on.until("box", "ready")
        calls = [asyncio.ensure_future(on.call("box__block", f"c{n}", seconds=600)) for n in range(3)]
        (pid,) = children() - before
        os.kill(pid, signal.SIGKILL)
        outcomes = await asyncio.gather(*calls)
        assert {outcome.status for outcome in outcomes} <= {"error", "denied"}
        await on.until("box", "ready", starts=2)


@pytest.mark.slow
async def test_a_first_start_that_fails_is_tried_again(tmp_path: Path) -> None:
    async with rack({"box": toolbox("--crash-first", tmp_path / "mark")}) as on:
        await on.until("box", "ready", starts=2)


@pytest.mark.slow
async def test_a_slow_start_delays_nobody() -> None:
    async with rack({"late": toolbox("--start-after", "1.5"), "box": toolbox()}) as on:
        await on.until("box", "ready")
        assert on.status("late").state == "starting"
        await on.until("late", "ready")
        assert on.status("late").starts == 1


async def test_a_start_that_takes_too_long_is_given_up() -> None:
    async with rack({"box": by_hand("mute", start_timeout_s=0.5)}) as on:
        assert (await on.until("box", "down")).reason == "it was not ready within 0.5 s"


async def test_a_wrong_command_is_told_clearly(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("no program")
    table = {
        "missing": {"command": "no-such-program-anywhere"},
        "plain": {"command": str(plain)},
        "nowhere": toolbox(cwd=str(tmp_path / "gone")),
        "failing": {"command": "false"},
    }
    async with rack(table) as on:
        reasons = {name: str((await on.until(name, "down")).reason) for name in table}
    assert reasons["missing"] == "there is no program “no-such-program-anywhere”; install it, or correct `command`"
    assert "may not be executed" in reasons["plain"]
    assert "working folder" in reasons["nowhere"]
    assert reasons["failing"] == "it ended with exit code 1"


async def test_a_changed_list_changes_the_registry() -> None:
    async with rack({"box": toolbox()}) as on:
        await on.until("box", "ready")
        assert "box__grown" not in on.offered()
        await on.call("box__grow")
        await eventually(lambda: "box__grown" in on.offered(), "the new tool")
        assert "box__fail" not in on.offered()
        assert (await on.call("box__grown")).output == "dotted"


async def test_an_older_server_tells_of_changes_too() -> None:
    async with rack({"old": by_hand("old")}) as on:
        await on.until("old", "ready")
        assert (await on.call("old__hello")).output == "hello"
        await eventually(lambda: "old__later" in on.offered(), "the new tool")


@pytest.mark.slow
async def test_what_somebody_else_switched_off_stays_off() -> None:
    async with rack({"box": toolbox()}) as on:
        await on.until("box", "ready")
        on.registry.disable("box__add", "switched off by Ada")
        await on.call("box__crash")
        await on.until("box", "ready", starts=2)
        assert on.registry.why_not("box__add") == "switched off by Ada"
        assert on.registry.why_not("box__slow") is None


async def test_resources_are_listed_and_read() -> None:
    async with rack({"box": toolbox()}) as on:
        await on.until("box", "ready")
        listed = {resource.uri: resource for resource in on.servers.resources()}
        assert set(listed) == {"notes://today", "bytes://raw", "notes://{day}"}
        assert listed["notes://{day}"].is_template
        payload = await on.servers.read_resource("box", "notes://today")
        assert (payload.kind, payload.server, payload.uri) == ("mcp_resource", "box", "notes://today")
        assert (payload.mime_type, payload.content) == ("text/markdown", "# Today\n- rest")
        assert payload.retrieved_at.endswith("Z")
        assert "3 bytes of binary data" in (await on.servers.read_resource("box", "bytes://raw")).content
        assert (await on.servers.read_resource("box", "notes://monday")).content == "note of monday"
        with pytest.raises(McpToolFailed, match="other://x"):
            await on.servers.read_resource("box", "other://x")
        with pytest.raises(UnknownMcpServer, match="known: box"):
            await on.servers.read_resource("bax", "notes://today")


async def test_a_model_can_list_and_read_resources() -> None:
    async with rack({"box": toolbox()}) as on:
        for tool in on.servers.tools():
            on.registry.register(tool)
        await on.until("box", "ready")
        assert "box notes://today (text/markdown) today" in (await on.call("mcp_list_resources")).output
        read = await on.call("mcp_read_resource", server="box", uri="notes://today")
        assert read.output == "# Today\n- rest"
        assert isinstance(read.artifact, McpResourcePayload)
        assert (read.artifact.uri, read.artifact.content) == ("notes://today", "# Today\n- rest")
        missing = await on.call("mcp_read_resource", server="bix", uri="notes://today")
        assert "known: box" in str(missing.error)


async def test_a_tools_server_is_known_also_while_it_is_down() -> None:
    async with rack({"box": toolbox(enabled=False)}) as on:
        assert on.servers.server_of("box__add") == "box"
        assert on.servers.server_of("read_file") is None
        assert on.servers.server_of("other__add") is None
        status = on.status("box")
        assert (status.state, status.reason) == ("off", "it is off by configuration")
        assert status.state == "off"


async def test_bad_entries_are_left_out_and_named() -> None:
    async with rack({"odd": by_hand("bad_schemas")}) as on:
        status = await on.until("odd", "ready")
        assert status.tools == ("odd__either", "odd__hello", "odd__trap", "odd__untyped")
        notes = "\n".join(status.notes)
        for name in (
            "no_schema",
            "text_schema",
            "wrong_type",
            "array",
            "deep",
            "huge",
            "7",
            "far_ref",
            "lost_ref",
            "odd_keys",
        ):
            assert f"“{name}” is left out" in notes
        assert on.registry.get("odd__either").parameters == {"type": "object", "properties": {}}
        assert (await on.call("odd__trap")).output == '{"x": 1}'


async def test_a_taken_name_is_left_out_and_named() -> None:
    async with rack({"box": toolbox(enabled=False)}) as before:
        [lister, _] = before.servers.tools()
    async with rack({"box": toolbox("--start-after", "0.5")}) as on:
        on.registry.register(replace(lister, name="box__add"))
        status = await on.until("box", "ready")
        assert "box__add" not in status.tools
        assert any("box__add" in note for note in status.notes)
    assert on.registry.get("box__add").category == "mcp"


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        ("nonsense", "its standard output is no MCP"),
        ("endless_line", "it wrote a line of more than 16 MB"),
        ("flood", "it floods us"),
        ("no_list", "it answers what is no MCP"),
    ],
)
async def test_an_unruly_server_harms_nobody_and_is_told_of(manner: str, reason: str) -> None:
    async with rack({"bad": by_hand(manner), "box": toolbox()}) as on:
        assert reason in str((await on.until("bad", "down")).reason)
        await on.until("box", "ready")
        assert (await on.call("box__add", a=1, b=1)).output == "2"


async def test_a_flood_is_found_out_however_slowly_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what the process writes, without a look at the clock of who reads. Taken out for the check: `Backlog.took`."""
    monkeypatch.setattr(stdio, "LEAVE_S", 0.0)
    config = McpServerConfig(name="bad", command="yes", args=('{"jsonrpc": "2.0", "method": "notifications/x"}',))

    async def read_all() -> None:
        taken = 0
        async with stdio.stdio_transport(config) as (read, _):
            async for _ in read:
                taken += 1
                assert taken < 10 * BURST

    with pytest.raises(ExceptionGroup) as raised:
        await read_all()
    assert reason_of(raised.value) == FLOODS


async def test_a_greeting_on_standard_output_is_overlooked() -> None:
    async with rack({"box": by_hand("greeting")}) as on:
        await on.until("box", "ready")
        assert (await on.call("box__hello")).output == "hello"


async def test_stopping_leaves_no_process_behind(tmp_path: Path) -> None:
    before = children()
    child = tmp_path / "child"
    table = {"box": toolbox("--child", child), "stubborn": by_hand("stubborn"), "deaf": by_hand("deaf")}
    async with rack(table) as on:
        await on.until("box", "ready")
        await on.until("stubborn", "ready")
        grandchild = int(child.read_text())
        assert is_alive(grandchild)
        assert len(children() - before) == 3
    assert children() - before == set()
    await eventually(lambda: not is_alive(grandchild), "the process of the process is gone")
    assert on.offered() == set()
    assert {status.state for status in on.servers.status()} == {"stopped"}


async def test_a_server_can_be_started_anew_by_hand() -> None:
    async with rack({"box": toolbox()}) as on:
        await on.until("box", "ready")
        await on.servers.restart("box")
        await on.until("box", "ready", starts=2)
        with pytest.raises(UnknownMcpServer):
            await on.servers.restart("bax")


async def test_stopping_before_anything_has_started_is_fine() -> None:
    async with rack({"box": toolbox(), "late": toolbox("--start-after", "60")}):
        pass


async def test_secrets_of_ours_do_not_reach_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server gets what its configuration names. Taken out for the check: `_INHERITED`."""
    for name in ("PARLEY_TOKEN", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANYTHING_ELSE"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("GIVEN", "wanted")
    script = "import os,sys; sys.exit(f\"{'secret' in os.environ.values() or None} {os.environ.get('KEY')}\")"
    table = {"box": {"command": "python3", "args": ["-c", script], "env": {"KEY": "${GIVEN}"}}}
    async with rack(table) as on:
        assert str((await on.until("box", "down")).reason).endswith(": None wanted")


async def test_a_list_without_end_is_cut() -> None:
    async with rack({"odd": by_hand("endless_list")}) as on:
        status = await on.until("odd", "ready")
        assert len(status.tools) == 500
        assert status.notes == ("Of its tools only the first 500 are taken",)


async def test_without_the_package_the_reason_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("services.mcp.connection", "mcp."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    async with rack({"box": toolbox()}) as on:
        await eventually(lambda: on.status("box").state == "down", "it is down")
        assert on.status("box").reason == "the package mcp is not installed; install parley-hub[mcp]"


async def test_a_package_that_is_there_and_broken_is_not_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "services.mcp.connection", raising=False)
    monkeypatch.setitem(sys.modules, "mcp.client.client", None)
    async with rack({"box": toolbox()}) as on:
        await eventually(lambda: on.status("box").state == "down", "it is down")
        reason = on.status("box").reason or ""
    assert reason.startswith("the package mcp is installed but broken: ModuleNotFoundError: ")
    assert "mcp.client.client" in reason
