"""The one folder that tools may touch. Opens, lists and replaces files in it, and never anything outside.

Every path is walked component by component, each opened relative to the folder before it and without following links,
so that nothing can be exchanged between a check and its use: what was checked is what is held open. Links are read
and followed here, by the same walk, when they stay inside; only for reading.

Refused are absolute paths, `..`, NUL, over-long names, links that lead outside, devices, pipes and sockets, /proc and
its like, private names (`private.py`), and writing to a file that has a second name (a hard link): the other name may
lie outside. Reading such a file is allowed: no tool can make one, what it holds was put there by the workspace's
owner, and package managers fill whole trees with them.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from models.errors import InvalidArgument
from models.text import is_clean
from services.tools.errors import PathRefused, ToolError
from services.tools.names import meant, spoken
from services.tools.private import is_private

NAME_MAX_BYTES = 255
PATH_MAX_BYTES = 4_000
LINKS_MAX = 40
"""As many as Linux follows."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Opening a pipe would wait for its other end, and a terminal could become ours: neither happens with these.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS = ((stat.S_ISDIR, "folder"), (stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"))


class Workspace:
    """Any thread may use it. `private=True` opens private files too, for a server whose owner wants that."""

    def __init__(self, root: Path | str, *, private: bool = False) -> None:
        """Raises InvalidArgument when `root` is no folder, or is one that no tool should have."""
        self.root = Path(os.path.realpath(root))
        self._private = private
        if not self.root.is_dir():
            raise InvalidArgument(f"The workspace “{root}” is no folder; give an existing one", field="workspace")
        self._unreal = _unreal_devices()
        if self.root == Path("/") or self.root.stat().st_dev in self._unreal:
            raise InvalidArgument(f"“{self.root}” can't be a workspace; give a project's folder", field="workspace")

    def is_private(self, path: str) -> bool:
        return not self._private and is_private(path)

    @contextmanager
    def file(self, path: str) -> Iterator[int]:
        """A descriptor of an ordinary file, open for reading. Raises PathRefused, ToolError."""
        with self._opened(path, _FILE) as fd:
            self._check_ordinary(os.fstat(fd), path)
            yield fd

    @contextmanager
    def folder(self, path: str = ".") -> Iterator[int]:
        """A descriptor of a folder. Raises PathRefused, ToolError."""
        with self._opened(path, _FOLDER) as fd:
            yield fd

    def is_folder(self, path: str) -> bool:
        """Raises PathRefused, and ToolError when there is nothing."""
        with self._opened(path, _FILE) as fd:
            return stat.S_ISDIR(os.fstat(fd).st_mode)

    def replace(self, path: str, content: bytes, *, expected: bytes | None = None) -> bool:
        """Writes a whole file at once: nobody sees half of it, and its mode stays. Folders are made. Returns whether
        the file is new. With `expected`, refuses when the file holds something else by now."""
        *folders, name = self._parts(path) or [""]
        if not name:
            raise PathRefused(f"“{path}” is the workspace itself; give a file in it", path=path)
        with self._holding(folders, path) as folder:
            old = self._writable(folder, name, path, expected)
            _write(folder, name, content, mode=stat.S_IMODE(old.st_mode) if old else None)
            return old is None

    def open_in(self, folder: int, name: str) -> int:
        """A descriptor of the ordinary file `name` in an open folder; links are refused. The caller closes it."""
        fd = os.open(name, _FILE, dir_fd=folder)
        try:
            self._check_ordinary(os.fstat(fd), spoken(name))
        except BaseException:
            os.close(fd)
            raise
        return fd

    def folder_in(self, folder: int, name: str) -> int:
        """A descriptor of the folder `name` in an open folder; links are refused. The caller closes it."""
        fd = os.open(name, _FOLDER, dir_fd=folder)
        if os.fstat(fd).st_dev in self._unreal:
            os.close(fd)
            raise PathRefused(f"“{spoken(name)}” is no ordinary folder")
        return fd

    def _parts(self, path: str) -> list[str]:
        """The components of a path as it is spoken. Raises PathRefused."""
        inside = meant(path)
        if not is_clean(path) or "\0" in inside:
            raise PathRefused("A path can't contain NUL or lone surrogates")
        if inside.startswith(("/", "~/")):
            raise PathRefused(
                f"“{path[:200]}”: give a path relative to the workspace, such as “src/main.py”", path=path
            )
        parts = [part for part in inside.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise PathRefused(f"“{path[:200]}”: “..” is not allowed; paths begin at the workspace", path=path)
        if len(os.fsencode(inside)) > PATH_MAX_BYTES or any(len(os.fsencode(part)) > NAME_MAX_BYTES for part in parts):
            raise PathRefused(f"The path “{path[:100]}…” is too long", path=path[:200])
        self._check_public("/".join(parts), path)
        return parts

    def _check_public(self, inside: str, path: str) -> None:
        if self.is_private(inside):
            raise PathRefused(f"“{path}” is private (secrets or version control) and is not opened", path=path)

    def _check_ordinary(self, found: os.stat_result, path: str) -> None:
        if not stat.S_ISREG(found.st_mode) or found.st_dev in self._unreal:
            kind = next((name for test, name in _KINDS if test(found.st_mode)), "device")
            raise PathRefused(f"“{path}” is a {kind}, no ordinary file", path=path)

    @contextmanager
    def _opened(self, path: str, flags: int) -> Iterator[int]:
        fd = _Walk(self, path, flags).open(self._parts(path))
        try:
            if os.fstat(fd).st_dev in self._unreal:
                raise PathRefused(f"“{path}” is no ordinary file", path=path)
            yield fd
        finally:
            os.close(fd)

    @contextmanager
    def _holding(self, folders: list[str], path: str) -> Iterator[int]:
        """The folder that will hold a file, made where it is missing; what was made goes again when the block fails. No
        link is followed on the way."""
        held, made = [os.open(self.root, _FOLDER)], list[tuple[int, str]]()
        try:
            for name in folders:
                with suppress(FileExistsError), explained(path):
                    os.mkdir(name, dir_fd=held[-1])
                    made.append((held[-1], name))
                with explained(path):
                    held.append(self.folder_in(held[-1], name))
            yield held[-1]
        except BaseException:
            for folder, name in reversed(made):
                with suppress(OSError):
                    os.rmdir(name, dir_fd=folder)
            raise
        finally:
            for fd in held:
                os.close(fd)

    def _writable(self, folder: int, name: str, path: str, expected: bytes | None) -> os.stat_result | None:
        """What is there now; None when nothing is. Raises PathRefused for what must not be replaced."""
        try:
            with explained(path):
                fd = self.open_in(folder, name)
        except FileNotFound:
            if expected is None:
                return None
            raise
        with open(fd, "rb") as file:
            found = os.fstat(fd)
            if found.st_nlink > 1:
                raise PathRefused(f"“{path}” has other names (hard links): it is not written", path=path)
            if not found.st_mode & 0o222:
                raise PathRefused(f"“{path}” is read-only: it is not written", path=path)
            if expected is not None and file.read(len(expected) + 1) != expected:
                raise ToolError(f"“{path}” was changed meanwhile; read it again")
            return found


class FileNotFound(ToolError):
    code = "file_not_found"
    status = 404


class _Walk:
    """One walk along a path. Holds a descriptor for each folder that it is inside of, so that `..` in a link can go
    back without trusting a name."""

    def __init__(self, workspace: Workspace, path: str, flags: int) -> None:
        self._workspace = workspace
        self._path = path
        self._flags = flags
        self._held: list[int] = []
        self._names: list[str] = []
        self._links = 0

    def open(self, parts: list[str]) -> int:
        """A descriptor of what lies there, of the kind that the flags ask for."""
        self._held.append(os.open(self._workspace.root, _FOLDER))
        try:
            with explained(self._path):
                return self._go(list(reversed(parts)))
        finally:
            for fd in self._held:
                os.close(fd)

    def _go(self, ahead: list[str]) -> int:
        while ahead:
            name = ahead.pop()
            if name == "..":
                self._back()
                continue
            is_last = not ahead
            try:
                fd = os.open(name, self._flags if is_last else _FOLDER, dir_fd=self._held[-1])
            except OSError as error:
                ahead.extend(reversed(self._followed(name, error)))
                continue
            if is_last:
                return fd
            self._held.append(fd)
            self._names.append(name)
        return os.dup(self._held[-1])

    def _back(self) -> None:
        if not self._names:
            raise self._outside()
        os.close(self._held.pop())
        self._names.pop()

    def _followed(self, name: str, error: OSError) -> list[str]:
        """The components of the link `name`; raises `error` when it is none."""
        if error.errno not in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
            raise error
        try:
            target = os.readlink(name, dir_fd=self._held[-1])
        except OSError:
            raise error from None
        self._links += 1
        if self._links > LINKS_MAX:
            raise PathRefused(f"“{self._path}” leads through too many links", path=self._path)
        return self._inside(target)

    def _inside(self, target: str) -> list[str]:
        """Absolute links are followed when they name the workspace's own folder, and then from there."""
        if target.startswith("/"):
            inside = os.path.relpath(target, self._workspace.root) if ".." not in target.split("/") else ".."
            if inside.split("/")[0] == "..":
                raise self._outside()
            while self._names:
                self._back()
            target = inside
        parts = [part for part in target.split("/") if part not in ("", ".")]
        self._workspace._check_public("/".join(parts), self._path)
        return parts

    def _outside(self) -> PathRefused:
        return PathRefused(f"“{self._path}” leads out of the workspace through a link", path=self._path)


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Turns what the system says into words."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFound(f"There is no “{path}” in the workspace; find_files shows what is there") from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise PathRefused(f"“{path}” is or leads through a link", path=path) from None
        if error.errno in (errno.ENXIO, errno.ENODEV):
            raise PathRefused(f"“{path}” is no ordinary file", path=path) from None
        if error.errno == errno.ENOTDIR:
            raise PathRefused(f"“{path}” leads through a link or something else that is no folder", path=path) from None
        if error.errno == errno.EEXIST:
            raise
        raise ToolError(f"“{path}”: {os.strerror(error.errno or 0)}") from None


def _write(folder: int, name: str, content: bytes, mode: int | None) -> None:
    """Through a temporary file beside it and a rename, which replaces the name and follows nothing."""
    temporary = f".{secrets.token_hex(8)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(temporary, flags, 0o666, dir_fd=folder)
    try:
        with open(fd, "wb") as file:
            if mode is not None:
                os.fchmod(fd, mode)
            file.write(content)
            file.flush()
            os.fsync(fd)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise


def _unreal_devices() -> frozenset[int]:
    """The file systems that are made of the system's own state."""
    found = set()
    for path in ("/proc", "/sys", "/dev"):
        with suppress(OSError):
            found.add(os.stat(path).st_dev)
    return frozenset(found - {os.stat("/").st_dev})
