"""What SQL databases say differently. The statements that they share are built from it, and from nothing else that
knows which database it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.exc import IntegrityError


class Dialect(Protocol):
    def __hash__(self) -> int:
        """Statements are kept by dialect."""
        ...

    @property
    def parameter(self) -> str:
        """How the driver marks the one bound parameter of a batch."""
        ...

    @property
    def no_limit(self) -> int | None:
        """The value of a LIMIT that bounds nothing."""
        ...

    def rows(self, types: Sequence[str], parameter: str) -> str:
        """A SELECT of the rows of one bound JSON parameter, an array of arrays. Its columns are c0, c1, … and have
        these SQL types."""
        ...

    def without(self, column: str, path: str) -> str:
        """The JSON text of a column with null at a dotted path, which is there."""
        ...

    def contains(self, column: str, parameter: str) -> str:
        """A condition: the text has that part."""
        ...

    def violated(self, error: IntegrityError) -> str:
        """Names the columns or the index of the key that was taken."""
        ...
