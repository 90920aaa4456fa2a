"""Writing and changing the workspace's files, each at once or not at all. Off, or a person is asked."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from services.tools.context import ToolContext
from services.tools.errors import BadArguments, ToolError
from services.tools.line_ends import Places, places_of
from services.tools.names import meant, spoken
from services.tools.texts import encoding_of, read_all
from services.tools.tool import tool
from services.tools.workspace import Workspace, explained

WRITE_MAX_CHARS = 2_000_000
EDIT_MAX_BYTES = 10_000_000

Path = Annotated[str, Field(description="Relative to the workspace")]


@tool(risk="idempotent", category="codebase", policy="ask")
def write_file(path: Path, content: Annotated[str, Field(max_length=WRITE_MAX_CHARS)], context: ToolContext) -> str:
    """Create a text file, or replace all of it. To change a part of a file use edit_file."""
    path = spoken(meant(path))
    with explained(path):
        is_new = context.files.replace(path, content.encode())
    lines = content.count("\n") + (not content.endswith("\n") and content != "")
    return f"{'Created' if is_new else 'Replaced'} {path} ({lines:,} lines)"


@tool(risk="unsafe", category="codebase", policy="ask")
def edit_file(
    path: Path,
    old: Annotated[str, Field(min_length=1, description="The exact text to replace; it must stand there once")],
    new: Annotated[str, Field(max_length=WRITE_MAX_CHARS, description="What to put there")],
    context: ToolContext,
) -> str:
    """Replace one piece of a file's text by another. Line ends may be given as \\n whatever the file uses, also mixed:
    each line keeps its own."""
    return replace_text(context.files, path, old, new)


def replace_text(workspace: Workspace, path: str, old: str, new: str) -> str:
    """Says where: `path:line`. Raises BadArguments when `old` does not stand there once or nothing would change,
    ToolError, PathRefused."""
    path = spoken(meant(path))
    with workspace.file(path) as fd:
        data = read_all(fd, EDIT_MAX_BYTES)
    if len(data) > EDIT_MAX_BYTES:
        raise ToolError(f"“{path}” is larger than {EDIT_MAX_BYTES:,} bytes: it is not edited")
    encoding, text = _text(data, path)
    places = places_of(old, text)
    place = _only(places, path)
    changed = _encoded(places.replaced(place, new), encoding, data, path)
    if changed == data:
        raise BadArguments(f"“old” and “new” are the same: {path} was not changed", field="new")
    with explained(path):
        workspace.replace(path, changed, expected=data)
    return f"Changed {path}:{places.line(place)}"


def _text(data: bytes, path: str) -> tuple[str, str]:
    """The encoding's name and the text without its mark. Only what can be written back byte for byte."""
    encoding = encoding_of(data)
    for name in dict.fromkeys((encoding.name, "latin-1" if encoding.skip == 0 else encoding.name)):
        try:
            return name, data[encoding.skip :].decode(name)
        except UnicodeDecodeError:
            continue
    raise ToolError(f"“{path}” is damaged: it is no valid {encoding.name}")


def _only(places: Places, path: str) -> int:
    if not places.found:
        raise BadArguments(
            f"The text in “old” does not stand in {path}; read the file and copy it exactly", field="old"
        )
    if len(places.found) > 1:
        lines = [places.line(place) for place in places.found]
        raise BadArguments(
            f"The text in “old” stands in {path} more than once ({path}:{lines[0]}, {path}:{lines[1]}); "
            "give more of what is around it",
            field="old",
        )
    return places.found[0]


def _encoded(text: str, encoding: str, data: bytes, path: str) -> bytes:
    try:
        return data[: encoding_of(data).skip] + text.encode(encoding)
    except UnicodeEncodeError:
        raise ToolError(f"“{path}” is written in {encoding}, which has no sign for something in “new”") from None
