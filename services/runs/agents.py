"""Agents: what runs in a session. The interface, and how one is found by name."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from models.errors import InvalidArgument, ParleyError
from models.runs import OnCrash
from services.runs.context import RunContext
from services.runs.turn_time import NO_LIMIT, TimeLimit

ENTRY_POINTS = "parley.agents"
NO_LIMITS: Mapping[str, TimeLimit] = MappingProxyType({})


@runtime_checkable
class Agent(Protocol):
    """One object serves all sessions at once. `run` is called again when somebody steered while it was at work: what is
    to be done once, it does unless `ctx.again`. An attribute `on_crash = "resume"` declares that `run` may simply be
    called again after its process died; without it the run then ends as failed. One `time_limit = TimeLimit(…)` is how
    long its turns may take, where the operator says nothing else of it."""

    async def run(self, ctx: RunContext) -> None: ...


class Agents:
    """Resolves `assistant` (built in), a name of the entry point group `parley.agents`, or `package.module:attribute`
    (an agent, or a class or function without arguments that makes one). `prefixes` make the agents of whole families of
    names (`workflow:`), from what follows the prefix, each time anew."""

    def __init__(
        self,
        builtin: Mapping[str, Agent],
        *,
        prefixes: Mapping[str, Callable[[str], Agent]] | None = None,
        time_limit: TimeLimit = NO_LIMIT,
        time_limits: Mapping[str, TimeLimit] = NO_LIMITS,
    ) -> None:
        self._agents: dict[str, Agent] = dict(builtin)
        self._prefixes = dict(prefixes or {})
        self._time_limit = time_limit
        self._time_limits = time_limits

    def resolve(self, name: str) -> Agent:
        """Raises InvalidArgument that says what was tried, or what the maker of a prefix raises."""
        agent = self._agents.get(name)
        if agent is not None:
            return agent
        for prefix, make in self._prefixes.items():
            if name.startswith(prefix):
                return make(name.removeprefix(prefix))
        agent = self._agents[name] = _load(name)
        return agent

    def is_ours(self, name: str) -> bool:
        """Whether it comes with Parley, and not with somebody's program. One that can't be found is nobody's."""
        try:
            return type(self.resolve(name)).__module__.partition(".")[0] == "services"
        except ParleyError:
            return False

    def on_crash(self, name: str) -> OnCrash:
        declared = getattr(self.resolve(name), "on_crash", "fail")
        return "resume" if declared == "resume" else "fail"

    def time_limit(self, name: str) -> TimeLimit:
        """The operator's for this agent, else the agent's own, else the one for all. Of an agent that can't be found,
        the one for all: its run says so itself."""
        if name in self._time_limits:
            return self._time_limits[name]
        try:
            declared = getattr(self.resolve(name), "time_limit", None)
        except ParleyError:
            declared = None
        return declared if isinstance(declared, TimeLimit) else self._time_limit


def _load(name: str) -> Agent:
    found = entry_points(group=ENTRY_POINTS, name=name)
    try:
        loaded = next(iter(found)).load() if found else pkgutil.resolve_name(name)
        candidate = loaded() if callable(loaded) and not _is_instance(loaded) else loaded
    except Exception as error:
        raise InvalidArgument(
            f"No agent {name!r}: neither built in, nor an entry point of {ENTRY_POINTS}, "
            f"nor importable as package.module:attribute ({error})",
            field="agent",
        ) from error
    if not isinstance(candidate, Agent):
        raise InvalidArgument(f"{name!r} is no agent: it has no method run(ctx)", field="agent")
    return candidate


def _is_instance(loaded: object) -> bool:
    return hasattr(loaded, "run") and not isinstance(loaded, type)
