"""What every answer of a deprecated route says: since when it is (RFC 9745), and what takes its place (RFC 5829).

There is no date on which they end (RFC 8594): not before 1.0.
"""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

SUCCESSOR = web.RequestKey("successor", str)
"""The path that should have been asked for."""
SINCE = "@1796040000"
"""2026-11-30T12:00:00Z."""


def headers_of(request: web.Request) -> dict[str, str]:
    successor = request.get(SUCCESSOR)
    if successor is None:
        return {}
    return {"Deprecation": SINCE, "Link": f'<{quote(successor)}>; rel="successor-version"'}
