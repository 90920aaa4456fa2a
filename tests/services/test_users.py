"""What users keep: changes are carried through and told, whoever gives up waiting; nobody's wish loosens a policy."""

from __future__ import annotations

import asyncio
import gc

import pytest
from structlog.testing import capture_logs
from world import Gate, eventually

from models.calls import parse
from models.clock import SYSTEM_CLOCK
from models.errors import InvalidArgument, StorageUnavailable, UnknownModel, VersionMismatch
from models.user_state import PatchUserState, ReplaceUserState, UserState
from services.store.memory.tables import Memory
from services.store.memory.user_states import MemoryUserStates
from services.store.user_states import Edit
from services.users import Users

Told = list[tuple[str, int]]


class HookedStates(MemoryUserStates):
    """Changes can be held at a gate, and fail before or after they had their effect."""

    def __init__(self) -> None:
        super().__init__(Memory(SYSTEM_CLOCK))
        self.gate: Gate | None = None
        self.fails: StorageUnavailable | None = None
        self.writes_though_it_fails = False

    async def change(self, user_id: str, edit: Edit, expected_version: int | None = None) -> UserState:
        if self.gate is not None:
            await self.gate.passed()
        if self.fails is not None and not self.writes_though_it_fails:
            raise self.fails
        state = await super().change(user_id, edit, expected_version)
        if self.fails is not None:
            raise self.fails
        return state


def telling(users: Users) -> Told:
    told: Told = []
    users.subscribe(lambda user_id, state: told.append((user_id, state.version)))
    return told


def patch(**body: object) -> PatchUserState:
    return parse(PatchUserState, body)


async def test_a_change_is_told_with_its_user() -> None:
    users = Users(MemoryUserStates(Memory(SYSTEM_CLOCK)))
    told = telling(users)
    await users.patch("ann", patch(lastSessionId="s"))
    await users.replace("ann", parse(ReplaceUserState, {"tabs": {"a": 1}}))
    await users.reset("bob")
    await users.reset("ann")
    assert [each for each in told if each[0] == "ann"] == [("ann", 1), ("ann", 2), ("ann", 3)]
    assert (await users.state("ann")).sections == UserState().sections


async def test_a_refused_change_is_told_to_nobody() -> None:
    users = Users(MemoryUserStates(Memory(SYSTEM_CLOCK)))
    told = telling(users)
    with pytest.raises(VersionMismatch):
        await users.patch("ann", patch(lastSessionId="s"), 7)
    assert told == []


async def test_a_caller_who_gives_up_leaves_a_change_that_is_told() -> None:
    states = HookedStates()
    users = Users(states)
    told = telling(users)
    states.gate = gate = Gate()
    asking = asyncio.create_task(users.patch("ann", patch(lastSessionId="s")))
    await gate.reached.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    gate.open.set()
    await users.close()
    assert told == [("ann", 1)]
    assert (await users.state("ann")).last_session_id == "s"


async def test_closing_waits_for_what_was_begun() -> None:
    states = HookedStates()
    users = Users(states)
    states.gate = gate = Gate()
    asking = asyncio.create_task(users.patch("ann", patch(lastSessionId="s")))
    await gate.reached.wait()
    closing = asyncio.create_task(users.close())
    await asyncio.sleep(0)
    assert not closing.done()
    gate.open.set()
    await closing
    assert (await asking).version == 1


async def test_a_change_whose_outcome_was_unknown_is_told_when_it_is_repeated() -> None:
    states = HookedStates()
    users = Users(states)
    told = telling(users)
    states.fails, states.writes_though_it_fails = StorageUnavailable(), True
    with pytest.raises(StorageUnavailable):
        await users.patch("ann", patch(lastSessionId="s"))
    states.fails = None
    assert (await users.patch("ann", patch(lastSessionId="s"))).version == 1, "it was written the first time"
    assert told == [("ann", 1)]


async def test_a_listener_that_fails_keeps_nothing_from_the_others() -> None:
    users = Users(MemoryUserStates(Memory(SYSTEM_CLOCK)))

    def fail(_user_id: str, _state: UserState) -> None:
        raise KeyError("a bug")

    users.subscribe(fail)
    told = telling(users)
    with capture_logs() as logs:
        assert (await users.patch("ann", patch(lastSessionId="s"))).version == 1
    assert told == [("ann", 1)]
    assert [each["event"] for each in logs] == ["a listener failed"]


async def test_more_tabs_than_there_may_be_are_refused_though_the_patch_is_small() -> None:
    users = Users(MemoryUserStates(Memory(SYSTEM_CLOCK)))
    await users.patch("ann", patch(tabs={f"s{n}": n for n in range(200)}))
    with pytest.raises(InvalidArgument) as refused:
        await users.patch("ann", patch(tabs={"one more": 1}))
    assert refused.value.details["field"] == "tabs"
    swapped = await users.patch("ann", patch(tabs={"one more": 1, "s0": None}))
    assert len(swapped.tabs) == 200


async def test_a_default_model_must_be_known_when_it_is_chosen_and_may_vanish_later() -> None:
    known = {"a", "b"}

    def check(name: str) -> None:
        if name not in known:
            raise UnknownModel(field="model")

    users = Users(MemoryUserStates(Memory(SYSTEM_CLOCK)), check_model=check)
    with pytest.raises(UnknownModel) as refused:
        await users.patch("ann", patch(preferences={"defaultModel": "c"}))
    assert refused.value.details["field"] == "preferences.defaultModel"
    await users.patch("ann", patch(preferences={"defaultModel": "a"}))
    known.remove("a")
    state = await users.patch("ann", patch(preferences={"theme": "dark"}))
    assert (state.preferences.default_model, state.preferences.theme) == ("a", "dark")
    with pytest.raises(UnknownModel):
        await users.replace("ann", parse(ReplaceUserState, {"preferences": {"defaultModel": "c"}}))
    assert (await users.patch("ann", patch(preferences={"defaultModel": None}))).preferences.default_model is None


async def test_a_purged_session_is_closed_everywhere_and_told() -> None:
    users = Users(MemoryUserStates(Memory(SYSTEM_CLOCK)))
    await users.patch("ann", patch(tabs={"s": 1, "t": 2}, activeSessions=["s"], lastSessionId="s"))
    await users.patch("bob", patch(tabs={"t": 1}))
    await users.patch("eve", patch(ui={"expanded": {"s": True}}))
    told = telling(users)
    await users.forget_session("s")
    ann = await users.state("ann")
    assert (ann.tabs, ann.active_sessions, ann.last_session_id, ann.version) == ({"t": 2}, (), None, 2)
    assert ("ann", 2) in told
    assert ((await users.state("bob")).version, (await users.state("eve")).version) == (1, 1)


async def test_a_storage_that_fails_does_not_undo_a_purge() -> None:
    states = HookedStates()
    users = Users(states)
    await users.patch("ann", patch(tabs={"s": 1}))
    states.fails = StorageUnavailable()
    with capture_logs() as logs:
        await users.forget_session("s")
    assert [each["event"] for each in logs] == ["a purged session is still in users' states"]
    assert (await users.state("ann")).tabs == {"s": 1}


async def test_a_failed_change_that_nobody_waits_for_is_quiet() -> None:
    """Fails when its exception is left for the collector to find."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    states = HookedStates()
    users = Users(states)
    states.gate = gate = Gate()
    states.fails = StorageUnavailable()
    asking = asyncio.create_task(users.patch("ann", patch(lastSessionId="s")))
    await gate.reached.wait()
    asking.cancel()
    gate.open.set()
    await asyncio.gather(asking, return_exceptions=True)
    await eventually(lambda: not users._changes)
    del asking
    gc.collect()
    assert complaints == []
