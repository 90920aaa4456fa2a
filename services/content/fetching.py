"""Fetches an image from a URL that somebody gave, from public addresses alone. Never speaks to a machine of the
server's own network, whatever a name leads to.

An address is judged where it is connected to: the name is looked up once, all that it leads to must be public, and the
connection goes to just these addresses. Redirects begin anew. Nothing of the server's is sent along: no cookies, no
credentials, no proxy of the environment.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

TIMEOUT_S = 15.0
REDIRECTS_MAX = 3
_CHUNK_BYTES = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
"""A host whose last part is one is an address, or nothing: no domain ends so (URL Standard, “ends in a number”)."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Fetch: TypeAlias = Callable[[str, int], Awaitable[bytes]]
"""The bytes at a URL, at most so many. Raises FetchRefused."""


class FetchRefused(Exception):
    """Why there are no bytes; for people and models."""


def is_public(address: Address) -> bool:
    """Whether it lies in the public network, also what it carries of an older form."""
    inner = _carried(address)
    if inner is not None and not is_public(inner):
        return False
    return address.is_global and not address.is_multicast


async def fetch_public(
    url: str, max_bytes: int, *, timeout_s: float = TIMEOUT_S, allowed: Callable[[Address], bool] = is_public
) -> bytes:
    """Raises FetchRefused."""
    try:
        async with asyncio.timeout(timeout_s), _session(allowed) as session:
            return await _followed(session, URL(url), max_bytes, allowed)
    except TimeoutError:
        raise FetchRefused(f"The address did not answer in {timeout_s:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise FetchRefused(f"The image could not be fetched ({_worded(error)})") from None


def _session(allowed: Callable[[Address], bool]) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(resolver=_Checked(allowed), use_dns_cache=False, force_close=True)
    # What is packed could unpack to anything: it is not asked for, and not unpacked.
    headers = {"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": "Parley"}
    jar = aiohttp.DummyCookieJar()
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=jar, headers=headers, auto_decompress=False, trust_env=False
    )


async def _followed(
    session: aiohttp.ClientSession, url: URL, max_bytes: int, allowed: Callable[[Address], bool]
) -> bytes:
    for _ in range(REDIRECTS_MAX + 1):
        _check(url, allowed)
        async with session.get(url, allow_redirects=False) as response:
            target = response.headers.get("Location")
            if response.status not in _REDIRECTS or target is None:
                return await _body(response, max_bytes)
            url = url.join(URL(target))
    raise FetchRefused(f"The address leads on more than {REDIRECTS_MAX} times")


def _check(url: URL, allowed: Callable[[Address], bool]) -> None:
    """An address in numbers is not looked up, so it is judged here; one in an older spelling (127.1, 0x7f000001) is
    whatever the system that looks it up takes it for, so it is refused. Raises FetchRefused."""
    if url.scheme not in ("http", "https") or not url.host:
        raise FetchRefused("The URL must begin with http:// or https://")
    if url.user or url.password:
        raise FetchRefused("A URL with a name or a password in it is not fetched")
    try:
        address = ipaddress.ip_address(url.host.partition("%")[0])
    except ValueError:
        if _NUMBER.fullmatch(url.host.removesuffix(".").rpartition(".")[2]):
            raise FetchRefused("The address is in numbers, but not as four of them") from None
        return
    if not allowed(address):
        raise FetchRefused("The address is not a public one")


async def _body(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    if response.status != 200:
        raise FetchRefused(f"The address answered with status {response.status}")
    if not response.content_type.startswith("image/"):
        raise FetchRefused(f"What lies there is no image, but {response.content_type[:100]}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise FetchRefused("The image comes packed, which was not asked for")
    if (response.content_length or 0) > max_bytes:
        raise FetchRefused(_too_large(max_bytes))
    body = bytearray()
    async for part in response.content.iter_chunked(_CHUNK_BYTES):
        body += part
        if len(body) > max_bytes:
            raise FetchRefused(_too_large(max_bytes))
    return bytes(body)


def _too_large(max_bytes: int) -> str:
    return f"The image is larger than {max_bytes / 1e6:g} MB"


class _Checked(AbstractResolver):
    """What it answers is what is connected to: nobody looks the name up again."""

    def __init__(self, allowed: Callable[[Address], bool]) -> None:
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        addresses = [(kind, str(where[0])) for kind, _, _, _, where in found]
        if not addresses or not all(
            self._allowed(ipaddress.ip_address(each.partition("%")[0])) for _, each in addresses
        ):
            raise FetchRefused("The address is not a public one")
        return [
            ResolveResult(hostname=host, host=each, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for kind, each in addresses
        ]

    async def close(self) -> None:
        return None


def _carried(address: Address) -> Address | None:
    """The address of the older form that one of the newer leads to."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo is not None else None
    return address.ipv4_mapped or address.sixtofour or teredo


def _worded(error: Exception) -> str:
    """Without what an error may quote of the server's own network."""
    return type(error).__name__
