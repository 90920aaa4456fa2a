"""Search in memory: the contract of the other back ends, without their windows."""

from __future__ import annotations

from services.search.query import SearchPage, SearchQuery
from services.store.memory.index import Held
from services.store.memory.tables import Memory


class MemorySearch:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def find(self, query: SearchQuery) -> SearchPage:
        return self._memory.index.search(query, self._hold)

    def _hold(self, session_id: str) -> Held:
        kept = self._memory.sessions[session_id]
        path = kept.paths.get(kept.context.active_branch, ())
        return Held(kept.context, self._memory.view(kept.context), kept.messages, path)
