"""Searching: the same answer with and without ripgrep, and what is left out."""

from __future__ import annotations

import os
import random
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import regex
from rounds import seeded

from services.tools import codebase_search
from services.tools.codebase_search import FILE_MAX_BYTES, TextQuery, search, search_files
from services.tools.context import Cancellation, ToolContext
from services.tools.errors import BadArguments, PathRefused, ToolError
from services.tools.processes import Ended, run_process
from services.tools.regex_superset import ALSO, of_regex, of_text
from services.tools.tool import ToolOutput
from services.tools.tree import Stopped
from services.tools.workspace import Workspace

needs_ripgrep = pytest.mark.skipif(shutil.which("rg") is None, reason="needs ripgrep")

WORDS = [
    "foo",
    "Foo",
    "foobar",
    "bar",
    "föö",
    "x1",
    "a+b",
    "(",
    "k",
    "\u212a",
    "\u0130",
    "I",
    "\u017fs",
    "été",
    "\t",
    "  ",
    "$",
    "b[0]",
    "日本",
]
FOLDERS = ["", "src", "src/deep", "src-b", "build", "docs", "docs/build", "Ünder", "sp ace"]
NAMES = ["a.py", "b.py", "c.txt", "README", "d.log", "-e.py", "f.PY", ".hidden", ".env", "g.pem", "h i.md"]
IGNORES = [
    "*.log\n",
    "build/\n",
    "/docs\n!docs\n",
    "*.txt\n!c.txt\n",
    "deep\n",
    "**/b.py\n",
    "{a,c}.*\n",
    "[\n#x\n\\#y\n",
]
ENCODINGS = ["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "damaged", "binary"]


def plant(root: Path, seed: int) -> None:
    choose = random.Random(seed)
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name in choose.sample(NAMES, 6):
            (root / folder / name).write_bytes(_content(choose))
        if choose.random() < 0.4:
            (root / folder / ".gitignore").write_text("".join(choose.sample(IGNORES, 2)))
    (root / "link.py").symlink_to("src")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("foo\n")
    (root / "empty").write_bytes(b"")
    (root / "build" / "a.py").write_text("foo in a file\n")
    (root / b"bad\xff.py".decode(errors="surrogateescape")).write_text("foo\n")
    (root / "two\nlines.py").write_text("foo\n")


def _content(choose: random.Random) -> bytes:
    end = choose.choice(["\n", "\n", "\r\n"])
    lines = [" ".join(choose.choices(WORDS, k=choose.randint(0, 4))) for _ in range(choose.randint(0, 12))]
    text = end.join(lines) + choose.choice(["", end])
    match choose.choice(ENCODINGS):
        case "damaged":
            return text.encode() + b"foo\xff\xfe bar \xe9t\xe9\nfoo\xf0\x9f\n"
        case "binary":
            return text.encode() + b"\n\0foo\n"
        case encoding:
            return text.encode(encoding, errors="replace")


QUERIES = [
    TextQuery("foo"),
    TextQuery("foo", ignore_case=True),
    TextQuery("FÖÖ", ignore_case=True),
    TextQuery("k", ignore_case=True),
    TextQuery("i", ignore_case=True),
    TextQuery("S", ignore_case=True),
    TextQuery("a+b"),
    TextQuery("("),
    TextQuery("$"),
    TextQuery("\t"),
    TextQuery("été"),
    TextQuery("日本"),
    TextQuery("\ufffd"),
    TextQuery("nowhere to be found"),
    TextQuery("foo", path="src"),
    TextQuery("foo", path="docs/build"),
    TextQuery("foo", path="build/a.py"),
    TextQuery("foo", glob="*.py"),
    TextQuery("foo", glob="src/**"),
    TextQuery("foo", glob="*.{py,md}"),
    TextQuery("o", max_results=3),
    TextQuery("o", max_results=3, context_lines=2),
    TextQuery("foo", context_lines=1),
    TextQuery(r"fo+\b", regex=True),
    TextQuery(r"^foo", regex=True),
    TextQuery(r"foo$", regex=True),
    TextQuery(r"^$", regex=True),
    TextQuery(r"^\s*$", regex=True),
    TextQuery(r"\w+\s\w+", regex=True),
    TextQuery(r"\d", regex=True),
    TextQuery(r"[a-f]o.", regex=True),
    TextQuery(r"[^a-z ]", regex=True),
    TextQuery(r"[é]", regex=True),
    TextQuery(r"(foo|bar) (foo|bar)", regex=True),
    TextQuery(r"(fo)\w* \1", regex=True),
    TextQuery(r"(?<=foo )bar", regex=True),
    TextQuery(r"foo(?!bar)", regex=True),
    TextQuery(r"(?i)FOO", regex=True),
    TextQuery(r"(?i:F)oo", regex=True),
    TextQuery(r"f.{1,3}r", regex=True),
    TextQuery(r"(?:o){2}", regex=True),
    TextQuery(r"o{2,60}", regex=True),
    TextQuery(r"(?>fo+)b", regex=True),
    TextQuery(r"f(?P<v>o)(?P=v)", regex=True),
    TextQuery(r"(f)?(?(1)oo|bar)", regex=True),
    TextQuery(r"fo*+b", regex=True),
    TextQuery(r"(?:foo){e<=1}", regex=True),
    TextQuery(r"\p{Lu}", regex=True),
    TextQuery(r"[[:alpha:]]o", regex=True),
    TextQuery(r"t.{3,}", regex=True, ignore_case=True),
    TextQuery(r"[x-z]1|\u0131", regex=True, ignore_case=True),
    TextQuery(r"é.é", regex=True),
    TextQuery(r"bar .t", regex=True),
    TextQuery(r"\ufffd", regex=True),
    TextQuery(r"a|", regex=True),
]


def said(root: Path, query: TextQuery, *, ripgrep: str | None = None) -> str:
    return search_files(Workspace(root), query, ripgrep=ripgrep)


@needs_ripgrep
@pytest.mark.parametrize("seed", seeded(0, 8))
def test_ripgrep_changes_no_byte_of_the_answer(tmp_path: Path, seed: int) -> None:
    plant(tmp_path, seed)
    answers = [(query, said(tmp_path, query), said(tmp_path, query, ripgrep="rg")) for query in QUERIES]
    assert [query for query, without, with_it in answers if without != with_it] == []
    assert sum("[" in without for _, without, _ in answers) > len(QUERIES) / 2


@needs_ripgrep
@pytest.mark.parametrize("query", [query for query in QUERIES if query.regex][:12], ids=lambda query: query.text)
def test_most_expressions_are_prepared_by_ripgrep(query: TextQuery) -> None:
    assert of_regex(query.text, ignore_case=query.ignore_case) is not None


@pytest.mark.parametrize("letters", ["abcdefghijklmnopqrstuvwxyz"])
def test_what_matches_a_letter_without_case_is_known(letters: str) -> None:
    every = "".join(map(chr, [*range(128, 0xD800), *range(0xE000, sys.maxunicode + 1)]))
    for letter in letters:
        found = regex.findall(letter, every, regex.VERSION0 | regex.IGNORECASE)
        assert set(found) <= set(ALSO.get(letter, "")), letter


@pytest.mark.parametrize(
    "pattern", ["(?i)x", "(?i:x)", "(", "x{e}", "[[:alpha:]]", "a--b", "(?x) a", "(" * 5_000, "(?#", r"\p{L}"]
)
def test_an_expression_that_the_engines_may_read_differently_is_not_given_to_ripgrep(pattern: str) -> None:
    assert of_regex(pattern, ignore_case=False) is None


def test_a_text_with_the_sign_for_damage_is_not_given_to_ripgrep() -> None:
    assert of_text("\ufffd", ignore_case=False) is None


def test_an_answer_names_path_and_line(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.py").write_text("one\ntwo foo\nthree\n")
    (tmp_path / "b.py").write_text("foo\n")
    assert said(tmp_path, TextQuery("foo")) == "a/x.py:2: two foo\nb.py:1: foo\n[2 matches in 2 files]"
    assert said(tmp_path, TextQuery("two")) == "a/x.py:2: two foo\n[1 match in 1 file]"


def test_context_lines_join_where_they_touch(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("1\nfoo\n3\nfoo\n5\n6\n7\n8\nfoo\n")
    assert said(tmp_path, TextQuery("foo", context_lines=1)).splitlines() == [
        "x-1- 1", "x:2: foo", "x-3- 3", "x:4: foo", "x-5- 5", "--", "x-8- 8", "x:9: foo", "[3 matches in 1 file]",
    ]  # fmt: skip


def test_the_answer_stops_at_the_limit_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("foo\n" * 5)
    (tmp_path / "y").write_text("foo\n" * 5)
    assert said(tmp_path, TextQuery("foo", max_results=5)).endswith(
        "x:5: foo\n[the first 5 matches in 1 file; there are more: narrow the query or the path]"
    )
    assert "there are more" not in said(tmp_path, TextQuery("foo", max_results=10))


def test_long_lines_are_cut(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("foo" + "x" * 1_000)
    assert len(said(tmp_path, TextQuery("foo")).splitlines()[0]) < 320


def test_private_and_huge_files_are_not_searched(tmp_path: Path) -> None:
    for name in (".env", "server.pem", "id_rsa"):
        (tmp_path / name).write_text("foo")
    with (tmp_path / "huge").open("wb") as file:
        file.write(b"foo\n")
        file.truncate(FILE_MAX_BYTES + 1)
    for ripgrep in ("rg", None):
        assert said(tmp_path, TextQuery("foo"), ripgrep=ripgrep) == (
            "No match.\n[not searched, because they are over 16 MB: huge]"
        )
        assert said(tmp_path, TextQuery("foo", glob="*.py"), ripgrep=ripgrep) == "No match in files *.py."
        assert "over 16 MB: huge" in said(tmp_path, TextQuery("foo", path="huge"), ripgrep=ripgrep)


@pytest.mark.parametrize("ripgrep", ["rg", None])
def test_what_could_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ripgrep: str | None) -> None:
    (tmp_path / "shut").mkdir()
    for name in ("a.py", "b.py", "c.txt", "shut/x.py"):
        (tmp_path / name).write_text("foo\n")
    (tmp_path / "c.txt").chmod(0)
    really = os.open

    def guarded(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path in ("b.py", "shut"):
            raise PermissionError(13, "no")
        return really(path, flags, mode, dir_fd=dir_fd)

    # Whoever tests may be root, whom the system lets read everything: ripgrep's answer to a refusal is its code 2.
    monkeypatch.setattr(os, "open", guarded)
    monkeypatch.setattr(codebase_search, "run_process", lambda *_, **__: Ended(2, b"./a.py\0", b"", "exited"))
    answer = said(tmp_path, TextQuery("foo", glob="*.py"), ripgrep=ripgrep)
    assert answer == ("a.py:1: foo\n[1 match in 1 file]\n[not searched, because they can't be read: b.py, shut]")
    assert "there are more" in (cut := said(tmp_path, TextQuery("o", max_results=1), ripgrep=ripgrep))
    assert "not searched" not in cut


@pytest.mark.parametrize("ripgrep", ["rg", None])
def test_names_that_fit_in_no_line_are_found_and_can_be_given_back(tmp_path: Path, ripgrep: str | None) -> None:
    for name in (
        b"caf\xe9.py",
        b"two\nlines.py",
        b"\xe3\x80\x80.py",
        b'"quoted".py',
        b"back\\slash.py",
        "日本.py".encode(),
    ):
        folder = os.path.join(os.fsencode(tmp_path), b"d\xff")
        os.makedirs(folder, exist_ok=True)
        Path(os.fsdecode(os.path.join(folder, name))).write_text("foo\n")
    answer = said(tmp_path, TextQuery("foo"), ripgrep=ripgrep)
    assert "[6 matches in 6 files]" in answer
    paths = [line.rpartition(":1: ")[0] for line in answer.splitlines()[:-1]]
    assert '"d\\377/caf\\351.py"' in paths
    assert '"d\\377/two\\nlines.py"' in paths
    for path in paths:
        assert said(tmp_path, TextQuery("foo", path=path), ripgrep=ripgrep) == f"{path}:1: foo\n[1 match in 1 file]"
    assert said(tmp_path, TextQuery("foo", path='"d\\377"'), ripgrep=ripgrep) == answer
    assert said(tmp_path, TextQuery("foo", glob='"caf\\351*"'), ripgrep=ripgrep).startswith(
        '"d\\377/caf\\351.py":1: foo'
    )
    (tmp_path / ".gitignore").write_bytes(b"caf\xe9*\ntwo*\n")
    assert "[4 matches in 4 files]" in said(tmp_path, TextQuery("foo"), ripgrep=ripgrep)


def test_nothing_found_says_where(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    assert said(tmp_path, TextQuery("foo", path="src", glob="*.py")) == "No match in src in files *.py."


def test_a_folder_that_is_ignored_is_searched_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / ".gitignore").write_text("build/\n*.log\n")
    (tmp_path / "build" / "x.py").write_text("foo\n")
    (tmp_path / "build" / "x.log").write_text("foo\n")
    for ripgrep in ("rg", None):
        assert said(tmp_path, TextQuery("foo"), ripgrep=ripgrep) == "No match."
        assert said(tmp_path, TextQuery("foo", path="build"), ripgrep=ripgrep).startswith("build/x.py:1: foo\n[1 match")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (TextQuery(""), "1 to 1,000 characters"),
        (TextQuery("x" * 1_001), "1 to 1,000 characters"),
        (TextQuery("a\nb"), "within one line"),
        (TextQuery("(", regex=True), "no valid regular expression"),
        (TextQuery("x", glob="["), "glob is not valid"),
    ],
    ids=range(5),
)
def test_a_query_that_can_never_work_is_refused(tmp_path: Path, query: TextQuery, reason: str) -> None:
    with pytest.raises(BadArguments, match=reason):
        said(tmp_path, query)


@pytest.mark.parametrize("path", ["../", "/etc", ".git"])
def test_the_search_stays_inside(tmp_path: Path, path: str) -> None:
    with pytest.raises(PathRefused):
        said(tmp_path, TextQuery("x", path=path))


def test_an_expression_that_needs_for_ever_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codebase_search, "MATCHING_S", 0.05)
    (tmp_path / "x").write_text("a" * 200 + "b\n")
    with pytest.raises(ToolError, match="make it simpler"):
        said(tmp_path, TextQuery(r"^(a|a|aa)+c?$", regex=True))


def test_a_cancelled_search_stops(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("foo\n")
    cancelled = Cancellation()
    cancelled.set()
    for ripgrep in ("rg", None):
        with pytest.raises(Stopped):
            search_files(Workspace(tmp_path), TextQuery("foo"), cancelled, ripgrep=ripgrep)


def test_without_a_useful_ripgrep_every_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_text("foo\n")
    monkeypatch.setattr(shutil, "which", lambda _: "/bin/true")
    monkeypatch.setattr(codebase_search, "run_process", lambda *_, **__: Ended(2, b"", b"bad pattern", "exited"))
    assert said(tmp_path, TextQuery("foo"), ripgrep="rg").startswith("x:1: foo")
    monkeypatch.setattr(codebase_search, "run_process", lambda *_, **__: Ended(0, b"./gone\0./x\0", b"", "exited"))
    assert said(tmp_path, TextQuery("foo"), ripgrep="rg").startswith("x:1: foo")


@needs_ripgrep
def test_ripgrep_is_asked_what_is_too_large_behind_the_last_match_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken out for the check: the order. Then every search lists all files before it answers anything."""
    asked: list[bool] = []
    failing: set[str] = set()

    def counted(argv: Sequence[str], **how: Any) -> Ended:
        asked.append("--files" in argv)
        return run_process(argv, **how) if failing.isdisjoint(argv) else Ended(2, b"", b"", "exited")

    monkeypatch.setattr(codebase_search, "run_process", counted)
    for name in ("below/huge", "below/huge.py", "ignored/huge", "huge"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        with (tmp_path / name).open("wb") as file:
            file.truncate(FILE_MAX_BYTES + 1)
    (tmp_path / ".gitignore").write_text("ignored")
    (tmp_path / "below/x").write_text("foo\nfoo\n")
    assert "there are more" in said(tmp_path, TextQuery("foo", max_results=1), ripgrep="rg")
    assert asked == [False]
    for fails in ([], ["--files"]):
        failing.update(fails)
        asked.clear()
        answer = said(tmp_path, TextQuery("foo"), ripgrep="rg")
        assert answer.endswith("over 16 MB: below/huge, below/huge.py, huge]")
        assert asked == [False, True]
        answer = said(tmp_path, TextQuery("foo", path="below", glob="huge"), ripgrep="rg")
        assert answer.endswith("over 16 MB: below/huge]")


async def test_the_tool_searches_the_workspace_of_its_context(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("foo\n")
    result = await search.invoke(
        {"query": "FO+", "regex": True, "ignore_case": True}, ToolContext(workspace=Workspace(tmp_path))
    )
    assert result == ToolOutput("x:1: foo\n[1 match in 1 file]")


def test_the_generated_trees_hold_what_they_should(tmp_path: Path) -> None:
    plant(tmp_path, 1)
    assert re.search(r"\d+ matches", said(tmp_path, TextQuery("foo")))
