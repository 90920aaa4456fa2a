"""Patterns and .gitignore rules, held to git itself and to ripgrep."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.tools.globs import compile_glob, rules_of
from services.tools.tree import Tree
from services.tools.workspace import Workspace


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("*.py", "a.py", True),
        ("*.py", "deep/er/a.py", True),
        ("*.py", "a.pyc", False),
        ("./*.py", "a.py", True),
        ("/*.py", "deep/a.py", False),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/deep/a.py", False),
        ("src/**/*.py", "src/a.py", True),
        ("src/**/*.py", "src/deep/er/a.py", True),
        ("src/**", "src/deep/a", True),
        ("src/**", "src", False),
        ("**/test_*", "a/test_b", True),
        ("**", "a/b", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[a-c]x", "bx", True),
        ("[!a-c]x", "bx", False),
        ("[]]x", "]x", True),
        ("[^]]x", "ax", True),
        ("*.{py,pyi}", "x/a.pyi", True),
        ("{a,b{c,d}}", "bd", True),
        ("\\*.py", "*.py", True),
        ("\\*.py", "a.py", False),
        ("a***b", "axxb", True),
        ("*a*b*c", "xaabcbxc", True),
        ("*a*b*c", "xaacc", False),
        ("a*b/**/c*d", "axb/c/cd", True),
        ("**/**/x", "a/x", True),
    ],
)
def test_a_glob_matches_as_gitignore_does(glob: str, path: str, matches: bool) -> None:
    assert (compile_glob(glob).fullmatch(path) is not None) is matches


@pytest.mark.parametrize(
    "glob", ["", "[a", "[", "{a", "a}", "a\\", "x" * 5_000, "[z-a]", "**/a/**/b/**/c/**/d", "{a,*}*b*c*d"]
)
def test_a_bad_glob_is_refused(glob: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        compile_glob(glob)


def test_a_pattern_made_to_take_for_ever_does_not() -> None:
    began = time.process_time()
    assert compile_glob("*a" * 100 + "*b").fullmatch("a" * 250) is None
    assert compile_glob("**/*a*a*a*a*a*a*b").fullmatch("/".join(["a" * 250] * 10)) is None
    assert time.process_time() - began < 10  # backtracking would take longer than the sun lasts


def test_lines_that_make_no_sense_are_left_out() -> None:
    rules = rules_of("\ufeff# comment\n\n[a\n/\n!\n*.log\r\n")
    assert rules.ignores("x.log", False) is True
    assert rules.ignores("[a", False) is None


# ASCII alone: to git a character of two bytes is two, to ripgrep and to us it is one.
NAMES = ("a", "b", "a.py", "b.py", "build", "x.log", "#odd", "!odd", "sp ")
PATTERNS = st.lists(
    st.one_of(
        st.sampled_from(
            ["*.py", "!a.py", "build/", "/build", "build/**", "**/b", "a/**/b", "a/*", "!a/b", "*.log", "/a/b.py", "?"]
        ),
        st.sampled_from(["\\#odd", "\\!odd", "#odd", "sp\\ ", "[ab]", "[!a]*", "**/build/x.log", "b/", "!*/", "*"]),
        st.builds("/".join, st.lists(st.sampled_from([*NAMES[:6], "*", "**", "?"]), min_size=1, max_size=3)),
    ),
    max_size=5,
).map(lambda lines: "".join(f"{line}\n" for line in lines))
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join)


def planted(root: Path, paths: list[str], ignores: dict[str, str]) -> None:
    """Paths that contradict each other are left out."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for path in paths:
        try:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text("x\n")
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
    for folder, text in ignores.items():
        if (root / folder).is_dir():
            (root / folder / ".gitignore").write_text(text)


def walked(root: Path) -> list[str]:
    return [found.path for found in Tree(Workspace(root)).files()]


EXAMPLES = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@EXAMPLES
@given(
    paths=st.lists(PATHS, min_size=3, max_size=12),
    ignores=st.dictionaries(st.sampled_from(["", "a", "b", "a/b"]), PATTERNS),
)
def test_the_walk_leaves_out_what_git_leaves_out(tmp_path: Path, paths: list[str], ignores: dict[str, str]) -> None:
    root = tmp_path / "tree"
    planted(root, paths, ignores)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    listed = subprocess.run(
        ["git", "-c", "core.excludesFile=/dev/null", "ls-files", "-zco", "--exclude-per-directory=.gitignore"],
        cwd=root,
        check=True,
        capture_output=True,
    )
    expected = [path.decode() for path in listed.stdout.split(b"\0") if path]
    assert sorted(walked(root)) == sorted(expected)


def test_the_walk_is_in_the_order_of_components(tmp_path: Path) -> None:
    planted(tmp_path / "tree", ["a/b", "a-b", "a.py", "b"], {})
    assert walked(tmp_path / "tree") == ["a/b", "a-b", "a.py", "b"]
