"""Keys of sessions stay as long as they are asked for, and not much longer."""

from __future__ import annotations

from models.ids import EpochMs
from services.store.sql.known_keys import KEPT_MS, KEYS_KEPT, KnownKeys
from services.store.sql.rows import Keys


def minute(number: int) -> EpochMs:
    return EpochMs(1_000_000_000_000 + number * KEPT_MS)


def test_what_is_asked_for_every_minute_stays_and_what_is_not_goes() -> None:
    """Fails when every session that was ever written to stays: it grows with the server's age."""
    known = KnownKeys()
    known.age(minute(0))
    known.keep("asked", Keys(1, {}))
    for number in range(1, 10):
        known.keep(f"once {number}", Keys(2, {}))
        known.age(minute(number))
        assert known.get("asked") == Keys(1, {})
        assert len(known) <= 3
    assert known.get("once 8") is None
    assert known.get("once 9") == Keys(2, {})


def test_between_two_minutes_nothing_is_forgotten() -> None:
    known = KnownKeys()
    known.age(minute(0))
    known.keep("a", Keys(1, {}))
    for _ in range(5):
        known.age(EpochMs(minute(1) - 1))
        known.age(minute(-5))
    assert known.get("a") == Keys(1, {})


def test_many_in_one_minute_are_bounded() -> None:
    known = KnownKeys()
    for number in range(3 * KEYS_KEPT):
        known.age(minute(0))
        known.keep(str(number), Keys(number, {}))
    assert len(known) <= 2 * KEYS_KEPT


def test_what_is_forgotten_is_gone_from_both_generations() -> None:
    known = KnownKeys()
    known.keep("a", Keys(1, {}))
    known.age(minute(0))
    known.keep("b", Keys(1, {}))
    for each in ("a", "b", "c"):
        known.forget(each)
    assert len(known) == 0
