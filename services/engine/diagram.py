"""The state machine as a Mermaid diagram, drawn from the table that decides. `python -m services.engine.diagram` prints
it for README.md."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from services.engine.transitions import TRANSITIONS, StateName, Step

Table = Mapping[StateName, Mapping[Step, frozenset[StateName]]]
LABELS_PER_LINE = 3
"""More steps side by side make arrows' labels wider than the picture."""


def diagram(table: Table = TRANSITIONS) -> str:
    """Mermaid's source: one arrow for each pair of states, labelled with the steps that lead from one to the other."""
    lines = ["stateDiagram-v2", "    [*] --> initial"]
    for source, steps in table.items():
        lines.extend(f"    {source} --> {target} : {_label(names)}" for target, names in _arrows(table, steps).items())
    return "\n".join(lines)


def _arrows(table: Table, steps: Mapping[Step, frozenset[StateName]]) -> dict[StateName, list[Step]]:
    """The steps by where they lead, in the order of the table: sets have none of their own."""
    found: defaultdict[StateName, list[Step]] = defaultdict(list)
    for step, targets in steps.items():
        for target in targets:
            found[target].append(step)
    return {target: found[target] for target in table if target in found}


def _label(names: list[Step]) -> str:
    rows = [", ".join(names[start : start + LABELS_PER_LINE]) for start in range(0, len(names), LABELS_PER_LINE)]
    return ",<br/>".join(rows)


if __name__ == "__main__":
    print(diagram())
