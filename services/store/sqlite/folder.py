"""The data folder: one server holds it, and knows when a file of its own was taken away. Never opens a database: who
closes a file of SQLite's by another descriptor gives up SQLite's locks on it.

It is held twice, by a lock file and by a lock on the folder itself: a lock file that somebody deletes lets nobody in.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import filelock

from models.errors import DataFolderInUse

LOCK, HOLDER = "lock", "lock.pid"
Identity = tuple[int, int]


class DataFolder:
    """`hold` it before use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = filelock.FileLock(path / LOCK)
        self._holder_file = path / HOLDER
        self._fd: int | None = None
        self._seen: dict[Path, Identity | None] = {}

    def hold(self) -> None:
        """Makes the folder when there is none. Raises DataFolderInUse."""
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            raise self._in_use() from None
        if not self._hold_itself():
            self._lock.release()
            raise self._in_use()
        with suppress(OSError):  # a full disk is told where it matters
            self._holder_file.write_text(str(os.getpid()))
        self._seen[self.path / LOCK] = identity(self.path / LOCK)

    def release(self) -> None:
        if self._lock.is_locked:
            with suppress(OSError):
                self._holder_file.unlink()
        self._lock.release()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def watch(self, files: Sequence[Path]) -> None:
        """From now on these must stay what they are."""
        self._seen |= {file: identity(file) for file in files}

    def lost(self) -> list[Path]:
        """Those that were deleted or replaced since, the lock file too."""
        return [file for file, seen in self._seen.items() if identity(file) != seen]

    def make_lock_anew(self) -> None:
        """Its file was deleted: who looks for it must find it held. Raises DataFolderInUse when somebody was faster."""
        lost, self._lock = self._lock, filelock.FileLock(self.path / LOCK)
        lost.release()
        try:
            self._lock.acquire(timeout=0)
        except (filelock.Timeout, OSError):
            raise self._in_use() from None
        self._seen[self.path / LOCK] = identity(self.path / LOCK)

    def _hold_itself(self) -> bool:
        """False when another process holds it. Where a folder can't be locked the lock file has to do."""
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        except OSError:
            os.close(fd)
            return True
        self._fd = fd
        return True

    def _in_use(self) -> DataFolderInUse:
        told = f"Another server{self._holder()} uses the data folder {self.path}"
        return DataFolderInUse(f"{told}; stop it, or choose another with --data")

    def _holder(self) -> str:
        """The process that holds the folder, as it wrote it beside; empty when it could not."""
        try:
            return f" (pid {int(self._holder_file.read_text())})"
        except (OSError, ValueError):
            return ""


def identity(file: Path) -> Identity | None:
    """Which file it is, whatever it is called; None when there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
