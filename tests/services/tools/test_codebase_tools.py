"""Finding, reading, outlining, changing files and running commands: what they answer and what they refuse."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from patience import HANG_S

from models.clock import Clock
from models.ids import EpochMs
from models.payloads import PlanPayload, ProjectStructurePayload
from services.tools import languages, texts
from services.tools.builtin import BUILTIN
from services.tools.codebase_command import told
from services.tools.codebase_edit import replace_text
from services.tools.codebase_files import read_lines
from services.tools.context import Cancellation, ToolContext
from services.tools.executor import Invocation, Outcome, ToolExecutor
from services.tools.processes import Ended, Limits, run_process
from services.tools.registry import ToolRegistry
from services.tools.tree import Stopped, Tree
from services.tools.workspace import Workspace

SOURCES = {
    "shop.py": "LIMIT = 3\n\nclass Shop:\n    size = 1\n\n    def sell(self):\n        local = 1\n        return LIMIT"
    "\n\n\ndef open_shop():\n    # Shop in a comment\n    return Shop(), 'Shop'\n",
    "shop.js": "class Shop {\n  sell() {}\n}\nfunction open() {}\nconst close = () => {};\n",
    "shop.ts": "interface Shop { sell(): void }\ntype Size = number;\nenum Kind { A }\n",
    "shop.go": "package x\n\ntype Shop struct{}\n\nfunc (s *Shop) Sell() {}\n\nconst Limit = 3\n",
    "shop.rs": "struct Shop<T>(T);\nimpl<T> Shop<T> {\n    fn sell(&self) {}\n}\nconst LIMIT: u8 = 3;\n",
    "Shop.java": "class Shop {\n  Shop() {}\n  void sell() {}\n}\n",
    "shop.c": "#define LIMIT 3\nstruct shop { int size; };\nstruct shop *sell(struct shop *s) {\n  return s;\n}\n",
    "shop.cpp": "namespace n {\nclass Shop {};\n}\nvoid n::Shop::sell() {}\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


async def ran(root: Path, tool_name: str, /, **arguments: Any) -> Outcome:
    runner = ToolExecutor(ToolRegistry(BUILTIN))
    return await runner.execute(Invocation("c", tool_name, arguments), ToolContext(workspace=Workspace(root)))


async def said(root: Path, tool_name: str, /, **arguments: Any) -> str:
    outcome = await ran(root, tool_name, **arguments)
    assert outcome.error is None, outcome.error
    return outcome.output


async def refusal(root: Path, tool_name: str, /, **arguments: Any) -> str:
    outcome = await ran(root, tool_name, **arguments)
    assert outcome.status == "error"
    return outcome.error or ""


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(HANG_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


# Finding and reading


async def test_files_are_found_by_pattern_without_what_is_ignored(root: Path) -> None:
    (root / "src").mkdir()
    for name in ("a.py", "src/b.py", "src/c.txt", ".env", "x.log"):
        (root / name).write_text("")
    (root / ".gitignore").write_text("*.log\n")
    assert await said(root, "find_files", glob="*.py") == "a.py\nsrc/b.py\n[2 files]"
    assert await said(root, "find_files", glob="**", path="src") == "src/b.py\nsrc/c.txt\n[2 files]"
    assert await said(root, "find_files", glob="*.log") == "No file matches *.log."
    assert "the first 1 files" in await said(root, "find_files", glob="*.py", max_results=1)
    assert "glob is not valid" in await refusal(root, "find_files", glob="[")


async def test_lines_are_read_with_their_numbers(root: Path) -> None:
    (root / "x").write_text("one\r\ntwo\nthree")
    assert await said(root, "read_file", path="x") == "x:1-3, the end of the file\n1\tone\n2\ttwo\n3\tthree"
    assert await said(root, "read_file", path="x", start_line=2, end_line=2) == (
        "x:2-2; more lines follow: read from start_line=3\n2\ttwo"
    )


@pytest.mark.parametrize(
    ("encoding", "noted"),
    [("utf-8", ""), ("utf-8-sig", ""), ("utf-16", "encoding utf-16-le"), ("latin-1", "encoding latin-1")],
)
async def test_encodings_are_recognised_and_noted(root: Path, encoding: str, noted: str) -> None:
    (root / "x").write_bytes("erste\nÄpfel\u0a0aß".encode(encoding, errors="ignore"))
    answer = await said(root, "read_file", path="x", start_line=2)
    assert "2\tÄpfel" in answer
    assert noted in answer.splitlines()[0]


@pytest.fixture
def odd(root: Path) -> bytes:
    """A folder whose name is neither UTF-8 nor a line, with such a file in it."""
    folder = os.path.join(os.fsencode(root), b"caf\xe9\n")
    os.mkdir(folder)
    Path(os.fsdecode(os.path.join(folder, b"\xff.py"))).write_text("def shop(): pass\n")
    return folder


async def test_a_name_that_fits_in_no_line_is_listed_read_changed_and_run_in(root: Path, odd: bytes) -> None:
    listed = await said(root, "find_files", glob="*.py")
    assert listed == '"caf\\351\\n/\\377.py"\n[1 file]'
    path = listed.splitlines()[0]
    assert await said(root, "read_file", path=path) == f"{path}:1-1, the end of the file\n1\tdef shop(): pass"
    assert (await said(root, "outline", path=path)).startswith(f"{path}:1-1: function shop")
    assert (await said(root, "definitions", name="shop")).startswith(f"{path}:1: def shop")
    assert await said(root, "edit_file", path=path, old="shop", new="store") == f"Changed {path}:1"
    assert (await said(root, "write_file", path='"caf\\351\\n/\\t"', content="x")).startswith("Created")
    assert sorted(os.listdir(odd)) == [b"\t", b"\xff.py"]
    assert "[exit code 0]" in await said(root, "run_command", command="ls", path='"caf\\351\\n"')
    assert "“..”" in await refusal(root, "read_file", path='"..\\057x"')
    assert "NUL" in await refusal(root, "read_file", path='"\\000"')
    assert "private" in await refusal(root, "read_file", path='".e\\156v"')
    assert "private" in await refusal(root, "read_file", path=".env\n")
    assert '"caf\\351\\n"/: 2' in await said(root, "overview")


async def test_the_overview_is_kept_as_the_projects_structure_and_the_plan_as_a_plan(root: Path) -> None:
    (root / "a.py").write_text("x")
    runner = ToolExecutor(ToolRegistry(BUILTIN))
    context = ToolContext(workspace=Workspace(root), clock=Clock(lambda: EpochMs(0)))
    seen = await runner.execute(Invocation("c", "overview", {}), context)
    assert isinstance(seen.artifact, ProjectStructurePayload)
    assert (seen.artifact.root, seen.artifact.type, seen.artifact.content) == (root.name, "tree", seen.output)
    steps = [{"text": "look", "status": "done"}, {"text": "leap"}]
    planned = await runner.execute(Invocation("c", "update_plan", {"steps": steps}), context)
    assert planned.output == "The plan has 2 steps: 1 done, 1 pending"
    assert isinstance(planned.artifact, PlanPayload)
    assert [(item.id, item.text, item.status) for item in planned.artifact.items] == [
        ("1", "look", "done"),
        ("2", "leap", "pending"),
    ]
    assert (await ran(root, "update_plan", steps=[])).output == "The plan is empty"
    assert "steps" in await refusal(root, "update_plan", steps=[{"text": "x"}] * 101)


async def test_folders_that_can_not_be_read_are_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "shut").mkdir()
    (root / "a.py").write_text("x")
    really = os.open

    def guarded(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "shut":
            raise PermissionError(13, "no")
        return really(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", guarded)
    assert await said(root, "find_files", glob="*.py") == (
        "a.py\n[1 file]\n[not looked through, because they can't be read: shut]"
    )
    assert "No file matches *.js.\n[not looked through" in await said(root, "find_files", glob="*.js")
    assert "[not counted, because they can't be read: shut]" in await said(root, "overview")


async def test_a_source_that_is_too_large_to_be_parsed_is_said(root: Path) -> None:
    (root / "big.py").write_text("def shop(): pass\n" + "#" * (3 << 20))
    for name, nothing in (("definitions", "No definition of shop found."), ("references", "No use of shop found.")):
        assert await said(root, name, name="shop") == f"{nothing}\n[not parsed, because they are over 2 MB: big.py]"
    assert await said(root, "definitions", name="other") == "No definition of other found."


async def test_big_endian_and_damaged_files_are_read(root: Path) -> None:
    (root / "big").write_bytes("\ufeffa\nÄ\n".encode("utf-16-be"))
    (root / "odd").write_bytes("\ufeffa\nÄ".encode("utf-16-le") + b"x")
    assert "2\tÄ" in await said(root, "read_file", path="big")
    assert "damaged" in await said(root, "read_file", path="odd")


async def test_binary_empty_missing_and_too_short_files_are_said(root: Path) -> None:
    (root / "binary").write_bytes(b"\x7fELF\0\0")
    (root / "empty").write_bytes(b"")
    (root / "short").write_text("one\n")
    assert "binary file of 6 bytes" in await refusal(root, "read_file", path="binary")
    assert await said(root, "read_file", path="empty") == "empty is empty"
    assert "has 1 line: line 5" in await refusal(root, "read_file", path="short", start_line=5)
    assert "There is no “nothing”" in await refusal(root, "read_file", path="nothing")
    assert "lies before" in await refusal(root, "read_file", path="short", start_line=3, end_line=2)


async def test_a_huge_file_is_read_by_range_without_holding_it(root: Path) -> None:
    with (root / "huge").open("wb") as file:
        for _ in range(100):
            file.write(b"0123456789abcdef\n" * 10_000)
    answer = await said(root, "read_file", path="huge", start_line=999_999, end_line=1_000_000)
    assert answer.splitlines()[1:] == ["999999\t0123456789abcdef", "1000000\t0123456789abcdef"]
    whole = await said(root, "read_file", path="huge")
    assert len(whole.splitlines()) == 2_001
    assert "start_line=2001" in whole


async def test_long_lines_are_cut(root: Path) -> None:
    (root / "x").write_text("y" * 3_000_000 + "\nnext\n")
    answer = await said(root, "read_file", path="x", start_line=1, end_line=1)
    assert "more characters in this line: it has 3,000,000 bytes]" in answer
    (root / "x").write_text("ä" + "ö" * 1_000_000 + "\nnext\n")
    cut = await said(root, "read_file", path="x")
    assert "latin-1" not in cut
    assert cut.endswith("it has 2,000,002 bytes]")
    assert len(answer) < 3_000
    assert "2\tnext" in await said(root, "read_file", path="x", start_line=2)


async def test_reading_and_walking_stop_when_cancelled(root: Path) -> None:
    (root / "x").write_text("\n" * 20_000)
    cancelled = Cancellation()
    cancelled.set()
    with pytest.raises(Stopped):
        read_lines(Workspace(root), "x", 15_000, None, cancelled)
    with pytest.raises(Stopped):
        list(Tree(Workspace(root), ".", cancelled).files())


def test_lines_in_memory_are_counted_as_lines_in_files() -> None:
    assert texts.lines_of("") == []
    assert texts.lines_of("a\r\nb\n\n") == ["a", "b", ""]


# Symbols


@pytest.fixture
def sources(root: Path) -> Path:
    for name, text in SOURCES.items():
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "shop.py",
            [
                "1-1: variable LIMIT",
                "3-8: class Shop",
                "4-4:   variable size",
                "6-8:   method sell",
                "11-13: function open_shop",
            ],
        ),
        ("shop.js", ["1-3: class Shop", "2-2:   method sell", "4-4: function open", "5-5: function close"]),
        ("shop.ts", ["1-1: interface Shop", "1-1:   method sell", "2-2: type Size", "3-3: enum Kind"]),
        ("shop.go", ["3-3: type Shop", "5-5: method Sell", "7-7: constant Limit"]),
        ("shop.rs", ["1-1: struct Shop", "2-4: impl Shop<T>", "3-3:   method sell", "5-5: constant LIMIT"]),
        ("Shop.java", ["1-4: class Shop", "2-2:   constructor Shop", "3-3:   method sell"]),
        ("shop.c", ["1-2: macro LIMIT", "2-2: struct shop", "3-5: function sell"]),
        ("shop.cpp", ["1-3: namespace n", "2-2:   class Shop", "4-4: function n::Shop::sell"]),
    ],
)
async def test_an_outline_lists_what_a_file_defines(sources: Path, path: str, expected: list[str]) -> None:
    pytest.importorskip("tree_sitter")
    assert (await said(sources, "outline", path=path)).splitlines() == [f"{path}:{line}" for line in expected]


async def test_definitions_and_references_name_path_and_line(sources: Path) -> None:
    pytest.importorskip("tree_sitter")
    assert await said(sources, "definitions", name="sell", path="shop.cpp") == "shop.cpp:4: void n::Shop::sell() {}"
    found = (await said(sources, "definitions", name="Shop")).splitlines()
    assert {line.split(":")[0] for line in found} == {
        "Shop.java",
        "shop.cpp",
        "shop.go",
        "shop.js",
        "shop.py",
        "shop.rs",
        "shop.ts",
    }
    assert await said(sources, "references", name="Shop", path="shop.py") == "shop.py:13: return Shop(), 'Shop'"
    assert await said(sources, "definitions", name="nothing") == "No definition of nothing found."
    assert await said(sources, "references", name="nothing") == "No use of nothing found."
    assert "bare name" in await refusal(sources, "definitions", name="a.b")


async def test_without_grammars_patterns_answer_and_say_so(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tree_sitter", None)
    languages.parser_of.cache_clear()
    try:
        outline = await said(sources, "outline", path="shop.py")
        assert "shop.py:3-3: class Shop" in outline
        assert "install parley-hub[code]" in outline
        assert (await said(sources, "definitions", name="Shop", path="shop.py")).startswith("shop.py:3: class Shop:")
        assert "shop.py:12" in await said(sources, "references", name="Shop", path="shop.py")
        for path in SOURCES:
            assert re.search("(?i)shop", (await said(sources, "outline", path=path)).replace(path, ""))
    finally:
        languages.parser_of.cache_clear()


async def test_what_has_no_outline_is_said(root: Path) -> None:
    (root / "x.txt").write_text("x")
    (root / "empty.py").write_text("")
    (root / "binary.py").write_bytes(b"\0x")
    assert "no outline for this kind" in await refusal(root, "outline", path="x.txt")
    assert await said(root, "outline", path="empty.py") == "empty.py defines nothing."
    assert "too large or binary" in await refusal(root, "outline", path="binary.py")


async def test_many_symbols_are_cut(root: Path) -> None:
    (root / "many.py").write_text("".join(f"def f{n}(): pass\n" for n in range(300)))
    assert "[100 more; narrow the path]" in await said(root, "outline", path="many.py")


# Overview


async def test_the_overview_shows_what_a_project_is(root: Path) -> None:
    (root / "src").mkdir()
    (root / "src" / "main.py").write_text("")
    (root / "src" / "page.ts").write_text("")
    (root / "pyproject.toml").write_text('[project.scripts]\nshop = "src.main:run"\n')
    (root / "package.json").write_text(json.dumps({"main": "x.js", "scripts": {"build": "tsc"}}))
    (root / "README.md").write_text("# Shop\n" + "line\n" * 60)
    answer = await said(root, "overview")
    for expected in (
        "5 files",
        "Python: 1",
        "src/: 2",
        "script shop = src.main:run",
        "main: x.js",
        "script build: tsc",
        "src/main.py",
        "# Shop",
        "README.md:41 goes on",
    ):
        assert expected in answer


async def test_the_overview_survives_broken_manifests_and_stays_short(root: Path) -> None:
    (root / "pyproject.toml").write_text("[[[")
    (root / "package.json").write_text("[1]")
    (root / "readme").write_bytes(b"\0")
    for number in range(50):
        (root / f"folder{number:02}").mkdir()
        (root / f"folder{number:02}" / "main.py").write_text("")
    answer = await said(root, "overview")
    assert "  …" in answer
    assert len(answer) < 5_000


# Changing


async def test_a_file_is_written_and_edited(root: Path) -> None:
    assert await said(root, "write_file", path="a/b.txt", content="one\ntwo") == "Created a/b.txt (2 lines)"
    assert await said(root, "write_file", path="a/b.txt", content="one\ntwo\n") == "Replaced a/b.txt (2 lines)"
    assert await said(root, "edit_file", path="a/b.txt", old="two", new="2") == "Changed a/b.txt:2"
    assert (root / "a" / "b.txt").read_text() == "one\n2\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_an_edit_keeps_encoding_line_ends_and_mode(root: Path, encoding: str) -> None:
    (root / "x").write_bytes("Ä\r\nb\r\nc\r\n".encode(encoding))
    (root / "x").chmod(0o755)
    replace_text(Workspace(root), "x", "Ä\nb", "ö\nd\ne")
    assert (root / "x").read_bytes() == "ö\r\nd\r\ne\r\nc\r\n".encode(encoding)
    assert (root / "x").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("content", "old", "new", "expected"),
    [
        ("a\r\nb\nc\r\n", "b\nc", "B\nC", "a\r\nB\nC\r\n"),
        ("a\r\nb\nc\r\n", "a\nb", "A\nB", "A\r\nB\nc\r\n"),
        ("a\r\nb\nc\r\n", "a\nb\nc\n", "A\nB\nC\n", "A\r\nB\nC\r\n"),
        ("a\r\nb\nc\r\n", "a\r\nb\r\nc", "A\r\nB\r\nC", "A\r\nB\nC\r\n"),
        ("a\nb\r\nc\n", "b", "x\ny", "a\nx\r\ny\r\nc\n"),
        ("a\nb\r\nc", "c", "x\ny", "a\nb\r\nx\r\ny"),
        ("a\nb\r\nc\n", "a\nb\nc\n", "a\nnew\nb\nc\n", "a\nnew\nb\r\nc\n"),
        ("a\nb\r\nc\n", "a\nb\nc\n", "a\nc\n", "a\nc\n"),
        ("a\nb\r\nc\n", "b\n", "", "a\nc\n"),
        ("a", "a", "x\ny", "x\ny"),
        ("a\rb\r\nc\n", "b\nc", "x\nc", "a\rx\r\nc\n"),
        ("a\r\nb\r\n", "a\r\nb\r\n", "a\nb\n", "a\nb\n"),
        ("\r\na\n", "\na", "\nb", "\r\nb\n"),
    ],
    ids=range(13),
)
def test_an_edit_matches_and_writes_each_places_own_line_ends(
    root: Path, content: str, old: str, new: str, expected: str
) -> None:
    (root / "x").write_bytes(content.encode())
    replace_text(Workspace(root), "x", old, new)
    assert (root / "x").read_bytes() == expected.encode()


async def test_a_write_that_fails_says_why_and_leaves_no_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "full")

    (root / "old.txt").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    assert (
        await refusal(root, "write_file", path="a/b/c.txt", content="x")
        == "ToolError: “a/b/c.txt”: No space left on device"
    )
    assert (
        await refusal(root, "edit_file", path="old.txt", old="old", new="x")
        == "ToolError: “old.txt”: No space left on device"
    )
    assert os.listdir(root) == ["old.txt"]
    assert (root / "old.txt").read_text() == "old"


@pytest.mark.parametrize(
    ("content", "old", "said"),
    [
        (b"one\n", "two", "does not stand in x"),
        (b"b\r\nb\n", "b\n", "more than once (x:1, x:2)"),
        (b"a\nb\n", "b", "are the same"),
        (b"aa\na\n", "a", "more than once (x:1, x:1)"),
        (b"aaa", "aa", "more than once"),
        (b"\0", "a", "binary"),
        (b"caf\xe9 a", "a ", "does not stand"),
    ],
    ids=range(7),
)
async def test_an_edit_that_is_not_clear_changes_nothing(root: Path, content: bytes, old: str, said: str) -> None:
    (root / "x").write_bytes(content)
    assert said in await refusal(root, "edit_file", path="x", old=old, new="b")
    assert (root / "x").read_bytes() == content


def test_what_an_encoding_can_not_say_and_what_is_damaged_is_refused(root: Path) -> None:
    (root / "latin").write_bytes(b"caf\xe9")
    (root / "odd").write_bytes("\ufeffa".encode("utf-16-le") + b"x")
    (root / "large").write_bytes(b"a" * 10_000_001)
    for path, said in (("latin", "has no sign"), ("odd", "is damaged"), ("large", "larger than")):
        with pytest.raises(Exception, match=said):
            replace_text(Workspace(root), path, "caf", "日本")


# Commands


async def test_a_command_runs_in_the_workspace_and_tells_its_exit_code(root: Path) -> None:
    (root / "src").mkdir()
    assert await said(root, "run_command", command="pwd; echo oops >&2; exit 3", path="src") == (
        f"{root}/src\noops\n[exit code 3]"
    )
    assert await said(root, "run_command", command=["echo", "$HOME"]) == "$HOME\n[exit code 0]"
    assert await said(root, "run_command", command="kill -9 $$") == "[ended by signal 9]"


async def test_a_command_that_says_that_it_failed_has_failed(root: Path) -> None:
    """The model is told so, people see it, and the log says how."""
    for command, note in (("true", ""), ("exit 3", "exit code 3"), ("kill -9 $$", "ended by signal 9")):
        outcome = await ran(root, "run_command", command=command)
        assert (outcome.status, outcome.error, outcome.note) == ("error" if note else "ok", None, note)


async def test_a_command_sees_no_secrets(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PARLEY_TOKEN", "PARLEY_PORT", "OPENAI_API_KEY", "GITHUB_TOKEN", "OTEL_EXPORTER_OTLP_HEADERS"):
        monkeypatch.setenv(name, "hush")
    assert "hush" not in await said(root, "run_command", command="env")


async def test_what_can_not_be_run_is_said(root: Path) -> None:
    assert "can't be started" in await refusal(root, "run_command", command=["no-such-program"])
    for empty in ("", " ", [], ["a\0b"]):
        assert "empty or contains NUL" in await refusal(root, "run_command", command=empty)
    assert "“..”" in await refusal(root, "run_command", command="ls", path="..")


async def test_time_and_output_of_a_command_are_limited(root: Path) -> None:
    slow = await ran(root, "run_command", command="echo begun; sleep 60", timeout_s=0.5)
    assert (slow.status, slow.output) == ("timeout", "begun\n[stopped: it took longer than 0.5 s]")
    assert "longer than 0.2 s" in await said(root, "run_command", command="sleep 60", timeout_s=0.2)
    assert (await ran(root, "run_command", command="yes")).status == "error"
    answer = await said(root, "run_command", command="yes")
    assert "printed more than 1,000,000 bytes" in answer
    assert len(answer) < 1_000_100


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def pids(root: Path) -> list[int]:
    return [int(word) for word in (root / "pids").read_text().split()] if (root / "pids").exists() else []


@pytest.mark.parametrize("script", ["", "trap '' TERM; "], ids=["that listens", "that ignores SIGTERM"])
async def test_cancelling_kills_a_command_with_all_its_children(root: Path, script: str) -> None:
    command = f"{script}sleep 300 & echo $! $$ > pids.new; mv pids.new pids; wait; sleep 300"
    runner = ToolExecutor(ToolRegistry(BUILTIN))
    call = runner.execute(Invocation("c", "run_command", {"command": command}), ToolContext(workspace=Workspace(root)))
    task = asyncio.create_task(call)
    await until(lambda: len(pids(root)) == 2)
    assert all(is_alive(pid) for pid in pids(root))
    runner.cancel("c")
    outcome = await task
    assert outcome.status == "cancelled"
    assert "left behind" not in (outcome.error or "")
    await until(lambda: not any(is_alive(pid) for pid in pids(root)))


@pytest.mark.parametrize(
    "command",
    ["sleep 300 & echo $! > pids", "setsid sh -c 'echo $$ > pids; exec sleep 300' & while ! test -s pids; do :; done"],
    ids=["in its group", "in a session of its own"],
)
async def test_what_a_command_leaves_running_ends_with_it_and_is_told(root: Path, command: str) -> None:
    answer = await said(root, "run_command", command=command)
    assert answer == "[exit code 0; ended what it left running: 1 process]"
    assert not any(is_alive(pid) for pid in pids(root))


async def test_who_goes_on_printing_behind_a_command_does_not_hold_it_up(root: Path) -> None:
    answer = await said(root, "run_command", command="yes & sleep 0.01; exit 3", timeout_s=HANG_S)
    assert "exit code 3" in answer or "printed more than" in answer
    assert "exit code 3" in await said(root, "run_command", command="yes | head -c 900000; yes & exit 3")


def test_a_command_that_prints_much_and_ends_by_itself_is_not_said_to_be_stopped() -> None:
    answer = told(Ended(0, "ää".encode()[:3], b"", "exited", size_bytes=4), Limits(HANG_S, 3))
    assert answer.text == "ä\n[exit code 0; it printed 4 bytes, of which the first 3 are shown]"
    assert answer.status == "ok"


def test_errors_are_kept_apart_unless_merged_and_closed_pipes_are_survived(root: Path) -> None:
    limits = Limits(HANG_S, 1_000)
    apart = run_process(["sh", "-c", "echo a; echo b >&2"], cwd=str(root), limits=limits, cancelled=Cancellation())
    assert (apart.output, apart.errors, apart.end, apart.code) == (b"a\n", b"b\n", "exited", 0)
    quiet = run_process(
        ["sh", "-c", "exec >&- 2>&-; sleep 0.2"], cwd=str(root), limits=limits, cancelled=Cancellation()
    )
    assert (quiet.output, quiet.end) == (b"", "exited")


def test_a_process_that_was_cancelled_before_it_began_ends_at_once(root: Path) -> None:
    cancelled = Cancellation()
    cancelled.set()
    began = time.monotonic()
    ended = run_process(["sleep", "300"], cwd=str(root), limits=Limits(60, 10), cancelled=cancelled)
    assert (ended.end, ended.code) == ("cancelled", -signal.SIGTERM)
    assert time.monotonic() - began < HANG_S
    assert os.listdir(root) == []
