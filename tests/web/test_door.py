"""What every request passes: origin and host, token, security headers, numbers; and errors that tell no secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from patience import HANG_S
from rest_client import Rest
from structlog.testing import capture_logs

from models.clock import SYSTEM_CLOCK
from models.errors import DatabaseCorrupt, DatabaseFull, InvalidArgument
from models.session import Project
from models.text import REPLACEMENT
from services.store.memory.projects import MemoryProjects
from services.store.memory.store import memory_store
from services.store.memory.tables import Memory
from web.keys import LIFECYCLE, PLACES, STORE
from web.listening.places import Capacity
from web.rest import operations
from web.rest.errors import answer_errors, error_response
from web.rest.operations import parley_version
from web.rest.reading import BODY_LIMIT_BYTES
from web.rest.route import Route
from web.rest.routes import ROUTES

Serve = Callable[..., Awaitable[Rest]]
TOKEN = "open-sesame"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
GUARDED = [route for route in ROUTES if not route.public]
PUBLIC = ["/healthz", "/readyz", "/", "/api/docs"]


class BrokenProjects(MemoryProjects):
    """Listing meets a bug that knows a secret."""

    async def all(self) -> tuple[Project, ...]:
        raise RuntimeError("secret detail")


def filled(route: Route) -> str:
    return route.path.format(projectId="p", sessionId="s", messageId="m", name="w")


async def test_with_a_token_set_every_guarded_route_wants_it(serve: Serve) -> None:
    rest = await serve(token=TOKEN)
    for route in GUARDED:
        assert (await rest.ask(route.method, filled(route))).code == "unauthenticated"
        for wrong in ("Bearer wrong", TOKEN, "Basic b3Blbg==", "Bearer", "Bearer caf\u00e9", "Bearer \U0001f600"):
            reply = await rest.ask(route.method, filled(route), headers={"Authorization": wrong})
            assert (reply.status, reply.code) == (401, "unauthenticated"), (route.path, wrong)
            assert reply.headers["WWW-Authenticate"] == "Bearer"
        for headers in (BEARER, {"Authorization": f"bearer   {TOKEN}"}):
            assert (await rest.ask(route.method, filled(route), headers=headers)).status != 401, route.path


@pytest.mark.parametrize("path", PUBLIC)
async def test_probes_and_pages_need_no_token(serve: Serve, path: str) -> None:
    rest = await serve(token=TOKEN)
    assert (await rest.ask("GET", path)).status == 200


async def test_a_pages_origin_is_checked_before_anything_else(serve: Serve) -> None:
    rest = await serve(allow_origin=("tauri://localhost",))
    for path in ("/api/projects", "/metrics", "/", "/contexts/s"):
        refused = await rest.ask("GET", path, headers={"Origin": "https://evil.example"})
        assert (refused.status, refused.code) == (403, "origin_not_allowed")
        assert "Access-Control-Allow-Origin" not in refused.headers
        assert refused.headers["Vary"] == (await rest.ask("GET", path)).headers["Vary"] == "Origin"
    sent = await rest.ask("POST", "/api/sessions", headers={"Origin": "null"})
    assert (sent.status, sent.code) == (403, "origin_not_allowed")


SOCKET = "/socket.io/?EIO=4&transport=nonsense"


class Guest:
    """A connection whose request is being handled."""

    def __init__(self, number: int) -> None:
        self.address = str(number)
        self.well_known = False

    def displace(self) -> None:
        raise AssertionError("it is at work")

    def look_at(self, now: float) -> None:
        """Its time is not over."""


async def test_the_last_places_are_for_the_known_and_the_very_last_for_probes(serve: Serve) -> None:
    rest = await serve(token=TOKEN)
    places = rest.app[PLACES]
    for number in range(10):
        guest = Guest(number)
        places.enter(guest)
        places.works(guest)

    async def statuses(connections: int) -> list[int]:
        """Of a probe, a client with a token, the socket, one with a wrong token, and a page, each the 11th at work."""
        places.capacity = Capacity(connections, kept=4)
        wrong = {"Authorization": "Bearer wrong"}
        asked = [("/healthz", {}), ("/api/projects", BEARER), (SOCKET, {}), ("/api/projects", wrong), ("/", {})]
        return [(await rest.client.get(path, headers=headers)).status for path, headers in asked]

    assert await statuses(15) == [200, 200, 400, 401, 200]
    assert await statuses(14) == [200, 200, 400, 503, 503]
    assert await statuses(12) == [200, 503, 503, 503, 503]
    turned_away = await rest.ask("GET", "/api/projects")
    assert (turned_away.code, turned_away.headers["Connection"]) == ("too_many_connections", "close")


async def test_a_listed_origin_may_read_answers_and_errors(serve: Serve) -> None:
    rest = await serve(allow_origin=("tauri://localhost",))
    origin = {"Origin": "tauri://localhost"}
    for path in ("/api/projects", "/api/sessions/nobody"):
        reply = await rest.ask("GET", path, headers=origin)
        assert reply.headers["Access-Control-Allow-Origin"] == "tauri://localhost"
        assert reply.headers["Access-Control-Expose-Headers"] == "ETag"
        assert reply.headers["Vary"] == "Origin"


async def test_a_preflight_is_answered_for_listed_origins_only(serve: Serve) -> None:
    rest = await serve(token=TOKEN, allow_origin=("tauri://localhost",))
    asking = {"Origin": "tauri://localhost", "Access-Control-Request-Method": "PATCH"}
    reply = await rest.ask("OPTIONS", "/api/sessions/s", headers=asking)
    assert reply.status == 204
    assert reply.headers["Access-Control-Allow-Methods"] == "DELETE, GET, HEAD, OPTIONS, PATCH"
    assert "If-Match" in reply.headers["Access-Control-Allow-Headers"]
    foreign = {**asking, "Origin": "https://evil.example"}
    assert (await rest.ask("OPTIONS", "/api/sessions/s", headers=foreign)).status == 403
    assert (await rest.ask("OPTIONS", "/nowhere", headers=asking)).status == 404


async def test_options_are_those_of_the_path_and_no_others(serve: Serve) -> None:
    """Without a token and without an origin; a refused method is told the same. Fails with one list for all paths."""
    rest = await serve(token=TOKEN)
    for path, methods in (
        ("/api/sessions/s", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/api/models", "GET, HEAD, OPTIONS"),
        ("/contexts/s/actions/pin", "OPTIONS, POST"),
        ("/", "GET, HEAD, OPTIONS"),
    ):
        asked = await rest.ask("OPTIONS", path)
        assert (asked.status, asked.headers["Allow"], asked.raw) == (204, methods, b"")
        assert "Access-Control-Allow-Methods" not in asked.headers
        refused = await rest.ask("TRACE", path)
        assert (refused.status, refused.headers["Allow"]) == (405, methods)
        assert ", ".join(refused.data["details"]["allowed"]) == methods
    assert (await rest.ask("OPTIONS", "/nowhere")).code == "not_found"


async def test_a_foreign_host_is_refused_but_for_probes(rest: Rest) -> None:
    refused = await rest.ask("GET", "/api/projects", headers={"Host": "evil.example"})
    assert (refused.status, refused.code, refused.field) == (403, "forbidden", "Host")
    assert (await rest.ask("GET", "/healthz", headers={"Host": "10.0.0.7:8765"})).status == 200


@pytest.mark.parametrize("path", ["/", "/api/projects", "/api/sessions/nobody", "/nothing", "/metrics", "/readyz"])
async def test_every_answer_has_security_headers(rest: Rest, path: str) -> None:
    headers = (await rest.ask("GET", path)).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] in ("no-store", "no-cache")


async def test_a_bug_is_logged_and_answered_without_details(serve: Serve) -> None:
    memory = memory_store(Memory(SYSTEM_CLOCK))
    assert isinstance(memory.storage, Memory)
    rest = await serve({"store": replace(memory, projects=BrokenProjects(memory.storage))})
    with capture_logs() as logs:
        reply = await rest.ask("GET", "/api/projects")
    assert (reply.status, reply.code) == (500, "internal_error")
    assert reply.data == {"error": "Internal error", "code": "internal_error", "retryable": False, "details": {}}
    [entry] = [entry for entry in logs if entry["event"] == "request failed"]
    assert entry["exc_info"]


async def test_requests_are_counted_by_template_and_refusals_by_code(rest: Rest) -> None:
    await rest.ask("GET", "/api/sessions/nobody")
    await rest.ask("GET", "/nothing/at/all")
    text = (await rest.ask("GET", "/metrics")).raw.decode()
    route = 'method="GET",route="/api/sessions/{sessionId}",status="404"'
    assert f"parley_http_requests_total{{{route}}} 1.0" in text
    assert 'parley_http_refusals_total{code="session_not_found"} 1.0' in text
    assert 'route="none",status="404"' in text
    assert "nobody" not in text
    assert "parley_storage_ok 1.0" in text


async def test_readiness_says_why_it_is_red(rest: Rest) -> None:
    assert (await rest.get("/readyz"))["status"] == "ready"
    memory = rest.app[STORE].storage
    assert isinstance(memory, Memory)
    memory.trouble = DatabaseFull()
    red = await rest.ask("GET", "/readyz")
    assert (red.status, red.data["error"], red.headers["Retry-After"]) == (503, memory.trouble.message, "2")
    memory.trouble = DatabaseCorrupt()
    assert (await rest.ask("GET", "/readyz")).code == "storage_corrupt"
    assert (await rest.get("/healthz"))["status"] == "ok"
    memory.trouble = None
    assert await rest.get("/readyz") == {"status": "ready", "version": parley_version()}
    memory.missing = "the newest changes"
    assert (await rest.get("/readyz"))["warning"] == "the newest changes"


def test_the_version_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the files of the distribution, which probes would have read again and again."""
    version = parley_version()
    monkeypatch.delattr(operations, "version")
    assert parley_version() == version


async def test_a_draining_server_takes_no_new_work_and_still_answers_questions(rest: Rest) -> None:
    session_id = await rest.session()
    rest.app[LIFECYCLE].draining = True
    assert (await rest.ask("GET", "/readyz")).code == "draining"
    for method, path in (("POST", "/api/sessions"), ("DELETE", f"/api/sessions/{session_id}")):
        refused = await rest.ask(method, path)
        assert (refused.status, refused.code, refused.data["retryable"]) == (503, "draining", True)
    assert (await rest.ask("GET", f"/api/sessions/{session_id}")).status == 200


async def test_a_bearer_token_that_is_no_text_is_refused(serve: Serve) -> None:
    rest = await serve(token=TOKEN)
    head = b"GET /api/me HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \xff\xfe\r\n\r\n"
    assert (await raw_answer(rest, head)).split()[1] == b"401"


async def test_another_refusal_of_the_http_library_is_bad_input() -> None:
    async def refuses(request: web.Request) -> web.StreamResponse:
        raise web.HTTPExpectationFailed

    assert (await answer_errors(make_mocked_request("GET", "/"), refuses)).status == 400


async def test_a_client_that_went_away_is_no_bug() -> None:
    async def gone(request: web.Request) -> web.StreamResponse:
        raise ConnectionResetError

    request = make_mocked_request("GET", "/")
    assert request.transport is not None
    with capture_logs() as logs:
        request.transport.is_closing.return_value = True  # type: ignore[attr-defined]
        assert (await answer_errors(request, gone)).status == 499
        assert logs == []
        request.transport.is_closing.return_value = False  # type: ignore[attr-defined]
        assert (await answer_errors(request, gone)).status == 500
    assert [entry["event"] for entry in logs] == ["request failed"]


def test_details_of_any_kind_can_be_shown() -> None:
    error = InvalidArgument("\ud800" * 1000, field=1, other={"\0": [Path("a"), None]}, big=1 << 70)
    body = error_response(error).body
    assert isinstance(body, bytes)
    shown = orjson.loads(body)
    assert shown["error"] == REPLACEMENT * 500
    assert shown["details"] == {"field": 1, "other": {REPLACEMENT: ["a", None]}, "big": str(1 << 70)}


async def raw_answer(rest: Rest, request: bytes) -> bytes:
    """The first line of what the server says to bytes that no HTTP library would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rest.client.port)
    try:
        async with asyncio.timeout(HANG_S):
            writer.write(request)
            return (await reader.readline()).strip()
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /api/sessions/\xff\xfe HTTP/1.1", 400),
        (b"GET /api/sessions/a?\xff=\xfe HTTP/1.1", 400),
        (b"GET /api/sessions/a\x00b HTTP/1.1", 400),
        (b"GET /api/sessions/" + b"a" * 100_000 + b" HTTP/1.1", 431),
        (b"G\x01T / HTTP/1.1", 400),
        (b"GET / HTTP/9.9", 400),
        (b"GET http://[ HTTP/1.1", 400),
        (b"GET /%zz HTTP/1.1", 404),
        (b"nonsense", 400),
    ],
)
async def test_what_is_no_http_gets_a_4xx(rest: Rest, request_line: bytes, status: int) -> None:
    answer = await raw_answer(rest, request_line + b"\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    assert answer.split()[1] == str(status).encode()


async def test_a_body_far_above_the_limit_is_refused_before_it_is_sent(rest: Rest) -> None:
    head = b"POST /api/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    answer = await raw_answer(rest, head + b"Content-Length: 1000000000000\r\n\r\n{")
    assert answer.split()[1] == b"413"


async def test_a_body_of_unknown_length_is_refused_at_the_limit(rest: Rest) -> None:
    head = b"POST /api/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    count = BODY_LIMIT_BYTES // 0x100000 + 2
    answer = await raw_answer(rest, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * count)
    assert answer.split()[1] == b"413"


async def test_a_malformed_length_or_framing_gets_a_400(rest: Rest) -> None:
    head = b"POST /api/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    for bad in (b"Content-Length: -1", b"Content-Length: x", b"Transfer-Encoding: chunked", b"Transfer-Encoding: a"):
        answer = await raw_answer(rest, head + bad + b"\r\n\r\nxyz\r\n\r\n")
        assert answer.split()[1] == b"400", bad
