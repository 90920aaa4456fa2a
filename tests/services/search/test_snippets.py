"""Snippets: short, around the best match, with the matches marked in the text as it was written."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable

import pytest

from models.search import INDEXED_MAX_CHARS
from models.words import BLOCK_CHARS, spaced
from services.search.snippets import SNIPPET_CHARS, snippet
from services.search.terms import parse_terms


def shown(text: str, query: str) -> str:
    """With square brackets around what matches."""
    return "".join(
        f"[{fragment.text}]" if fragment.match else fragment.text
        for fragment in snippet(text, parse_terms(query).wanted)
    )


def test_matches_are_marked_as_they_are_written() -> None:
    assert shown("Ein CAFÉ und ein cafe\u0301!", "cafe ") == "Ein [CAFÉ] und ein [cafe\u0301]!"
    assert shown("数据库的API接口", "据库 api") == "数[据库]的[API]接口"
    assert shown("ｶﾞｲﾄﾞ", "ガ") == "[ｶﾞ]ｲﾄﾞ"
    assert shown("the red,  door", '"red door"') == "the [red, door]"
    assert shown("deployments", "depl") == "[deployments]"
    assert shown("אמר שָׁלוֹם לכם", "שלום ") == "אמר [שָׁלוֹם] לכם"
    assert shown("قال السَّلَامُ لهم", "السلام ") == "قال [السَّلَامُ] لهم"
    assert shown("Grüße aus Łódź, Øyvind", "lodz oyvind ") == "Grüße aus [Łódź], [Øyvind]"
    assert shown("well done👍🏽❤️!", "👍") == "well done[👍🏽]❤️!"
    assert shown("well done👍🏽❤️!", "❤") == "well done👍🏽[❤️]!"
    assert shown("co\u00adoperate", "cooperate") == "[co\u00adoperate]"


def test_matches_that_overlap_are_marked_once() -> None:
    assert shown("数据库", "数据 据库") == "[数据库]"


def test_a_long_text_is_cut_where_the_most_terms_stand_together() -> None:
    text = "alpha " + "filler " * 100 + "alpha beta " + "filler " * 100
    cut = shown(text, "alpha beta ")
    assert cut.startswith("…")
    assert cut.endswith("…")
    assert "[alpha] [beta]" in cut
    assert len(re.sub(r"[\[\]]", "", cut)) <= SNIPPET_CHARS


@pytest.mark.parametrize("length", [1, 237, 238, 239, 240, 241, 242, 5_000])
def test_a_match_at_the_very_end_is_shown(length: int) -> None:
    cut = shown("字" * (length - 1) + "针", "针")
    assert cut.endswith("[针]")
    assert len(re.sub(r"[\[\]]", "", cut)) == min(length, SNIPPET_CHARS - (length > SNIPPET_CHARS))


def test_white_space_is_made_plain() -> None:
    assert shown("one\n\n\ttwo   three", "two ") == "one [two] three"


def test_a_text_without_the_words_shows_its_beginning() -> None:
    assert shown("x" * 1_000, "nothing").startswith("xxx")
    assert shown("", "nothing") == ""


def test_the_fragments_are_the_text_whatever_it_is() -> None:
    chance = random.Random(5)
    alphabet = "ab é\u0301数据が -\n\u3000\u00adÄ"
    for _ in range(300):
        text = "".join(chance.choices(alphabet, k=chance.randint(1, 60)))
        fragments = snippet(text, parse_terms("a 数 ab 据").wanted)
        told = "".join(fragment.text for fragment in fragments)
        assert "".join(told.split()) == "".join(text.split())


def test_the_longest_text_with_many_matches_is_cut_in_no_time() -> None:
    text = ("数据 word " * INDEXED_MAX_CHARS)[:INDEXED_MAX_CHARS]
    terms = parse_terms(" ".join(["数", "据", "word", "数据", '"word 数"'] * 10)).wanted
    began = time.process_time()
    assert any(fragment.match for fragment in snippet(text, terms))
    assert time.process_time() - began < 1


def test_a_match_is_marked_where_it_is_wherever_blocks_of_a_long_text_meet() -> None:
    for before in range(BLOCK_CHARS - 4, BLOCK_CHARS + 4):
        for written in ("cafe\u0301 数据", "ｶﾞ数据", "ㅋㅏ 数据"):
            cut = shown("é" * (before - 1) + " " + written + " " + "é" * 300, written)
            assert f"[{written}]" in cut.replace("] [", " ").replace("][", ""), (before, written)


def test_marks_that_compose_in_ways_of_their_own_are_no_error() -> None:
    chance = random.Random(7)
    alphabet = "a ｻ\u0655\u3099ﾍ\u20d9\u309aᄀㅏﾡￂ\u0bbe㌧\u00ad数"
    for _ in range(300):
        text = "".join(chance.choices(alphabet, k=20))
        told = "".join(fragment.text for fragment in snippet(text, parse_terms(f"a {text[:4]}").wanted))
        assert "".join(told.split()) == "".join(text.split())


def test_a_long_chinese_text_takes_little_more_than_to_fold_it() -> None:
    text = "".join(chr(0x4E00 + number % 20_000) for number in range(INDEXED_MAX_CHARS))
    terms = parse_terms(text[-2:]).wanted
    assert least_s(lambda: snippet(text, terms)) < 5 * least_s(lambda: spaced(text))


def least_s(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(5):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken)
