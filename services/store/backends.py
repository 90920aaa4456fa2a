"""The back ends by name: the one place where they are listed. The composition root chooses here, and every contract
test runs for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from models.clock import Clock
from services.store.memory.store import memory_store
from services.store.memory.tables import Memory
from services.store.sqlite.database import Database
from services.store.sqlite.store import sqlite_store
from services.store.store import Store

BACKENDS: Mapping[str, Callable[[Path, Clock], Store]] = {
    "memory": lambda folder, clock: memory_store(Memory(clock)),
    "sqlite": lambda folder, clock: sqlite_store(Database(folder, clock)),
}
"""Makes a store that is not open yet. The folder is made when it is needed."""
