"""Walks the files of a workspace in one fixed order, without what .gitignore leaves out and what is private. Reads no
file but .gitignore.

The order is that of the paths' components, so that a folder's files stay together. Links are not followed. The rules
are those of every .gitignore from the workspace down; a folder asked for by name is walked even if it is ignored.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from services.tools.context import Cancellation
from services.tools.errors import ToolError
from services.tools.globs import NO_RULES, Rules, rules_of
from services.tools.missed import Missed
from services.tools.names import meant, spoken
from services.tools.workspace import Workspace

DEPTH_MAX = 100
"""Folders within folders; each one that is being walked holds a descriptor."""
_GITIGNORE_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """A file in the folder that `folder` is a descriptor of, open until the walk goes on."""

    path: str
    name: str
    folder: int


class Stopped(ToolError):
    """The call was cancelled: the answer is not awaited any more."""

    default_message = "Stopped"


class Tree:
    """The files below one folder. Made for one answer: it remembers the rules that it has read."""

    def __init__(
        self,
        workspace: Workspace,
        start: str = ".",
        cancelled: Cancellation | None = None,
        missed: Missed | None = None,
    ) -> None:
        """`start` is a path as it is spoken; those of `Found` are as the system has them."""
        self._workspace = workspace
        self._cancelled = cancelled or Cancellation()
        self._missed = missed if missed is not None else Missed()
        self.start = "/".join(part for part in meant(start).split("/") if part not in ("", "."))
        self._rules: dict[str, Rules] = {}
        self._ignored: dict[str, bool] = {self.start: False}

    def files(self) -> Iterator[Found]:
        """Raises PathRefused and ToolError for the start, Stopped when cancelled; what can't be read is left out,
        and noted in `missed`."""
        with self._workspace.folder(spoken(self.start or ".")) as fd:
            yield from self._below(fd, self.start, 0)

    def holds(self, path: str) -> bool:
        """Whether `files` would give this path, as far as names and rules tell."""
        folder, _, name = path.rpartition("/")
        return self._is_named(name) and not self._in_ignored(folder) and not self._is_ignored(path, folder, False)

    def _below(self, fd: int, path: str, depth: int) -> Iterator[Found]:
        if self._cancelled.is_set():
            raise Stopped()
        for name, is_folder in self._listed(fd, path):
            inner = f"{path}/{name}" if path else name
            if not self._is_named(name) or self._is_ignored(inner, path, is_folder):
                continue
            if not is_folder:
                yield Found(inner, name, fd)
            elif depth < DEPTH_MAX:
                yield from self._enter(fd, name, inner, depth)
            else:
                self._missed.deep.append(inner)

    def _enter(self, fd: int, name: str, path: str, depth: int) -> Iterator[Found]:
        try:
            folder = self._workspace.folder_in(fd, name)
        except FileNotFoundError:
            return  # it went meanwhile
        except (OSError, ToolError):
            self._missed.unreadable.append(path)
            return
        try:
            yield from self._below(folder, path, depth + 1)
        finally:
            os.close(folder)

    def _listed(self, fd: int, path: str) -> list[tuple[str, bool]]:
        """Names in order, and whether each is a folder. Most folders have no .gitignore, so none is looked for."""
        try:
            with os.scandir(fd) as entries:
                found = list(entries)
        except OSError:
            self._missed.unreadable.append(path or ".")
            return []
        if all(entry.name != ".gitignore" for entry in found):
            self._rules[path] = NO_RULES
        folders = [(entry.name, True) for entry in found if entry.is_dir(follow_symlinks=False)]
        return sorted(folders + [(entry.name, False) for entry in found if entry.is_file(follow_symlinks=False)])

    def _is_named(self, name: str) -> bool:
        return not self._workspace.is_private(name)

    def _in_ignored(self, folder: str) -> bool:
        """Whether the folder or one that it lies in is left out; the start never is."""
        known = self._ignored.get(folder)
        if known is None:
            outer, _, name = folder.rpartition("/")
            known = self._in_ignored(outer) or not self._is_named(name) or self._is_ignored(folder, outer, True)
            self._ignored[folder] = known
        return known

    def _is_ignored(self, path: str, folder: str, is_folder: bool) -> bool:
        """By the rules of the folder it lies in, then by those of the folders around."""
        while True:
            below = path[len(folder) + 1 :] if folder else path
            verdict = self._rules_in(folder).ignores(below, is_folder)
            if verdict is not None or not folder:
                return verdict or False
            folder = folder.rpartition("/")[0]

    def _rules_in(self, folder: str) -> Rules:
        rules = self._rules.get(folder)
        if rules is None:
            rules = self._rules[folder] = self._read_rules(f"{folder}/.gitignore" if folder else ".gitignore")
        return rules

    def _read_rules(self, path: str) -> Rules:
        try:
            with self._workspace.file(spoken(path)) as fd:
                return rules_of(os.fsdecode(os.read(fd, _GITIGNORE_MAX_BYTES)))
        except ToolError:
            return NO_RULES


def in_order(path: str) -> list[str]:
    """The sort key of a path."""
    return path.split("/")
