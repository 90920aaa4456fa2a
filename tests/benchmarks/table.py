"""The one table that all benchmarks print: a row per comparison. Never measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`aim` is for the ratio or for `ours`, as the text says; `ratio` is None where nothing was compared."""

    what: str
    ours: float | None
    beside: float | None
    ratio: float | None
    aim: str
    unit: str


def render(rows: Sequence[Row]) -> str:
    cells = [("what", "ours", "beside", "ratio", "aim", "unit"), *(_cells(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(6)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in (0, 4, 5) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )


def _cells(row: Row) -> tuple[str, str, str, str, str, str]:
    ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
    return row.what, _number(row.ours), _number(row.beside), ratio, row.aim, row.unit


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}"
