"""Reads one Socket.IO packet from a client, and names what is wrong with it. Never answers, never trusts.

The stock decoder raises before the ack id is known, so a bad packet would be met with silence; and it collects binary
attachments. This one reads the head first: type, namespace and ack id are plain ASCII.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import orjson
from socketio import packet as stock

from models.errors import InvalidArgument
from models.json_scan import check_values

CONNECT: int = stock.CONNECT
DISCONNECT: int = stock.DISCONNECT
EVENT: int = stock.EVENT
ACK: int = stock.ACK
BINARY_EVENT: int = stock.BINARY_EVENT
BINARY_ACK: int = stock.BINARY_ACK

# JavaScript counts ack ids up from 0 and is exact up to 16 digits; nobody sends more in good faith.
_HEAD = re.compile(
    rb"(?:(?P<binary>[56])(?P<attachments>[0-9]{1,4})-|(?P<type>[0-4]))"
    rb"(?:(?P<namespace>/[^,\"\[{\x00-\x20\x7f-\xff]{0,200})(?:,|\Z))?"
    rb"(?P<ack_id>[0-9]{1,20}(?![0-9]))?"
)


class MalformedPacket(InvalidArgument):
    code = "malformed_packet"
    default_message = "The packet is not valid Socket.IO"


class BinaryNotSupported(InvalidArgument):
    code = "binary_not_supported"
    default_message = "Binary data is not supported; send JSON"


class UnknownNamespace(InvalidArgument):
    code = "unknown_namespace"
    default_message = "Only the default namespace exists"


class NotConnected(InvalidArgument):
    code = "not_connected"
    default_message = "Connect to the namespace first"


@dataclass(frozen=True, slots=True)
class PacketHead:
    """What comes before the JSON. `ack_id` is None when the client expects no answer."""

    type: int
    namespace: bytes
    ack_id: bytes | None
    attachments: int
    end: int


def read_head(packet: bytes) -> PacketHead:
    """Raises MalformedPacket when not even the head can be read: then there is no ack id to answer to."""
    match = _HEAD.match(packet)
    if match is None or packet[match.end() : match.end() + 1].isdigit():
        raise MalformedPacket()
    return PacketHead(
        type=int(match["type"] or match["binary"]),
        namespace=(match["namespace"] or b"/").split(b"?", 1)[0],
        ack_id=match["ack_id"],
        attachments=int(match["attachments"] or 0),
        end=match.end(),
    )


def read_event(packet: bytes, head: PacketHead) -> tuple[str, list[object]]:
    """The call's name and its arguments, any number of them. Raises MalformedPacket, InvalidArgument."""
    data = _json(packet, head)
    if not isinstance(data, list) or not data or not isinstance(data[0], str):
        raise MalformedPacket("An event is a JSON array that begins with its name")
    return data[0], data[1:]


def read_auth(packet: bytes, head: PacketHead) -> object:
    """What the client passed as `auth`; None when it passed nothing. Raises MalformedPacket."""
    return _json(packet, head) if len(packet) > head.end else None


def _json(packet: bytes, head: PacketHead) -> object:
    check_values(packet, "")
    try:
        data: object = orjson.loads(memoryview(packet)[head.end :])
    except orjson.JSONDecodeError as error:
        raise MalformedPacket(f"The packet's JSON can't be read: {error.msg}") from None
    return data


def is_utf8(text: bytes) -> bool:
    try:
        str(text, "utf-8")
    except UnicodeDecodeError:
        return False
    return True
