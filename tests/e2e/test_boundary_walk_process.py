"""The boundary walk on the real process: plan mode, a question, approvals, three tools side by side of which one fails
and one times out, an unsafe tool, a workflow, a branch and a merge; SIGKILL after one event after the other.

Each time the walk ends the same, apart from the replies that were cut off. By default every eighth event is taken, with
WALK_ALL=1 each one; WALK_SEED chooses the first, and the events of the walk with streamed fragments.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # where the server finds its agent, too

from walking import Walk, When, check_requests
from walking_driver import WAIT_S
from walking_endpoint import Endpoint

from hub.client import SessionView

pytestmark = pytest.mark.slow

EVERY = 1 if os.environ.get("WALK_ALL") else 8
SEED = int(os.environ.get("WALK_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
AT_ONCE = 2
"""A start keeps a core busy for a second; a walk mostly waits."""
FRAGMENTS = (0, 3, 7, 14)
"""Chunks of the reply with three calls: before the first, amid its words, amid names and arguments of calls."""
EVENTS_OF_A_STREAMED_WALK = 3


def after_event(seq: int) -> When:
    async def when(view: SessionView) -> None:
        await view.until(lambda view: view.last >= seq, WAIT_S)

    return when


async def test_the_walk_without_a_kill_does_everything_once(tmp_path: Path) -> None:
    walk = Walk(tmp_path)
    await walk.go()
    check_requests(walk.requests())
    _assert_did_everything(walk)


async def test_killed_after_any_event_the_walk_ends_the_same(tmp_path: Path) -> None:
    """I1, I2, I3, I5, I9. Fails when a tool begins before `StartTools` is committed (the vase is smashed twice), when
    open calls are forgotten at a take-over (the walk hangs), or when an answered question is asked again."""
    whole = Walk(tmp_path / "whole")
    await whole.go()
    head = whole.events[-1][0]
    offset = random.Random(SEED).randrange(EVERY)
    walks = [Walk(tmp_path / f"{seq}", after_event(seq)) for seq in range(1 + offset, head + 1, EVERY)]
    print(f"WALK_SEED={SEED}: {len(walks)} kills among {head} events")
    await _all_of(walks)
    for walk in walks:
        check_requests(walk.requests())
        assert walk.ending == whole.ending, f"killed at {walk.killed_at}"
    assert all(walk.killed_at is not None for walk in walks[:-1])


async def test_killed_while_the_unsafe_tool_is_at_work_it_is_not_run_again(tmp_path: Path) -> None:
    """I5, where no event tells of the moment. Fails when a take-over approves an unsafe call again."""
    whole, walk = Walk(tmp_path / "whole"), Walk(tmp_path / "killed")

    async def at_work(view: SessionView) -> None:
        while walk.smashed() == 0:  # noqa: ASYNC110 -- only its log tells
            await asyncio.sleep(0.002)

    walk.when = at_work
    await _all_of([whole, walk])
    assert walk.killed_at is not None
    assert walk.smashed() == 1
    assert walk.ending == whole.ending


async def test_with_fragments_streamed_by_an_endpoint_the_walk_ends_the_same(tmp_path: Path) -> None:
    """The same after some events, and after some chunks of the reply whose three calls come in fragments."""
    print(f"WALK_SEED={SEED}")
    async with Endpoint() as endpoint:
        whole = _over(Walk(tmp_path / "whole"), endpoint)
        await whole.go()
        check_requests(endpoint.requests())
    _assert_did_everything(whole)
    seqs = sorted(random.Random(SEED).sample(range(2, whole.events[-1][0]), EVENTS_OF_A_STREAMED_WALK))
    for seq in seqs:
        async with Endpoint() as endpoint:
            walk = _over(Walk(tmp_path / f"event {seq}", after_event(seq)), endpoint)
            await walk.go()
            _assert_ended_like(whole, walk, endpoint)


@pytest.mark.parametrize("chunks", FRAGMENTS)
async def test_killed_amid_the_fragments_of_calls_the_walk_ends_the_same(tmp_path: Path, chunks: int) -> None:
    """The request is repeated; no call of the reply that was cut off is left behind."""
    async with Endpoint() as endpoint, Endpoint(hold_at=chunks) as holding:
        whole = _over(Walk(tmp_path / "whole"), endpoint)
        walk = _over(Walk(tmp_path / "killed", lambda _: holding.held()), holding)
        await _all_of([whole, walk])
        assert walk.killed_at is not None
        _assert_ended_like(whole, walk, holding)


def _over(walk: Walk, endpoint: Endpoint) -> Walk:
    """The same walk with a model behind that endpoint."""
    options = ("--openai-base-url", endpoint.base_url, "--openai-models", "loop-1")
    environment = {"WALK_OPENAI_URL": endpoint.base_url}
    return replace(walk, model="openai:loop-1", options=options, environment=environment)


def _assert_ended_like(whole: Walk, walk: Walk, endpoint: Endpoint) -> None:
    check_requests(endpoint.requests())
    assert walk.ending == whole.ending, f"killed at {walk.killed_at}"


async def _all_of(walks: Sequence[Walk]) -> None:
    """Every one to its end, even when others fail: what fails alone tells more than what fails first."""
    places = asyncio.Semaphore(AT_ONCE)

    async def in_turn(walk: Walk) -> None:
        async with places:
            await walk.go()

    outcomes = await asyncio.gather(*map(in_turn, walks), return_exceptions=True)
    failures = [each for each in outcomes if isinstance(each, Exception)]
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {len(walks)} walks", failures)


def _assert_did_everything(walk: Walk) -> None:
    assert walk.smashed() == 1
    asked = [data["approval"] for _, kind, data in walk.events if kind == "approval.requested"]
    assert [each["question"] or each["tool"] for each in asked] == ["Which way?", "fetch", "smash"]
    kinds = {kind for _, kind, _ in walk.events}
    assert {"context.mode_changed", "branch.created", "branch.switched", "branch.merged"} <= kinds
    assert walk.ending is not None
    path = walk.ending.paths["main"]
    results = sorted(
        message["result"][:2] for message in path if message["kind"] == "tool_result" and "result" in message
    )
    looked = ["look", "ok"]
    assert results == [["dream", "timeout"], ["fetch", "ok"], looked, looked, ["stumble", "error"]]
    (flow,) = [message for message in path if message["kind"] == "workflow_execution"]
    assert [status for _, status, _ in flow["steps"]] == ["done", "done"]
    assert path[-1]["content"] == "Aside, then."
