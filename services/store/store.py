"""All that is kept, in one bundle: the composition root opens it and hands it around, and callers take the part that
they need. Which back end it is nobody has to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from services.store.journal import Journal
from services.store.leases import Leases
from services.store.projects import Projects
from services.store.reads import Reads
from services.store.search import Search
from services.store.user_states import UserStates


class Storage(Protocol):
    """What the parts of a store lie on."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...

    @property
    def trouble(self) -> str | None:
        """Why the storage can't be used at the moment; None when it can."""
        ...


@dataclass(frozen=True, slots=True)
class Store:
    """Open it before use. Its parts raise StorageUnavailable while the storage is in trouble or closed."""

    journal: Journal
    reads: Reads
    leases: Leases
    search: Search
    projects: Projects
    user_states: UserStates
    storage: Storage

    async def open(self) -> None:
        await self.storage.open()

    async def close(self) -> None:
        """Lets what was submitted finish. Safe to call twice."""
        await self.storage.close()

    @property
    def trouble(self) -> str | None:
        return self.storage.trouble
