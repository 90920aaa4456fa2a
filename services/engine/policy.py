"""Whether a tool may run at once, must be asked for, or not at all. Pure: one decision, all reasons in one place."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from models.states import Mode
from models.user_state import UserApprovalPolicy

ApprovalPolicy = Literal["auto", "manual", "allow-list", "limited"]
Verdict = Literal["run", "ask", "refuse"]
LIMITED_DEPTH = 5
"""Rounds of tools that `limited` lets run in one user turn before it asks."""


def stricter(policy: ApprovalPolicy, wanted: UserApprovalPolicy) -> ApprovalPolicy:
    """The server's policy as the user who started the run wants it. It can't be loosened: `manual` is the strictest."""
    return "manual" if wanted == "manual" else policy


def verdict(
    *,
    policy: ApprovalPolicy,
    tool_policy: Literal["auto", "ask", "off"],
    risk: Literal["read_only", "idempotent", "unsafe"],
    dangerous: bool,
    granted: bool,
    allowed: Collection[str],
    name: str,
    mode: Mode,
    depth: int,
) -> Verdict:
    """`granted`: the user allowed the tool for this session; `allowed`: the names on the server's list; `depth`: how
    many rounds of tools this turn has had. A dangerous tool is asked for each time, whatever was said before."""
    if tool_policy == "off" or (mode == "plan" and risk != "read_only"):
        return "refuse"
    if dangerous:
        return "ask"
    if granted:
        return "run"
    match policy:
        case "manual":
            return "ask"
        case "allow-list":
            return "run" if name in allowed else "ask"
        case "limited":
            return "run" if tool_policy == "auto" and depth < LIMITED_DEPTH else "ask"
        case "auto":
            return "run" if tool_policy == "auto" else "ask"
