"""Who a request is really from, and what it asked for, behind proxies that are trusted and others."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from hub.socket.origins import Origins
from hub.socket.proxies import Asked, Proxies, crowd_of
from models.errors import Forbidden, OriginNotAllowed

PROXY = "10.0.0.1"
TRUSTED = ("10.0.0.0/24", "::1")
HERE = "127.0.0.1:8765"


def request(peer: str = PROXY, host: str = HERE, **headers: str) -> web.Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    transport = Mock()
    transport.get_extra_info = lambda name, default=None: (peer, 1234) if name == "peername" else default
    return make_mocked_request("GET", "/", headers={"Host": host, **named}, transport=transport)


COMMON = "X-Forwarded-Host"
CASES = {
    "nothing said": ({}, Asked(PROXY, HERE, "Host")),
    "one proxy": (
        {"X_Forwarded_For": "192.0.2.7", "X_Forwarded_Host": "chat.example:8080"},
        Asked("192.0.2.7", "chat.example:8080", COMMON),
    ),
    "what the client sent stands before what the proxy added": (
        {"X_Forwarded_For": "6.6.6.6, 192.0.2.7", "X_Forwarded_Host": "evil.example, chat.example"},
        Asked("192.0.2.7", "chat.example", COMMON),
    ),
    "two trusted proxies": (
        {"X_Forwarded_For": "192.0.2.7, 10.0.0.9", "X_Forwarded_Host": "chat.example, inner.example"},
        Asked("192.0.2.7", "chat.example", COMMON),
    ),
    "two trusted proxies, the inner of which says no host": (
        {"X_Forwarded_For": "192.0.2.7, 10.0.0.9", "X_Forwarded_Host": "chat.example"},
        Asked("192.0.2.7", "chat.example", COMMON),
    ),
    "a client that is one of the trusted": ({"X_Forwarded_For": "10.0.0.7"}, Asked("10.0.0.7", HERE, "Host")),
    "addresses with ports": ({"X_Forwarded_For": "192.0.2.7:4711"}, Asked("192.0.2.7", HERE, "Host")),
    "IPv6 with a port": ({"X_Forwarded_For": "[2001:db8::7]:4711"}, Asked("2001:db8::7", HERE, "Host")),
    "a client that hides": ({"X_Forwarded_For": "unknown"}, Asked(PROXY, HERE, "Host")),
    "nonsense": ({"X_Forwarded_For": ", ,", "X_Forwarded_Host": " "}, Asked(PROXY, HERE, "Host")),
    "a port": (
        {"X_Forwarded_Host": "chat.example", "X_Forwarded_Port": "8443"},
        Asked(PROXY, "chat.example:8443", "X-Forwarded-Host with X-Forwarded-Port"),
    ),
    "a port that the host has already": (
        {"X_Forwarded_Host": "[2001:db8::1]:8080", "X_Forwarded_Port": "80"},
        Asked(PROXY, "[2001:db8::1]:8080", COMMON),
    ),
    "what Traefik sends": (
        {
            "X_Forwarded_For": "192.0.2.7",
            "X_Forwarded_Host": "chat.example",
            "X_Forwarded_Port": "443",
            "X_Forwarded_Proto": "wss",
            "X_Forwarded_Server": "edge",
            "X_Real_Ip": "192.0.2.7",
        },
        Asked("192.0.2.7", "chat.example:443", "X-Forwarded-Host with X-Forwarded-Port"),
    ),
    "the standard": (
        {"Forwarded": 'for=6.6.6.6;host=evil.example, For="[2001:db8::7]:4711";Host="chat.example:8443";proto=https'},
        Asked("2001:db8::7", "chat.example:8443", "Forwarded"),
    ),
    "the standard, which the proxy only passed on": (
        {"Forwarded": "for=6.6.6.6;host=evil.example", "X_Forwarded_For": "192.0.2.7"},
        Asked("192.0.2.7", HERE, "Host"),
    ),
    "the standard without a host": ({"Forwarded": "for=192.0.2.7"}, Asked("192.0.2.7", HERE, "Host")),
    "the standard, garbled": ({"Forwarded": "=;;for"}, Asked(PROXY, HERE, "Host")),
}


@pytest.mark.parametrize("name", CASES)
def test_a_trusted_proxy_says_who_asked_and_for_what(name: str) -> None:
    headers, expected = CASES[name]
    assert Proxies(TRUSTED).asked(request(**headers)) == expected


def test_several_lines_of_a_header_are_one_list() -> None:
    lines = (("Host", HERE), ("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "192.0.2.7"))
    transport = Mock()
    transport.get_extra_info = lambda name, default=None: (PROXY, 1)
    two = make_mocked_request("GET", "/", headers=web.HTTPOk(headers=lines).headers, transport=transport)
    assert Proxies(TRUSTED).client_of(two) == "192.0.2.7"


@pytest.mark.parametrize("peer", ["10.0.1.1", "192.0.2.1", "::2", "", "not an address"])
def test_nobody_else_is_believed(peer: str) -> None:
    headers = {"X_Forwarded_For": "6.6.6.6", "X_Forwarded_Host": "evil.example", "Forwarded": "for=6.6.6.6"}
    assert Proxies(TRUSTED).asked(request(peer, **headers)) == Asked(peer, HERE, "Host")
    assert Proxies().asked(request(**headers)) == Asked(PROXY, HERE, "Host")


@pytest.mark.parametrize("peer", ["::ffff:10.0.0.9", "::1", "::1%lo"])
def test_an_address_is_known_however_it_is_written(peer: str) -> None:
    assert Proxies(TRUSTED).trusts(peer)


def test_a_site_counts_as_one() -> None:
    assert crowd_of("2001:db8::1") == crowd_of("2001:db8::ffff:1") != crowd_of("2001:db8:0:1::1")
    assert crowd_of("192.0.2.1") == "192.0.2.1" == crowd_of("::ffff:192.0.2.1")
    assert crowd_of("") == ""


def origins(bound_to: str = "127.0.0.1", *, token: bool = True) -> Origins:
    return Origins(bound_to, (), Proxies(TRUSTED), token=token)


@pytest.mark.parametrize("host", [HERE, "upstream", "chat.example"])
def test_behind_a_trusted_proxy_a_page_of_the_forwarded_host_is_ours(host: str) -> None:
    headers = {"Origin": "https://chat.example", "X_Forwarded_Host": "chat.example"}
    origins().admit(request(host=host, **headers))
    assert origins().cors_headers(request(host=host, **headers)) == {}
    with pytest.raises(OriginNotAllowed):
        origins().admit(request(host=host, Origin="https://evil.example", X_Forwarded_Host="chat.example"))


def test_without_a_token_a_foreign_name_may_be_one_that_was_made_to_point_here() -> None:
    """DNS rebinding: such a page can send all headers but Host, and comes from this machine as a proxy does."""
    forwarded = {"Origin": "http://evil.example", "X_Forwarded_Host": "evil.example"}
    with pytest.raises(Forbidden, match="PARLEY_TOKEN"):
        origins(token=False).admit(request(host="evil.example", **forwarded))
    origins(token=False).admit(request(host=HERE, **forwarded))


def test_a_forwarded_host_that_is_none_is_refused() -> None:
    with pytest.raises(Forbidden, match="X-Forwarded-Host is malformed"):
        origins().admit(request(Origin="https://a", X_Forwarded_Host="a b"))


ADVICE = {
    "a proxy that is not trusted": ("192.0.2.1", {"X_Forwarded_For": "6.6.6.6"}, "--trusted-proxy 192.0.2.1"),
    "perhaps a proxy": ("192.0.2.1", {}, "let it send X-Forwarded-Host, and start with --trusted-proxy 192.0.2.1"),
    "a trusted proxy that does not say the host": (PROXY, {}, "the proxy should send the client's own Host"),
    "one that leaves the port out": (PROXY, {"X_Forwarded_Host": "chat.example"}, "with its port, as X-Forwarded-Host"),
}


@pytest.mark.parametrize("name", ADVICE)
def test_a_refusal_says_what_was_seen_and_what_to_set(name: str) -> None:
    peer, headers, advice = ADVICE[name]
    with pytest.raises(OriginNotAllowed) as refused:
        origins().admit(request(peer, Origin="https://chat.example:8080", **headers))
    seen = headers.get("X_Forwarded_Host", HERE)
    header = "X-Forwarded-Host" if seen != HERE else "Host"
    assert refused.value.message.startswith(
        f"The page's Origin is 'https://chat.example:8080', and {header} is '{seen}'"
    )
    assert "--allow-origin" in refused.value.message
    assert advice in refused.value.message
    assert refused.value.details == {"field": "Origin", "header": header, "seen": seen}


def test_a_refused_name_is_told_too() -> None:
    advice = r"Host is 'chat\.example'.*X-Forwarded-For is ignored.*--trusted-proxy 192\.0\.2\.1"
    with pytest.raises(Forbidden, match=advice) as refused:
        origins().admit(request("192.0.2.1", "chat.example", X_Forwarded_For="6.6.6.6"))
    assert refused.value.details == {"field": "Host", "header": "Host", "seen": "chat.example"}
