"""All that is kept, in one bundle: the composition root opens it and hands it around, and callers take the part that
they need. Which back end it is nobody has to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from models.errors import StorageUnavailable
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
    def trouble(self) -> StorageUnavailable | None:
        """Why the storage can't be used at the moment; None when it can."""
        ...

    @property
    def missing(self) -> str | None:
        """That the storage opened older than what had been shown, for people; None when it has everything."""
        ...


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a back end can do beyond the contract that all keep. Who needs to know asks for it, and not for a name."""

    survives_restart: bool
    """What was committed is there when the process is not any more."""
    several_writers: bool
    """Other processes may commit to the same sessions: nothing may be decided on a head that is only remembered."""
    bounded_reads: bool
    """A read costs what it shows, and a search looks at so much for one page, however much there is."""


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
    capabilities: Capabilities

    async def open(self) -> None:
        await self.storage.open()

    async def close(self) -> None:
        """Lets what was submitted finish. Safe to call twice."""
        await self.storage.close()

    @property
    def trouble(self) -> StorageUnavailable | None:
        return self.storage.trouble

    @property
    def missing(self) -> str | None:
        return self.storage.missing
