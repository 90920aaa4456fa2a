"""What a proxy that is trusted says of the client before it: address, and the host that was asked for. Never believes
anybody else: every client can send these headers."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aiohttp import web
from multidict import CIMultiDictProxy

FORWARDED = "Forwarded"
FOR, HOST, PORT = "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port"
HEADERS = (HOST, PORT, FOR, FORWARDED)
_PAIR = re.compile(r"""\s*([A-Za-z]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s";,]*)\s*""")
_PORTED = re.compile(r"\[([^\]]+)\](?::\d+)?|([^:]+):\d+")
_DIGITS = re.compile(r"[0-9]{1,5}")
CROWD_BITS = 64
"""What one site has of IPv6: its addresses count as one."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Headers = CIMultiDictProxy[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """The client's `address`, and the `host` of the URL that it asked for, which is what `header` says."""

    address: str
    host: str
    header: str


class Proxies:
    """`trusted` are addresses and networks (`--trusted-proxy`). Raises ValueError for what is neither."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._trusted = tuple(network_of(each) for each in trusted)

    def trusts(self, address: str) -> bool:
        if not self._trusted:
            return False
        known = _address(address)
        return known is not None and any(known in network for network in self._trusted)

    def asked(self, request: web.BaseRequest) -> Asked:
        return self.asked_by(request.remote or "", request.headers)

    def asked_by(self, peer: str, headers: Headers) -> Asked:
        """The same of a head that is no request yet."""
        host = headers.get("Host", "")
        if not self.trusts(peer):
            return Asked(peer, host, "Host")
        if any(name in headers for name in (FOR, HOST, PORT)):
            return self._by_common_headers(headers, peer, host)
        if FORWARDED in headers:
            return self._by_standard_header(headers, peer, host)
        return Asked(peer, host, "Host")

    def client_of(self, request: web.BaseRequest) -> str:
        return self.asked(request).address

    def _by_common_headers(self, headers: Headers, peer: str, host: str) -> Asked:
        """Each proxy adds to the end of a list, or writes it anew: the last is by the nearest."""
        client, hops = self._walk(peer, _listed(headers, FOR))
        hosts, ports = _listed(headers, HOST), _listed(headers, PORT)
        header = "Host"
        if hosts:
            host, header = hosts[-min(hops, len(hosts))], HOST
        if ports and host and ":" not in host.rpartition("]")[2]:
            port = ports[-min(hops, len(ports))]
            if _DIGITS.fullmatch(port):
                host, header = f"{host}:{port}", f"{header} with {PORT}"
        return Asked(client, host, header)

    def _by_standard_header(self, headers: Headers, peer: str, host: str) -> Asked:
        """RFC 7239."""
        elements = [_pairs(each) for each in _listed(headers, FORWARDED)]
        client, hops = self._walk(peer, [each.get("for", "") for each in elements])
        said = elements[-min(hops, len(elements))].get("host") if elements else None
        return Asked(client, said, FORWARDED) if said else Asked(client, host, "Host")

    def _walk(self, peer: str, senders: Sequence[str]) -> tuple[str, int]:
        """The nearest address that is not a trusted proxy's, and how many proxies are on the way to it."""
        client, hops = peer, 0
        for sender in reversed(senders):
            if not self.trusts(client):
                break
            hops += 1
            known = _address(_without_port(sender))
            if known is None:
                break
            client = str(known)
        return client, max(hops, 1)


def seen(request: web.BaseRequest) -> str | None:
    """The first header of a proxy that a request has, for messages."""
    return next((name for name in HEADERS if name in request.headers), None)


def network_of(text: str) -> Network:
    """Raises ValueError."""
    return ipaddress.ip_network(text, strict=False)


def crowd_of(address: str) -> str:
    """Whose it counts as where an address may have so many of something."""
    if ":" not in address:
        return address
    known = _address(address)
    if isinstance(known, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((known, CROWD_BITS), strict=False))
    return address if known is None else str(known)


def _address(text: str) -> Address | None:
    """An IPv4 address that came in by an IPv6 socket is the IPv4 address."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _without_port(text: str) -> str:
    match = _PORTED.fullmatch(text)
    return text if match is None else match.group(1) or match.group(2)


def _listed(headers: Headers, name: str) -> list[str]:
    return [part.strip() for part in ",".join(headers.getall(name, ())).split(",") if part.strip()]


def _pairs(element: str) -> dict[str, str]:
    pairs = (_PAIR.fullmatch(part) for part in element.split(";"))
    return {match.group(1).lower(): match.group(2).strip('"') for match in pairs if match is not None}
