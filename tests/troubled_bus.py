"""A bus as bad as a real one may be: by the dice it loses hints, says them twice, late, or in another order."""

from __future__ import annotations

import random
from collections.abc import Callable

from models.heads import Head
from services.bus import Hear, Hint, MemoryBus


class TroubledBus:
    """One node's end. What it holds back comes with a later hint, or never."""

    def __init__(self, bus: MemoryBus, dice: random.Random) -> None:
        self._bus = bus
        self._dice = dice
        self._held: list[Hint] = []

    def publish(self, topic: str, head: Head) -> None:
        self._bus.publish(topic, head)

    def subscribe(self, listener: Hear) -> Callable[[], None]:
        return self._bus.subscribe(lambda hint: self._hear(hint, listener))

    def _hear(self, hint: Hint, listener: Hear) -> None:
        match self._dice.randrange(5):
            case 0:
                return
            case 1:
                self._held.append(hint)
            case 2:
                listener(hint)
                listener(hint)
            case 3:
                held, self._held = [*self._held, hint], []
                self._dice.shuffle(held)
                for each in held:
                    listener(each)
            case _:
                listener(hint)
