"""What a project is, at a glance: languages, folders, where it starts, how its README begins. Never writes."""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable

from models.ids import iso
from models.payloads import ProjectStructurePayload
from models.text import cleaned
from services.tools.context import Cancellation, ToolContext
from services.tools.errors import ToolError
from services.tools.languages import language_name
from services.tools.missed import Missed
from services.tools.names import spoken
from services.tools.texts import NoText, decode, lines_of, read_all
from services.tools.tool import ToolOutput, tool
from services.tools.tree import Tree
from services.tools.workspace import Workspace

FILES_MAX = 200_000
_LANGUAGES_SHOWN = 12
_FOLDERS_SHOWN = 30
_ENTRIES_SHOWN = 30
_README_LINES = 40
_LINE_MAX_CHARS = 200
_MANIFEST_MAX_BYTES = 1 << 20
_STARTS = re.compile(
    r"(?:.*/)?(?:main|__main__|app|manage|server|index|cli)\.(?:py|js|ts|tsx|go|rs|java|c|cpp)|Makefile|Dockerfile"
    r"|(?:docker-)?compose\.ya?ml|Cargo\.toml|go\.mod|pom\.xml|build\.gradle(?:\.kts)?|CMakeLists\.txt"
)


@tool(risk="read_only", category="codebase")
def overview(context: ToolContext) -> ToolOutput:
    """Show what the project is: languages, top folders, entry points, the beginning of its README."""
    text = describe_project(context.files, context.cancelled)
    if context.clock is None:
        return ToolOutput(text)
    root, now = spoken(context.files.root.name), iso(context.clock())
    structure = ProjectStructurePayload(root=root, type="tree", content=cleaned(text), generated_at=now)
    return ToolOutput(text, artifact=structure)


def describe_project(workspace: Workspace, cancelled: Cancellation | None = None) -> str:
    """A page of text, whatever the project's size; also for a system prompt."""
    missed = Missed()
    paths = _paths(workspace, cancelled, missed)
    parts = [
        ("Languages (files)", _languages(paths)),
        ("Top folders (files)", _folders(paths)),
        ("Entry points", _entry_points(workspace, paths)),
        ("README", _readme(workspace, paths)),
    ]
    counted = f"{len(paths):,} files"
    if len(paths) > FILES_MAX:
        counted = f"more than {FILES_MAX:,} files; these were counted"
    shown = [f"{title}:\n" + "\n".join(lines) for title, lines in parts if lines]
    left_out = "\n".join(missed.notes("counted"))
    return "\n\n".join(filter(None, [f"{spoken(workspace.root.name)}: {counted}", *shown, left_out]))


def _paths(workspace: Workspace, cancelled: Cancellation | None, missed: Missed) -> list[str]:
    """One more than `FILES_MAX` where there are more."""
    files = Tree(workspace, ".", cancelled, missed).files()
    return [found.path for found in itertools.islice(files, FILES_MAX + 1)]


def _languages(paths: Iterable[str]) -> list[str]:
    counts = Counter(name for path in paths if (name := language_name(path)))
    shown = [f"  {name}: {count:,}" for name, count in _largest(counts, _LANGUAGES_SHOWN)]
    return [*shown, "  …"] if len(counts) > len(shown) else shown


def _folders(paths: Iterable[str]) -> list[str]:
    counts = Counter(path.partition("/")[0] for path in paths if "/" in path)
    shown = [f"  {spoken(name)}/: {count:,}" for name, count in sorted(_largest(counts, _FOLDERS_SHOWN))]
    return [*shown, "  …"] if len(counts) > len(shown) else shown


def _largest(counts: Counter[str], most: int) -> list[tuple[str, int]]:
    """Ties by name: the same project gives the same words."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]


def _entry_points(workspace: Workspace, paths: list[str]) -> list[str]:
    present = set(paths)
    declared = [
        f"  {line}"
        for name, reader in _MANIFESTS.items()
        if name in present
        for line in _from_manifest(_text(workspace, name), reader)
    ]
    files = [f"  {spoken(path)}" for path in paths if path.count("/") <= 2 and _STARTS.fullmatch(path)]
    shown = [_cut(line) for line in (*declared, *files)]
    return [*shown[:_ENTRIES_SHOWN], "  …"] if len(shown) > _ENTRIES_SHOWN else shown


def _cut(line: str) -> str:
    return line if len(line) <= _LINE_MAX_CHARS else f"{line[:_LINE_MAX_CHARS]}…"


def _from_manifest(text: str, reader: Callable[[str], list[str]]) -> list[str]:
    """Nothing from a manifest that is not what it should be: the overview is shown all the same."""
    try:
        return reader(text)
    except (ValueError, AttributeError, TypeError, RecursionError):
        return []


def _of_pyproject(text: str) -> list[str]:
    scripts = tomllib.loads(text).get("project", {}).get("scripts", {})
    return [f"pyproject.toml script {name} = {target}" for name, target in scripts.items()]


def _of_package(text: str) -> list[str]:
    package = json.loads(text)
    scripts = [f"package.json script {name}: {command}" for name, command in package.get("scripts", {}).items()]
    return [*([f"package.json main: {package['main']}"] if "main" in package else []), *scripts]


_MANIFESTS: dict[str, Callable[[str], list[str]]] = {"pyproject.toml": _of_pyproject, "package.json": _of_package}


def _readme(workspace: Workspace, paths: Iterable[str]) -> list[str]:
    name = next((path for path in paths if re.fullmatch(r"readme(\.\w+)?", path, re.I)), None)
    if name is None:
        return []
    lines = lines_of(_text(workspace, name))
    shown = [f"  {_cut(line)}".rstrip() for line in lines[:_README_LINES]]
    return [*shown, f"  … {name}:{_README_LINES + 1} goes on"] if len(lines) > _README_LINES else shown


def _text(workspace: Workspace, path: str) -> str:
    try:
        with workspace.file(spoken(path)) as fd:
            return decode(read_all(fd, _MANIFEST_MAX_BYTES))
    except (ToolError, NoText, OSError):
        return ""
