"""The picture of the state machine is drawn from the table, and the one in the README is the current one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

from patience import HANG_S

from services.engine.diagram import Table, diagram
from services.engine.transitions import TRANSITIONS, StateName, Step

ENGINE = Path(__file__).parents[3] / "services" / "engine"
MODULE = "services.engine.diagram"
REGENERATE = f"out of date: put what `python -m {MODULE}` prints between the diagram's marks in the README"
ARROW = re.compile(r"^    (\w+) --> (\w+) : (.+)$", re.MULTILINE)


def test_the_readme_shows_the_current_table() -> None:
    readme = (ENGINE / "README.md").read_text()
    shown = re.search(rf"<!-- diagram: python -m {MODULE} -->\n```mermaid\n(.*?)\n```\n<!-- /diagram -->", readme, re.S)
    assert shown is not None, "the diagram's marks are gone from services/engine/README.md"
    assert shown[1] == diagram(), REGENERATE


def test_the_readme_explains_every_step_and_names_every_module() -> None:
    readme = (ENGINE / "README.md").read_text()
    assert [step for step in get_args(Step) if f"`{step}`" not in readme] == []
    modules = {path.name for path in ENGINE.glob("*.py")} - {"__init__.py", "diagram.py"}
    assert [name for name in sorted(modules) if f"`{name}`" not in readme] == []


def test_every_transition_is_one_arrow_and_every_arrow_a_transition() -> None:
    drawn = [
        (source, step.strip(" ,"), target)
        for source, target, label in ARROW.findall(diagram())
        for step in label.replace("<br/>", " ").split()
    ]
    table = [
        (source, step, target)
        for source, steps in TRANSITIONS.items()
        for step, targets in steps.items()
        for target in targets
    ]
    assert sorted(drawn) == sorted(table)


def test_a_pair_of_states_has_one_arrow_with_all_its_steps() -> None:
    pairs = [(source, target) for source, target, _ in ARROW.findall(diagram())]
    assert len(pairs) == len(set(pairs))
    assert {source for source, _ in pairs} == set(get_args(StateName))


def test_a_new_transition_changes_the_picture() -> None:
    """Else the README could stay as it is while the machine does not."""
    grown: Table = {**TRANSITIONS, "archived": {**TRANSITIONS["archived"], "speak": frozenset({"archived"})}}
    assert set(diagram(grown).splitlines()) - set(diagram().splitlines()) == {
        "    archived --> archived : branch, speak"
    }


def test_the_module_prints_the_diagram_the_same_each_time() -> None:
    """Sets have no order of their own, and another process another hash seed."""
    printed = subprocess.run(
        [sys.executable, "-m", MODULE],
        cwd=ENGINE.parents[1],
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=True,
    )
    assert printed.stdout == diagram() + "\n"
