"""Counts tokens: exactly where the model's tokenizer is at hand, else by character classes. Never uses the network."""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
import re
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from tiktoken import Encoding

log = structlog.get_logger(__name__)

# The estimate is low for some texts; the view must fit its window all the same.
MARGIN = 1.10

# Encoding this much takes about 2 ms: longer texts are encoded in a thread.
_INLINE_CHARS = 8_000

# Encoding 1 MB takes a third of a second, and no model reads more in one piece: beyond it the estimate does.
_EXACT_CHARS = 1_000_000

# Counts kept, by length and hash, without the texts: each request counts again what the one before it held. About 2 MB.
_COUNTED_MAX = 16_384

# Per encoding: the name under which tiktoken keeps its rank file (the SHA-1 of its address) and that file's SHA-256.
_O200K = (
    "fb374d419588a4632f3f557e76b4b70aebbca790",
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
)
_CL100K = (
    "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
)
_RANK_FILES = {"o200k_base": _O200K, "o200k_harmony": _O200K, "cl100k_base": _CL100K}

# One group per class. `opaque` is base64 and hex: long, with a digit and a letter among its first characters.
_PIECES = re.compile(
    r"(?P<opaque>(?=[A-Za-z+/=_-]{0,24}[0-9])(?=[0-9+/=_-]{0,24}[A-Za-z])[A-Za-z0-9+/=_-]{24,})"
    r"|(?P<latin>[A-Za-z\u00c0-\u024f\u1e00-\u1eff]+)"
    r"|(?P<digits>[0-9]+)"
    r"|(?P<cyrillic>[\u0400-\u052f]+)"
    r"|(?P<cjk>[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]+)"
    # Some alphabets write their vowels as combining marks, which are no letters to Python.
    r"|(?P<letters>(?:[^\W\d_A-Za-z\u00c0-\u024f\u0400-\u052f\u1100-\u11ff\u1e00-\u1eff\u2e80-\ud7af\uf900-\uffef]"
    r"|[\u0300-\u036f\u0591-\u05c7\u064b-\u0670\u0900-\u109f])+)"
    r"|(?P<punctuation>[!-/:-@\[-`{-~]+)"
    r"|(?P<space>\s+)"
    r"|(?P<other>.)",
    re.DOTALL,
)


def estimate_tokens(text: str) -> int:
    """About how many tokens `text` is, for no model in particular and with no margin: some 15 % off on prose and code.

    Fitted to o200k: ASCII word 1 and a quarter for each letter beyond 7, digits by 3, punctuation (length + 1) / 2.4 a
    run, Cyrillic length / 3.6, CJK 0.8 each, base64 and hex length / 1.6; other alphabets length / 3, symbols 1.5 each.
    """
    return math.ceil(sum(_weight(piece.lastgroup, piece[0]) for piece in _PIECES.finditer(text)))


def _weight(kind: str | None, piece: str) -> float:
    length = len(piece)
    match kind:
        case "latin" if piece.isascii():
            return 1 + max(0, length - 7) / 4
        case "digits":
            return math.ceil(length / 3)
        case "punctuation":
            return (length + 1) / 2.4
        case "cyrillic":
            return length / 3.6
        case "cjk":
            return 0.8 * length
        case "opaque":
            return length / 1.6
        case "latin" | "letters":
            return length / 3
        case "space":
            return _space(piece)
        case _:
            return 1.5


def _space(piece: str) -> float:
    """One blank belongs to the word behind it; a run of line ends is a token, and an indentation or a gap is one."""
    ends_lines = piece.strip(" \t") != ""
    indents = len(piece.rpartition("\n")[2]) > 1
    return ends_lines + indents


class TokenCounter:
    """Counts for a model. Exact when `TIKTOKEN_CACHE_DIR` holds the intact rank file of the model's tokenizer.

    Without one tiktoken would download it, so it is not asked. An encoding is loaded once, in a thread, when first
    counted with: 85 MB of memory for o200k, 49 MB for cl100k.
    """

    def __init__(self) -> None:
        self._encodings: dict[str, Encoding | None] = {}
        self._counted: OrderedDict[tuple[str | None, int, int], int] = OrderedDict()
        self._loading = asyncio.Lock()

    async def count(self, text: str, *, model: str) -> int:
        """How many tokens `text` is for `model`; estimated counts carry a margin, so they are rather high than low."""
        encoding = await self._encoding(model)
        key = (encoding.name if encoding is not None else None, len(text), hash(text))
        known = self._counted.pop(key, None)
        if known is None:
            known = await self._counted_anew(text, encoding)
        self._counted[key] = known
        if len(self._counted) > _COUNTED_MAX:
            self._counted.popitem(last=False)
        return known

    async def _counted_anew(self, text: str, encoding: Encoding | None) -> int:
        if encoding is None or len(text) > _EXACT_CHARS:
            return with_margin(await self._estimate(text))
        if len(text) <= _INLINE_CHARS:
            return len(encoding.encode_ordinary(text))
        return len(await asyncio.to_thread(encoding.encode_ordinary, text))

    async def _estimate(self, text: str) -> int:
        """A megabyte takes a second: long texts are estimated in a thread, and beyond it by their first megabyte."""
        if len(text) <= _INLINE_CHARS:
            return estimate_tokens(text)
        known = await asyncio.to_thread(estimate_tokens, text[:_EXACT_CHARS])
        return known if len(text) <= _EXACT_CHARS else math.ceil(known * len(text) / _EXACT_CHARS)

    async def is_exact(self, model: str) -> bool:
        """Whether counts for `model` need no margin."""
        return await self._encoding(model) is not None

    async def _encoding(self, model: str) -> Encoding | None:
        if model not in self._encodings:
            async with self._loading:
                if model not in self._encodings:
                    self._encodings[model] = await asyncio.to_thread(_load, model)
        return self._encodings[model]


def with_margin(estimate: int) -> int:
    return math.ceil(estimate * MARGIN)


def _load(model: str) -> Encoding | None:
    """The tokenizer of `model`; None when it is not known or its ranks are not here. Slow: not on the event loop."""
    folder = os.environ.get("TIKTOKEN_CACHE_DIR")
    if not folder:
        return None
    import tiktoken

    try:
        name = tiktoken.encoding_name_for_model(model.partition(":")[2] or model)
    except KeyError:
        return None
    return tiktoken.get_encoding(name) if _is_cached(Path(folder), name) else None


def _is_cached(folder: Path, encoding: str) -> bool:
    """Whether the rank file is there and intact: tiktoken would delete a damaged one and download it again."""
    file, sha256 = _RANK_FILES.get(encoding, ("", ""))
    path = folder / file
    if not file or not path.is_file():
        return False
    intact = hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    if not intact:
        log.warning("token_ranks_damaged", encoding=encoding, path=str(path))
    return intact
