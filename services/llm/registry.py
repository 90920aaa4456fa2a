"""Which models there are: finds the provider of a name. Never calls a model, and imports no SDK."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from models.clock import Clock
from models.errors import UnknownModel
from services.llm.anthropic import AnthropicProvider
from services.llm.capabilities import describe, describe_anthropic
from services.llm.demo import WORDS_PER_S, DemoProvider
from services.llm.openai import OpenAIProvider
from services.llm.provider import ModelInfo, Provider
from services.llm.scripted import ScriptedProvider


class Providers:
    """The providers of one server, from its settings. Raises InvalidArgument on a key or URL that can never work.

    Names: "demo"; "openai:NAME" and "anthropic:NAME", any NAME, once a key or a base URL of theirs is set;
    "scripted:NAME"; and the configured models without the prefix. `openai_models` and `anthropic_models` take names, or
    ModelInfo where the built-in table would guess wrong. The timeouts are for both.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        openai_api_key: str | None = None,
        openai_base_url: str | None = None,
        openai_models: Iterable[str | ModelInfo] = (),
        openai_connect_timeout_s: float = 5.0,
        openai_idle_timeout_s: float = 60.0,
        anthropic_api_key: str | None = None,
        anthropic_base_url: str | None = None,
        anthropic_models: Iterable[str | ModelInfo] = (),
        demo_words_per_s: float = WORDS_PER_S,
        scripted: ScriptedProvider | None = None,
    ) -> None:
        self._scripted = scripted or ScriptedProvider(keep_requests=False)
        self._openai: OpenAIProvider | None = None
        if openai_api_key or openai_base_url:
            self._openai = OpenAIProvider(
                clock=clock,
                api_key=openai_api_key,
                base_url=openai_base_url,
                models=tuple(_configured(model) for model in openai_models),
                connect_timeout_s=openai_connect_timeout_s,
                idle_timeout_s=openai_idle_timeout_s,
            )
        self._anthropic: AnthropicProvider | None = None
        if anthropic_api_key or anthropic_base_url:
            self._anthropic = AnthropicProvider(
                clock=clock,
                api_key=anthropic_api_key,
                base_url=anthropic_base_url,
                models=tuple(_configured_anthropic(model) for model in anthropic_models),
                connect_timeout_s=openai_connect_timeout_s,
                idle_timeout_s=openai_idle_timeout_s,
            )
        self._demo = DemoProvider(words_per_s=demo_words_per_s)

    def models(self) -> tuple[ModelInfo, ...]:
        """What people may choose from; more may resolve."""
        return tuple(info for provider in self._providers() for info in provider.models())

    def resolve(self, name: str) -> tuple[Provider, ModelInfo]:
        """Who answers to `name`, and what it can do. Put `info.name` in the request. Raises UnknownModel."""
        for provider in self._providers():
            for info in provider.models():
                if name in (info.name, info.name.removeprefix("openai:").removeprefix("anthropic:")):
                    return provider, info
        return self._unlisted(name)

    async def aclose(self) -> None:
        """Close them all; streams still open end as broken."""
        for provider in self._providers():
            await provider.aclose()

    def _providers(self) -> tuple[Provider, ...]:
        hosted = (self._openai, self._anthropic)
        return (self._demo, *(provider for provider in hosted if provider is not None), self._scripted)

    def _unlisted(self, name: str) -> tuple[Provider, ModelInfo]:
        prefix, _, rest = name.partition(":")
        if prefix == "openai" and rest and self._openai:
            return self._openai, describe(rest)
        if prefix == "anthropic" and rest and self._anthropic:
            return self._anthropic, describe_anthropic(rest)
        if prefix == "scripted" and "=" in rest:
            return self._scripted, self._scripted.info(rest)
        known = [info.name for info in self.models()]
        message = f"Unknown model “{name[:100]}”; known: {', '.join(known)}{self._hint(prefix)}"
        raise UnknownModel(message, field="model", known=known)

    def _hint(self, prefix: str) -> str:
        if prefix == "anthropic" and not self._anthropic:
            return "; for anthropic:NAME set PARLEY_ANTHROPIC_API_KEY"
        return "" if self._openai else "; for openai:NAME set PARLEY_OPENAI_API_KEY or a base URL"


def _configured(model: str | ModelInfo) -> ModelInfo:
    if isinstance(model, str):
        return describe(model.removeprefix("openai:"))
    return replace(model, name=f"openai:{model.name.removeprefix('openai:')}", provider="openai")


def _configured_anthropic(model: str | ModelInfo) -> ModelInfo:
    if isinstance(model, str):
        return describe_anthropic(model.removeprefix("anthropic:"))
    return replace(model, name=f"anthropic:{model.name.removeprefix('anthropic:')}", provider="anthropic")
