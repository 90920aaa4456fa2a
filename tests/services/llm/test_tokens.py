"""Token counts: the estimate by itself and against the real tokenizers, and that nothing is ever downloaded."""

from __future__ import annotations

import base64
import os
import random
import shutil
import socket
from pathlib import Path

import pytest

from services.llm import tokens
from services.llm.tokens import TokenCounter, estimate_tokens, with_margin

RANKS = os.environ.get("TIKTOKEN_CACHE_DIR", "")
O200K_FILE = "fb374d419588a4632f3f557e76b4b70aebbca790"
exactly = pytest.mark.skipif(
    not (Path(RANKS) / O200K_FILE).is_file() or not RANKS,
    reason="TIKTOKEN_CACHE_DIR names no folder with the rank files of o200k and cl100k",
)

PROSE = (
    "A session is an ordered journal of events. Commands come in by one door, a pure function turns them into events, "
    "they are committed, and only then shown. The rest follows: recovery is reading the journal after a position.\n\n"
) * 5
CODE = (
    '''def retry(self, attempts: int = 3) -> None:
    """Try again."""
    for attempt in range(attempts):
        if self.call(attempt)["status"] == 200:
            return
    raise TimeoutError(f"gave up after {attempts}")
'''
    * 5
)
RUSSIAN = "Сессия это упорядоченный журнал событий, и каждый клиент видит одно и то же. " * 5
CHINESE = "会话是一个有序的事件日志。客户端可以重新连接并继续阅读。" * 5
BASE64 = base64.b64encode(random.Random(1).randbytes(1500)).decode()
MIXED = f"{PROSE}```python\n{CODE}```\n| 2026-11-20 | 1,234,567 |\n{RUSSIAN}\n{CHINESE}\n"
SAMPLES = {"prose": PROSE, "code": CODE, "russian": RUSSIAN, "chinese": CHINESE, "base64": BASE64, "mixed": MIXED}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: object) -> None:
        raise AssertionError("a token count reached for the network")

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("word", 1),
        ("seven77", 2),
        ("elevenchars", 2),
        ("two words", 2),
        ("1234567", 3),
        ("привет", 2),
        ("会话日志流", 4),
        ("()", 2),
        ("\n", 1),
        ("a\n    b", 4),
        ("a b\r\n", 3),
        ("😀", 2),
        ("हिन्दी", 2),
        ("a" * 4_007, 1_001),
        ("0123456789abcdef" * 4, 40),
    ],
)
def test_each_character_class_has_its_weight(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


@pytest.mark.parametrize("text", ["\ud800", "\x00\x01", "\u2028", "\u0301", "\U0010ffff", "<|endoftext|>"])
def test_odd_text_is_counted_and_not_refused(text: str) -> None:
    assert estimate_tokens(text) >= 1


@exactly
@pytest.mark.parametrize("kind", SAMPLES)
async def test_the_estimate_with_margin_is_seldom_low_and_never_far_off(kind: str) -> None:
    exact = await TokenCounter().count(SAMPLES[kind], model="openai:gpt-5")
    assert 0.98 <= with_margin(estimate_tokens(SAMPLES[kind])) / exact <= 1.45


@exactly
@pytest.mark.parametrize(
    ("model", "text", "tokens"),
    [
        ("gpt-5", "Hello, world!", 4),
        ("openai:gpt-4o", "Hello, world!", 4),
        ("gpt-4", "Hello, world!", 4),
        ("gpt-oss-20b", "Hello, world!", 4),
        ("gpt-5", "<|endoftext|>", 7),
        ("gpt-5", "", 0),
        ("gpt-5", "\ud800", 1),
    ],
)
async def test_known_models_are_counted_exactly(model: str, text: str, tokens: int) -> None:
    counter = TokenCounter()
    assert await counter.is_exact(model)
    assert await counter.count(text, model=model) == tokens


@exactly
async def test_a_long_text_is_counted_like_its_parts() -> None:
    counter = TokenCounter()
    part = await counter.count(PROSE, model="gpt-5")
    assert await counter.count(PROSE * 40, model="gpt-5") == 40 * part


@exactly
async def test_a_text_beyond_every_window_is_estimated() -> None:
    text = "word " * 300_000
    assert await TokenCounter().count(text, model="gpt-5") == with_margin(300_000)


@pytest.mark.parametrize("model", ["demo", "openai:llama3", "scripted:words=3"])
async def test_unknown_tokenizers_are_estimated_with_margin(model: str) -> None:
    counter = TokenCounter()
    assert not await counter.is_exact(model)
    assert await counter.count("word " * 100, model=model) == 111


async def test_a_text_is_counted_once_while_it_is_among_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []

    def estimate(text: str) -> int:
        counted.append(text)
        return len(text)

    monkeypatch.setattr(tokens, "estimate_tokens", estimate)
    monkeypatch.setattr(tokens, "_COUNTED_MAX", 2)
    counter = TokenCounter()
    for text in ("a", "bb", "a", "ccc", "a", "bb"):
        assert await counter.count(text, model="demo") == with_margin(len(text))
    assert counted == ["a", "bb", "ccc", "bb"]


async def test_without_a_folder_known_models_are_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    assert await TokenCounter().count("word " * 100, model="gpt-5") == 111


async def test_without_the_rank_file_known_models_are_estimated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    assert not await TokenCounter().is_exact("gpt-5")


@pytest.mark.parametrize("content", [b"", b"damaged"])
async def test_a_damaged_rank_file_is_left_alone_and_the_count_estimated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / O200K_FILE).write_bytes(content)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    assert not await TokenCounter().is_exact("gpt-5")
    assert (tmp_path / O200K_FILE).read_bytes() == content


@exactly
async def test_a_folder_with_one_rank_file_serves_the_models_of_that_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copy(Path(RANKS) / O200K_FILE, tmp_path)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    counter = TokenCounter()
    assert await counter.is_exact("gpt-5")
    assert not await counter.is_exact("gpt-4")
