"""What services/mcp leans on in private parts of the SDK. Fails when a new version has it otherwise."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import get_args, get_origin

from mcp.client._transport import ReadStream, Transport, TransportStreams, WriteStream
from mcp.client.client import Client
from mcp.shared.message import SessionMessage

from services.mcp.guard import _Guarded


def test_the_pinned_version_is_the_one_that_was_looked_at() -> None:
    assert (version("mcp"), version("mcp-types")) == ("2.3.0", "2.3.0")


def test_a_transport_is_a_block_within_which_there_are_two_streams() -> None:
    read, write = get_args(TransportStreams)
    assert (get_origin(read), get_args(read)) == (ReadStream, (SessionMessage | Exception,))
    assert (get_origin(write), get_args(write)) == (WriteStream, (SessionMessage,))
    assert issubclass(Transport, AbstractAsyncContextManager)
    assert "Transport" in str(Client.__annotations__["server"]).split(" | ")


def test_there_is_no_way_to_take_a_message_that_goes_past_the_guard() -> None:
    """A way that the SDK adds would not be counted, nor would listed tools be looked at."""
    ways = {name for name, value in vars(ReadStream).items() if callable(value) and name not in vars(object)}
    assert ways - {"__class_getitem__", "__subclasshook__"} <= set(vars(_Guarded))
    assert {"receive", "__anext__"} <= ways
