"""What SQLite says in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError


@dataclass(frozen=True, slots=True)
class SqliteDialect:
    parameter: str = "?"
    no_limit: int = -1

    def rows(self, types: Sequence[str], parameter: str) -> str:
        """Values have their own types here."""
        columns = ", ".join(f"json_extract(value, '$[{index}]') AS c{index}" for index in range(len(types)))
        return f"SELECT {columns} FROM json_each({parameter})"  # noqa: S608 -- constants

    def without(self, column: str, path: str) -> str:
        return f"json_set({column}, '$.{path}', NULL)"

    def contains(self, column: str, parameter: str) -> str:
        return f"instr({column}, {parameter}) > 0"

    def violated(self, error: IntegrityError) -> str:
        return str(error.orig)


SQLITE = SqliteDialect()
