"""Finding files by name and reading them by line. Never writes."""

from __future__ import annotations

import itertools
import os
from typing import Annotated

from pydantic import Field

from services.tools.context import Cancellation, ToolContext
from services.tools.errors import BadArguments, ToolError
from services.tools.globs import compile_glob
from services.tools.missed import Missed
from services.tools.names import meant, spoken
from services.tools.texts import Encoding, Line, NoText, decode_lines, encoding_of, iterate_lines
from services.tools.tool import tool
from services.tools.tree import Stopped, Tree
from services.tools.workspace import Workspace

LINES_MAX = 2_000
PAGE_BYTES = 256 * 1024
LINE_MAX_CHARS = 2_000


@tool(risk="read_only", category="codebase")
def find_files(
    glob: Annotated[str, Field(description="“*.py” in any folder, “src/**/*.ts”, “**/test_*”")],
    context: ToolContext,
    path: Annotated[str, Field(description="The folder to look in")] = ".",
    max_results: Annotated[int, Field(ge=1, le=5_000)] = 500,
) -> str:
    """List the project's files whose path matches a pattern, without those that .gitignore leaves out."""
    return list_files(context.files, glob, path, max_results, context.cancelled)


@tool(risk="read_only", category="codebase")
def read_file(
    path: Annotated[str, Field(description="Relative to the workspace")],
    context: ToolContext,
    start_line: Annotated[int, Field(ge=1)] = 1,
    end_line: Annotated[int | None, Field(ge=1, description=f"At most {LINES_MAX:,} lines at once")] = None,
) -> str:
    """Read a text file, or the lines start_line to end_line of it. Each line comes with its number."""
    return read_lines(context.files, path, start_line, end_line, context.cancelled)


def list_files(workspace: Workspace, glob: str, path: str, max_results: int, cancelled: Cancellation) -> str:
    """One path a line, in order. Raises BadArguments, PathRefused."""
    try:
        pattern = compile_glob(meant(glob))
    except ValueError as error:
        raise BadArguments(f"glob is not valid: {error}", field="glob") from None
    missed = Missed()
    tree = Tree(workspace, path, cancelled, missed)
    matching = (spoken(found.path) for found in tree.files() if pattern.fullmatch(found.path))
    paths = list(itertools.islice(matching, max_results + 1))
    if not paths:
        end = f"No file matches {glob}."
    elif len(paths) > max_results:
        end = f"[the first {max_results:,} files; there are more: narrow the pattern]"
    else:
        end = f"[{len(paths):,} {'file' if len(paths) == 1 else 'files'}]"
    return "\n".join([*paths[:max_results], end, *missed.notes("looked through")])


def read_lines(workspace: Workspace, path: str, start: int, end: int | None, cancelled: Cancellation) -> str:
    """The lines under a headline `path:first-last`. Holds no more than it answers, however large the file is. Raises
    NoText, BadArguments, PathRefused."""
    if end is not None and end < start:
        raise BadArguments(f"end_line {end} lies before start_line {start}", field="end_line")
    path = spoken(meant(path))
    last = min(end or start + LINES_MAX - 1, start + LINES_MAX - 1)
    with workspace.file(path) as fd:
        encoding = _encoding(fd, path)
        lines, has_more, total = _selected(fd, encoding, start, last, cancelled)
    if not lines and total:
        raise ToolError(f"“{path}” has {total:,} {'line' if total == 1 else 'lines'}: line {start:,} is behind its end")
    return _shown(path, start, lines, encoding, has_more)


def _encoding(fd: int, path: str) -> Encoding:
    try:
        return encoding_of(os.pread(fd, 8_192, 0))
    except NoText:
        size = os.fstat(fd).st_size
        raise NoText(f"“{path}” is a binary file of {size:,} bytes: it can't be read as text") from None


def _selected(
    fd: int, encoding: Encoding, start: int, last: int, cancelled: Cancellation
) -> tuple[list[Line], bool, int]:
    """The lines, whether more follow, and how many there are up to here."""
    lines: list[Line] = []
    size = number = 0
    for number, line in enumerate(iterate_lines(fd, encoding), 1):
        if number > last or size > PAGE_BYTES:
            return lines, True, number
        if number >= start:
            lines.append(line)
            size += len(line.data)
        if number % 10_000 == 0 and cancelled.is_set():
            raise Stopped()
    return lines, False, number


def _shown(path: str, start: int, lines: list[Line], encoding: Encoding, has_more: bool) -> str:
    if not lines:
        return f"{path} is empty"
    texts, name = decode_lines(lines, encoding)
    end = start + len(texts) - 1
    noted = "" if name == "utf-8" else f" (encoding {name})"
    rest = f"; more lines follow: read from start_line={end + 1}" if has_more else ", the end of the file"
    numbered = (f"{start + at}\t{_cut(text, lines[at])}" for at, text in enumerate(texts))
    return "\n".join([f"{path}:{start}-{end}{noted}{rest}", *numbered])


def _cut(text: str, line: Line) -> str:
    if line.is_cut:
        return f"{text[:LINE_MAX_CHARS]}… [many more characters in this line: it has {line.size_bytes:,} bytes]"
    if len(text) <= LINE_MAX_CHARS:
        return text
    return f"{text[:LINE_MAX_CHARS]}… [{len(text) - LINE_MAX_CHARS:,} more characters in this line]"
