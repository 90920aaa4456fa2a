"""Finds text in the workspace's files. ripgrep, where there is one, chooses the files; lines are always matched here.

So the answer is the same with and without ripgrep, byte for byte: it only spares reading files without a match.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol, TypeAlias

from pydantic import Field

from services.tools.context import Cancellation, ToolContext
from services.tools.errors import BadArguments, ToolError
from services.tools.globs import compile_glob
from services.tools.missed import Missed
from services.tools.names import meant, spoken
from services.tools.processes import Limits, folder_path, run_process
from services.tools.regex_superset import of_regex, of_text
from services.tools.texts import NoText, decode, lines_of, read_all
from services.tools.tool import tool
from services.tools.tree import Found, Stopped, Tree, in_order
from services.tools.workspace import FileNotFound, Workspace

TIMEOUT_S = 60.0
MATCHING_S = 10.0
"""How long one expression may be busy on one line: some need exponential time."""
FILE_MAX_BYTES = 16 << 20
"""Larger files are data, and are not searched."""
TOO_LARGE = "are over 16 MB"
LINE_MAX_CHARS = 300
_QUERY_MAX_CHARS = 1_000
_LIST_MAX_BYTES = 256 << 20

Matches: TypeAlias = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class TextQuery:
    text: str
    regex: bool = False
    ignore_case: bool = False
    path: str = "."
    glob: str | None = None
    max_results: int = 100
    context_lines: int = 0


@dataclass(frozen=True, slots=True)
class _Hit:
    """Lines are counted from 1."""

    path: str
    numbers: tuple[int, ...]
    lines: list[str]


class _Pattern(Protocol):
    def search(self, string: str, *, timeout: float, concurrent: bool) -> object: ...


@tool(risk="read_only", category="codebase", timeout_s=TIMEOUT_S)
def search(
    query: Annotated[str, Field(description="Text, or an expression with regex=true; found within a line")],
    context: ToolContext,
    regex: Annotated[bool, Field(description="Whether query is a (Python) regular expression")] = False,
    ignore_case: bool = False,
    path: Annotated[str, Field(description="A folder or a file to search in")] = ".",
    glob: Annotated[str | None, Field(description="Only these files: “*.py”, “src/**/*.ts”")] = None,
    max_results: Annotated[int, Field(ge=1, le=1_000)] = 100,
    context_lines: Annotated[int, Field(ge=0, le=10, description="Lines to show around each match")] = 0,
) -> str:
    """Search the project's files for a text or a regular expression. Answers with path:line: text. Files that
    .gitignore leaves out, binary files and files over 16 MB are not searched."""
    asked = TextQuery(query, regex, ignore_case, path, glob, max_results, context_lines)
    return search_files(context.files, asked, context.cancelled)


def search_files(
    workspace: Workspace, query: TextQuery, cancelled: Cancellation | None = None, *, ripgrep: str | None = "rg"
) -> str:
    """The whole answer. `ripgrep` names the program; None does without. Raises BadArguments, PathRefused, ToolError."""
    cancelled = cancelled or Cancellation()
    matches = _matcher(query)
    needle = "" if query.regex or query.ignore_case else query.text
    hits, found = [], 0
    missed = Missed()
    for path, data in files_holding(workspace, query, cancelled, missed, ripgrep=ripgrep):
        if cancelled.is_set():
            raise Stopped()
        hit = _hit(path, data, needle, matches, query.max_results + 1 - found)
        if hit is not None:
            hits.append(hit)
            found += len(hit.numbers)
        if found > query.max_results:
            break
    # Where the answer is cut, more was left out than what could not be read.
    notes = missed.notes("searched", TOO_LARGE) if found <= query.max_results else ()
    return "\n".join([_answer(hits, query), *notes])


def _matcher(query: TextQuery) -> Matches:
    if not query.text or len(query.text) > _QUERY_MAX_CHARS:
        raise BadArguments(f"query must have 1 to {_QUERY_MAX_CHARS:,} characters", field="query")
    if not query.regex and "\n" in query.text:
        raise BadArguments("query is found within one line: leave out line ends", field="query")
    if not query.regex and not query.ignore_case:
        return lambda line: query.text in line
    return _expression(query)


def _expression(query: TextQuery) -> Matches:
    """With the package `regex`, not `re`: it can be given a time limit, and lets other threads run meanwhile."""
    import regex

    flags = regex.VERSION0 | (regex.IGNORECASE if query.ignore_case else 0)
    try:
        pattern: _Pattern = regex.compile(query.text if query.regex else regex.escape(query.text), flags)
    except (regex.error, RecursionError, OverflowError, ValueError, Warning) as error:
        raise BadArguments(f"query is no valid regular expression: {error}", field="query") from None

    def matches(line: str) -> bool:
        try:
            return pattern.search(line, timeout=MATCHING_S, concurrent=True) is not None
        except TimeoutError:
            raise ToolError(f"The expression took more than {MATCHING_S:g} s on one line; make it simpler") from None

    return matches


def files_holding(
    workspace: Workspace, query: TextQuery, cancelled: Cancellation, missed: Missed, *, ripgrep: str | None = "rg"
) -> Iterator[tuple[str, bytes]]:
    """The files that may hold a match, in order, and what is in them: every file that does, and without ripgrep also
    those that don't. `missed` is told of those that were not looked into, at the end."""
    program = shutil.which(ripgrep) if ripgrep else None
    wanted = _glob(query.glob)
    if not workspace.is_folder(query.path):
        path = "/".join(part for part in meant(query.path).split("/") if part not in ("", "."))
        yield path, _read_path(workspace, path, missed)
        return
    tree = Tree(workspace, query.path, cancelled, missed)
    chosen = _chosen_by_ripgrep(workspace, query, cancelled, program) if program else None
    if program is None or chosen is None:
        yield from _walked(workspace, tree, wanted, missed)
        return
    for path in chosen:
        if wanted(path) and tree.holds(path):
            yield path, _read_path(workspace, path, missed)
    # Behind the last match: who has seen enough does not ask for it.
    listed = _ripgrep(workspace, query.path, cancelled, (program, *_FLAGS, "--files", "./"))
    every = filter(wanted, (found.path for found in tree.files()) if listed is None else listed)
    missed.large.extend(path for path in _large(workspace, query.path, tree.start, every) if tree.holds(path))


def _glob(glob: str | None) -> Callable[[str], bool]:
    if glob is None:
        return lambda path: True
    try:
        pattern = compile_glob(meant(glob))
    except ValueError as error:
        raise BadArguments(f"glob is not valid: {error}", field="glob") from None
    return lambda path: pattern.fullmatch(path) is not None


def _walked(
    workspace: Workspace, tree: Tree, wanted: Callable[[str], bool], missed: Missed
) -> Iterator[tuple[str, bytes]]:
    for found in tree.files():
        if wanted(found.path):
            yield found.path, _read_in(workspace, found, missed)


def _read_in(workspace: Workspace, found: Found, missed: Missed) -> bytes:
    try:
        fd = workspace.open_in(found.folder, found.name)
    except FileNotFoundError:
        return b""  # it went meanwhile
    except (OSError, ToolError):
        missed.unreadable.append(found.path)
        return b""
    try:
        return _read(fd, found.path, missed)
    finally:
        os.close(fd)


def _read_path(workspace: Workspace, path: str, missed: Missed) -> bytes:
    try:
        with workspace.file(spoken(path)) as fd:
            return _read(fd, path, missed)
    except FileNotFound:
        return b""
    except ToolError:
        missed.unreadable.append(path)
        return b""


def _read(fd: int, path: str, missed: Missed) -> bytes:
    """Empty for what is not searched."""
    try:
        if os.fstat(fd).st_size <= FILE_MAX_BYTES:
            return read_all(fd, FILE_MAX_BYTES)
        missed.large.append(path)
    except OSError:
        missed.unreadable.append(path)
    return b""


def _large(workspace: Workspace, path: str, start: str, files: Iterable[str]) -> Iterator[str]:
    """Of the files below `start`, which is `path` as the system has it."""
    with workspace.folder(path) as fd:
        for each in files:
            try:
                size_bytes = os.stat(
                    each[len(start) + 1 :] if start else each, dir_fd=fd, follow_symlinks=False
                ).st_size
            except OSError:
                continue  # it went meanwhile
            if size_bytes > FILE_MAX_BYTES:
                yield each


def _chosen_by_ripgrep(
    workspace: Workspace, query: TextQuery, cancelled: Cancellation, ripgrep: str
) -> list[str] | None:
    """Paths of files that may match, in order; None when ripgrep can't tell, or could not read everything."""
    pattern = (of_regex if query.regex else of_text)(query.text, ignore_case=query.ignore_case)
    if pattern is None:
        return None
    matching = ("--files-with-matches", "--text", "--no-mmap", _SMALL, f"--regexp={pattern}")
    chosen = _ripgrep(workspace, query.path, cancelled, (ripgrep, *_FLAGS, *matching, "./"))
    return None if chosen is None else sorted(chosen, key=in_order)


def _ripgrep(workspace: Workspace, path: str, cancelled: Cancellation, argv: Sequence[str]) -> list[str] | None:
    """The paths that it lists; None when it can't tell, or could not read everything."""
    start = Tree(workspace, path).start
    with workspace.folder(path) as fd:
        ended = run_process(
            argv,
            cwd=folder_path(fd, str(workspace.root / start)),
            limits=Limits(TIMEOUT_S, _LIST_MAX_BYTES),
            cancelled=cancelled,
        )
    if ended.end == "cancelled":
        raise Stopped()
    # 2 is also what it ends with when there is something that it may not read: the walk finds out what.
    if ended.end != "exited" or ended.is_cut or ended.code not in (0, 1) or ended.errors:
        return None
    return list(_paths(ended.output, start))


_SMALL = f"--max-filesize={FILE_MAX_BYTES}"
# `--text`, where lines are matched: whether a file is binary is decided here. `--no-mmap`: a mapped file that is cut
# short would kill the program.
_FLAGS = (
    "--null",
    "--no-config",
    "--no-messages",
    "--no-ignore-messages",
    "--color=never",
    # The rules of every .gitignore below the folder, and of nothing else; those above it are applied here.
    "--hidden",
    "--no-ignore-global",
    "--no-ignore-parent",
    "--no-ignore-dot",
    "--no-ignore-exclude",
    "--no-require-git",
    "--glob=!.git",
)


def _paths(listed: bytes, start: str) -> Iterator[str]:
    for name in listed.split(b"\0"):
        inside = os.fsdecode(name).removeprefix("./")
        if inside:
            yield f"{start}/{inside}" if start else inside


def _hit(path: str, data: bytes, needle: str, matches: Matches, limit: int) -> _Hit | None:
    """`needle` must be in the file; most don't have it, and are not taken to lines."""
    try:
        text = decode(data)
    except NoText:
        return None
    if needle not in text:
        return None
    lines = lines_of(text)
    numbers = []
    for number, line in enumerate(lines, 1):
        if matches(line):
            numbers.append(number)
            if len(numbers) == limit:
                break
    return _Hit(path, tuple(numbers), lines) if numbers else None


def _answer(hits: list[_Hit], query: TextQuery) -> str:
    if not hits:
        where = f" in {query.path}" if query.path != "." else ""
        return f"No match{where}{f' in files {query.glob}' if query.glob else ''}."
    total = sum(len(hit.numbers) for hit in hits)
    is_cut = total > query.max_results
    if is_cut:
        hits = [*hits[:-1], _Hit(hits[-1].path, hits[-1].numbers[:-1], hits[-1].lines)]
        hits = [hit for hit in hits if hit.numbers]
    blocks = [_block(hit, query.context_lines) for hit in hits]
    return "\n".join([("\n--\n" if query.context_lines else "\n").join(blocks), _footer(hits, is_cut)])


def _footer(hits: list[_Hit], is_cut: bool) -> str:
    total = sum(len(hit.numbers) for hit in hits)
    matches = "match" if total == 1 else "matches"
    counted = f"{total:,} {matches} in {len(hits):,} {'file' if len(hits) == 1 else 'files'}"
    return f"[the first {counted}; there are more: narrow the query or the path]" if is_cut else f"[{counted}]"


def _block(hit: _Hit, around: int) -> str:
    """The hits of a file; those whose surroundings touch stand together."""
    shown: list[str] = []
    matched, last = set(hit.numbers), 0
    for number in hit.numbers:
        first = max(1, number - around, last + 1)
        if shown and around and first > last + 1:
            shown.append("--")
        last = max(last, min(len(hit.lines), number + around))
        shown.extend(_line(hit, at, at in matched) for at in range(first, last + 1))
    return "\n".join(shown)


def _line(hit: _Hit, number: int, is_match: bool) -> str:
    line = hit.lines[number - 1]
    shown = line if len(line) <= LINE_MAX_CHARS else f"{line[:LINE_MAX_CHARS]}…"
    path = spoken(hit.path)
    return f"{path}:{number}: {shown}" if is_match else f"{path}-{number}- {shown}"
