"""Metrics: what the door and the web report is in the exposition, with few labels."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from models.clock import SYSTEM_CLOCK
from models.commands import CancelRun, Command, CreateSession, RenameSession
from models.errors import SessionNotFound
from services.access import LOCAL, Access, Principal
from services.operating.metrics import MeteredSessionManager, Metrics
from services.sessions.manager import SessionManager
from services.store.memory.store import memory_store
from services.store.memory.tables import Memory
from services.store.store import Store

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(metrics: Metrics) -> Samples:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def of(metrics: Metrics, name: str, **labels: str) -> float:
    return samples(metrics)[name, tuple(sorted(labels.items()))]


@pytest.fixture
def store() -> Store:
    return memory_store(Memory(SYSTEM_CLOCK))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("1.2.3", SYSTEM_CLOCK)


@pytest.fixture
def door(store: Store, metrics: Metrics) -> MeteredSessionManager:
    manager = MeteredSessionManager(store, Access(), clock=SYSTEM_CLOCK, metrics=metrics)
    manager.subscribe(metrics.on_committed)
    return manager


async def test_callers_commands_are_counted_by_outcome(door: MeteredSessionManager, metrics: Metrics) -> None:
    with pytest.raises(SessionNotFound):
        await door.handle("nobody", CancelRun(), LOCAL)
    assert of(metrics, "parley_commands_total", command="CancelRun", code="session_not_found") == 1
    assert of(metrics, "parley_command_seconds_count") == 1


async def test_a_bug_and_a_caller_that_left_are_counted_too(
    door: MeteredSessionManager, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> dict[str, object]:
        raise RuntimeError("a bug")

    monkeypatch.setattr(SessionManager, "handle", broken)
    with pytest.raises(RuntimeError):
        await door.handle("s", RenameSession("t"), LOCAL)
    assert of(metrics, "parley_commands_total", command="RenameSession", code="internal_error") == 1

    async def endless(
        self: SessionManager, session_id: str, command: Command, principal: Principal, **_: Any
    ) -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    monkeypatch.setattr(SessionManager, "handle", endless)
    asking = asyncio.create_task(door.handle("s", RenameSession("t"), LOCAL))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert of(metrics, "parley_commands_total", command="RenameSession", code="caller_gone") == 1


async def test_events_and_commits_are_counted_by_the_listener(
    door: MeteredSessionManager, metrics: Metrics, store: Store
) -> None:
    inbox = await store.projects.inbox()
    await door.handle("s", CreateSession("e", inbox.id, inbox.name, "t", "demo"), LOCAL)
    assert of(metrics, "parley_events_total", type="session.created") == 1
    assert of(metrics, "parley_commit_seconds_count") == 1
    assert of(metrics, "parley_commit_seconds_bucket", le="+Inf") == 1


def test_requests_are_counted_by_route_and_refusals_by_code(metrics: Metrics) -> None:
    metrics.on_request("GET", "/api/me", 200, 0.0004, None)
    metrics.on_request("GET", "/api/me", 401, 0.3, "unauthenticated")
    metrics.on_request("GET", "/api/me", 200, 60.0, None)
    metrics.on_let_go("slow_consumer")
    assert of(metrics, "parley_http_requests_total", method="GET", route="/api/me", status="200") == 2
    assert of(metrics, "parley_http_refusals_total", code="unauthenticated") == 1
    assert of(metrics, "parley_http_seconds_bucket", route="/api/me", le="0.001") == 1
    assert of(metrics, "parley_http_seconds_bucket", route="/api/me", le="0.5") == 2
    assert of(metrics, "parley_http_seconds_bucket", route="/api/me", le="+Inf") == 3
    assert of(metrics, "parley_http_seconds_sum", route="/api/me") == pytest.approx(60.3004)
    assert of(metrics, "parley_let_go_total", code="slow_consumer") == 1


def test_gauges_are_asked_when_the_numbers_are(metrics: Metrics) -> None:
    value = 1.0
    metrics.gauge("parley_connections", "Connections.", lambda: value)
    assert of(metrics, "parley_connections") == 1
    value = 7.0
    assert of(metrics, "parley_connections") == 7
    assert of(metrics, "parley_build_info", version="1.2.3") == 1


def test_the_process_is_measured(metrics: Metrics) -> None:
    assert of(metrics, "process_resident_memory_bytes") > 0
