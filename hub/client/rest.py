"""The REST side of the Python client: one request, once. Never repeats it and never keeps an answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import aiohttp

from hub.client.errors import CallFailed, ConnectionLost
from hub.client.wire import Json


def under(*names: str) -> str:
    """A path of the API, whatever is in the names."""
    return "/api/" + "/".join(quote(name, safe="") for name in names)


class Rest:
    def __init__(self, url: str, token: str | None) -> None:
        self._url = url
        self._token = token
        self._http: aiohttp.ClientSession | None = None

    def start(self) -> None:
        """Needs a running loop."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        self._http = aiohttp.ClientSession(headers=headers)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def get(self, path: str, **query: str | int) -> Json:
        """Raises ConnectionLost, CallFailed."""
        return await self.request("GET", path, params=query)

    async def post(self, path: str, body: Json) -> Json:
        """Raises ConnectionLost (it may have been carried out), CallFailed."""
        return await self.request("POST", path, json=body)

    async def request(self, method: str, path: str, **arguments: Any) -> Json:
        """Any path of the API document; `arguments` as aiohttp takes them. Raises ConnectionLost, CallFailed."""
        if self._http is None or self._http.closed:
            raise ConnectionLost("Not connected", "not_connected")
        try:
            async with self._http.request(method, self._url + path, **arguments) as response:
                body: Json = await response.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ConnectionLost(str(error)) from error
        if response.status >= 400:
            raise CallFailed({**body, "message": body["error"]})
        return body
