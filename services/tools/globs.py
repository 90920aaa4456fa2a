"""Path patterns in the language of .gitignore, as ripgrep reads them, made into regular expressions. Pure.

`*` and `?` stop at `/`, `**` as a whole component spans folders, `{a,b}` are alternatives (git itself has none), `[…]`
is a set, a backslash takes the next character as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MAX_CHARS = 4_096
_STAR, _FOLDERS, _REST = "[^/]*", "(?:.*/)?", ".*"
_FOLDERS_MAX = 3
_BRACED_STARS_MAX = 3
"""More of them could take for ever on a path made for it, and the matching can't be interrupted."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of a .gitignore; `regex` is for the path below its folder."""

    regex: re.Pattern[str]
    keeps: bool
    only_folders: bool


class Rules:
    """A whole .gitignore. Most paths match none of its lines, and one expression made of all of them says so."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._newest_first = rules[::-1]
        self._any = re.compile("|".join(f"(?:{rule.regex.pattern})" for rule in rules), re.DOTALL)

    def ignores(self, path: str, is_folder: bool) -> bool | None:
        """What the last matching line says about a path below the file's folder; None when no line matches."""
        if not self._newest_first or not self._any.fullmatch(path):
            return None
        for rule in self._newest_first:
            if (is_folder or not rule.only_folders) and rule.regex.fullmatch(path):
                return not rule.keeps
        return None


def compile_glob(pattern: str) -> re.Pattern[str]:
    """For whole relative paths; without a `/` the name may lie in any folder. Raises ValueError on a bad pattern."""
    if not pattern or len(pattern) > _MAX_CHARS:
        raise ValueError("the pattern is empty or too long")
    anchored = "/" in pattern.rstrip("/")
    return _compiled(pattern.removeprefix("./").removeprefix("/"), anchored)


def rules_of(gitignore: str) -> Rules:
    """The rules of a .gitignore's text. Lines that make no sense are left out."""
    lines = gitignore.removeprefix("\ufeff").split("\n")
    return Rules(tuple(rule for line in lines if (rule := _rule(line)) is not None))


NO_RULES = Rules(())


def _rule(line: str) -> Rule | None:
    if line.startswith("#") or len(line) > _MAX_CHARS:
        return None
    pattern = line if line.endswith("\\ ") else line.rstrip()
    keeps = pattern.startswith("!")
    if pattern.startswith(("\\!", "\\#")) or keeps:
        pattern = pattern[1:]
    anchored = pattern.startswith("/") and not line.startswith("\\")
    pattern = pattern[1:] if anchored else pattern
    only_folders = pattern.endswith("/")
    pattern = pattern[:-1] if only_folders else pattern
    if not pattern:
        return None
    try:
        return Rule(_compiled(pattern, anchored or "/" in pattern), keeps, only_folders)
    except ValueError:
        return None


def _compiled(pattern: str, anchored: bool) -> re.Pattern[str]:
    if not anchored and not pattern.startswith("**/"):
        pattern = f"**/{pattern}"
    if pattern.endswith("/**"):
        pattern += "/*"  # what is in the folder, not the folder
    try:
        return re.compile(_Translation(pattern).regex(), re.DOTALL)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(str(error)) from None


def _joined(parts: list[str]) -> str:
    """A piece between two stars is looked for once, from the left: the star behind it makes up for any choice. Raises
    ValueError for what could still take too long."""
    braced = "(?:" in parts
    parts = [part for at, part in enumerate(parts) if part != _FOLDERS or parts[at - 1 : at] != [_FOLDERS]]
    if parts.count(_FOLDERS) > _FOLDERS_MAX or (braced and parts.count(_STAR) > _BRACED_STARS_MAX):
        raise ValueError("the pattern has too many wildcards")
    joined, at = [], 0
    while at < len(parts):
        end = at + 1
        if parts[at] == _STAR and not braced:
            while end < len(parts) and parts[end] not in (_STAR, _FOLDERS, _REST, "/"):
                end += 1
        piece = "".join(parts[at + 1 : end])
        followed = parts[end : end + 1] == [_STAR] and parts[at] == _STAR and not braced
        joined.append(f"(?>{_STAR}?{piece})" if followed else parts[at] + piece)
        at = end
    return "".join(joined)


class _Translation:
    """One pass over a pattern."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0

    def regex(self) -> str:
        parts = []
        while self._at < len(self._pattern):
            parts.append(self._next())
        if self._depth:
            raise ValueError("a { is not closed")
        return _joined(parts)

    def _next(self) -> str:
        char = self._pattern[self._at]
        if char == "*":
            return self._stars()
        self._at += 1
        match char:
            case "?":
                return "[^/]"
            case "[":
                return self._set()
            case "\\":
                return self._escaped()
            case "{":
                self._depth += 1
                return "(?:"
            case "}":
                return self._closing()
            case "," if self._depth:
                return "|"
            case _:
                return re.escape(char)

    def _closing(self) -> str:
        if not self._depth:
            raise ValueError("a } was not opened")
        self._depth -= 1
        return ")"

    def _escaped(self) -> str:
        if self._at >= len(self._pattern):
            raise ValueError("nothing follows the last backslash")
        self._at += 1
        return re.escape(self._pattern[self._at - 1])

    def _stars(self) -> str:
        start = self._at
        while self._pattern[self._at : self._at + 1] == "*":
            self._at += 1
        ends = self._at == len(self._pattern)
        is_component = (start == 0 or self._pattern[start - 1] == "/") and (ends or self._pattern[self._at] == "/")
        if self._at - start != 2 or not is_component:
            return _STAR
        if ends:
            return _REST
        self._at += 1
        return _FOLDERS

    def _set(self) -> str:
        end = self._pattern.find("]", self._at + (2 if self._pattern[self._at : self._at + 1] in ("!", "^") else 1))
        if end < 0:
            raise ValueError("a [ is not closed")
        inside = self._pattern[self._at : end]
        self._at = end + 1
        negated = inside[0] in "!^"
        body = "".join(f"\\{char}" if char in "\\[]^&~|" else char for char in inside[negated:])
        return f"[{'^' if negated else ''}{body}]"
