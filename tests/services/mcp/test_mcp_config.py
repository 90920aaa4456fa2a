"""The configuration of MCP servers: what is read, and how mistakes are named."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from models.errors import InvalidArgument
from services.mcp.config import read_servers
from services.mcp.naming import server_part, tool_name
from services.tools.tool import NAME


def mistakes(table: object) -> list[str]:
    with pytest.raises(InvalidArgument) as caught:
        read_servers(table, {})
    assert str(caught.value).count("\n") == len(caught.value.details.get("fields", [0])) - 1
    return str(caught.value).splitlines()


def test_a_table_is_read_with_values_of_the_environment() -> None:
    table = tomllib.loads(
        """
        [mcp.files]
        command = "mcp-files"
        args = ["--root", "."]
        env = { KEY = "${FILES_KEY}" }
        timeout_s = 5

        [mcp.web_search]
        url = "https://example.org/mcp"
        headers = { Authorization = "Bearer ${TOKEN}" }
        policies = { purge = "off" }
        risks = { find = "read_only" }
        """
    )
    files, search = read_servers(table["mcp"], {"FILES_KEY": "k", "TOKEN": "t"})
    assert (files.name, files.command, files.args, files.env) == ("files", "mcp-files", ("--root", "."), {"KEY": "k"})
    assert (files.enabled, files.timeout_s, files.policy) == (True, 5.0, None)
    assert search.headers == {"Authorization": "Bearer t"}
    assert (search.policies, search.risks) == ({"purge": "off"}, {"find": "read_only"})
    assert "Bearer t" not in repr(search)


def test_every_mistake_is_named_at_once() -> None:
    found = mistakes(
        {
            "Bad Name": {"command": "x"},
            "both": {"command": "x", "url": "http://127.0.0.1/"},
            "neither": {},
            "typo": {"comand": "x", "timeout_s": -1},
            "secret": {"url": "http://127.0.0.1/", "headers": {"Authorization": "${NOT_SET} ${NOR_THIS}"}},
            "number": 5,
        }
    )
    assert [line.split(":")[0] for line in found] == [
        "mcp.Bad Name",
        "mcp.both",
        "mcp.neither",
        "mcp.typo.timeout_s",
        "mcp.typo.comand",
        "mcp.secret",
        "mcp.number",
    ]
    assert "NOR_THIS, NOT_SET" in found[5]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"command": "x", "headers": {"A": "b"}}, "headers does not go with command"),
        ({"url": "http://h/", "args": ["x"]}, "args does not go with url"),
        ({"url": "ftp://h/"}, "must begin with http"),
        ({"url": "http://"}, "name a host"),
        ({"url": "http://h:99999/"}, "url is not valid"),
        ({"url": "http://user:pass@h/"}, "put them in headers"),
        ({"url": "http://h/", "headers": {"A b": "c"}}, "'A b' is no name of a header"),
        ({"url": "http://h/", "headers": {"A": "b\nc"}}, "the value of A must be"),
        ({"command": "x", "env": {"A=B": "c"}}, "'A=B' is no name of a variable"),
        ({"command": "x\0y"}, "NUL"),
        ({"command": "x", "policy": "always"}, "'auto', 'ask' or 'off'"),
        ({"command": "x", "risks": {"find": "harmless"}}, "risks.find"),
        ({"command": "x", "name": "y"}, "leave it out"),
        ({"command": ""}, "at least 1 character"),
        ({"command": "x", "timeout_s": 0}, "greater than 0"),
        ({"command": "x", "args": "y"}, "args"),
    ],
)
def test_a_mistake_says_what_to_do(entry: dict[str, Any], said: str) -> None:
    [line] = mistakes({"box": entry})
    assert line.startswith("mcp.box")
    assert said in line


def test_something_that_is_no_table_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="table of servers"):
        read_servers([], {})


@pytest.mark.parametrize("name", ["a__b", "9lives", "-x", "a_", "A", "", "x" * 33, "a b", "ä"])
def test_a_name_that_would_spoil_the_names_of_tools_is_refused(name: str) -> None:
    mistakes({name: {"command": "x"}})


@pytest.mark.parametrize("tool", ["read", "a.b/c", "ä", "x" * 200, "", "with__two"])
def test_every_tool_gets_a_name_that_models_take(tool: str) -> None:
    for server in ("a", "s" * 32):
        name = tool_name(server, tool)
        assert NAME.fullmatch(name)
        assert server_part(name) == server


def test_names_that_look_alike_stay_apart() -> None:
    names = {tool_name("s", tool) for tool in ("a.b", "a/b", "a_b", "x" * 100, "x" * 101)}
    assert len(names) == 5
    assert tool_name("s", "a_b") == "s__a_b"
