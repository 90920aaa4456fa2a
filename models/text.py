"""Text at the door: what can be stored and sent is passed, what can't be is refused or replaced."""

from __future__ import annotations

from models.errors import InvalidArgument

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


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
    """The same with every such character replaced by U+FFFD: for what a model or an agent produced."""
    if is_clean(text):
        return text
    return "".join(REPLACEMENT if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in text)
