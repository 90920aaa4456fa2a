"""An MCP server as a process: its standard input and output as a transport, and its end. Never reads a message's
meaning.

The process leads a group of its own, which is stopped with it. A line has a limit, what is no message is counted, and
the last words on standard error tell why it ended.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from asyncio.subprocess import PIPE, Process, SubprocessStreamProtocol
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from models.text import cleaned
from services.mcp.config import McpServerConfig
from services.mcp.errors import McpBroken
from services.mcp.guard import Backlog

Incoming = MemoryObjectSendStream[SessionMessage | Exception]
OutgoingMessages = MemoryObjectReceiveStream[SessionMessage]
McpStreams = tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]]
Given = TypeVar("Given")

LINE_MAX_BYTES = 16 * 1024 * 1024
NONSENSE_MAX = 100
"""Lines that are no message; some servers print a greeting, and some print everything."""
LEAVE_S = 2.0
"""How long it may take to end by itself when its input was closed, as MCP wants it."""
TERMINATE_S = 2.0
REAP_S = 2.0
_CHUNK_BYTES = 1 << 16
_TAIL_CHARS = 2_000
_POLL_S = 0.01
_INHERITED = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER")
"""Nothing else of our environment: it holds secrets that are not the server's."""


@asynccontextmanager
async def stdio_transport(config: McpServerConfig) -> AsyncGenerator[McpStreams]:
    """Within the block the process runs; its end by itself is raised as McpBroken with the reason."""
    process = await ServerProcess.start(config)
    incoming, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, outgoing = anyio.create_memory_object_stream[SessionMessage](0)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(process.keep_last_words)
            tasks.start_soon(process.pass_messages_in, incoming)
            tasks.start_soon(process.pass_messages_out, outgoing)
            try:
                yield read, write
            finally:
                with anyio.CancelScope(shield=True):
                    await process.stop()
                tasks.cancel_scope.cancel()
    finally:
        process.close()
        for stream in (incoming, read, write, outgoing):
            stream.close()


class ServerProcess:
    """One process from its start to its end."""

    def __init__(self, process: Process, transport: asyncio.SubprocessTransport) -> None:
        self.pid = process.pid
        self._process = process
        self._stdin = _given(process.stdin)
        self._stdout = _given(process.stdout)
        self._stderr = _given(process.stderr)
        self._transport = transport
        self._stopping = False
        self._last_words = ""
        self._nonsense = 0
        self._backlog = Backlog()

    @classmethod
    async def start(cls, config: McpServerConfig) -> ServerProcess:
        """Raises McpBroken that says why there is no such process."""
        loop = asyncio.get_running_loop()
        try:
            # As `asyncio.create_subprocess_exec` does it, which keeps the transport to itself: it must be closed, or a
            # pipe that a runaway grandchild holds would stay open.
            transport, protocol = await loop.subprocess_exec(
                lambda: SubprocessStreamProtocol(limit=_CHUNK_BYTES, loop=loop),
                config.command or "",
                *config.args,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                env={name: os.environ[name] for name in _INHERITED if name in os.environ} | config.env,
                cwd=config.cwd,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise McpBroken(_why_not_started(config, error)) from None
        return cls(Process(transport, protocol, loop), transport)

    async def pass_messages_in(self, incoming: Incoming) -> None:
        """Raises McpBroken when the output ends, is a flood or turns out to be nonsense."""
        async with incoming:
            async for line in self._lines():
                if line.strip() and (message := self._message(line)) is not None:
                    self._backlog.took(message)
                    try:
                        await incoming.send(message)
                    except (anyio.ClosedResourceError, anyio.BrokenResourceError):
                        return await self._drain()
        await self._raise_why_gone("closed its standard output")

    async def pass_messages_out(self, outgoing: OutgoingMessages) -> None:
        async with outgoing:
            async for message in outgoing:
                text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                self._stdin.write(text.encode() + b"\n")
                try:
                    await self._stdin.drain()
                except OSError:
                    return await self._raise_why_gone("closed its standard input")

    async def keep_last_words(self) -> None:
        """Standard error is read to its end, or the process would wait for somebody who does."""
        while chunk := await self._stderr.read(_CHUNK_BYTES):
            self._last_words = (self._last_words + chunk.decode(errors="replace"))[-_TAIL_CHARS:]

    async def stop(self) -> None:
        """Closes its input, then ends the whole group, in the end by force. Takes at most six seconds."""
        self._stopping = True
        self._stdin.close()
        await self._gone(LEAVE_S)
        if self._signal(signal.SIGTERM):
            with anyio.move_on_after(TERMINATE_S):
                while self._signal(0):  # noqa: ASYNC110 - nobody tells when a group is gone
                    await anyio.sleep(_POLL_S)
            self._signal(signal.SIGKILL)
        await self._gone(REAP_S)

    def close(self) -> None:
        with suppress(OSError):
            self._transport.close()

    async def _lines(self) -> AsyncIterator[bytes]:
        held: list[bytes] = []
        size = 0
        while chunk := await self._chunk():
            *lines, rest = chunk.split(b"\n")
            for line in lines:
                yield b"".join((*held, line))
                held, size = [], 0
            held.append(rest)
            size += len(rest)
            if size > LINE_MAX_BYTES:
                raise McpBroken(f"it wrote a line of more than {LINE_MAX_BYTES >> 20} MB")

    async def _chunk(self) -> bytes:
        asked = time.monotonic()
        chunk = await self._stdout.read(_CHUNK_BYTES)
        self._backlog.rested(time.monotonic() - asked)
        return chunk

    def _message(self, line: bytes) -> SessionMessage | None:
        try:
            return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
        except ValueError:
            self._nonsense += 1
        if self._nonsense > NONSENSE_MAX:
            shown = cleaned(line[:80].decode(errors="replace"))
            raise McpBroken(f"its standard output is no MCP, for example “{shown}”")
        return None

    async def _drain(self) -> None:
        async for _ in self._lines():
            pass

    async def _raise_why_gone(self, otherwise: str) -> None:
        if self._stopping:
            return
        with anyio.CancelScope(shield=True):
            await self._gone(1.0)
            await anyio.sleep(_POLL_S)  # for the last words to arrive
        code = self._process.returncode
        said = [line.strip() for line in self._last_words.splitlines() if line.strip()]
        words = f": {cleaned(said[-1])[:300]}" if said else ""
        raise McpBroken(f"it {otherwise}{words}" if code is None else f"it {_ended(code)}{words}")

    async def _gone(self, within_s: float) -> bool:
        """Polls, because `Process.wait` also waits for the pipes, which a grandchild may hold."""
        with anyio.move_on_after(within_s):
            while self._process.returncode is None:  # noqa: ASYNC110
                await anyio.sleep(_POLL_S)
        return self._process.returncode is not None

    def _signal(self, number: int) -> bool:
        """Whether the group had anybody to get it."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def _given(pipe: Given | None) -> Given:
    if pipe is None:
        raise McpBroken("it was started without its pipes")
    return pipe


def _ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _why_not_started(config: McpServerConfig, error: Exception) -> str:
    if config.cwd is not None and not Path(config.cwd).is_dir():
        return f"its working folder “{config.cwd}” does not exist"
    if isinstance(error, FileNotFoundError):
        return f"there is no program “{config.command}”; install it, or correct `command`"
    if isinstance(error, PermissionError):
        return f"“{config.command}” may not be executed"
    return f"“{config.command}” did not start: {error}"
