"""What is said of a package that can't be imported: missing and broken are told apart."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from services.extras import is_installed, why_not

BROKEN = {
    "it_needs_another": "import no_such_package_at_all",
    "it_wants_a_name": "from json import no_such_name",
    "it_fails_otherwise": "raise TypeError('too old')",
}


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def refused(package: str) -> str:
    try:
        importlib.import_module(package)
    except Exception as error:
        return why_not(error, package, "parley-hub[all]")
    raise AssertionError("it can be imported")


def test_what_is_missing_is_named_with_what_to_install() -> None:
    assert refused("no_such_package") == "the package no_such_package is not installed; install parley-hub[all]"


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_installed_and_fails_is_called_broken_with_its_own_words(packages: Path, name: str) -> None:
    """Taken out for the check: the look whether it is installed. Then all of these were said to be missing."""
    (packages / f"{name}.py").write_text(BROKEN[name])
    assert refused(name).startswith(f"the package {name} is installed but broken: ")
    assert name not in sys.modules


def test_a_package_whose_parent_fails_or_is_missing_is_told_apart_too(packages: Path) -> None:
    (packages / "parent").mkdir()
    (packages / "parent" / "__init__.py").write_text("import no_such_package_at_all")
    (packages / "parent" / "child.py").write_text("")
    assert is_installed("parent.child")
    assert not is_installed("no_such_parent.child")
    assert not is_installed("json.no_such_child")
