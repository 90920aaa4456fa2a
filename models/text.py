"""Text at the door: what can be stored and sent is passed, what can't be is refused or replaced."""

from __future__ import annotations

import re

from models.errors import InvalidArgument

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


_SPLIT = re.compile("[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff\0]")


def is_clean(text: str) -> bool:
    """False for text with NUL (SQL text ends there) or lone surrogates (UTF-8 has none)."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_text(text: str, field: str) -> str:
    """Raises InvalidArgument that names `field`."""
    if not is_clean(text):
        raise InvalidArgument(f"{field} contains NUL or a lone surrogate", field=field)
    return text


def cleaned(text: str) -> str:
    """The same with every such character replaced by U+FFFD: for what a model or an agent produced. Two halves of a
    surrogate pair that stand together are the character that they make."""
    if is_clean(text):
        return text
    return _SPLIT.sub(_mended, text)


def parted(text: str) -> tuple[str, str]:
    """The text, cleaned, without a last character that is the first half of a surrogate pair; and that one, to be put
    in front of what comes next."""
    if "\ud800" <= text[-1:] <= "\udbff":
        return cleaned(text[:-1]), text[-1]
    return cleaned(text), ""


def _mended(found: re.Match[str]) -> str:
    match found[0]:
        case pair if len(pair) == 2:
            return pair.encode("utf-16", "surrogatepass").decode("utf-16")
        case _:
            return REPLACEMENT
