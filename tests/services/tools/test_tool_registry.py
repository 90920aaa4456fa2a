"""The registry: what can be called now, why the rest can't, and in which order things start and stop."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import EntryPoint

import pytest

from models.errors import InvalidArgument
from services.tools import registry as module
from services.tools.builtin import BUILTIN, READING
from services.tools.errors import ToolUnavailable, UnknownTool
from services.tools.registry import ToolRegistry
from services.tools.tool import Hook, Tool, tool


def made(
    name: str, *, requires: tuple[str, ...] = (), startup: Hook | None = None, shutdown: Hook | None = None
) -> Tool:
    @tool(risk="read_only", name=name, requires=requires, startup=startup, shutdown=shutdown)
    def work() -> str:
        """Works."""
        return name

    return work


@tool(roles=["owner"])
def erase() -> str:
    """Erases."""
    return ""


def names(tools: tuple[Tool, ...]) -> list[str]:
    return [one.name for one in tools]


def test_a_name_is_taken_once() -> None:
    registry = ToolRegistry([made("a")])
    with pytest.raises(InvalidArgument, match="“a” already"):
        registry.register(made("a"))
    registry.remove("a")
    registry.register(made("a"))


def test_an_unknown_tool_is_answered_with_those_that_exist() -> None:
    with pytest.raises(UnknownTool, match="known: a, b"):
        ToolRegistry([made("b"), made("a")]).get("c")


def test_plan_offers_reading_tools_and_act_offers_all() -> None:
    registry = ToolRegistry(BUILTIN)
    assert set(names(registry.available("plan"))) == set(names(READING))
    assert set(names(registry.available("act"))) == set(names(BUILTIN))


def test_a_tool_with_roles_is_offered_to_them_alone() -> None:
    registry = ToolRegistry([erase, made("a")])
    assert names(registry.available("act", "owner")) == ["a", "erase"]
    assert names(registry.available("act", "guest")) == ["a"]
    assert names(registry.available("act")) == ["a", "erase"]


def test_a_tool_is_switched_off_and_on_at_run_time() -> None:
    registry = ToolRegistry([made("a")])
    registry.disable("a", "under repair")
    with pytest.raises(ToolUnavailable, match="under repair"):
        registry.get("a")
    assert registry.available("act") == ()
    registry.enable("a")
    assert registry.get("a").name == "a"


def test_the_operator_sets_policies() -> None:
    registry = ToolRegistry(BUILTIN, policies={"run_command": "off", "search": "ask"})
    assert registry.get("search").policy == "ask"
    with pytest.raises(ToolUnavailable, match="policy is “off”"):
        registry.get("run_command")
    with pytest.raises(InvalidArgument):
        ToolRegistry(BUILTIN, policies={"run_command": "auto"})


@pytest.mark.parametrize(
    ("requirement", "reason"),
    [
        ("other", "the tool “other”, which does not exist"),
        ("executable:no-such-program", "not on the PATH"),
        ("package:no_such_package", "is not installed"),
        ("package:no_such.package", "is not installed"),
        ("moon:full", "neither a tool nor"),
    ],
)
def test_what_a_tool_lacks_is_said(requirement: str, reason: str) -> None:
    registry = ToolRegistry([made("a", requires=(requirement,))])
    assert reason in (registry.why_not("a") or "")


def test_what_a_tool_requires_may_be_registered_later() -> None:
    registry = ToolRegistry([made("a", requires=("b", "executable:sh", "package:json"))])
    assert registry.available("act") == ()
    registry.register(made("b"))
    assert names(registry.available("act")) == ["a", "b"]
    registry.disable("b")
    assert "requires the tool “b”" in (registry.why_not("a") or "")


def test_requirements_in_a_circle_disable_their_tools() -> None:
    registry = ToolRegistry([made("a", requires=("b",)), made("b", requires=("a",)), made("c")])
    assert registry.why_not("a") is not None
    assert names(registry.available("act")) == ["c"]


def test_every_tool_is_described_also_one_that_cant_be_called() -> None:
    registry = ToolRegistry([made("a"), erase])
    registry.disable("a", "why not")
    first, second = registry.describe()
    assert (first.name, first.available, first.reason) == ("a", False, "why not")
    assert asdict(second) == {
        "name": "erase",
        "description": "Erases.",
        "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
        "category": "general",
        "risk": "unsafe",
        "policy": "ask",
        "dangerous": False,
        "modes": ("act",),
        "roles": ("owner",),
        "requires": (),
        "timeout_ms": 60_000,
        "available": True,
        "reason": None,
    }


async def test_hooks_run_in_the_order_of_requirements_and_back() -> None:
    calls: list[str] = []

    def noting(word: str) -> Hook:
        async def hook() -> None:
            calls.append(word)

        return hook

    def plain() -> None:
        calls.append("+c")

    registry = ToolRegistry(
        [
            made("a", requires=("b",), startup=noting("+a"), shutdown=noting("-a")),
            made("b", startup=noting("+b"), shutdown=noting("-b")),
            made("c", startup=plain),
        ]
    )
    await registry.start()
    await registry.start()
    assert calls == ["+b", "+a", "+c"]
    await registry.stop()
    assert calls == ["+b", "+a", "+c", "-a", "-b"]


async def test_a_hook_that_fails_disables_its_tool_and_what_requires_it_alone() -> None:
    def fail() -> None:
        raise RuntimeError("no licence")

    registry = ToolRegistry([made("a", startup=fail), made("b", requires=("a",)), made("c", shutdown=fail)])
    await registry.start()
    assert registry.why_not("a") == "its startup failed: no licence"
    assert names(registry.available("act")) == ["c"]
    await registry.stop()


ONE = made("one")
SEVERAL = [made("two"), made("three")]
NOTHING = 5


def many() -> Iterator[Tool]:
    yield made("four")


@pytest.mark.parametrize(
    ("attribute", "expected"), [("ONE", ["one"]), ("SEVERAL", ["two", "three"]), ("many", ["four"])]
)
def test_tools_are_loaded_by_a_dotted_path(
    attribute: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "anything", sys.modules[__name__])
    assert names(ToolRegistry().load(f"anything:{attribute}")) == expected


@pytest.mark.parametrize("path", ["no_such_module:x", "json", "json:no_such", "json:JSONDecoder", "string:digits"])
def test_a_path_without_tools_is_refused(path: str) -> None:
    with pytest.raises(InvalidArgument):
        ToolRegistry().load(path)


def test_entry_points_are_found_and_a_broken_one_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    points = (
        EntryPoint("good", "services.tools.results:read_result", "parley.tools"),
        EntryPoint("bad", "no_such_module:x", "parley.tools"),
    )
    monkeypatch.setattr(module, "entry_points", lambda group: points if group == "parley.tools" else ())
    monkeypatch.setattr(module, "offered", module.offered.__wrapped__)
    assert names(ToolRegistry().load_entry_points()) == ["read_result"]
