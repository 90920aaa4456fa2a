"""The policy table, whole: every combination of what a verdict depends on, against the rules said in another way."""

from __future__ import annotations

from itertools import product
from typing import Literal, get_args

import pytest

from models.states import Mode
from services.engine.policy import LIMITED_DEPTH, ApprovalPolicy, stricter, verdict

ToolPolicy = Literal["auto", "ask", "off"]
Risk = Literal["read_only", "idempotent", "unsafe"]
POLICIES: tuple[ApprovalPolicy, ...] = get_args(ApprovalPolicy)
TOOL_POLICIES: tuple[ToolPolicy, ...] = get_args(ToolPolicy)
RISKS: tuple[Risk, ...] = get_args(Risk)
MODES: tuple[Mode, ...] = get_args(Mode)
DEPTHS = (0, LIMITED_DEPTH - 1, LIMITED_DEPTH, LIMITED_DEPTH + 1)
NAMES = ("listed", "other")
Case = tuple[ToolPolicy, Risk, bool, bool, str, Mode, int]
CASES: tuple[Case, ...] = tuple(
    product(TOOL_POLICIES, RISKS, (False, True), (False, True), NAMES, MODES, DEPTHS),
)


def judged(policy: ApprovalPolicy, case: Case) -> str:
    tool_policy, risk, dangerous, granted, name, mode, depth = case
    return verdict(
        policy=policy,
        tool_policy=tool_policy,
        risk=risk,
        dangerous=dangerous,
        granted=granted,
        allowed={"listed"},
        name=name,
        mode=mode,
        depth=depth,
    )


def runs_unasked(policy: ApprovalPolicy, case: Case) -> bool:
    """Whether the server's policy alone lets it run, once it may be called at all and needs no consent each time."""
    tool_policy, _, _, _, name, _, depth = case
    return {
        "manual": False,
        "allow-list": name == "listed",
        "limited": tool_policy == "auto" and depth < LIMITED_DEPTH,
        "auto": tool_policy == "auto",
    }[policy]


def expected(policy: ApprovalPolicy, case: Case) -> str:
    tool_policy, risk, dangerous, granted, _, mode, _ = case
    if tool_policy == "off":
        return "refuse"
    if mode == "plan" and risk in ("idempotent", "unsafe"):
        return "refuse"
    if not dangerous and (granted or runs_unasked(policy, case)):
        return "run"
    return "ask"


@pytest.mark.parametrize("policy", POLICIES)
def test_every_combination_has_its_verdict(policy: ApprovalPolicy) -> None:
    assert len(CASES) == 3 * 3 * 2 * 2 * 2 * 2 * 4
    wrong = [(case, judged(policy, case)) for case in CASES if judged(policy, case) != expected(policy, case)]
    assert wrong == []


@pytest.mark.parametrize("policy", POLICIES)
def test_a_dangerous_tool_never_runs_unasked_whatever_was_said_before(policy: ApprovalPolicy) -> None:
    assert {judged(policy, case) for case in CASES if case[2]} == {"ask", "refuse"}


@pytest.mark.parametrize("policy", POLICIES)
def test_plan_mode_lets_nothing_through_that_writes(policy: ApprovalPolicy) -> None:
    assert {judged(policy, case) for case in CASES if case[5] == "plan" and case[1] != "read_only"} == {"refuse"}


@pytest.mark.parametrize("policy", POLICIES)
def test_a_tool_that_is_off_is_refused_even_when_it_was_granted(policy: ApprovalPolicy) -> None:
    assert {judged(policy, case) for case in CASES if case[0] == "off"} == {"refuse"}


def test_what_was_granted_for_the_session_runs_under_every_policy() -> None:
    granted = [case for case in CASES if case[3] and not case[2] and case[0] != "off" and case[5] == "act"]
    assert {judged(policy, case) for policy in POLICIES for case in granted} == {"run"}


def test_limited_lets_so_many_rounds_pass_and_then_asks() -> None:
    verdicts = [judged("limited", ("auto", "read_only", False, False, "other", "act", n)) for n in range(8)]
    assert verdicts == ["run"] * LIMITED_DEPTH + ["ask"] * (8 - LIMITED_DEPTH)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_users_wish_makes_every_call_ask_that_may_be_asked_for_and_lets_none_run(policy: ApprovalPolicy) -> None:
    for case in CASES:
        assert judged(stricter(policy, "default"), case) == judged(policy, case)
        wished, granted = judged(stricter(policy, "manual"), case), case[3]
        assert wished == ("ask" if judged(policy, case) == "run" and not granted else judged(policy, case)), case
