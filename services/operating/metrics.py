"""The server's numbers, in Prometheus' text format. Never slows down what it counts: plain additions on the hot paths,
everything else when the numbers are asked for."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from models.clock import Clock
from models.commands import CommandFor
from models.errors import ParleyError
from services.access import Access, Principal
from services.sessions.listeners import Committed
from services.sessions.manager import ResultT, SessionManager
from services.sessions.other_nodes import OtherNodes
from services.store.store import Store
from services.tracing import OFF, Tracing

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""From a commit on a quiet machine to a request that somebody gave up on."""


class Histogram:
    """Observed seconds by bucket."""

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.total_s = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_s += seconds

    def buckets(self) -> list[tuple[str, float]]:
        names = [*map(str, BOUNDS_S), "+Inf"]
        return list(zip(names, map(float, accumulate(self.counts)), strict=True))


class Metrics(Collector):
    """Gauges are asked at the scrape: register them with `gauge`."""

    def __init__(self, version: str, clock: Clock) -> None:
        self._version = version
        self._clock = clock
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self._events: defaultdict[str, int] = defaultdict(int)
        self._commits = Histogram()
        self._commands: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._handling = Histogram()
        self._let_go: defaultdict[str, int] = defaultdict(int)
        self._requests: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self._refusals: defaultdict[str, int] = defaultdict(int)
        self._answering: defaultdict[str, Histogram] = defaultdict(Histogram)
        self._registry = CollectorRegistry()
        self._registry.register(self)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)

    def gauge(self, name: str, help_text: str, ask: Callable[[], float]) -> None:
        self._gauges[name] = (help_text, ask)

    def on_committed(self, committed: Committed) -> None:
        """A listener of the session manager. What other nodes committed they count themselves."""
        if not committed.own:
            return
        for event in committed.events:
            self._events[event.body.type] += 1
        self._commits.observe(max(0, self._clock() - committed.events[0].at) / 1000)

    def on_command(self, name: str, code: str, seconds: float) -> None:
        self._commands[name, code] += 1
        self._handling.observe(seconds)

    def on_let_go(self, code: str) -> None:
        self._let_go[code] += 1

    def on_request(self, method: str, route: str, status: int, seconds: float, code: str | None) -> None:
        """`route` is a template of the table, never a path: ids must not become labels."""
        self._requests[method, route, str(status)] += 1
        self._answering[route].observe(seconds)
        if code is not None:
            self._refusals[code] += 1

    def exposition(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("parley_build", "The running version.", {"version": self._version})
        for name, (help_text, ask) in self._gauges.items():
            yield GaugeMetricFamily(name, help_text, ask())
        yield _counter("parley_events", "Events committed and shown.", ("type",), self._events)
        yield _histogram("parley_commit_seconds", "From decision to durable, per append.", self._commits)
        yield _counter("parley_commands", "Callers' commands by outcome.", ("command", "code"), self._commands)
        yield _histogram("parley_command_seconds", "From command to answer, for callers.", self._handling)
        yield _counter("parley_let_go", "Connections cut without a goodbye, by its code.", ("code",), self._let_go)
        labels = ("method", "route", "status")
        yield _counter("parley_http_requests", "REST requests answered.", labels, self._requests)
        yield _counter("parley_http_refusals", "REST requests refused, by code.", ("code",), self._refusals)
        answering = HistogramMetricFamily("parley_http_seconds", "Time to answer, by route.", labels=("route",))
        for route, histogram in self._answering.items():
            answering.add_metric((route,), histogram.buckets(), histogram.total_s)
        yield answering


class MeteredSessionManager(SessionManager):
    """The door with a counter for each caller's command. A run's own steps are not counted here but as events."""

    def __init__(
        self,
        store: Store,
        access: Access,
        *,
        clock: Clock,
        metrics: Metrics,
        others: OtherNodes | None = None,
        tracing: Tracing = OFF,
    ) -> None:
        super().__init__(store, access, clock=clock, others=others, tracing=tracing)
        self._metrics = metrics

    async def handle(
        self,
        session_id: str,
        command: CommandFor[ResultT],
        principal: Principal,
        *,
        expected_version: int | None = None,
    ) -> ResultT:
        began, code = time.perf_counter(), "ok"
        try:
            return await super().handle(session_id, command, principal, expected_version=expected_version)
        except ParleyError as error:
            code = error.code
            raise
        except asyncio.CancelledError:
            code = "caller_gone"
            raise
        except Exception:
            code = "internal_error"
            raise
        finally:
            self._metrics.on_command(type(command).__name__, code, time.perf_counter() - began)


def _counter(name: str, help_text: str, labels: tuple[str, ...], counts: Mapping[Any, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, help_text, labels=labels)
    for key, count in counts.items():
        family.add_metric((key,) if isinstance(key, str) else key, count)
    return family


def _histogram(name: str, help_text: str, histogram: Histogram) -> HistogramMetricFamily:
    return HistogramMetricFamily(name, help_text, buckets=histogram.buckets(), sum_value=histogram.total_s)
