"""Fetching from public addresses alone: what is judged, where, and what is refused of the answer."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from services.content.fetching import Address, FetchRefused, fetch_public, is_public

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100
HOME = ipaddress.ip_address("127.0.0.1")


def only_home(address: Address) -> bool:
    """The tests' own server stands in for the public network."""
    return address == HOME


@asynccontextmanager
async def serving(answer: Callable[[web.Request], web.StreamResponse]) -> AsyncIterator[int]:
    asked = web.Application()

    async def handle(request: web.Request) -> web.StreamResponse:
        return answer(request)

    asked.router.add_get("/{tail:.*}", handle)
    runner = web.AppRunner(asked)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def image(_: web.Request, body: bytes = PNG, kind: str = "image/png") -> web.Response:
    return web.Response(body=body, content_type=kind)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("1.1.1.1", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("ff0e::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::101:101", True),
        ("2002:7f00:1::", False),
        ("2002:a00:1::", False),
    ],
)
def test_an_address_is_public_with_all_that_it_carries(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


async def test_an_image_is_fetched_with_nothing_of_the_servers() -> None:
    seen: list[dict[str, str]] = []

    def answer(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return image(request)

    async with serving(answer) as port:
        assert await fetch_public(f"http://127.0.0.1:{port}/i.png", 1_000, allowed=only_home) == PNG
    assert not {"Cookie", "Authorization"} & set(seen[0])
    assert seen[0]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://localhost:{port}/",
        "http://127.1:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f000001:{port}/",
        "http://0:{port}/",
    ],
)
async def test_whatever_leads_home_is_refused_however_it_is_written(url: str) -> None:
    reached: list[str] = []

    def answer(request: web.Request) -> web.Response:
        reached.append(request.path)
        return image(request)

    async with serving(answer) as port:
        with pytest.raises(FetchRefused):
            await fetch_public(url.format(port=port), 1_000)
    assert reached == []


def looked_up(monkeypatch: pytest.MonkeyPatch, *answers: tuple[str, ...]) -> list[str]:
    """Each look-up of a name gives the next of the answers; returns the names as they are asked for."""
    asked: list[str] = []
    left = list(answers)

    async def getaddrinfo(_: object, host: str, port: int, **__: object) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in left.pop(0)]

    monkeypatch.setattr(type(asyncio.get_running_loop()), "getaddrinfo", getaddrinfo)
    return asked


async def test_a_name_is_looked_up_once_and_what_was_judged_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(image) as port:
        asked = looked_up(monkeypatch, ("127.0.0.1",), ("10.0.0.1",))
        assert await fetch_public(f"http://rebinding.test:{port}/", 1_000, allowed=only_home) == PNG
    assert asked == ["rebinding.test"]


async def test_an_address_in_an_older_spelling_is_refused_before_anybody_looks_it_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Taken out for the check: `_NUMBER`. Then all hangs on what the system's resolver makes of it."""
    asked = looked_up(monkeypatch, ("1.1.1.1",))
    spelled = (
        "127.1 127.0.1 2130706433 0x7f000001 0X7F.1 0177.0.0.1 127.0.0.1. 1.2.3.4.5 256.1.1.1 0x \uff11\uff12\uff17.1"
    )
    for host in spelled.split():
        with pytest.raises(FetchRefused, match="in numbers"):
            await fetch_public(f"http://{host}/", 1_000)
    assert asked == []


@pytest.mark.parametrize("addresses", [("10.0.0.1",), ("127.0.0.1", "10.0.0.1"), ()])
async def test_a_name_that_leads_anywhere_else_is_refused(
    monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    async with serving(image) as port:
        looked_up(monkeypatch, addresses)
        with pytest.raises(FetchRefused, match="not a public one"):
            await fetch_public(f"http://mixed.test:{port}/", 1_000, allowed=only_home)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("http://10.0.0.1/i.png", "not a public one"),
        ("http://[::1]/i.png", "not a public one"),
        ("file:///etc/passwd", "must begin with http"),
        ("http://a:b@127.0.0.1/", "name or a password"),
        ("/again", "leads on more than 3 times"),
    ],
)
async def test_each_redirect_is_judged_anew(target: str, said: str) -> None:
    def answer(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": target})

    async with serving(answer) as port:
        with pytest.raises(FetchRefused, match=said):
            await fetch_public(f"http://127.0.0.1:{port}/", 1_000, allowed=only_home)


async def test_a_redirect_that_stays_public_is_followed() -> None:
    def answer(request: web.Request) -> web.Response:
        if request.path == "/there":
            return image(request)
        return web.Response(status=301, headers={"Location": "/there"})

    async with serving(answer) as port:
        assert await fetch_public(f"http://127.0.0.1:{port}/", 1_000, allowed=only_home) == PNG


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda request: image(request, kind="text/html"), "no image, but text/html"),
        (lambda request: image(request, b"x" * 1_001), "larger than"),
        (lambda request: web.Response(status=404), "status 404"),
        (
            lambda request: web.Response(body=PNG, content_type="image/png", headers={"Content-Encoding": "gzip"}),
            "packed",
        ),
    ],
    ids=["type", "size", "status", "packed"],
)
async def test_what_is_no_image_within_the_limit_is_refused(
    answer: Callable[[web.Request], web.StreamResponse], said: str
) -> None:
    async with serving(answer) as port:
        with pytest.raises(FetchRefused, match=said):
            await fetch_public(f"http://127.0.0.1:{port}/", 1_000, allowed=only_home)


async def test_one_who_never_answers_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(FetchRefused, match="did not answer"):
            await fetch_public(f"http://127.0.0.1:{silent.getsockname()[1]}/", 9, timeout_s=0.05, allowed=only_home)
