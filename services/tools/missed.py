"""What an answer should have looked at and could not: said at its end, so that “no match” says no more than is known.
Looks at nothing itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.tools.names import spoken

_SHOWN = 5


@dataclass(slots=True)
class Missed:
    """Paths inside the workspace. `unreadable` are files and folders that the system does not let us read, `deep` are
    folders too far down, `large` files beyond the limit of whoever asked."""

    unreadable: list[str] = field(default_factory=list)
    deep: list[str] = field(default_factory=list)
    large: list[str] = field(default_factory=list)

    def notes(self, verb: str, large: str = "") -> list[str]:
        """A line for each reason. `verb` says what did not happen to them, `large` why that was too much."""
        kinds = (("can't be read", self.unreadable), ("lie too deep", self.deep), (large, self.large))
        return [f"[not {verb}, because they {why}: {_listed(paths)}]" for why, paths in kinds if paths]


def _listed(paths: Iterable[str]) -> str:
    named = sorted(set(paths))
    shown = ", ".join(spoken(path) for path in named[:_SHOWN])
    return shown if len(named) <= _SHOWN else f"{shown} and {len(named) - _SHOWN:,} more"
