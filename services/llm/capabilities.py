"""What is known of the models behind OpenAI-compatible endpoints, by name. Never asks the network."""

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

# A window that the servers people run themselves nearly always grant. An operator who knows better passes a ModelInfo.
_UNKNOWN = _Family("", 32_768, 4_096)


def describe(name: str) -> ModelInfo:
    """The model `name` as its endpoint calls it. Tools are assumed: one that lacks them says so in its refusal."""
    family = next((f for f in _FAMILIES if name.startswith(f.prefix)), _UNKNOWN)
    return ModelInfo(
        name=f"openai:{name}",
        provider="openai",
        window_tokens=family.window_tokens,
        max_output_tokens=family.max_output_tokens,
        vision=family.vision,
        tools=True,
    )
