"""Names of models: who answers to them, what is said to a wrong one, and that looking costs no import."""

from __future__ import annotations

import subprocess
import sys

import pytest
from openai_loopback import OpenAILoopback
from patience import HANG_S

from models.clock import SYSTEM_CLOCK
from models.errors import InvalidArgument, ProviderUnavailable, UnknownModel
from models.tools import ToolSpec
from services.llm.anthropic import AnthropicProvider
from services.llm.capabilities import describe, describe_anthropic
from services.llm.demo import DemoProvider
from services.llm.openai import OpenAIProvider
from services.llm.provider import (
    Finished,
    ModelInfo,
    ModelMessage,
    ModelRequest,
    TextDelta,
)
from services.llm.registry import Providers
from services.llm.scripted import Say, ScriptedProvider


def test_demo_needs_nothing() -> None:
    provider, info = Providers(SYSTEM_CLOCK).resolve("demo")
    assert isinstance(provider, DemoProvider)
    assert (info.name, info.provider) == ("demo", "demo")


@pytest.mark.parametrize("name", ["gpt-5", "openai:gpt-5"])
def test_a_configured_model_has_its_name_with_and_without_prefix(name: str) -> None:
    provider, info = Providers(SYSTEM_CLOCK, openai_api_key="sk-1", openai_models=["gpt-5"]).resolve(name)
    assert isinstance(provider, OpenAIProvider)
    assert info.name == "openai:gpt-5"
    assert info.window_tokens == 400_000
    assert info.vision


def test_any_model_of_a_configured_endpoint_is_found_with_the_prefix() -> None:
    provider, info = Providers(SYSTEM_CLOCK, openai_base_url="http://127.0.0.1:11434/v1").resolve("openai:llama3:8b")
    assert isinstance(provider, OpenAIProvider)
    assert info == describe("llama3:8b")
    assert info.name == "openai:llama3:8b"


@pytest.mark.parametrize("name", ["claude-sonnet-4-5", "anthropic:claude-sonnet-4-5"])
def test_a_configured_anthropic_model_has_its_name_with_and_without_prefix(name: str) -> None:
    provider, info = Providers(SYSTEM_CLOCK, anthropic_api_key="sk-1", anthropic_models=["claude-sonnet-4-5"]).resolve(
        name
    )
    assert isinstance(provider, AnthropicProvider)
    assert info.name == "anthropic:claude-sonnet-4-5"
    assert (info.window_tokens, info.max_output_tokens, info.vision, info.tools) == (200_000, 64_000, True, True)


def test_any_model_of_the_anthropic_api_is_found_with_the_prefix() -> None:
    provider, info = Providers(SYSTEM_CLOCK, anthropic_base_url="http://127.0.0.1:1").resolve("anthropic:claude-next")
    assert isinstance(provider, AnthropicProvider)
    assert info == describe_anthropic("claude-next")


def test_what_the_operator_says_of_an_anthropic_model_counts() -> None:
    known = ModelInfo("claude-x", "mine", window_tokens=8_192, max_output_tokens=1_024, vision=False, tools=False)
    _, info = Providers(SYSTEM_CLOCK, anthropic_api_key="sk-1", anthropic_models=[known]).resolve("claude-x")
    assert (info.name, info.provider, info.window_tokens) == ("anthropic:claude-x", "anthropic", 8_192)


def test_an_anthropic_model_without_a_key_is_told_what_is_missing() -> None:
    with pytest.raises(UnknownModel, match="for anthropic:NAME set PARLEY_ANTHROPIC_API_KEY"):
        Providers(SYSTEM_CLOCK, openai_api_key="sk-1").resolve("anthropic:claude-x")


def test_what_the_operator_says_of_a_model_counts() -> None:
    known = ModelInfo("llama3", "mine", window_tokens=8_192, max_output_tokens=1_024, vision=False, tools=False)
    _, info = Providers(SYSTEM_CLOCK, openai_base_url="http://127.0.0.1:1/v1", openai_models=[known]).resolve("llama3")
    assert (info.name, info.provider, info.window_tokens) == ("openai:llama3", "openai", 8_192)


def test_models_lists_what_people_may_choose() -> None:
    scripted = ScriptedProvider({"test": (Say("a"),)})
    providers = Providers(SYSTEM_CLOCK, openai_api_key="sk-1", openai_models=["gpt-5", "gpt-4o"], scripted=scripted)
    names = [info.name for info in providers.models()]
    assert names == ["demo", "openai:gpt-5", "openai:gpt-4o", "scripted:test"]
    assert [providers.resolve(name)[1].name for name in names] == names


def test_scripts_are_found_by_name_and_by_parameters() -> None:
    scripted = ScriptedProvider({"test": (Say("a"),)})
    providers = Providers(SYSTEM_CLOCK, scripted=scripted)
    assert providers.resolve("scripted:test")[0] is scripted
    assert providers.resolve("scripted:words=200,delay_ms=5,seed=1") == (
        scripted,
        scripted.info("words=200,delay_ms=5,seed=1"),
    )


@pytest.mark.parametrize("name", ["nobody", "openai:", "scripted:nobody", "openai:gpt-5", "gpt-5", "", "demo:x", ":"])
def test_an_unknown_name_is_told_the_known_ones(name: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        Providers(SYSTEM_CLOCK).resolve(name)
    assert caught.value.details == {"field": "model", "known": ["demo"]}
    assert "known: demo" in caught.value.message
    assert "set PARLEY_OPENAI_API_KEY or a base URL" in caught.value.message


def test_wrong_script_parameters_are_named() -> None:
    with pytest.raises(UnknownModel, match="delay_ms"):
        Providers(SYSTEM_CLOCK).resolve("scripted:wrods=3")


def test_models_without_key_or_url_are_not_offered() -> None:
    assert [info.name for info in Providers(SYSTEM_CLOCK, openai_models=["gpt-5"]).models()] == ["demo"]


@pytest.mark.parametrize("settings", [{"openai_api_key": "sk 1"}, {"openai_base_url": "ftp://x"}])
def test_settings_that_can_never_work_fail_at_the_start(settings: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Providers(
            SYSTEM_CLOCK, openai_api_key=settings.get("openai_api_key"), openai_base_url=settings.get("openai_base_url")
        )
    assert caught.value.details["field"] in settings


@pytest.mark.parametrize("name", ["gpt-4", "gpt-4o-mini", "gpt-4.1-nano", "o3-mini", "gpt-oss-20b", "qwen3"])
def test_every_described_model_leaves_room_to_read(name: str) -> None:
    info = describe(name)
    assert 0 < info.max_output_tokens <= info.window_tokens // 2


async def test_resolved_names_work_in_a_request_until_the_providers_are_closed() -> None:
    async with OpenAILoopback() as server:
        providers = Providers(SYSTEM_CLOCK, openai_base_url=server.base_url, openai_models=["loop-1"])
        provider, info = providers.resolve("loop-1")
        request = ModelRequest(info.name, (ModelMessage.text("user", "hi"),), "r")
        events = [event async for event in provider.stream(request)]
        await providers.aclose()
        with pytest.raises(ProviderUnavailable):
            await anext(aiter(provider.stream(request)))
    assert isinstance(events[0], TextDelta)
    assert isinstance(events[-1], Finished)
    assert server.exchanges[0].body["model"] == "loop-1"


def test_importing_and_building_the_providers_imports_no_sdk() -> None:
    code = (
        "import sys, services.llm.registry as r, services.llm.tokens\n"
        "from models.clock import SYSTEM_CLOCK\n"
        "r.Providers("
        "SYSTEM_CLOCK, openai_api_key='sk-1', openai_models=['gpt-5'], anthropic_api_key='sk-1').resolve('gpt-5')\n"
        "print(*(m for m in ('openai', 'anthropic', 'httpx2', 'tiktoken') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=HANG_S, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("claude-3-haiku", 4_096),
        ("claude-3-5-haiku-latest", 8_192),
        ("claude-3-7-sonnet-latest", 64_000),
        ("claude-opus-4-1", 32_000),
        ("claude-opus-5", 64_000),
        ("unheard-of", 4_096),
    ],
)
def test_what_an_anthropic_model_can_write_is_known_by_its_name(name: str, output: int) -> None:
    assert describe_anthropic(name).max_output_tokens == output


@pytest.mark.parametrize("name", ["", "a.b", "a/b", "a b", "ü", "x" * 65])
def test_a_tools_name_that_an_api_would_refuse_is_refused_before(name: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        ToolSpec(name, "…", {})
    assert caught.value.details == {"field": "name"}
