"""The demo with tools: it searches, reads, answers with file and line, asks for approvals, and pretends nothing."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from models.tools import ToolSpec
from services.llm.demo import DemoProvider
from services.llm.demo_tools import ECHO, ranked, terms_of
from services.llm.provider import (
    Finished,
    ModelMessage,
    ModelRequest,
    TextDelta,
    ToolCallPart,
    ToolCallReady,
    ToolResultPart,
)

CODEBASE = ("overview", "read_file", "run_command", "search")
FOUND = (
    "tests/test_engine.py:4: from engine import apply_event\n"
    "README.md:9: apply_event does it\n"
    "engine/apply.py:12: def apply_event(context, event):\n"
    "engine/decide.py:30:     apply_event(context, event)\n"
    "[4 matches in 4 files]"
)
Tool = Callable[[dict[str, object]], ToolResultPart | str]


def request(messages: tuple[ModelMessage, ...], tools: tuple[str, ...], number: int = 0) -> ModelRequest:
    specs = tuple(ToolSpec(name, "…", {"type": "object"}) for name in tools)
    return ModelRequest("demo", messages, f"request-{number}", tools=specs)


async def step(asked: ModelRequest) -> tuple[str, ToolCallReady | None]:
    events = [event async for event in DemoProvider(words_per_s=0).stream(asked)]
    call = next((event for event in events if isinstance(event, ToolCallReady)), None)
    last = events[-1]
    assert isinstance(last, Finished)
    assert last.reason == ("stop" if call is None else "tool_calls")
    return "".join(event.text for event in events if isinstance(event, TextDelta)), call


async def talk(text: str, answers: dict[str, Tool], tools: tuple[str, ...] = CODEBASE) -> tuple[str, list[str]]:
    """The last words to the user, and the calls on the way to them, like a run with these tools."""
    messages: tuple[ModelMessage, ...] = (ModelMessage.text("user", text),)
    calls: list[str] = []
    for number in range(10):
        said, call = await step(request(messages, tools, number))
        if call is None:
            return said, calls
        assert call.name in tools
        arguments = json.loads(call.arguments_json)
        calls.append(f"{call.name} {json.dumps(arguments)}")
        answer = answers[call.name](arguments)
        if isinstance(answer, str):
            answer = ToolResultPart(call.call_id, call.name, answer)
        asked = ModelMessage("assistant", (ToolCallPart(call.call_id, call.name, arguments),))
        messages = (*messages, asked, ModelMessage("tool", (answer,)))
    raise AssertionError("the demo calls tools for ever")


async def test_a_question_about_code_is_searched_read_and_answered_with_file_and_line() -> None:
    said, calls = await talk(
        "Where is `apply_event` defined?", {"search": lambda _: FOUND, "read_file": lambda _: "12\tdef apply_event("}
    )
    assert calls == [
        'search {"query": "apply_event", "ignore_case": true, "max_results": 200}',
        'read_file {"path": "engine/apply.py", "start_line": 10, "end_line": 24}',
    ]
    assert "in engine/apply.py, line 12" in said
    assert "12\tdef apply_event(" in said
    assert "- engine/decide.py:30: apply_event(context, event)" in said
    assert "not a language model" in said


async def test_without_read_file_the_line_that_was_found_is_shown() -> None:
    said, calls = await talk("where is apply_event()", {"search": lambda _: FOUND}, ("search",))
    assert len(calls) == 1
    assert "line 12:\n\n```\ndef apply_event(context, event):\n```" in said


async def test_a_file_that_cannot_be_read_is_answered_from_the_search() -> None:
    said, _ = await talk(
        "where is apply_event",
        {"search": lambda _: FOUND, "read_file": lambda _: ToolResultPart("c", "read_file", "gone", is_error=True)},
    )
    assert "def apply_event(context, event):" in said
    assert "gone" not in said


async def test_a_search_that_finds_nothing_is_made_once_more_and_then_admitted() -> None:
    said, calls = await talk("Where is the journal appended in the code?", {"search": lambda _: "No match."})
    assert [json.loads(call.partition(" ")[2])["query"] for call in calls] == ["appended", "journal"]
    assert "“appended” and “journal” and found nothing" in said


async def test_a_search_that_fails_is_admitted() -> None:
    said, calls = await talk(
        "Where is `journal`?", {"search": lambda _: ToolResultPart("c", "search", "disk on fire", is_error=True)}
    )
    assert len(calls) == 1
    assert said == "The search failed:\n\n```\ndisk on fire\n```"


@pytest.mark.parametrize("text", ["Give me an overview of this repository", "Where is the code?"])
async def test_a_question_about_everything_gets_the_overview(text: str) -> None:
    said, calls = await talk(text, {"overview": lambda _: "p: 7 files" + "x" * 10_000})
    assert calls == ["overview {}"]
    assert "p: 7 files" in said
    assert len(said) < 5_000


async def test_ask_wants_a_command_that_needs_an_approval_and_tells_what_came_of_it() -> None:
    said, calls = await talk("/ask", {"run_command": lambda _: "Hello from Parley\n[exit code 0]"})
    assert calls == [f'run_command {{"command": "{ECHO}"}}']
    assert "It ran" in said
    assert "Hello from Parley" in said


async def test_a_command_that_was_denied_is_not_said_to_have_run() -> None:
    denied = ToolResultPart("c", "run_command", "denied: not on my machine", is_error=True)
    said, _ = await talk("/ask please", {"run_command": lambda _: denied})
    assert said.startswith("The command was not run, or failed")
    assert "not on my machine" in said


async def test_ask_without_a_tool_for_it_says_so() -> None:
    said, calls = await talk("/ask", {}, ("search",))
    assert calls == []
    assert "offered no tool for it" in said


async def test_plan_tells_how_it_goes_about_it_and_with_which_tools() -> None:
    assert "overview, read_file, run_command, search" in (await talk("/plan", {}))[0]
    assert "No tool is offered to me now" in (await talk("/plan", {}, ()))[0]


@pytest.mark.parametrize("text", ["hello", "What if I reload?", "", "/long 3", "/help", "Where is the code?"])
async def test_other_questions_and_other_tools_are_answered_as_ever(text: str) -> None:
    with_tools, call = await step(request((ModelMessage.text("user", text),), ("read_result",)))
    assert call is None
    assert with_tools == (await step(request((ModelMessage.text("user", text),), ())))[0]


@pytest.mark.parametrize("text", ["Where shall we go?", "Which colour suits me?", "Where is the journal?"])
async def test_whereabouts_without_a_word_of_code_are_no_question_for_tools(text: str) -> None:
    """Taken out: where and which ask for code only together with a word that looks like code."""
    _, calls = await talk(text, {})
    assert calls == []


async def test_a_name_is_looked_up_by_the_tool_that_knows_definitions() -> None:
    """Taken out: definitions come before the search when it is offered."""
    said, calls = await talk(
        "Where is class SessionManager?",
        {
            "definitions": lambda _: (
                "tests/fake.py:3: class SessionManager:\nservices/sessions.py:61: class SessionManager:"
            ),
            "read_file": lambda _: (
                "services/sessions.py:59-73; more lines follow: read from start_line=74\n61\tclass S:"
            ),
        },
        ("definitions", *CODEBASE),
    )
    assert [call.partition(" ")[0] for call in calls] == ["definitions", "read_file"]
    assert json.loads(calls[0].partition(" ")[2]) == {"name": "SessionManager"}
    assert "in services/sessions.py, line 61" in said


async def test_a_name_without_a_definition_is_searched_for() -> None:
    nothing: dict[str, Tool] = {
        "definitions": lambda _: "No definition of apply_event found.",
        "search": lambda _: FOUND,
    }
    said, calls = await talk("where is apply_event", nothing, ("definitions", "search"))
    assert [call.partition(" ")[0] for call in calls] == ["definitions", "search"]
    assert "engine/apply.py, line 12" in said


async def test_where_a_name_is_used_is_searched_for() -> None:
    _, calls = await talk("where is apply_event used", {"search": lambda _: FOUND}, ("definitions", "search"))
    assert [call.partition(" ")[0] for call in calls] == ["search"]


async def test_advice_for_models_is_not_shown_to_people() -> None:
    """Taken out: what read_file tells a model about the rest of the file is cut off."""
    head = "engine/apply.py:10-24; more lines follow: read from start_line=25\n12\tdef apply_event("
    said, _ = await talk("where is apply_event", {"search": lambda _: FOUND, "read_file": lambda _: head})
    assert "engine/apply.py:10-24\n12\tdef apply_event(" in said
    assert "start_line" not in said


async def test_any_offered_tool_can_be_called() -> None:
    """Taken out: /call."""
    said, calls = await talk('/call search {"query": "a b"}', {"search": lambda _: "x.py:1: a b"})
    assert calls == ['search {"query": "a b"}']
    assert said == "search. This is what came back:\n\n```\nx.py:1: a b\n```"
    assert (await talk("/call overview", {"overview": lambda _: "all"}))[1] == ["overview {}"]
    denied = ToolResultPart("c", "run_command", "denied: no", is_error=True)
    assert "failed, or was not allowed" in (await talk("/call run_command", {"run_command": lambda _: denied}))[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/call", "offered no tool “”. Offered to me now: overview"),
        ("/call nope {}", "offered no tool “nope”"),
        ("/call search {query", "no JSON"),
        ("/call search [1]", "must be a JSON object"),
    ],
)
async def test_a_call_that_cannot_be_made_is_told(text: str, told: str) -> None:
    said, calls = await talk(text, {})
    assert calls == []
    assert told in said
    assert "/call search {" in said


async def test_results_from_before_the_question_do_not_answer_it() -> None:
    before = (
        ModelMessage.text("user", "where is apply_event"),
        ModelMessage("assistant", (ToolCallPart("c", "search", {}),)),
        ModelMessage("tool", (ToolResultPart("c", "search", FOUND),)),
        ModelMessage.text("user", "where is decide_now"),
    )
    _, call = await step(request(before, CODEBASE))
    assert call is not None
    assert json.loads(call.arguments_json)["query"] == "decide_now"


async def test_the_same_request_makes_the_same_call_and_another_one_another_id() -> None:
    asked = (ModelMessage.text("user", "where is apply_event"),)
    calls = [(await step(request(asked, CODEBASE, number)))[1] for number in (1, 1, 2)]
    assert calls[0] == calls[1]
    assert calls[0] is not None
    assert calls[2] is not None
    assert calls[0].call_id != calls[2].call_id


@pytest.mark.parametrize(
    ("asked", "terms"),
    [
        ("Where is `decide()` used?", ("decide()", "decide")),
        ('find "one door" in the code', ("one door", "door")),
        ("which class is ScriptedProvider", ("ScriptedProvider",)),
        ("where is to_neutral defined", ("to_neutral",)),
        ("where do you apply events?", ("events", "apply")),
        ("where is the code", ()),
    ],
)
def test_what_is_searched_for_is_the_most_telling_first(asked: str, terms: tuple[str, ...]) -> None:
    assert terms_of(asked) == terms


def test_definitions_come_before_uses_and_code_before_tests_and_prose() -> None:
    hits = ranked(ToolResultPart("c", "search", FOUND), ("apply_event",))
    assert [f"{hit.path}:{hit.line}" for hit in hits] == [
        "engine/apply.py:12",
        "engine/decide.py:30",
        "tests/test_engine.py:4",
        "README.md:9",
    ]


def test_the_very_name_comes_before_names_that_hold_it() -> None:
    """Taken out: an exact, whole-word definition ranks first."""
    found = "a.py:1: class SessionManagerOfTests:\nb.py:2: class MeteredSessionManager(\nz.py:9: class SessionManager:"
    hits = ranked(ToolResultPart("c", "search", found), ("SessionManager",))
    assert [hit.path for hit in hits] == ["z.py", "a.py", "b.py"]
