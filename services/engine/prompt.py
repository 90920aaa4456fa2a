"""The system prompt, put together anew for each request from named parts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.tools import ToolSpec
from services.engine.context import Context

ROLE = (
    "You are an assistant in a chat that people follow live, from several devices. Answer plainly. When you state "
    "something about files, name the file and the line as path:line."
)
PLAN = (
    "Mode: plan. Look and think, change nothing: only tools that read are at hand. End with what you would do, as a "
    "short list."
)
ACT = (
    "Mode: act. Do what was asked with the tools at hand. Tools that change something may wait for the user's consent."
)


@dataclass(frozen=True, slots=True)
class PromptPart:
    name: str
    text: str


def prompt_parts(context: Context, overview: str, tools: Sequence[ToolSpec]) -> tuple[PromptPart, ...]:
    """`overview` describes the workspace, empty without one. A branch's own prompt replaces the role."""
    own = context.branch.system_prompt
    parts = [
        PromptPart("branch", own) if own else PromptPart("role", ROLE),
        PromptPart("mode", PLAN if context.mode == "plan" else ACT),
        PromptPart("workspace", f"The workspace:\n{overview}" if overview else ""),
        PromptPart("pins", _pins(context)),
        PromptPart("plan", _plan(context)),
        PromptPart("tools", f"Tools: {', '.join(tool.name for tool in tools)}." if tools else ""),
    ]
    return tuple(part for part in parts if part.text)


def _pins(context: Context) -> str:
    pins = context.branch.pins
    return (
        "Pinned by the user, always to be kept in mind:\n" + "\n".join(f"- {pin.text}" for pin in pins) if pins else ""
    )


def _plan(context: Context) -> str:
    items = "\n".join(f"- [{item.status}] {item.text}" for item in context.branch.plan)
    return f"The plan:\n{items}" if items else ""
