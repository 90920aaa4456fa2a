"""RFC 6455 as the server has to enforce it, frame by frame on a bare socket."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import ClientSession
from raw_websocket import BINARY, CLOSE, FIN, PING, PONG, SOCKET_PATH, TEXT, RawWebSocket, close, frame, raw_websocket
from socket_peers import Hub, PollingPeer, eventually

CALL = '427["x"]'
ACK = '437[{"ok":true,"name":"x","args":[]}]'
RESERVED = (0x40, 0x20, 0x10)
VIOLATIONS: dict[str, tuple[bytes, int]] = {
    "an unmasked text": (frame(CALL, masked=False), 1002),
    "an unmasked ping": (frame("", FIN | PING, masked=False), 1002),
    "an unmasked close": (frame(b"\x03\xe8", FIN | CLOSE, masked=False), 1002),
    "an unmasked long text": (frame("4" + "x" * 1000, masked=False), 1002),
    "an unmasked continuation": (frame("42", TEXT) + frame('7["x"]', FIN, masked=False), 1002),
    **{f"reserved bit {bit:#x}": (frame(CALL, FIN | TEXT | bit), 1002) for bit in RESERVED},
    **{f"reserved bit {bit:#x} of a ping": (frame("", FIN | PING | bit), 1002) for bit in RESERVED},
    **{f"opcode {opcode:#x}": (frame("", FIN | opcode), 1002) for opcode in (*range(3, 8), *range(11, 16))},
    "a ping in parts": (frame("a", PING), 1002),
    "a close in parts": (frame(b"\x03\xe8", CLOSE), 1002),
    "a ping of 126 bytes": (frame("x" * 126, FIN | PING), 1002),
    "a continuation of nothing": (frame(CALL, FIN), 1002),
    "a message inside another": (frame("42", TEXT) + frame(CALL), 1002),
    "a message inside an empty beginning": (frame("", TEXT) + frame(CALL), 1002),
    "a binary one inside a text": (frame("42", TEXT) + frame("x", FIN | BINARY), 1002),
    "bad UTF-8": (frame(b'427["\xff"]'), 1007),
    "half a character": (frame(b'427["\xc3'), 1007),
    "a surrogate": (frame(b'427["\xed\xa0\x80"]'), 1007),
    "bad UTF-8 in parts": (frame(b'427["\xc3', TEXT) + frame(b'("]', FIN), 1007),
    "a close of one byte": (frame(b"\x03", FIN | CLOSE), 1002),
    "a close whose reason is no text": (close(1000, b"\xff\xfe"), 1007),
    **{f"close code {code}": (close(code), 1002) for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)},
    "a message beyond all bounds": (bytes([FIN | TEXT, 0xFF]) + b"\x80" + bytes(7) + bytes(4), 1009),
    "a message over the limit": (bytes([FIN | TEXT, 0xFF]) + (2_000_001).to_bytes(8) + bytes(4), 1009),
}
"""What may not be sent, and the code that it is answered with."""
ALLOWED: dict[str, tuple[bytes, list[tuple[int, bytes]]]] = {
    "a text": (frame(CALL), [(TEXT, ACK.encode())]),
    "a text in parts": (frame("42", TEXT) + frame("7", 0) + frame("", 0) + frame('["x"]', FIN), [(TEXT, ACK.encode())]),
    "a text with an empty beginning": (frame("", TEXT) + frame(CALL, FIN), [(TEXT, ACK.encode())]),
    "a ping": (frame("", FIN | PING), [(PONG, b"")]),
    "a ping of 125 bytes": (frame("x" * 125, FIN | PING), [(PONG, b"x" * 125)]),
    "a pong": (frame("x", FIN | PONG) + frame(CALL), [(TEXT, ACK.encode())]),
    "a ping inside a text": (
        frame("42", TEXT) + frame("a", FIN | PING) + frame('7["x"]', FIN),
        [(PONG, b"a"), (TEXT, ACK.encode())],
    ),
    "a character in parts": (
        frame(b'427["x","\xc3', TEXT) + frame(b'\xbc"]', FIN),
        [(TEXT, '437[{"ok":true,"name":"x","args":["ü"]}]'.encode())],
    ),
    **{f"close code {code}": (close(code, b"bye"), [(CLOSE, code.to_bytes(2))]) for code in (1000, 1001, 3000, 4999)},
    "a close without a code": (frame("", FIN | CLOSE), [(CLOSE, b"\x03\xe8")]),
}

pytestmark = pytest.mark.usefixtures("hurried")


async def connect(ws: RawWebSocket) -> None:
    assert (await ws.text()).startswith("0{")
    await ws.send(frame("40"))
    assert (await ws.text()).startswith("40{")


async def test_what_may_not_be_sent_fails_the_connection_with_the_code_that_says_why(
    hub: Hub, subtests: pytest.Subtests
) -> None:
    for name, (sent, code) in VIOLATIONS.items():
        with subtests.test(name):
            async with raw_websocket(hub.server.port or 0) as ws:
                await connect(ws)
                await ws.send(sent)
                assert await ws.ended() == code
    assert hub.handler.log == []
    await eventually(lambda: not hub.engine.live)


async def test_what_may_be_sent_is_understood_in_one_piece_and_byte_by_byte(
    hub: Hub, subtests: pytest.Subtests
) -> None:
    for name, (sent, answers) in ALLOWED.items():
        for step in (len(sent), 1):
            with subtests.test(f"{name}, {step} bytes at once"):
                async with raw_websocket(hub.server.port or 0) as ws:
                    await connect(ws)
                    for at in range(0, len(sent), step):
                        await ws.send(sent[at : at + step])
                        await asyncio.sleep(0)
                    assert [await ws.frame() for _ in answers] == answers


async def test_frames_that_come_with_the_handshake_are_held_to_the_rules_too(hub: Hub) -> None:
    async with raw_websocket(hub.server.port or 0, frame("40") + frame(CALL)) as ws:
        assert [(await ws.text())[:2] for _ in range(3)] == ["0{", "40", "43"]
    async with raw_websocket(hub.server.port or 0, frame("40", masked=False)) as ws:
        assert await ws.ended() == 1002
    assert len(hub.handler.connections) == 1


async def test_frames_before_an_unmasked_one_count(hub: Hub) -> None:
    async with raw_websocket(hub.server.port or 0) as ws:
        await connect(ws)
        await ws.send(frame(CALL) + frame(CALL, masked=False))
        assert await ws.text() == ACK
        assert await ws.ended() == 1002
    assert hub.handler.log == ["x"]


async def test_a_probe_is_held_to_the_rules(hub: Hub) -> None:
    async with ClientSession() as session:
        peer = PollingPeer(session, hub)
        await peer.open()
    async with raw_websocket(hub.server.port or 0, path=f"{SOCKET_PATH}&sid={peer.sid}") as ws:
        await ws.send(frame("2probe", masked=False))
        assert await ws.ended() == 1002
    assert not hub.engine.live[peer.sid].upgrading
