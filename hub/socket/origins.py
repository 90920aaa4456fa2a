"""Which web pages may talk to this server: the Origin and Host checks, one for REST and the socket alike.

A page of a foreign site can make a browser send requests to a loopback port. Its Origin gives it away; and a Host that
is no loopback name means that a foreign name was made to point here (DNS rebinding). Never looks at tokens.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import web

from hub.socket.proxies import Proxies, seen
from models.errors import Forbidden, OriginNotAllowed

ANY = "*"
AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
DEFAULT_PORTS = {"http": "80", "https": "443"}
SHOWN_CHARS = 100
"""Enough to see what is meant, of what anybody can send."""
FOREIGN_SITES = ("cross-site", "same-site")
"""What browsers say of a request that a page of another origin caused (Fetch Metadata); a port is another origin."""


def is_loopback(host: str) -> bool:
    """True for 127.0.0.0/8, ::1, `localhost` and names below it (RFC 6761 §6.3)."""
    name = host.strip("[]").rstrip(".").lower()
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def normal_origin(origin: str) -> str:
    """As browsers write it: lower case, no default port. Raises ValueError for what no browser sends."""
    parts = urlsplit(origin)
    match = AUTHORITY.fullmatch(parts.netloc)
    if not parts.scheme or match is None or parts.path or parts.query or parts.fragment:
        raise ValueError(f"{origin!r} is not an origin: scheme://host or scheme://host:port, without a path")
    host, port = match.groups()
    suffix = "" if port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    return f"{parts.scheme}://{host.lower()}{suffix}"


class Origins:
    """`allowed` are further origins (`--allow-origin`); `*` admits every page, which only a token makes safe.

    Bound to a loopback address the server answers to loopback names and the hosts of allowed origins only. A trusted
    proxy may call it by any name, if a token is demanded: without one, a page that had a name point here would do as if
    it were the proxy.
    """

    def __init__(
        self, bound_to: str, allowed: Iterable[str] = (), proxies: Proxies | None = None, *, token: bool = False
    ) -> None:
        wanted = tuple(allowed)
        self._any = ANY in wanted
        self._allowed = frozenset(normal_origin(origin) for origin in wanted if origin != ANY)
        self._hosts = frozenset(_host_of(urlsplit(origin).netloc) for origin in self._allowed)
        self._loopback = is_loopback(bound_to)
        self._proxies = proxies or Proxies()
        self._token = token

    def admit(self, request: web.Request) -> None:
        """Raises Forbidden for a foreign Host, OriginNotAllowed for a foreign page."""
        self._check_host(request)
        origin = request.headers.get("Origin")
        if origin is None:
            return
        asked = self._proxies.asked(request)
        if AUTHORITY.fullmatch(asked.host) is None:
            raise Forbidden(f"{asked.header} is malformed", field=asked.header)
        if not self._is_allowed(origin, asked.host):
            raise OriginNotAllowed(
                f"The page's Origin is {_shown(origin)}, and {asked.header} is {_shown(asked.host)}: to admit it, list "
                f"the origin with --allow-origin{self._advice(request)}",
                field="Origin",
                header=asked.header,
                seen=asked.host[:SHOWN_CHARS],
            )

    def admit_to_socket(self, request: web.Request) -> None:
        """As `admit`, and refuses what a foreign page only embeds: a script or an image is asked for without an Origin.
        REST does not ask for that, since a link from another site to a page here is one."""
        self.admit(request)
        foreign = request.headers.get("Sec-Fetch-Site") in FOREIGN_SITES
        if foreign and "Origin" not in request.headers and not self._any:
            raise OriginNotAllowed(field="Sec-Fetch-Site")

    def cors_headers(self, request: web.Request) -> dict[str, str]:
        """What an admitted page of another origin needs in order to read the answer; nothing for the same origin."""
        origin = request.headers.get("Origin")
        if origin is None or _same(origin, self._proxies.asked(request).host):
            return {}
        return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": "ETag", "Vary": "Origin"}

    def _check_host(self, request: web.Request) -> None:
        host = request.headers.get("Host", "")
        if AUTHORITY.fullmatch(host) is None:
            raise Forbidden("The Host header is missing or malformed", field="Host")
        name = _host_of(host)
        if not self._loopback or is_loopback(name) or name in self._hosts:
            return
        if self._token and self._proxies.trusts(request.remote or ""):
            return
        raise Forbidden(
            f"This server answers to loopback names only, and Host is {_shown(host)}: to reach it under another name, "
            f"list that name's origin with --allow-origin{self._advice(request, naming=True)}",
            field="Host",
            header="Host",
            seen=host[:SHOWN_CHARS],
        )

    def _advice(self, request: web.Request, *, naming: bool = False) -> str:
        """What an operator with a proxy in front would want to know."""
        peer, forwarded = request.remote or "the proxy", seen(request)
        if self._proxies.trusts(peer):
            if naming:
                return "; of a trusted proxy any name is taken once a token is set (PARLEY_TOKEN)"
            return "; the proxy should send the client's own Host, with its port, as X-Forwarded-Host"
        if forwarded is not None:
            return f"; {forwarded} is ignored: if {peer} is your proxy, start with --trusted-proxy {peer}"
        return f"; behind a proxy let it send X-Forwarded-Host, and start with --trusted-proxy {peer}"

    def _is_allowed(self, origin: str, host: str) -> bool:
        if self._any or _same(origin, host):
            return True
        try:
            return normal_origin(origin) in self._allowed
        except ValueError:  # also "null", which sandboxed and local pages send
            return False


def _same(origin: str, host: str) -> bool:
    """Compares what follows the scheme: behind a proxy that ends TLS the server does not see the page's scheme."""
    scheme, _, authority = origin.partition("://")
    default = f":{DEFAULT_PORTS.get(scheme, '')}"
    return bool(authority) and authority.lower().removesuffix(default) == host.lower().removesuffix(default)


def _host_of(authority: str) -> str:
    match = AUTHORITY.fullmatch(authority)
    return match.group(1).lower() if match is not None else ""


def _shown(value: str) -> str:
    return repr(value[:SHOWN_CHARS])
