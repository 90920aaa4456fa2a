"""Words: what is folded, what parts them, what stands for itself."""

from __future__ import annotations

import random
import unicodedata

import pytest

from models.words import CLUSTER, TABLE_MAX, _Table, fold, is_single, spaced, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World_x don't", ["hello", "world", "x", "don", "t"]),
        ("Crème Brûlée Straße İstanbul", ["creme", "brulee", "strasse", "istanbul"]),
        ("数据库API接口!", ["数", "据", "库", "api", "接", "口"]),
        ("が\u304b\u3099ｶﾞカ", ["が", "が", "ガ", "カ"]),
        ("\uff21\uff22\uff23 ① ﬁne", ["abc", "1", "fine"]),
        ("서버가", ["서", "버", "가"]),
        (unicodedata.normalize("NFD", "서버"), ["서", "버"]),
        ("हिन्दी", ["हिन्दी"]),
        ("co\u00adop \u202eevil\u202c a\u200bb", ["coop", "evil", "a", "b"]),
        ("שָׁלוֹם עוֹלָם־טוֹב", ["שלום", "עולם", "טוב"]),
        ("السَّلَامُ عَلَيْكُم مـــحمد", ["السلام", "عليكم", "محمد"]),
        ("ދިވެހި", ["ދިވެހި"]),
        ("Đorđe Łódź Øresund \u0131rmak Œuvre Þór ǿ", ["dorde", "lodz", "oresund", "irmak", "oeuvre", "thor", "o"]),
        ("ship🚀it 👍🏽 ❤️ 👨\u200d👩\u200d👧 🇩🇪", ["ship", "🚀", "it", "👍", "❤", "👨", "👩", "👧", "🇩", "🇪"]),
        ("\U00030000\U0001f600x", ["\U00030000", "\U0001f600", "x"]),
        ("a→b │─ © …", ["a", "b"]),
        ("", []),
    ],
)
def test_a_text_is_cut_into_its_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_a_folded_title_keeps_what_parts_its_words() -> None:
    assert fold("Été: L'Œuvre_№ 5") == "ete: l'oeuvre_no 5"
    assert fold("PLAIN ascii") == "plain ascii"


def test_only_characters_that_are_words_are_single() -> None:
    assert all(is_single(char) for char in "数が가ไ")
    assert not any(is_single(word) for word in ("a", "я", "1", "数据", ""))


def test_words_of_a_text_are_those_of_its_clusters_one_by_one() -> None:
    """Snippets find their places by it."""
    chance = random.Random(11)
    alphabet = "aZ é\u0301ßİ数がｶﾞ한ไहि\u00ad-_.\u3000\U0001f600ﬁøשּׁא\u0653ـ👍🏽❤️\u200d" + unicodedata.normalize(
        "NFD", "한"
    )
    for _ in range(500):
        text = "".join(chance.choices(alphabet, k=12))
        assert "".join(spaced(cluster[0]) for cluster in CLUSTER.finditer(text)).split() == words(text), ascii(text)


def test_the_table_of_characters_is_bounded() -> None:
    table = _Table(chr)
    for code in range(TABLE_MAX + 10):
        assert table[code] == chr(code)
    assert len(table) == TABLE_MAX
