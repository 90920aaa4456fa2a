"""The script that a model name alone describes, for tests of a real server process. Pure: the words can be foretold."""

from __future__ import annotations

from dataclasses import dataclass, fields
from hashlib import blake2b

from models.errors import UnknownModel

# A model's name comes from clients: what it asks for is bounded.
_LIMITS = {"words": 20_000, "delay_ms": 60_000, "seed": 2**31, "break_after": 20_000}

_VOCABULARY = (
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron",
    "ivory", "jetty", "knoll", "larch", "maple", "north", "ochre", "pearl",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WordScript:
    """`words` deltas of one word each, `delay_ms` before each; `break_after` so many, it breaks off."""

    words: int = 100
    delay_ms: int = 0
    seed: int = 0
    break_after: int | None = None

    @classmethod
    def parse(cls, text: str) -> WordScript:
        """From "words=200,delay_ms=5,seed=1", each part optional but one. Raises UnknownModel."""
        return cls(**dict(_parameter(part) for part in text.split(",")))

    @property
    def delay_s(self) -> float:
        return self.delay_ms / 1000

    def deltas(self, user_text: str) -> list[str]:
        """What is said to that user text; the reply is all of them joined. A retry says the same again."""
        chosen = [self._word(user_text, number) for number in range(1, self.words + 1)]
        return [f"{word} " for word in chosen[:-1]] + chosen[-1:]

    def _word(self, user_text: str, number: int) -> str:
        """Numbered, so that a hole, a swap or an echo in a transcript shows at once."""
        digest = blake2b(f"{self.seed}/{number}/{user_text}".encode("utf-8", "replace"), digest_size=1).digest()
        return f"{_VOCABULARY[digest[0] % len(_VOCABULARY)]}-{number}"


def _parameter(part: str) -> tuple[str, int]:
    name, _, value = part.strip().partition("=")
    limit = _LIMITS.get(name)
    if limit is None or not value.isdecimal() or int(value) > limit:
        known = ", ".join(f"{field.name}=0…{_LIMITS[field.name]}" for field in fields(WordScript))
        raise UnknownModel(f"No script is called “{part}”; as parameters it may have {known}", field="model")
    return name, int(value)
