"""Text at the door."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InvalidArgument
from models.text import REPLACEMENT, check_text, cleaned, is_clean


@pytest.mark.parametrize("text", ["", "plain", "日本語", "\U0001f468‍👩", "\ud7ff\ue000", "\n\t\r", "\x01"])
def test_ordinary_text_passes_unchanged(text: str) -> None:
    assert is_clean(text)
    assert check_text(text, "content") is text
    assert cleaned(text) is text


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "x\udfff", "é\udc00é"])
def test_nul_and_lone_surrogates_are_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        check_text(text, "title")
    assert refused.value.details == {"field": "title"}


def test_what_a_model_produced_is_repaired_character_by_character() -> None:
    assert cleaned("a\0b\ud83dc") == f"a{REPLACEMENT}b{REPLACEMENT}c"


@given(st.text(st.characters(codec=None)))
def test_cleaned_text_is_clean_as_long_as_before_and_encodes(text: str) -> None:
    done = cleaned(text)
    assert is_clean(done)
    assert len(done) == len(text)
    done.encode()
    assert cleaned(done) == done
