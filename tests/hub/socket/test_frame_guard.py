"""The guard alone: whatever the sizes and however the bytes are cut, it walks from head to head."""

from __future__ import annotations

import random

from aiohttp import WebSocketError
from raw_websocket import BINARY, FIN, PING, TEXT, frame

from hub.socket.websocket import FrameGuard

SIZES = (0, 1, 125, 126, 127, 65_535, 65_536, 70_000)
ROUNDS = 60


class Reader:
    def __init__(self) -> None:
        self.taken = bytearray()
        self.fault: BaseException | None = None
        self.ended = False

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.taken += data
        return False, b""

    def feed_eof(self) -> None:
        self.ended = True

    def set_exception(self, exc: BaseException) -> None:
        self.fault = exc


def message(chance: random.Random) -> list[bytes]:
    """One in some parts, with pings between them."""
    parts = [bytes(chance.choice(SIZES)) for _ in range(chance.randint(1, 3))]
    frames = []
    for number, part in enumerate(parts):
        kind = chance.choice((TEXT, BINARY)) if number == 0 else 0
        frames.append(sized(part, (FIN if number == len(parts) - 1 else 0) | kind))
        if chance.random() < 0.3:
            frames.append(frame(bytes(chance.randint(0, 125)), FIN | PING))
    return frames


def sized(payload: bytes, first: int) -> bytes:
    if len(payload) < 65_536:
        return frame(payload, first)
    return bytes([first, 0xFF]) + len(payload).to_bytes(8) + bytes(4) + payload


def cut(data: bytes, chance: random.Random) -> list[bytes]:
    pieces, at = [], 0
    while at < len(data):
        size = chance.choice((1, 2, 3, 9, 14, 1_000, 65_536, 1 << 20))
        pieces.append(data[at : at + size])
        at += size
    return pieces


def test_what_is_right_passes_as_it_came_however_it_is_cut() -> None:
    for seed in range(ROUNDS):
        chance, reader = random.Random(seed), Reader()
        guard = FrameGuard(reader, reader)
        sent = b"".join(part for _ in range(4) for part in message(chance))
        for piece in cut(sent, chance):
            assert guard.feed_data(piece) == (False, b""), seed
        assert reader.taken == sent, seed
        assert reader.fault is None, seed
        guard.feed_eof()
        assert reader.ended


def test_an_unmasked_frame_is_found_wherever_it_stands_and_however_it_is_cut() -> None:
    for seed in range(ROUNDS):
        chance, reader = random.Random(seed), Reader()
        guard = FrameGuard(reader, reader)
        before = b"".join(part for _ in range(2) for part in message(chance))
        bad = frame(bytes(chance.choice(SIZES[:5])), FIN | TEXT, masked=False)
        for piece in cut(before + bad + b"".join(message(chance)), chance):
            if guard.feed_data(piece)[0]:
                break
        assert isinstance(reader.fault, WebSocketError), seed
        assert reader.taken[: len(before)] == before, seed
        assert len(reader.taken) < len(before) + len(bad), seed
