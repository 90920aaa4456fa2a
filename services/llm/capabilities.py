"""What is known of models by their names. Never asks the network."""

from __future__ import annotations

from dataclasses import dataclass

from services.llm.provider import ModelInfo


@dataclass(frozen=True, slots=True)
class _Family:
    prefix: str
    window_tokens: int
    max_output_tokens: int
    vision: bool = False


# From the vendor's model pages; the first matching prefix wins, so the longer stand first. gpt-4 could write its
# whole window, which would leave nothing to read: half is planned for.
_FAMILIES = (
    _Family("gpt-5", 400_000, 128_000, vision=True),
    _Family("gpt-4.1", 1_047_576, 32_768, vision=True),
    _Family("gpt-4o", 128_000, 16_384, vision=True),
    _Family("gpt-4-turbo", 128_000, 4_096, vision=True),
    _Family("gpt-4", 8_192, 4_096),
    _Family("gpt-3.5-turbo", 16_385, 4_096),
    _Family("gpt-oss", 131_072, 32_768),
    _Family("o4-mini", 200_000, 100_000, vision=True),
    _Family("o3", 200_000, 100_000, vision=True),
    _Family("o1", 200_000, 100_000, vision=True),
)

# From the vendor's model pages. All of this vendor's models see images and call tools; a name yet unknown is taken for
# one of the small older ones, which is safe for all.
_ANTHROPIC_FAMILIES = (
    _Family("claude-opus-4-0", 200_000, 32_000, vision=True),
    _Family("claude-opus-4-1", 200_000, 32_000, vision=True),
    _Family("claude-opus-4-2025", 200_000, 32_000, vision=True),
    _Family("claude-opus-", 200_000, 64_000, vision=True),
    _Family("claude-sonnet-", 200_000, 64_000, vision=True),
    _Family("claude-haiku-", 200_000, 64_000, vision=True),
    _Family("claude-3-7", 200_000, 64_000, vision=True),
    _Family("claude-3-5", 200_000, 8_192, vision=True),
    _Family("claude-3", 200_000, 4_096, vision=True),
)
_UNKNOWN_ANTHROPIC = _Family("", 200_000, 4_096, vision=True)

# A window that the servers people run themselves nearly always grant. An operator who knows better passes a ModelInfo.
_UNKNOWN = _Family("", 32_768, 4_096)


def describe(name: str) -> ModelInfo:
    """The model `name` as its endpoint calls it. Tools are assumed: one that lacks them says so in its refusal."""
    return _described("openai", name, next((f for f in _FAMILIES if name.startswith(f.prefix)), _UNKNOWN))


def describe_anthropic(name: str) -> ModelInfo:
    """The same for a model of the Anthropic API."""
    family = next((f for f in _ANTHROPIC_FAMILIES if name.startswith(f.prefix)), _UNKNOWN_ANTHROPIC)
    return _described("anthropic", name, family)


def _described(provider: str, name: str, family: _Family) -> ModelInfo:
    return ModelInfo(
        name=f"{provider}:{name}",
        provider=provider,
        window_tokens=family.window_tokens,
        max_output_tokens=family.max_output_tokens,
        vision=family.vision,
        tools=True,
    )
