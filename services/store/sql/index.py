"""What an append and a purge need of the full-text index, which each database has in its own way."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Connection


class SearchIndex(Protocol):
    @property
    def statements(self) -> tuple[tuple[str, str], ...]:
        """Field of Rows and its statement, in the order of execution, after those of the projections."""
        ...

    def take_out(self, connection: Connection, session: int) -> None:
        """In the transaction of a purge: from now on nothing of the session is found."""
        ...

    async def sweep(self) -> None:
        """What is left to do after a purge, for as long as the storage works."""
        ...
