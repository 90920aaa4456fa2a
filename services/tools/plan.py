"""The tool by which a model writes down its plan, where everybody sees it. Keeps no plan itself."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.payloads import PlanItem, PlanPayload
from services.tools.tool import ToolOutput, tool

STEPS_MAX = 100
STEP_MAX_CHARS = 160
"""All together stay below the 64 KiB that a plan may have, in any script: it goes with every request."""


class Step(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=STEP_MAX_CHARS)]
    status: Literal["pending", "in_progress", "done", "dropped"] = "pending"


@tool(risk="read_only", category="plan")
def update_plan(
    steps: Annotated[list[Step], Field(max_length=STEPS_MAX, description="All of them, in order")],
) -> ToolOutput:
    """Write down your plan for work of several steps, or how far it has come. Replaces the plan as it was. The user
    sees it, and you are shown it with every request."""
    items = tuple(PlanItem(id=str(number), text=step.text, status=step.status) for number, step in enumerate(steps, 1))
    counts = Counter(item.status.replace("_", " ") for item in items)
    said = ", ".join(f"{count} {status}" for status, count in counts.items())
    said = f"The plan has {len(items)} steps: {said}" if items else "The plan is empty"
    return ToolOutput(said, artifact=PlanPayload(items=items))
