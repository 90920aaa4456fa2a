"""The built page: its files, how long they may be kept, and what is said when it is not built."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from web.pages import Pages

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    built = tmp_path / "dist"
    for name in (
        "index.html",
        "favicon.svg",
        "first-paint.js",
        "assets/index-abc.js",
        "docs/index.html",
        "docs/init.js",
    ):
        path = built / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "secret.svg").write_text("secret")
    (built / "assets" / ".hidden").write_text("secret")
    return built


@pytest.fixture
async def client(dist: Path) -> AsyncIterator[Client]:
    app = web.Application()
    Pages(dist).attach(app)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "file", "media_type", "caching"),
    [
        ("/", "index.html", "text/html", "no-cache"),
        ("/api/docs", "docs/index.html", "text/html", "no-cache"),
        ("/docs/init.js", "docs/init.js", "text/javascript", "no-cache"),
        ("/favicon.svg", "favicon.svg", "image/svg+xml", "no-cache"),
        ("/first-paint.js", "first-paint.js", "text/javascript", "no-cache"),
        ("/assets/index-abc.js", "assets/index-abc.js", "text/javascript", "public, max-age=31536000, immutable"),
    ],
)
async def test_files_are_served_as_they_were_built(
    client: Client, path: str, file: str, media_type: str, caching: str
) -> None:
    async with client.get(path) as response:
        assert (response.status, await response.text()) == (200, file)
        # Both names of JavaScript's type are right; which one is sent depends on the machine's table.
        assert response.content_type.replace("application/javascript", "text/javascript") == media_type
        assert response.headers["Cache-Control"] == caching


@pytest.mark.parametrize(
    ("headers", "status", "text"),
    [
        ({"Range": "bytes=0-4"}, 206, "index"),
        ({"Range": "bytes=-4"}, 206, "html"),
        ({"Range": "bytes=99-"}, 200, "index.html"),
        ({"Range": "bytes=x"}, 200, "index.html"),
        ({"If-Match": '"other"'}, 200, "index.html"),
        ({"If-Unmodified-Since": "Mon, 01 Jan 1990 00:00:00 GMT"}, 200, "index.html"),
        ({"If-None-Match": "*"}, 304, ""),
    ],
)
async def test_no_header_makes_a_file_be_refused(
    client: Client, headers: dict[str, str], status: int, text: str
) -> None:
    """Fails when aiohttp refuses it while it is sent: without a body that is ours."""
    for method in ("GET", "HEAD"):
        async with client.request(method, "/", headers=headers) as response:
            assert (response.status, await response.text()) == (status, text if method == "GET" else "")


@pytest.mark.parametrize(
    "path",
    ["/assets/missing.js", "/assets/.hidden", "/assets/..%2Findex.html", "/..%2Fsecret.svg", "/%2e%2e/secret.svg"],
)
async def test_nothing_outside_is_served(client: Client, path: str) -> None:
    async with client.get(URL(path, encoded=True)) as response:
        assert response.status == 404


async def test_a_page_that_is_not_built_says_how_to_build_it(client: Client, dist: Path) -> None:
    for file in (dist / "index.html", dist / "docs" / "index.html"):
        file.unlink()
    for path in ("/", "/api/docs"):
        async with client.get(path) as response:
            assert response.status == 200
            assert "make ui" in await response.text()


async def test_a_page_that_is_built_later_shows_without_a_restart(client: Client, dist: Path) -> None:
    (dist / "index.html").unlink()
    async with client.get("/") as response:
        assert "make ui" in await response.text()
    (dist / "index.html").write_text("built")
    async with client.get("/") as response:
        assert await response.text() == "built"
