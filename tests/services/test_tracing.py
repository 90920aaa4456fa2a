"""What a watcher with OpenTelemetry sees of one message, and that nobody else pays for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from world import USER, Workshop, eventually, hooked_store, no_sleep, say

from models.commands import CancelRun
from models.errors import ParleyError, StorageUnavailable
from services.llm.provider import ModelRequest
from services.llm.scripted import CallTool, Finish, Refuse, Say, ScriptedProvider, ScriptStep
from services.runs.toolbox import Toolbox
from services.tools.executor import ToolExecutor
from services.tools.registry import ToolRegistry
from services.tools.tool import tool
from services.tracing import OFF, Spans, configured_tracing

pytest.importorskip("opentelemetry.sdk", reason="the package opentelemetry-sdk is not installed")
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

ROOT = Path(__file__).parents[2]


@tool(risk="read_only")
def look() -> str:
    """Looks."""
    return "there"


@tool(risk="read_only")
def stumble() -> str:
    """Fails."""
    raise ValueError("oh")


def script(request: ModelRequest) -> tuple[ScriptStep, ...]:
    if any(message.results for message in request.messages):
        return (Say("done"), Finish("stop"))
    return (CallTool("look", {}, "c1"), CallTool("stumble", {}, "c2"), Finish("tool_calls"))


class Watched:
    """A server whose spans are kept."""

    def __init__(self, shop: Workshop, exporter: InMemorySpanExporter, provider: ScriptedProvider) -> None:
        self.shop = shop
        self.provider = provider
        self._exporter = exporter

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return tuple(self._exporter.get_finished_spans())

    def the(self, name: str) -> ReadableSpan:
        (span,) = (span for span in self.spans if span.name == name)
        return span

    def parent(self, span: ReadableSpan) -> str | None:
        if span.parent is None:
            return None
        return str(next(each.name for each in self.spans if each.context.span_id == span.parent.span_id))

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]


@asynccontextmanager
async def watched() -> AsyncIterator[Watched]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    played = ScriptedProvider(sleep=no_sleep)
    played.register("works", script)
    (store, _), registry = hooked_store(), ToolRegistry((look, stumble))
    toolbox = Toolbox(registry, ToolExecutor(registry))
    inbox = await store.projects.inbox()
    tracing = Spans(provider.get_tracer("parley"))
    shop = Workshop(store, inbox.id, provider=played, toolbox=toolbox, tracing=tracing)
    await shop.runs.start()
    try:
        yield Watched(shop, exporter, played)
    finally:
        await shop.stop()


async def answered(watch: Watched) -> str:
    session_id = await watch.shop.room.create(model="scripted:works")
    await watch.shop.room.do(session_id, say("a secret of mine"))
    await watch.shop.until(session_id, "COMPLETED")
    await eventually(lambda: watch.named("invoke_agent assistant"), "the run's span")
    return session_id


async def test_one_message_is_one_trace_from_the_command_to_the_tools() -> None:
    """Taken out for the check: what `command` remembers of the run; then the run begins a trace of its own."""
    async with watched() as watch:
        await answered(watch)
        run = watch.the("invoke_agent assistant")
        assert watch.parent(run) == "command SendMessage"
        assert watch.parent(watch.the("command StartRun")) == "command SendMessage"
        for name in ("execute_tool look", "execute_tool stumble", "command StartTools", "command FinishRun"):
            assert watch.parent(watch.the(name)) == "invoke_agent assistant", name
        assert [watch.parent(span) for span in watch.named("chat works")] == ["invoke_agent assistant"] * 2
        traces = {span.context.trace_id for span in watch.spans if span.name != "command CreateSession"}
        others = {span.name for span in watch.spans if span.context.trace_id != run.context.trace_id}
        assert others == {"command CreateSession", "append", "publish"}
        assert len(traces) == 2


async def test_each_commit_is_an_append_and_a_publish_under_its_command() -> None:
    async with watched() as watch:
        await answered(watch)
        for name in ("append", "publish"):
            parents = [watch.parent(span) or "" for span in watch.named(name)]
            assert all(parent.startswith("command ") for parent in parents)
            assert {"command SendMessage", "command FinishTool", "command FinishRun"} <= set(parents)
        assert not watch.named("command AppendDelta"), "a reply has thousands of chunks"


async def test_a_model_request_has_the_standard_names_and_nobodys_words() -> None:
    async with watched() as watch:
        session_id = await answered(watch)
        first, second = watch.named("chat works")
        attributes: dict[str, Any] = dict(first.attributes or {})
        assert attributes.pop("parley.request.id") != dict(second.attributes or {})["parley.request.id"]
        tokens = {name: attributes.pop(name) for name in list(attributes) if name.startswith("gen_ai.usage.")}
        assert set(tokens) <= {"gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"}
        assert attributes == {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "scripted",
            "gen_ai.request.model": "works",
            "gen_ai.response.finish_reasons": ("tool_calls",),
        }
        assert dict(watch.the("invoke_agent assistant").attributes or {})["gen_ai.conversation.id"] == session_id
        assert all("secret" not in f"{span.name} {dict(span.attributes or {})}" for span in watch.spans)


async def test_what_fails_is_said_in_its_span() -> None:
    async with watched() as watch:
        session_id = await answered(watch)
        assert watch.the("execute_tool look").status.is_ok
        assert not watch.the("execute_tool stumble").status.is_ok
        journal = watch.shop.room.store.journal
        journal.broken = StorageUnavailable("full")  # type: ignore[attr-defined]
        with pytest.raises(ParleyError):
            await watch.shop.room.do(session_id, say("again"))
        journal.broken = None  # type: ignore[attr-defined]
        failed = [span for span in watch.named("command SendMessage") if not span.status.is_ok]
        assert [dict(span.attributes or {})["error.type"] for span in failed] == ["storage_unavailable"]
        assert [span.status.description for span in watch.named("append") if not span.status.is_ok] == [
            "StorageUnavailable"
        ]


async def test_a_run_that_fails_tells_its_span_the_code_alone() -> None:
    async with watched() as watch:
        watch.provider.register("refuses", (Refuse("a secret of mine"),))
        session_id = await watch.shop.room.create(model="scripted:refuses")
        await watch.shop.room.do(session_id, say("go"))
        await watch.shop.until(session_id, "FAILED")
        await eventually(lambda: watch.named("invoke_agent assistant"), "the run's span")
        span = watch.the("invoke_agent assistant")
        assert dict(span.attributes or {})["error.type"] == span.status.description == "provider_refused"


async def test_without_a_configured_provider_nothing_is_recorded() -> None:
    """The API is there, as part of the SDK of MCP, and says itself that nobody listens."""
    import opentelemetry.trace  # noqa: F401

    assert configured_tracing() is OFF
    async with watched() as watch:
        future = watch.shop.room.sessions.submit("nobody", CancelRun(), USER)
        assert OFF.command("s", CancelRun(), future) is None
        with pytest.raises(ParleyError):
            await future


def test_a_server_that_nobody_watches_does_not_even_import_the_api() -> None:
    look = "import sys, web.app; from web.settings import Settings; web.app.create_app(Settings(database='memory:'))"
    told = subprocess.run(
        [sys.executable, "-c", f"{look}; print('opentelemetry' in sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "False"


def test_a_provider_that_was_configured_before_is_used() -> None:
    look = (
        "from opentelemetry import trace; from opentelemetry.sdk.trace import TracerProvider\n"
        "trace.set_tracer_provider(TracerProvider())\n"
        "from services.tracing import configured_tracing\nprint(type(configured_tracing()).__name__)"
    )
    told = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "Spans"
