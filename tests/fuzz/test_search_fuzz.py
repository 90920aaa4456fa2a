"""Seeded searches: what the index finds is what a plain comparison of words finds, and both storages agree.

Texts and questions are made of words whose meaning is known here, in several scripts; the comparison never asks the
server what a word is. `FUZZ_SEED=7 FUZZ_ROUNDS=1 pytest tests/fuzz/test_search_fuzz.py` plays one seed again.
"""

from __future__ import annotations

import os
import random
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from journal_store import Store, note, opened
from rounds import seeded

from models.commands import DeleteSession, RenameSession, RestoreSession
from services.engine.context import Context

FIRST_SEED = int(os.environ.get("FUZZ_SEED", "1"))
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "8"))
STEPS = 40
QUESTIONS = 60
SPELLINGS = {
    "cafe": ("cafe", "Café", "CAFÉ", "cafe\u0301"),
    "strasse": ("strasse", "Straße", "STRASSE"),
    "abc1": ("abc1", "ABC1", "\uff21\uff22\uff23\uff11"),
    "елка": ("елка", "Ёлка"),
    "שלום": ("שלום", "שָׁלוֹם"),
    "lodz": ("lodz", "Łódź"),
    "deploy": ("deploy", "De\u00adploy"),
    "deployment": ("deployment", "DEPLOYMENT"),
    "def": ("def",),
    "a": ("a", "A", "á"),
}
"""A word, and how it may be written."""
SINGLES = "数据库中文カメラのが한국ไท🚀❤"
SEPARATORS = (" ", "\n", ", ", "-", "_", " … ", "\uff01", "\u3000", "'", "\t\t", "→", "/")
Said = list[str]


@dataclass(frozen=True)
class Wanted:
    words: tuple[str, ...]
    prefix: bool = False
    excluded: bool = False

    def is_in(self, said: Said) -> bool:
        for start in range(len(said) - len(self.words) + 1):
            window = said[start : start + len(self.words)]
            *head, last = zip(window, self.words, strict=True)
            if all(have == want for have, want in head) and (
                last[0].startswith(last[1]) if self.prefix else last[0] == last[1]
            ):
                return True
        return False


class World:
    """One seed's sessions, in both storages, and what was said in them."""

    def __init__(self, chance: random.Random, stores: list[Store]) -> None:
        self.chance = chance
        self.stores = stores
        self.contexts: dict[str, list[Context]] = {}
        self.said: dict[str, dict[str, Said]] = {}
        self.deleted: set[str] = set()

    def words(self, most: int) -> Said:
        count = self.chance.randint(1, most)
        return [
            self.chance.choice(SINGLES) if self.chance.random() < 0.5 else self.chance.choice(list(SPELLINGS))
            for _ in range(count)
        ]

    def written(self, said: Said) -> str:
        """Single characters need nothing between them; words do."""
        text = self.chance.choice(("", "¡", " "))
        for before, word in zip(["", *said], said, strict=False):
            apart = before != "" and before not in SINGLES and word not in SINGLES
            if apart or self.chance.random() < 0.3:
                text += self.chance.choice(SEPARATORS)
            text += self.chance.choice(SPELLINGS.get(word, (word,)))
        return text

    async def step(self) -> None:
        kind = self.chance.random()
        if not self.contexts or kind < 0.15:
            await self.create()
            return
        session_id = self.chance.choice(list(self.contexts))
        if session_id in self.deleted:
            await self.do(session_id, RestoreSession())
            self.deleted.discard(session_id)
        elif kind < 0.75:
            await self.say(session_id)
        elif kind < 0.85:
            said = self.words(4)
            await self.do(session_id, RenameSession(self.written(said)))
            self.said[session_id][f"{session_id}*"] = said
        elif kind < 0.95:
            await self.do(session_id, DeleteSession())
            self.deleted.add(session_id)
        else:
            await self.purge(session_id)

    async def create(self) -> None:
        session_id, said = f"s{self.chance.getrandbits(60):x}", self.words(4)
        title = self.written(said)
        self.contexts[session_id] = [await store.session(session_id, title) for store in self.stores]
        self.said[session_id] = {f"{session_id}*": said}

    async def say(self, session_id: str) -> None:
        ordinal = self.contexts[session_id][0].pool_count + 1
        said = self.words(12)
        message = note(ordinal, self.written(said), id=f"{session_id}/{ordinal}")
        contexts = zip(self.stores, self.contexts[session_id], strict=True)
        self.contexts[session_id] = [await store.emit(context, message) for store, context in contexts]
        self.said[session_id][message.message.id] = said

    async def do(self, session_id: str, command: RenameSession | DeleteSession | RestoreSession) -> None:
        contexts = zip(self.stores, self.contexts[session_id], strict=True)
        self.contexts[session_id] = [await store.do(context, command) for store, context in contexts]

    async def purge(self, session_id: str) -> None:
        await self.do(session_id, DeleteSession())
        for store in self.stores:
            await store.journal.purge(session_id)
        for kept in (self.contexts, self.said):
            del kept[session_id]

    def question(self) -> list[Wanted]:
        parts = []
        for number in range(self.chance.randint(1, 3)):
            words = tuple(self.words(3))
            last = words[-1]
            prefix = last not in SINGLES and len(last) > 2 and self.chance.random() < 0.3
            if prefix:
                words = (*words[:-1], last[: self.chance.randint(2, len(last))])
            parts.append(Wanted(words, prefix, excluded=number > 0 and self.chance.random() < 0.3))
        return parts

    def asked(self, parts: list[Wanted]) -> str:
        """The question as somebody would type it, everything closed, so that nothing counts as half typed."""
        typed = ['"' + self.written(list(part.words)) + '"' + "*" * part.prefix for part in parts]
        minus = ["-" if part.excluded else "" for part in parts]
        return " ".join(sign + text for sign, text in zip(minus, typed, strict=True)) + " "

    def expected(self, parts: list[Wanted]) -> set[str]:
        return {
            name
            for session_id, texts in self.said.items()
            if session_id not in self.deleted
            for name, said in texts.items()
            if all(part.is_in(said) != part.excluded for part in parts)
        }


@pytest.mark.parametrize("seed", seeded(FIRST_SEED, ROUNDS))
async def test_the_index_finds_what_a_plain_comparison_finds(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(opened(kind, tmp_path / kind)) for kind in ("memory", "sqlite")]
        world = World(chance, stores)
        hits = 0
        for _ in range(STEPS):
            await world.step()
        for number in range(QUESTIONS):
            parts = world.question()
            asked, expected = world.asked(parts), world.expected(parts)
            sort = ("relevance", "newest", "oldest")[number % 3]
            for store in stores:
                found = await store.found(asked, sort=sort, take=1_000)
                assert len(found) == len(set(found))
                assert set(found) == expected, (seed, asked, parts)
            hits += bool(expected)
            await world.step()
    assert hits > QUESTIONS / 10, "questions that find nothing prove little"
