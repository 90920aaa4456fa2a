"""The boundary walk's model behind an endpoint on loopback: calls come in fragments, by turns, and may be held amid
them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from openai_loopback import Behaviour, Exchange, LoopCall, OpenAILoopback
from walking_script import SIDE_BY_SIDE, answer_to

from hub.client.wire import Json

GAP_S = 0.003
HELD_S = 60.0
POLL_S = 0.005


class Endpoint(OpenAILoopback):
    """With `hold_at` the first reply with calls side by side stops after so many chunks, and `held` tells."""

    def __init__(self, *, hold_at: int | None = None) -> None:
        super().__init__()
        self._hold_at = hold_at
        self._held: Exchange | None = None

    def requests(self) -> list[Json]:
        """What the model was shown, and the names of the tools that it was offered."""
        return [
            {
                "messages": exchange.body["messages"],
                "tools": [each["function"]["name"] for each in exchange.body.get("tools") or ()],
            }
            for exchange in self.exchanges
        ]

    async def held(self) -> None:
        """Returns once all chunks before the stop are sent; the walk's own deadline ends it."""
        while self._held is None or self._held.chunks_sent < (self._hold_at or 0):  # noqa: ASYNC110 -- counts only
            await asyncio.sleep(POLL_S)

    def _behaviour(self, body: dict[str, Any]) -> Behaviour:
        answer = answer_to(body["messages"])
        calls = tuple(LoopCall(wish.name, json.dumps(dict(wish.arguments)), wish.call_id) for wish in answer.wishes)
        if answer == SIDE_BY_SIDE and self._hold_at is not None and self._held is None:
            self._held = self.exchanges[-1]
            return Behaviour(words=answer.words, calls=calls, quirk="interleaved", drop_at=self._hold_at, gap_s=HELD_S)
        return Behaviour("slow", words=answer.words, calls=calls, quirk="interleaved", gap_s=GAP_S)
