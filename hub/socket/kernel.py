"""What the kernel is told and asked about one connection, where it can be. Never reads or writes."""

from __future__ import annotations

import asyncio
import socket as net
import struct

try:
    import fcntl
    import termios
except ImportError:  # not on Windows
    fcntl = termios = None  # type: ignore[assignment]  # asked for below

SEND_BUFFER_BYTES = 128 * 1024
"""Unset, the kernel keeps 3.9 MB for a client that never reads."""


def bound_send_buffer(transport: asyncio.BaseTransport) -> None:
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(net.SOL_SOCKET, net.SO_SNDBUF, SEND_BUFFER_BYTES)


def unacknowledged_bytes(transport: asyncio.BaseTransport | None) -> int:
    """What the kernel holds until the peer has it: SIOCOUTQ of Linux, which has the number of TIOCOUTQ. For a Unix
    socket it counts what the peer has not read. 0 where no kernel tells."""
    raw = None if transport is None else transport.get_extra_info("socket")
    if raw is None or fcntl is None:
        return 0
    try:
        told: bytes = fcntl.ioctl(raw.fileno(), termios.TIOCOUTQ, bytes(4))
    except (OSError, ValueError):
        return 0
    return int(struct.unpack("i", told)[0])
