"""The README's recipes, run: nginx and Caddy in front of a real server, with a page's requests through them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType
from patience import HANG_S
from rest_fixtures import Serve
from server_process import free_port

README = (Path(__file__).parents[2] / "README.md").read_text()
NAME = "chat.example.org"
TOKEN = "open-sesame"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PATH = os.environ.get("PATH", "") + ":/usr/sbin"
NGINX = """
daemon off; pid {folder}/pid; error_log stderr; worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    {recipe}
}}
"""
BARE = "server {{ listen 127.0.0.1:{port}; location / {{ {more} proxy_pass http://127.0.0.1:{behind}; }} }}"
CADDY = "{{\n admin off\n auto_https off\n storage file_system {folder}\n}}\n{recipe}"

Recipe = Callable[[int, int], str]
"""A proxy's configuration for the port that it listens on and the one of the server behind it."""


def block(language: str) -> str:
    match = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert match is not None, f"the README has no recipe for {language}"
    return match.group(1)


def nginx_recipe(port: int, behind: int) -> str:
    text = block("nginx").replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    return text.replace("http://127.0.0.1:8765", f"http://127.0.0.1:{behind}")


def bare_nginx(more: str = "") -> Recipe:
    return lambda port, behind: BARE.format(port=port, behind=behind, more=more)


def caddy_recipe(port: int, behind: int) -> str:
    text = block("caddy").replace(f"{NAME} {{", f"http://{NAME}:{port} {{\n bind 127.0.0.1")
    return text.replace("127.0.0.1:8765", f"127.0.0.1:{behind}")


@asynccontextmanager
async def proxied(tool: str, recipe: Recipe, behind: int, folder: Path) -> AsyncIterator[int]:
    """The port that the proxy listens on. Skips where the tool is not installed."""
    found = shutil.which(tool, path=PATH)
    if found is None:
        pytest.skip(f"{tool} is not installed")
    port = free_port()
    form = NGINX if tool == "nginx" else CADDY
    config = folder / tool
    config.write_text(form.format(folder=folder, recipe=recipe(port, behind)))
    arguments = ["-e", "stderr", "-c", str(config)] if tool == "nginx" else ["run", "--config", str(config)]
    more = [] if tool == "nginx" else ["--adapter", "caddyfile"]
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            found, *arguments, *more, stdout=log, stderr=log, env={"HOME": str(folder), "PATH": PATH}
        )
    try:
        await listens(port, process, folder)
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def listens(port: int, process: asyncio.subprocess.Process, folder: Path) -> None:
    async with asyncio.timeout(HANG_S):
        while True:
            assert process.returncode is None, (folder / "log").read_text()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                await writer.wait_closed()
                return


class Page:
    """What a browser sends for a page of `origin`: Host and Origin, whatever the proxy makes of them."""

    def __init__(self, session: ClientSession, port: int, origin: str) -> None:
        self.session = session
        self.url = f"http://127.0.0.1:{port}"
        self.headers = {"Origin": origin, "Host": origin.partition("://")[2], **BEARER}

    async def creates_a_session(self) -> tuple[int, Any]:
        async with self.session.post(f"{self.url}/api/sessions", json={}, headers=self.headers) as response:
            return response.status, await response.json()

    async def polls(self) -> int:
        path = "/socket.io/?EIO=4&transport=polling"
        async with self.session.get(self.url + path, headers=self.headers) as response:
            return response.status

    async def connects(self) -> str:
        """The answer to a connect packet on a WebSocket."""
        path = "/socket.io/?EIO=4&transport=websocket"
        async with self.session.ws_connect(self.url + path, headers=self.headers) as ws:
            await ws.receive(timeout=HANG_S)
            await ws.send_str("40" + json.dumps({"token": TOKEN}))
            message = await ws.receive(timeout=HANG_S)
            assert message.type is WSMsgType.TEXT
            return str(message.data)


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


@pytest.mark.parametrize(
    ("tool", "recipe", "origin"),
    [
        ("nginx", nginx_recipe, f"https://{NAME}"),
        ("nginx", nginx_recipe, f"http://{NAME}:8080"),
        ("nginx", bare_nginx("proxy_set_header X-Forwarded-Host $http_host;"), f"https://{NAME}:8443"),
        (
            "nginx",
            bare_nginx("proxy_set_header Host $host; proxy_set_header X-Forwarded-Port 8443;"),
            f"https://{NAME}:8443",
        ),
        ("caddy", caddy_recipe, f"https://{NAME}"),
    ],
    ids=["nginx", "nginx on another port", "nginx with its own Host", "nginx with $host and a port", "caddy"],
)
async def test_a_page_is_served_behind_a_proxy_that_is_trusted(
    serve: Serve, session: ClientSession, tmp_path: Path, tool: str, recipe: Recipe, origin: str
) -> None:
    rest = await serve(token=TOKEN, trusted_proxy=("127.0.0.1",))
    async with proxied(tool, recipe, int(rest.client.server.port or 0), tmp_path) as port:
        page = Page(session, port, origin)
        status, created = await page.creates_a_session()
        assert status == 201, created
        assert await page.polls() == 200
        if "Upgrade" in recipe(1, 2) or tool == "caddy":
            assert (await page.connects()).startswith("40{")
        stranger = Page(session, port, "https://evil.example")
        stranger.headers["Host"] = page.headers["Host"]
        status, refused = await stranger.creates_a_session()
        assert (status, refused["code"]) == (403, "origin_not_allowed")


@pytest.mark.parametrize("more", ["", "proxy_set_header Host $host;"], ids=["its own Host", "$host"])
async def test_a_page_behind_nginx_as_it_comes_is_told_what_to_set(
    serve: Serve, session: ClientSession, tmp_path: Path, more: str
) -> None:
    rest = await serve(token=TOKEN)
    behind = int(rest.client.server.port or 0)
    async with proxied("nginx", bare_nginx(more), behind, tmp_path) as port:
        status, refused = await Page(session, port, f"http://{NAME}:8080").creates_a_session()
    assert status == 403
    seen = f"127.0.0.1:{behind}" if not more else NAME
    assert refused["details"]["seen"] == seen
    assert f"Host is '{seen}'" in refused["error"]
    assert "--trusted-proxy 127.0.0.1" in refused["error"]
    assert "X-Forwarded-Host" in refused["error"]
