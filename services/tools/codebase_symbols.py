"""Outline of a file, and where a name is defined and used in the project. Never writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from services.tools.codebase_search import FILE_MAX_BYTES, TextQuery, files_holding
from services.tools.context import Cancellation, ToolContext
from services.tools.errors import BadArguments, ToolError
from services.tools.languages import LANGUAGES, SourceLanguage, language_of, parser_of
from services.tools.missed import Missed
from services.tools.names import meant, spoken
from services.tools.symbols import SourceFile, definitions_in, lines_naming, parse
from services.tools.texts import NoText, decode, read_all
from services.tools.tool import tool
from services.tools.tree import Stopped
from services.tools.workspace import Workspace

SHOWN_MAX = 200
LINE_MAX_CHARS = 200
PARSED_MAX_BYTES = 2 << 20
"""Larger sources are generated; parsing takes about a second for each 10 MB, and 20 times their size in memory."""
_NAME = re.compile(r"[^\W\d][\w$]*|\$[\w$]*")

SymbolName = Annotated[
    str, Field(description="The bare name: “SessionManager”, “handle”", min_length=1, max_length=200)
]
Folder = Annotated[str, Field(description="A folder or a file to look in")]


@dataclass(frozen=True, slots=True)
class _Place:
    path: str
    line: int
    text: str


@tool(risk="read_only", category="codebase")
def outline(path: Annotated[str, Field(description="A source file")], context: ToolContext) -> str:
    """List what a source file defines: classes, functions, methods, types, with their lines."""
    language = language_of(meant(path))
    path = spoken(meant(path))
    if language is None:
        known = ", ".join(language.name for language in LANGUAGES)
        raise ToolError(f"“{path}”: no outline for this kind of file; known: {known}. Use read_file")
    source = _parsed(_read(context.files, path), language)
    if source is None:
        raise ToolError(f"“{path}” is too large or binary; use read_file with start_line and end_line")
    symbols = definitions_in(source)
    if not symbols:
        return f"{path} defines nothing."
    lines = [f"{path}:{one.line}-{one.end_line}: {'  ' * one.depth}{one.kind} {one.name}" for one in symbols]
    return _listed(lines, {language})


@tool(risk="read_only", category="codebase")
def definitions(name: SymbolName, context: ToolContext, path: Folder = ".") -> str:
    """Find where a class, function, method, type or constant is defined. Answers with path:line: text."""
    places: list[_Place] = []
    languages: set[SourceLanguage] = set()
    missed = Missed()
    for file, source in _sources(context.files, name, path, context.cancelled, missed):
        languages.add(source.language)
        places.extend(_place(file, source, one.line) for one in definitions_in(source) if _is_called(one.name, name))
    return _found(places, languages, f"No definition of {name} found.", missed)


@tool(risk="read_only", category="codebase")
def references(name: SymbolName, context: ToolContext, path: Folder = ".") -> str:
    """Find where a name is used, its definitions left out. Answers with path:line: text."""
    places: list[_Place] = []
    languages: set[SourceLanguage] = set()
    missed = Missed()
    for file, source in _sources(context.files, name, path, context.cancelled, missed):
        languages.add(source.language)
        defined = {one.line for one in definitions_in(source) if _is_called(one.name, name)}
        places.extend(_place(file, source, line) for line in lines_naming(source, name) if line not in defined)
    return _found(places, languages, f"No use of {name} found.", missed)


def _sources(
    workspace: Workspace, name: str, path: str, cancelled: Cancellation, missed: Missed
) -> Iterator[tuple[str, SourceFile]]:
    """The parsed files that hold the name. `missed` is told of sources that are too large to be parsed."""
    if not _NAME.fullmatch(name):
        raise BadArguments(f"“{name}” is no name: give the bare name, without dots and brackets", field="name")
    for file, data in files_holding(workspace, TextQuery(name, path=path), cancelled, missed):
        if cancelled.is_set():
            raise Stopped()
        if len(data) > PARSED_MAX_BYTES and language_of(file) is not None and name.encode() in data:
            missed.large.append(file)
        source = _parsed(data, language_of(file), name)
        if source is not None:
            yield file, source


def _is_called(defined: str, name: str) -> bool:
    """C++ defines members as `Class::name`, and a generic impl carries its parameters."""
    return defined == name or re.split(r"::|<", defined)[-1 if "::" in defined else 0] == name


def _read(workspace: Workspace, path: str) -> bytes:
    with workspace.file(path) as fd:
        return read_all(fd, FILE_MAX_BYTES)


def _parsed(data: bytes, language: SourceLanguage | None, name: str = "") -> SourceFile | None:
    """None for what is no source, does not hold the name, or is not worth parsing."""
    if language is None or len(data) > PARSED_MAX_BYTES:
        return None
    try:
        text = decode(data)
    except NoText:
        return None
    return parse(text, language) if name in text else None


def _place(path: str, source: SourceFile, line: int) -> _Place:
    text = source.lines[line - 1].decode(errors="replace").strip()
    return _Place(spoken(path), line, text if len(text) <= LINE_MAX_CHARS else f"{text[:LINE_MAX_CHARS]}…")


def _found(places: list[_Place], languages: set[SourceLanguage], nothing: str, missed: Missed) -> str:
    lines = list(dict.fromkeys(f"{place.path}:{place.line}: {place.text}" for place in places))
    missed.large = [path for path in missed.large if language_of(path) is not None]
    return "\n".join([_listed(lines or [nothing], languages), *missed.notes("parsed", "are over 2 MB")])


def _listed(lines: list[str], languages: set[SourceLanguage]) -> str:
    shown = lines[:SHOWN_MAX]
    if len(lines) > len(shown):
        shown.append(f"[{len(lines) - SHOWN_MAX:,} more; narrow the path]")
    guessed = {language.name: reason for language in languages if isinstance(reason := parser_of(language), str)}
    if guessed:
        reasons = "; ".join(dict.fromkeys(guessed.values()))
        shown.append(f"[{', '.join(sorted(guessed))}: found by patterns, not by syntax, because {reasons}]")
    return "\n".join(shown)
