"""Bodies that are expensive to read: what they would become is bounded, and the loop goes on while they are read."""

from __future__ import annotations

import threading

import orjson
import pytest
from rest_client import Rest

from hub.socket.bodies import LARGE_BYTES
from models.json_scan import JSON_PLACES_MAX, check_values
from web.rest import reading


async def test_a_body_of_too_many_values_is_refused_before_it_is_parsed(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_decode", _never)
    raw = b'{"content":"x","metadata":{"extra":{"a":[' + b"[]," * JSON_PLACES_MAX + b"0]}}}"
    reply = await rest.ask("POST", "/api/contexts/nobody/actions/send_message", raw=raw)
    assert (reply.status, reply.code, reply.field) == (400, "invalid_argument", "body")


async def test_large_bodies_are_read_beside_the_loop(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small ones in it: changing threads costs more than they do."""
    readers: list[threading.Thread] = []

    def noted(raw: bytes, field: str) -> None:
        readers.append(threading.current_thread())
        check_values(raw, field)

    monkeypatch.setattr(reading, "check_values", noted)
    for size in (10, LARGE_BYTES + 1):
        body = orjson.dumps({"title": "a"})
        assert (await rest.ask("POST", "/api/sessions", raw=body.ljust(size))).status == 201
    assert readers[0] is threading.current_thread() is not readers[1]


async def test_a_text_full_of_commas_is_no_crowd_of_values(rest: Rest) -> None:
    session_id = await rest.session()
    sent = await rest.say(session_id, ',"[{\\' * JSON_PLACES_MAX)
    assert sent["messageId"]


def _never(raw: bytes) -> None:
    raise AssertionError("it is parsed")
