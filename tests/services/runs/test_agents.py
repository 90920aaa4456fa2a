"""How agents are found: built in, by dotted path, by entry point; and what an error says."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints

import pytest
from agents_for_tests import SPOKEN, Paced, Says
from world import eventually, say, workshop

from models.errors import InvalidArgument
from services.runs import agents as agents_module
from services.runs.agents import ENTRY_POINTS, Agents


@pytest.mark.parametrize("path", ["SPOKEN", "make_agent", "Says"])
def test_a_dotted_path_names_an_agent_a_function_or_a_class(path: str) -> None:
    agents = Agents({})
    agent = agents.resolve(f"agents_for_tests:{path}")
    assert isinstance(agent, Says)
    assert agents.resolve(f"agents_for_tests:{path}") is agent, "one object serves all sessions"


@pytest.mark.parametrize(
    "name",
    [
        "nobody",
        "agents_for_tests",
        "agents_for_tests:nobody",
        "agents_for_tests:broken_factory",
        "agents_for_tests:NO_AGENT",
        "no.such.module:agent",
        ":",
        "",
    ],
)
def test_what_is_no_agent_is_refused_with_the_field(name: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        Agents({}).resolve(name)
    assert refused.value.details == {"field": "agent"}
    assert repr(name) in refused.value.message


def test_an_entry_point_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("spoken", "agents_for_tests:SPOKEN", ENTRY_POINTS)

    def entry_points(*, group: str, name: str) -> EntryPoints:
        assert group == ENTRY_POINTS
        return EntryPoints([point] if name == "spoken" else [])

    monkeypatch.setattr(agents_module, "entry_points", entry_points)
    assert Agents({}).resolve("spoken") is SPOKEN


def test_agents_that_do_not_declare_themselves_resumable_fail_on_a_crash() -> None:
    agents = Agents({"says": Says(), "paced": Paced()})
    assert (agents.on_crash("says"), agents.on_crash("paced")) == ("fail", "resume")


async def test_an_agent_by_dotted_path_runs_in_a_session() -> None:
    async with workshop() as shop:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="agents_for_tests:SPOKEN"))
        await eventually(lambda: shop.room.state(session_id).session_state == "COMPLETED")
        said = await shop.room.messages(session_id)
        assert [(m.content, m.author) for m in said[1:]] == [("by dotted path", "agents_for_tests:SPOKEN")]
