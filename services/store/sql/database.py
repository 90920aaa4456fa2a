"""What the shared half of SQL back ends needs of a database: one writer, read transactions, and its dialect."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from models.clock import Clock
from services.store.sql.dialect import Dialect
from services.store.sql.writer import Writer

ResultT = TypeVar("ResultT")


class Database(Protocol):
    """Raises StorageUnavailable while it is in trouble or closed."""

    @property
    def clock(self) -> Clock: ...
    @property
    def dialect(self) -> Dialect: ...
    @property
    def writer(self) -> Writer: ...

    async def write(self, function: Callable[[Connection], ResultT]) -> ResultT:
        """Runs `function` inside the next write transaction; its result is returned once that is durable."""
        ...

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """One read transaction: everything read inside belongs to the same moment."""
        ...
