"""Who may call from a browser: same origin or listed, and a Host that is really ours."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from hub.socket.origins import Origins, is_loopback, normal_origin
from models.errors import Forbidden, OriginNotAllowed

LISTED = ("https://chat.example.org", "tauri://localhost", "http://localhost:5173")
HERE = "127.0.0.1:8765"


def request(host: str | None = HERE, origin: str | None = None) -> web.Request:
    headers = {name: value for name, value in (("Host", host), ("Origin", origin)) if value is not None}
    return make_mocked_request("GET", "/", headers=headers)


@pytest.mark.parametrize(
    "host", [HERE, "localhost", "LOCALHOST:1", "[::1]:8765", "a.localhost:80", "127.8.8.8", "localhost.:1"]
)
def test_a_loopback_server_answers_to_loopback_names(host: str) -> None:
    Origins("127.0.0.1").admit(request(host))


@pytest.mark.parametrize(
    "host",
    [None, "", "evil.example", "evil.example:8765", "192.168.1.2", "localhost.evil.example", "127.0.0.1.evil.example"],
)
def test_a_loopback_server_does_not_answer_to_foreign_names(host: str | None) -> None:
    """DNS rebinding: a foreign name that was made to point at 127.0.0.1."""
    with pytest.raises(Forbidden) as refused:
        Origins("127.0.0.1").admit(request(host))
    assert refused.value.details["field"] == "Host"


@pytest.mark.parametrize("host", ["a b", "a/b", "[::1", "a:b", "a:1:2", "u@a", "a:999999"])
@pytest.mark.parametrize("bound_to", ["127.0.0.1", "192.0.2.1"])
def test_a_malformed_host_is_refused_everywhere(host: str, bound_to: str) -> None:
    with pytest.raises(Forbidden):
        Origins(bound_to).admit(request(host))


def test_the_name_of_a_listed_origin_is_ours_too() -> None:
    Origins("127.0.0.1", LISTED).admit(request("chat.example.org"))


def test_a_server_for_others_answers_to_any_name() -> None:
    Origins("192.0.2.1").admit(request("whatever.example"))


@pytest.mark.parametrize("origin", [f"http://{HERE}", *LISTED, "https://chat.example.org:443", "HTTP://LOCALHOST:5173"])
def test_the_same_and_listed_origins_are_admitted(origin: str) -> None:
    Origins("127.0.0.1", LISTED).admit(request(origin=origin))


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:8766",
        "http://localhost:8765",
        "https://chat.example.org:444",
        "http://chat.example.org",
        "tauri://other",
        "https://chat.example.org.evil.example",
        "file://",
        "https://chat.example.org/path",
        "https://[",
        "*",
    ],
)
def test_other_origins_are_refused(origin: str) -> None:
    with pytest.raises(OriginNotAllowed):
        Origins("127.0.0.1", LISTED).admit(request(origin=origin))


def test_behind_a_proxy_that_ends_tls_the_page_is_of_the_same_origin() -> None:
    Origins("192.0.2.1").admit(request("chat.example.org", "https://chat.example.org"))


def test_a_star_admits_every_page() -> None:
    Origins("192.0.2.1", ("*",)).admit(request("a.example", "https://b.example"))


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_foreign_page_embeds_is_kept_from_the_socket_though_it_has_no_origin(site: str) -> None:
    """`<script src>` and the like. Fails when Fetch Metadata is not looked at."""
    embedded = make_mocked_request("GET", "/", headers={"Host": HERE, "Sec-Fetch-Site": site})
    with pytest.raises(OriginNotAllowed) as refused:
        Origins("127.0.0.1", LISTED).admit_to_socket(embedded)
    assert refused.value.details["field"] == "Sec-Fetch-Site"
    Origins("127.0.0.1", LISTED).admit(embedded)  # a link to our page


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:5173"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://chat.example.org"},
    ],
)
def test_agents_and_pages_of_the_same_and_listed_origins_reach_the_socket(headers: dict[str, str]) -> None:
    Origins("127.0.0.1", LISTED).admit_to_socket(make_mocked_request("GET", "/", headers={"Host": HERE, **headers}))


@pytest.mark.parametrize(("host", "origin"), [("evil.example", None), (HERE, "https://evil.example")])
def test_the_socket_refuses_the_hosts_and_origins_that_rest_refuses(host: str, origin: str | None) -> None:
    with pytest.raises(Forbidden):
        Origins("127.0.0.1", LISTED).admit_to_socket(request(host, origin))


def test_only_pages_of_other_origins_get_cors_headers() -> None:
    origins = Origins("127.0.0.1", LISTED)
    assert origins.cors_headers(request()) == {}
    assert origins.cors_headers(request(origin=f"http://{HERE}")) == {}
    headers = origins.cors_headers(request(origin="tauri://localhost"))
    assert headers["Access-Control-Allow-Origin"] == "tauri://localhost"
    assert "Access-Control-Allow-Credentials" not in headers


def test_origins_are_compared_as_browsers_write_them() -> None:
    assert normal_origin("HTTPS://Chat.Example.org:443") == "https://chat.example.org"
    assert normal_origin("http://[::1]:80") == "http://[::1]"
    assert normal_origin("http://a:443") == "http://a:443"


def test_loopback_is_told_from_the_rest() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "::1", "[::1]", "localhost", "x.localhost.")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "local", "localhost.example", "")))  # noqa: S104
