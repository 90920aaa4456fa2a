"""The system prompt: which parts it has, in which order, and where each comes from."""

from __future__ import annotations

from world import create, decided

from models.commands import AddPin, ChangePlan, Command, SetBranchPrompt, SetMode
from models.payloads import PlanItem
from models.tools import ToolSpec
from services.engine.context import Context
from services.engine.prompt import ACT, PLAN, ROLE, prompt_parts
from services.engine.view import SystemPart, Tokens, View

LOOK = ToolSpec("look", "Looks.", {"type": "object"})


def after(*commands: Command) -> Context:
    append = decided("s", None, create(title="t"))
    assert append is not None
    context = append.after
    for command in commands:
        following = decided("s", context, command)
        assert following is not None
        context = following.after
    return context


def texts(context: Context, overview: str = "", tools: tuple[ToolSpec, ...] = ()) -> dict[str, str]:
    return {part.name: part.text for part in prompt_parts(context, overview, tools)}


def test_a_fresh_session_has_a_role_and_a_mode_and_nothing_empty() -> None:
    assert texts(after()) == {"role": ROLE, "mode": ACT}


def test_the_mode_is_said_in_the_prompt() -> None:
    assert texts(after(SetMode("plan")))["mode"] == PLAN


def test_all_parts_come_in_one_order() -> None:
    context = after(AddPin("p", "Be exact", "ann"), ChangePlan((PlanItem(id="1", text="measure"),)))
    names = [part.name for part in prompt_parts(context, "src/ 3 files", (LOOK,))]
    assert names == ["role", "mode", "workspace", "pins", "plan", "tools"]


def test_the_workspace_and_the_tools_are_named() -> None:
    found = texts(after(), "src/ 3 files", (LOOK, ToolSpec("edit", "Edits.", {})))
    assert found["workspace"].endswith("src/ 3 files")
    assert found["tools"] == "Tools: look, edit."


def test_a_branchs_own_prompt_replaces_the_role_alone() -> None:
    context = after(SetBranchPrompt("main", "Speak like a pirate."), SetMode("plan"))
    assert texts(context) == {"branch": "Speak like a pirate.", "mode": PLAN}
    assert "role" in texts(after(SetBranchPrompt("main", "x"), SetBranchPrompt("main", None)))


def test_an_empty_prompt_of_a_branch_counts_as_none() -> None:
    assert "role" in texts(after(SetBranchPrompt("main", "")))


def test_pins_and_plan_are_said_each_time_item_by_item() -> None:
    items = (PlanItem(id="1", text="measure", status="done"), PlanItem(id="2", text="cut"))
    found = texts(after(AddPin("p", "Be exact", "ann"), AddPin("q", "Be quick", "bob"), ChangePlan(items)))
    assert found["pins"].splitlines()[1:] == ["- Be exact", "- Be quick"]
    assert found["plan"].splitlines()[1:] == ["- [done] measure", "- [pending] cut"]


def test_the_parts_of_a_view_stand_apart_in_its_prompt() -> None:
    parts = tuple(SystemPart(part.name, part.text, 1) for part in prompt_parts(after(), "", ()))
    tokens = Tokens(window=100, reserve=10, system=2, tools=0, history=0, exact=True)
    assert View("m", parts, (), (), tokens).prompt == f"{ROLE}\n\n{ACT}"
    assert (tokens.budget, tokens.total) == (90, 2)
