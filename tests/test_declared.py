"""Every package that is imported is declared: what another one brings along today, it may leave at home tomorrow."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = {"hub", "models", "services", "web"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def names(requirements: list[str]) -> set[str]:
    return {plain(re.split(r"[\[<>=!~; ]", each)[0]) for each in requirements}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(folder: str) -> Iterator[tuple[Path, str]]:
    """Each file with each package of somebody else's that it imports, wherever in it."""
    for path in (ROOT / folder).rglob("*.py"):
        if "node_modules" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            match node:
                case ast.Import(names=found):
                    modules = [each.name for each in found]
                case ast.ImportFrom(module=str(module), level=0):
                    modules = [module]
                case _:
                    continue
            yield from ((path.relative_to(ROOT), module.partition(".")[0]) for module in modules)


def undeclared(folder: str, declared: set[str], local: set[str]) -> list[str]:
    whose = packages_distributions()
    known = OURS | local | sys.stdlib_module_names
    strangers = {(path, module) for path, module in imported(folder) if module not in known}
    return sorted(f"{path}: {module}" for path, module in strangers if not names(whose.get(module, [])) & declared)


def test_what_the_packages_import_is_a_dependency_or_in_an_extra() -> None:
    """Taken out for the check: jsonschema, which came with the SDK of MCP."""
    extras = [each for extra, requirements in EXTRAS.items() if extra != "dev" for each in requirements]
    declared = names(PROJECT["dependencies"] + extras)
    assert [each for folder in sorted(OURS) for each in undeclared(folder, declared, set())] == []


def test_what_the_tests_import_is_declared_too() -> None:
    every = [each for requirements in EXTRAS.values() for each in requirements]
    local = {path.stem for path in (ROOT / "tests").rglob("*") if path.is_dir() or path.suffix == ".py"}
    assert undeclared("tests", names(PROJECT["dependencies"] + every), local) == []


def test_an_import_that_nobody_declared_would_be_found() -> None:
    assert any("jsonschema" in each for each in undeclared("services", names(PROJECT["dependencies"]), set()))
