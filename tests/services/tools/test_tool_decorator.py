"""The decorator: name, description and schema from a function, and what happens to arguments that don't fit."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from models.errors import DatabaseLocked, InvalidArgument
from services.tools.context import ToolContext
from services.tools.errors import ToolError, ToolRetry
from services.tools.tool import ERROR_MAX_CHARS, Tool, ToolFailed, ToolOutput, tool

CONTEXT = ToolContext(session_id="s", run_id="r", call_id="c")


class Place(BaseModel):
    city: str
    zip_code: str | None = None


@tool(risk="read_only", category="test")
def forecast(
    place: Place,
    days: Annotated[int, Field(ge=1, le=7, description="How many days")],
    context: ToolContext,
    unit: Literal["c", "f"] = "c",
    model_name: str | None = None,
    copy: bool = False,
) -> str:
    """What the weather will be."""
    return f"{place.city} {days} {unit} {model_name} {copy} {context.call_id}"


async def called(made: Tool, arguments: object) -> ToolOutput | ToolFailed:
    return await made.invoke(arguments, CONTEXT)


async def refused(made: Tool, arguments: object) -> str:
    result = await called(made, arguments)
    assert isinstance(result, ToolFailed)
    return str(result)


def test_name_and_description_are_the_functions() -> None:
    assert (forecast.name, forecast.description) == ("forecast", "What the weather will be.")


def test_the_schema_follows_the_type_hints() -> None:
    properties = forecast.parameters["properties"]
    assert set(properties) == {"place", "days", "unit", "model_name", "copy"}
    assert properties["days"] == {"type": "integer", "minimum": 1, "maximum": 7, "description": "How many days"}
    assert properties["unit"] == {"type": "string", "enum": ["c", "f"], "default": "c"}
    assert forecast.parameters["required"] == ["place", "days"]
    assert forecast.parameters["additionalProperties"] is False
    assert forecast.parameters["$defs"]["Place"]["required"] == ["city"]


async def test_a_call_gets_parsed_values_defaults_and_the_context() -> None:
    result = await called(forecast, {"place": {"city": "Oslo"}, "days": 3, "model_name": "x"})
    assert result == ToolOutput("Oslo 3 c x False c")


async def test_arguments_may_be_json_text() -> None:
    assert await called(forecast, '{"place": {"city": "Oslo"}, "days": 1}') == ToolOutput("Oslo 1 c None False c")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"place": {"city": "Oslo"}, "days": "many"}, "BadArguments: days: Input should be a valid integer"),
        ({"place": {"city": 5}, "days": 1}, "place.city: Input should be a valid string"),
        ({"place": {"city": "Oslo"}}, "days: Field required"),
        ({"place": {"city": "Oslo"}, "days": 9}, "days: Input should be less than or equal to 7"),
        ({"place": {"city": "Oslo"}, "days": 1, "wind": True}, "wind: Extra inputs are not permitted"),
        ({"context": "mine"}, "context: Extra inputs are not permitted"),
        ('{"place": ', "not valid JSON"),
        ("[1, 2]", "must be a JSON object, not list"),
        (7, "must be a JSON object, not int"),
        ("[" * 100_000, "not valid JSON"),
        (None, "place: Field required"),
        ("", "place: Field required"),
    ],
    ids=range(12),
)
async def test_arguments_that_dont_fit_are_a_result_that_names_the_field(arguments: object, said: str) -> None:
    assert said in await refused(forecast, arguments)


async def test_many_bad_arguments_are_not_all_listed() -> None:
    assert "and 5 more" in await refused(forecast, {f"extra{n}": n for n in range(8)})


async def test_an_async_function_is_awaited() -> None:
    @tool(risk="read_only")
    async def wait() -> str:
        """Waits."""
        return "done"

    assert await called(wait, {}) == ToolOutput("done")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (None, ""),
        ("x", "x"),
        (ToolOutput("y"), "y"),
        (Place(city="Oslo"), '{"city":"Oslo","zip_code":null}'),
        ({"a": [1, "ü"]}, '{"a": [1, "ü"]}'),
    ],
    ids=["none", "text", "output", "model", "json"],
)
async def test_an_answer_becomes_text(answer: Any, text: str) -> None:
    @tool(risk="read_only")
    def give() -> Any:
        """Gives."""
        return answer

    result = await called(give, {})
    assert isinstance(result, ToolOutput)
    assert result.text == text


@pytest.mark.parametrize(
    ("error", "kind", "transient"),
    [
        (ToolError("no such city"), "ToolError", False),
        (ToolRetry("busy"), "ToolRetry", True),
        (ConnectionResetError("gone"), "ConnectionResetError", True),
        (TimeoutError(), "TimeoutError", True),
        (DatabaseLocked(), "DatabaseLocked", True),
        (KeyError("x"), "KeyError", False),
        (SystemExit(3), "SystemExit", False),
    ],
    ids=lambda value: value.__class__.__name__,
)
async def test_an_error_is_a_result_without_a_traceback(error: BaseException, kind: str, transient: bool) -> None:
    @tool(risk="read_only")
    def fail() -> str:
        """Fails."""
        raise error

    result = await called(fail, {})
    assert isinstance(result, ToolFailed)
    assert (result.kind, result.transient) == (kind, transient)
    assert "Traceback" not in result.message
    assert result.message


async def test_an_errors_words_are_bounded_and_clean() -> None:
    @tool(risk="read_only")
    def fail() -> str:
        """Fails."""
        raise ValueError("\0" + "x" * 100_000)

    result = await called(fail, {})
    assert isinstance(result, ToolFailed)
    assert len(result.message) <= ERROR_MAX_CHARS + 1
    assert "\0" not in result.message


def test_what_is_left_out_follows_from_the_risk() -> None:
    def work() -> str:
        """Works."""
        return ""

    reading, again, unsafe = (tool(risk=risk)(work) for risk in ("read_only", "idempotent", "unsafe"))
    assert (reading.policy, set(reading.modes)) == ("auto", {"plan", "act"})
    assert (again.policy, set(again.modes)) == ("ask", {"act"})
    assert (unsafe.policy, set(unsafe.modes)) == ("ask", {"act"})
    assert tool()(work).risk == "unsafe"
    assert tool(risk="read_only", dangerous=True)(work).policy == "ask"


def test_an_unsafe_or_dangerous_tool_never_runs_unasked() -> None:
    def work() -> str:
        """Works."""
        return ""

    with pytest.raises(InvalidArgument, match="can't be “auto”"):
        tool(policy="auto")(work)
    with pytest.raises(InvalidArgument, match="can't be “auto”"):
        tool(risk="read_only", dangerous=True)(work).with_policy("auto")
    assert tool()(work).with_policy("off").policy == "off"


def test_a_function_that_cant_be_described_is_refused_where_it_is_defined() -> None:
    def untyped(x) -> str:  # type: ignore[no-untyped-def]
        """Has no hint."""
        return str(x)

    def starred(*x: int) -> str:
        """Has a star."""
        return str(x)

    def silent(x: int) -> str:
        return str(x)

    for function, said in ((untyped, "type hint"), (starred, "one by one"), (silent, "docstring")):
        with pytest.raises(InvalidArgument, match=said):
            tool()(function)
    with pytest.raises(InvalidArgument, match="no tool name"):
        tool(name="not a name", description="x")(silent)


def test_a_type_that_no_schema_has_is_refused() -> None:
    class Opaque:
        pass

    def take(x: Opaque) -> str:
        """Takes."""
        return str(x)

    take.__annotations__["x"] = Opaque
    with pytest.raises(InvalidArgument, match="can't be described"):
        tool()(take)


def test_the_schema_is_json() -> None:
    assert json.loads(json.dumps(forecast.parameters)) == forecast.parameters
