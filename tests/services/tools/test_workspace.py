"""The workspace against real attacks: whatever is tried, nothing outside of it is opened or written."""

from __future__ import annotations

import ctypes
import os
import socket
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from models.errors import InvalidArgument
from services.tools.context import ToolContext
from services.tools.errors import PathRefused, ToolError, ToolUnavailable
from services.tools.workspace import FileNotFound, Workspace

SECRET = b"the secret outside"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_bytes(SECRET)
    root = tmp_path / "root"
    (root / "src").mkdir(parents=True)
    (root / "src" / "main.py").write_text("inside")
    return root


@pytest.fixture
def workspace(root: Path) -> Workspace:
    return Workspace(root)


def read(workspace: Workspace, path: str) -> bytes:
    with workspace.file(path) as fd:
        return os.read(fd, 1_000)


def refusal(workspace: Workspace, path: str) -> str:
    with pytest.raises(PathRefused) as raised:
        read(workspace, path)
    return raised.value.message


@pytest.fixture
def open_descriptors() -> Iterator[None]:
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.usefixtures("open_descriptors")
@pytest.mark.parametrize("path", ["src/main.py", "./src/main.py", "src//main.py", "src/./main.py"])
def test_a_file_inside_is_read(workspace: Workspace, path: str) -> None:
    assert read(workspace, path) == b"inside"


@pytest.mark.usefixtures("open_descriptors")
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("../outside/secret.txt", "“..” is not allowed"),
        ("src/../../outside/secret.txt", "“..” is not allowed"),
        ("src/../src/main.py", "“..” is not allowed"),
        ("/etc/passwd", "relative to the workspace"),
        ("//etc/passwd", "relative to the workspace"),
        ("~/x", "relative to the workspace"),
        ("/proc/self/environ", "relative to the workspace"),
        ("src/main.py\0.txt", "NUL"),
        ("\ud800", "surrogates"),
        ("n" * 256, "too long"),
        ("é" * 200, "too long"),
        ("a/" * 2_500, "too long"),
        ("src", "a folder, no ordinary file"),
        (".", "a folder, no ordinary file"),
        ("src/main.py/x", "no folder"),
    ],
    ids=range(15),
)
def test_a_path_that_is_not_plainly_inside_is_refused(workspace: Workspace, path: str, said: str) -> None:
    assert said in refusal(workspace, path)


def test_what_is_not_there_is_said(workspace: Workspace) -> None:
    with pytest.raises(FileNotFound, match="There is no “src/nothing”"):
        read(workspace, "src/nothing")


@pytest.mark.usefixtures("open_descriptors")
@pytest.mark.parametrize(
    "target",
    [
        "../outside/secret.txt",
        "{outside}/secret.txt",
        "src/../../outside/secret.txt",
        "/proc/self/environ",
        "/proc/self/root/etc/passwd",
        "{root}/../outside/secret.txt",
    ],
)
def test_a_link_that_leads_outside_is_refused(workspace: Workspace, root: Path, target: str) -> None:
    (root / "link").symlink_to(target.format(root=root, outside=root.parent / "outside"))
    assert "leads out of the workspace" in refusal(workspace, "link")


@pytest.mark.usefixtures("open_descriptors")
def test_a_folder_that_is_a_link_outside_is_refused(workspace: Workspace, root: Path) -> None:
    (root / "folder").symlink_to(root.parent / "outside")
    assert "leads out of the workspace" in refusal(workspace, "folder/secret.txt")
    with pytest.raises(PathRefused), workspace.folder("folder"):
        pass


@pytest.mark.usefixtures("open_descriptors")
@pytest.mark.parametrize("target", ["src/main.py", "./src/../src/main.py", "{root}/src/main.py"])
def test_a_link_that_stays_inside_is_followed_for_reading(workspace: Workspace, root: Path, target: str) -> None:
    (root / "link").symlink_to(target.format(root=root))
    assert read(workspace, "link") == b"inside"
    assert not workspace.is_folder("link")


def test_a_link_deep_down_may_go_back_up_and_to_the_root(workspace: Workspace, root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "up").symlink_to("../../src")
    (root / "a" / "b" / "top").symlink_to(root)
    assert read(workspace, "a/b/up/main.py") == b"inside"
    assert read(workspace, "a/b/top/src/main.py") == b"inside"
    assert workspace.is_folder("a/b/top")


def test_links_in_a_circle_end(workspace: Workspace, root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    assert "too many links" in refusal(workspace, "a")


def test_a_link_to_nowhere_is_not_there(workspace: Workspace, root: Path) -> None:
    (root / "a").symlink_to("nothing")
    with pytest.raises(FileNotFound):
        read(workspace, "a")


@pytest.mark.usefixtures("open_descriptors")
def test_pipes_sockets_and_devices_are_refused_at_once(workspace: Workspace, root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert "pipe" in refusal(workspace, "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
        assert "no ordinary file" in refusal(workspace, "socket")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes device files")
def test_a_device_file_is_refused(workspace: Workspace, root: Path) -> None:
    try:
        os.mknod(root / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except OSError:
        pytest.skip("no device files here")
    assert "ordinary file" in refusal(workspace, "zero")


@pytest.mark.parametrize("root", ["/", "/proc", "/sys"])
def test_a_root_that_no_tool_should_have_is_refused(root: str) -> None:
    with pytest.raises(InvalidArgument, match="can't be a workspace"):
        Workspace(root)


def test_a_root_must_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="is no folder"):
        Workspace(tmp_path / "nothing")


def test_the_systems_own_file_systems_are_refused_also_when_mounted_inside(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "_unreal", frozenset({root.stat().st_dev}))
    assert "no ordinary" in refusal(workspace, "src/main.py")
    with Opened(root) as fd, pytest.raises(PathRefused):
        workspace.folder_in(fd, "src")
    with Opened(root / "src") as fd, pytest.raises(PathRefused):
        workspace.open_in(fd, "main.py")


class Opened:
    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY)

    def __enter__(self) -> int:
        return self._fd

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        "sub/.git/hooks/pre-commit",
        ".GIT/config",
        ".Git/config",
        ".g\u200cit/config",
        ".git./config",
        "GIT~1/config",
        ".env",
        ".ENV",
        ".env.production",
        "prod.env",
        "server.pem",
        "keys/Server.KEY",
        "id_rsa",
        "id_ed25519",
        ".netrc",
        "\uff0egit/config",
    ],
)
def test_private_files_are_not_opened_by_any_spelling(workspace: Workspace, path: str) -> None:
    assert "is private" in refusal(workspace, path)


@pytest.mark.parametrize("name", [".env.example", "id_map.py", "environment.py", ".gitignore", "monkey.py", ".github"])
def test_names_that_only_look_private_are_not(workspace: Workspace, name: str) -> None:
    assert not workspace.is_private(name)


def test_a_link_does_not_lead_to_private_files(workspace: Workspace, root: Path) -> None:
    (root / ".env").write_text("KEY=1")
    (root / "notes.txt").symlink_to(".env")
    assert "is private" in refusal(workspace, "notes.txt")
    assert read(Workspace(root, private=True), "notes.txt") == b"KEY=1"


def test_a_hard_link_is_read_but_not_written(workspace: Workspace, root: Path) -> None:
    os.link(root.parent / "outside" / "secret.txt", root / "hard.txt")
    assert read(workspace, "hard.txt") == SECRET
    with pytest.raises(PathRefused, match="hard links"):
        workspace.replace("hard.txt", b"x")
    assert (root.parent / "outside" / "secret.txt").read_bytes() == SECRET


def test_a_file_is_replaced_whole_and_keeps_its_mode(workspace: Workspace, root: Path) -> None:
    (root / "run.sh").write_text("old")
    (root / "run.sh").chmod(0o750)
    assert workspace.replace("run.sh", b"new") is False
    assert (root / "run.sh").read_bytes() == b"new"
    assert stat.S_IMODE((root / "run.sh").stat().st_mode) == 0o750
    assert workspace.replace("deep/er/new.txt", b"hello") is True
    assert (root / "deep" / "er" / "new.txt").read_bytes() == b"hello"
    assert sorted(path.name for path in root.iterdir()) == ["deep", "run.sh", "src"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("link.txt", "link"),
        ("folder/new.txt", "link"),
        ("src", "a folder"),
        (".", "the workspace itself"),
        ("src/main.py/x", "no folder"),
        ("read-only.txt", "read-only"),
        (".git/hooks/pre-commit", "private"),
        ("../outside/new.txt", "“..”"),
    ],
)
@pytest.mark.usefixtures("open_descriptors")
def test_what_must_not_be_written_is_not(workspace: Workspace, root: Path, path: str, said: str) -> None:
    (root / "link.txt").symlink_to("src/main.py")
    (root / "folder").symlink_to(root.parent / "outside")
    (root / "read-only.txt").write_text("x")
    (root / "read-only.txt").chmod(0o444)
    with pytest.raises(PathRefused, match=said):
        workspace.replace(path, b"x")
    assert (root / "src" / "main.py").read_text() == "inside"
    assert os.listdir(root.parent / "outside") == ["secret.txt"]


def test_a_file_that_changed_meanwhile_is_not_overwritten(workspace: Workspace) -> None:
    workspace.replace("a.txt", b"one")
    with pytest.raises(ToolError, match="changed meanwhile"):
        workspace.replace("a.txt", b"two", expected=b"on")
    with pytest.raises(FileNotFound):
        workspace.replace("b.txt", b"two", expected=b"one")
    workspace.replace("a.txt", b"two", expected=b"one")


def test_a_write_that_fails_leaves_nothing_behind(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="full"):
        workspace.replace("src/main.py", b"new")
    assert os.listdir(root / "src") == ["main.py"]
    assert (root / "src" / "main.py").read_text() == "inside"


def test_an_error_of_the_system_is_said_in_words(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> int:
        raise PermissionError(13, "no")

    monkeypatch.setattr(os, "mkdir", denied)
    with pytest.raises(ToolError, match="Permission denied"):
        workspace.replace("new/x", b"")


_HERE = -100
_EXCHANGE = 2


class Swapper:
    """Exchanges a folder for a link to the outside and back, atomically and as fast as it can (renameat2)."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._done = threading.Event()
        self.swaps = 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Swapper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        victim, evil = (os.fsencode(self._root / name) for name in ("victim", "evil"))
        os.symlink(self._root.parent / "outside", evil)
        exchange = ctypes.CDLL(None).renameat2
        while not self._done.is_set():
            assert exchange(_HERE, victim, _HERE, evil, _EXCHANGE) == 0
            self.swaps += 1


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "renameat2"), reason="needs renameat2")
def test_a_folder_swapped_for_a_link_between_check_and_use_never_leads_outside(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda fd: None)  # the disk would set the pace
    (root / "victim").mkdir()
    (root / "victim" / "secret.txt").write_text("inside")
    seen: set[bytes] = set()
    refused = 0
    deadline = time.monotonic() + 20
    with Swapper(root) as swapper:
        while time.monotonic() < deadline and (swapper.swaps < 500 or refused < 50 or not seen):
            try:
                seen.add(read(workspace, "victim/secret.txt"))
            except ToolError:
                refused += 1
            with suppress(ToolError):
                workspace.replace("victim/made.txt", b"x")
    assert seen == {b"inside"}
    assert refused
    assert os.listdir(root.parent / "outside") == ["secret.txt"]


def test_a_server_without_a_workspace_says_so() -> None:
    with pytest.raises(ToolUnavailable, match="--workspace"):
        _ = ToolContext().files
