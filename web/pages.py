"""The files of the web page as they were built (`make ui`), or a word on how to build them. Never makes content."""

from __future__ import annotations

import os
from pathlib import Path

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

DIST = Path(__file__).parent / "ui" / "dist"
IMMUTABLE = "public, max-age=31536000, immutable"
"""For /assets: their names change with their content."""
CHECK_FIRST = "no-cache"
GUARDS = ("If-Match", "If-Unmodified-Since")
"""Of edits, which a page has none of."""
NAME = r"{name:[A-Za-z0-9_-][A-Za-z0-9._-]*}"
ROOT_FILE = r"{name:[A-Za-z0-9_-]+\.(?:svg|ico|png|webmanifest|js)}"
NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Parley</title></head>
<body>
<h1>Parley is running</h1>
<p>Its page is not built yet: install Node 20 or later and run <code>make ui</code> in the checkout, then reload.</p>
<p>The API works without it; it is described in <a href="/api/openapi.json">/api/openapi.json</a>.</p>
</body>
</html>
"""


class Pages:
    """Files are looked up at each request, so that a page that is built later shows without a restart."""

    def __init__(self, dist: Path = DIST) -> None:
        self._dist = dist

    def attach(self, app: web.Application) -> None:
        app.router.add_get("/", self._index)
        app.router.add_get("/api/docs", self._docs)
        app.router.add_get(f"/assets/{NAME}", self._asset)
        app.router.add_get(f"/docs/{NAME}", self._docs_file)
        app.router.add_get(f"/{ROOT_FILE}", self._root_file)

    async def _index(self, request: web.Request) -> web.StreamResponse:
        return self._page(self._dist / "index.html")

    async def _docs(self, request: web.Request) -> web.StreamResponse:
        return self._page(self._dist / "docs" / "index.html")

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        return _file(self._dist / "assets" / request.match_info["name"], IMMUTABLE)

    async def _docs_file(self, request: web.Request) -> web.StreamResponse:
        return _file(self._dist / "docs" / request.match_info["name"], CHECK_FIRST)

    async def _root_file(self, request: web.Request) -> web.StreamResponse:
        return _file(self._dist / request.match_info["name"], CHECK_FIRST)

    def _page(self, path: Path) -> web.StreamResponse:
        if not path.is_file():
            return web.Response(text=NOT_BUILT, content_type="text/html", headers={"Cache-Control": "no-store"})
        return _file(path, CHECK_FIRST)


class PageFile(web.FileResponse):
    """All of a file, or a part that it has. What aiohttp refuses while it sends has no body, so nothing is refused."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        headers = CIMultiDict(request.headers)
        for name in (*GUARDS, *(() if self._has_range(request) else ("Range",))):
            headers.popall(name, None)
        return await super().prepare(request.clone(headers=headers))

    def _has_range(self, request: web.BaseRequest) -> bool:
        try:
            first = request.http_range.start
        except ValueError:
            return False
        return first is None or first < self._path.stat().st_size


def _file(path: Path, caching: str) -> web.StreamResponse:
    if not path.is_file() or not os.access(path, os.R_OK):
        raise web.HTTPNotFound
    return PageFile(path, headers={"Cache-Control": caching})
