"""A store in memory: for tests and for trying things out. The same contract, nothing survives the process."""

from __future__ import annotations

from services.store.memory.journal import MemoryJournal
from services.store.memory.leases import MemoryLeases
from services.store.memory.projects import MemoryProjects
from services.store.memory.reads import MemoryReads
from services.store.memory.search import MemorySearch
from services.store.memory.tables import Memory
from services.store.memory.user_states import MemoryUserStates
from services.store.store import Capabilities, Store

CAPABILITIES = Capabilities(survives_restart=False, several_writers=False, bounded_reads=False)


def memory_store(memory: Memory) -> Store:
    return Store(
        MemoryJournal(memory),
        MemoryReads(memory),
        MemoryLeases(memory),
        MemorySearch(memory),
        MemoryProjects(memory),
        MemoryUserStates(memory),
        memory,
        CAPABILITIES,
    )
