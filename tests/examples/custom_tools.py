"""Tools of your own: one that only computes, and one that writes a file and therefore asks first.

    parley serve --tools tests.examples.custom_tools:TOOLS

A tool is a function with a docstring and type hints. The hints make its schema, and with it what a model may send: what
does not fit is answered with what is wrong, and never reaches the function.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from services.tools.context import ToolContext
from services.tools.errors import ToolError
from services.tools.tool import tool

Day = Annotated[date, Field(description="As YYYY-MM-DD")]


# read_only: changes nothing, so it runs without asking, is offered in plan mode too, and may be repeated after a crash.
@tool(risk="read_only", category="dates")
def days_between(first: Day, last: Day) -> int:
    """How many days lie between two dates."""
    if last < first:
        # What the model reads: say what to do instead. Any other exception is reported too, in its own words.
        raise ToolError("last lies before first: swap them")
    return (last - first).days


# idempotent: twice is the same as once, so it may be repeated after a crash; what is not declared counts as unsafe and
# never is. Both ask a person before they run, unless the operator says otherwise (--tool-policy save_reminder=auto).
@tool(risk="idempotent", category="dates")
def save_reminder(
    day: Day,
    text: Annotated[str, Field(min_length=1, max_length=500)],
    context: ToolContext,  # given by the server, not by the model: the session, the workspace, and whether to stop
) -> str:
    """Keep a reminder for a day, in place of the one that was there."""
    path = f"reminder-{day.isoformat()}.txt"
    is_new = context.files.replace(path, text.encode())
    return f"{'Wrote' if is_new else 'Replaced'} {path}"


TOOLS = (days_between, save_reminder)
