"""The contract of users' states: every backend passes all of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import journal_store
import pytest
from journal_store import LASTING, Store, opened

from models.errors import PayloadTooLarge, VersionMismatch
from models.ids import from_iso, now_ms
from models.user_state import STATE_MAX_BYTES, Preferences, Sections, UserState
from services.store.user_states import Edit, UserStates

store = journal_store.store


@pytest.fixture
def states(store: Store) -> UserStates:
    return store.whole.user_states


def to(**sections: object) -> Edit:
    wanted = Sections.model_validate(sections)
    return lambda before: wanted


def opening(session_id: str) -> Edit:
    """One tab more, at the end."""
    return lambda before: before.sections.model_copy(
        update={"tabs": {**before.tabs, session_id: float(len(before.tabs))}}
    )


async def test_who_never_wrote_has_the_defaults_as_version_0(states: UserStates) -> None:
    assert await states.get("ann") == UserState()
    assert (await states.get("ann")).version == 0
    assert (await states.get("ann")).updated_at_utc is None


async def test_a_change_is_kept_with_the_next_version_and_its_time(states: UserStates) -> None:
    began = now_ms()
    first = await states.change("ann", to(tabs={"s": 1}, ui={"sidebar": "open", "深": [1, 2.5, None]}))
    second = await states.change("ann", to(last_session_id="s", preferences={"theme": "dark", "later": {"a": True}}))
    assert (first.version, second.version) == (1, 2)
    assert began <= from_iso(second.updated_at_utc or "") <= now_ms()
    assert await states.get("ann") == second
    assert (second.tabs, second.ui, second.last_session_id) == ({}, {}, "s")
    assert second.preferences.to_wire() == {**Preferences().to_wire(), "theme": "dark", "later": {"a": True}}


async def test_users_know_nothing_of_each_other(states: UserStates) -> None:
    await states.change("ann", to(last_session_id="a"))
    await states.change("bob", to(last_session_id="b"))
    assert (await states.get("ann")).last_session_id == "a"
    assert ((await states.get("bob")).last_session_id, (await states.get("bob")).version) == ("b", 1)
    assert (await states.get("eve")).version == 0


async def test_a_change_that_changes_nothing_leaves_version_and_time(states: UserStates) -> None:
    first = await states.change("ann", to(tabs={"a": 1, "b": 2}, active_sessions=["x", "y"]))
    again = await states.change("ann", to(tabs={"b": 2.0, "a": 1.0}, active_sessions=["y", "x", "y"]))
    assert again == first
    assert (await states.change("bob", to())).version == 0, "the defaults are no change either"


async def test_what_only_looks_equal_to_python_is_a_change(states: UserStates) -> None:
    await states.change("ann", to(ui={"a": 1}))
    assert (await states.change("ann", to(ui={"a": True}))).ui["a"] is True


async def test_a_change_of_another_version_is_refused_with_the_current_state(states: UserStates) -> None:
    current = await states.change("ann", to(last_session_id="a"), 0)
    for expected in (0, 2, -1):
        with pytest.raises(VersionMismatch) as refused:
            await states.change("ann", to(last_session_id="b"), expected)
        assert refused.value.details == {"currentVersion": 1, "state": current}
    assert await states.get("ann") == current
    assert (await states.change("ann", to(), 1)).version == 2


async def test_racing_changes_lose_nothing(states: UserStates) -> None:
    made = await asyncio.gather(*(states.change("ann", opening(f"s{n}")) for n in range(30)))
    assert sorted(state.version for state in made) == list(range(1, 31))
    final = await states.get("ann")
    assert set(final.tabs) == {f"s{n}" for n in range(30)}
    assert sorted(final.tabs.values()) == list(range(30)), "each saw those before it"


async def test_of_racing_changes_of_one_version_one_wins(states: UserStates) -> None:
    racing = [states.change("ann", to(last_session_id=f"s{n}"), 0) for n in range(10)]
    results = await asyncio.gather(*racing, return_exceptions=True)
    [winner] = [each for each in results if isinstance(each, UserState)]
    assert await states.get("ann") == winner
    assert sum(isinstance(each, VersionMismatch) for each in results) == 9


async def test_a_state_beyond_its_limit_is_refused_and_the_old_one_stays(states: UserStates) -> None:
    room = STATE_MAX_BYTES - 600
    kept = await states.change("ann", to(ui={"a": "x" * room}, last_session_id="s"))
    with pytest.raises(PayloadTooLarge) as refused:
        await states.change("ann", to(ui={"a": "x" * STATE_MAX_BYTES}))
    assert refused.value.details["field"] == "ui"
    assert refused.value.details["limit"] == STATE_MAX_BYTES < refused.value.details["size"]
    with pytest.raises(PayloadTooLarge):
        await states.change("ann", to(ui={"a": "日" * (room // 2)}))
    assert await states.get("ann") == kept


async def test_an_edit_that_fails_leaves_everything_as_it_was(states: UserStates) -> None:
    before = await states.change("ann", to(last_session_id="s"))

    def fail(_state: UserState) -> Sections:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        await states.change("ann", fail)
    assert await states.get("ann") == before


async def test_those_who_have_a_session_open_are_found(states: UserStates) -> None:
    await states.change("ann", to(tabs={"s1": 1}))
    await states.change("bob", to(active_sessions=["s1", "s2"]))
    await states.change("eve", to(last_session_id="s2"))
    assert set(await states.mentioning("s1")) == {"ann", "bob"}
    assert set(await states.mentioning("s2")) == {"bob", "eve"}
    assert await states.mentioning("s3") == ()


@pytest.mark.parametrize("kind", LASTING)
async def test_a_restart_keeps_everything(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as before:
        written = await before.whole.user_states.change("ann", to(tabs={"a": 0.1}, preferences={"soon": [1, "x"]}))
    async with opened(kind, tmp_path) as after:
        assert await after.whole.user_states.get("ann") == written
