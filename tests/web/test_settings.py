"""Options: where they come from, what wins, and that all mistakes are told at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.runs.turn_time import TimeLimit
from web.loading import load
from web.settings import Settings, SettingsError

NO_FILE = Path("there-is-no-such-file.toml")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("PARLEY_"):
            monkeypatch.delenv(name)


def mistakes(command_line: dict[str, object], config: Path = NO_FILE) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(command_line, config)
    return caught.value.mistakes


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = load({}, NO_FILE)
    assert (settings.host, settings.port, settings.data) == ("127.0.0.1", 8765, Path(".parley"))
    assert (settings.model, settings.agent, settings.coalesce_window_ms) == ("demo", "assistant", 40)
    assert settings.folder == Path(".parley")


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "parley.toml"
    config.write_text('port = 1\nmodel = "demo"\nlog_level = "error"\ncoalesce_window_ms = 7\n')
    monkeypatch.setenv("PARLEY_PORT", "2")
    monkeypatch.setenv("PARLEY_LOG_LEVEL", "debug")
    settings = load({"port": "3"}, config)
    assert (settings.port, settings.log_level, settings.coalesce_window_ms) == (3, "debug", 7)


def test_built_directly_settings_look_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_PORT", "2")
    assert Settings().port == 8765


def test_lists_come_as_text_or_as_lists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PARLEY_ALLOW_ORIGIN", "https://Chat.example.org:443, tauri://localhost")
    settings = load({}, NO_FILE)
    assert settings.allow_origin == ("https://chat.example.org", "tauri://localhost")
    monkeypatch.delenv("PARLEY_ALLOW_ORIGIN")
    config = tmp_path / "parley.toml"
    config.write_text('allow_origin = ["http://a:1"]\nopenai_models = ["one", "two"]\n')
    settings = load({}, config)
    assert (settings.allow_origin, settings.openai_models) == (("http://a:1",), ("one", "two"))
    assert load({"allow_origin": ["http://b:2", "http://c:3"]}, config).allow_origin == ("http://b:2", "http://c:3")


def test_every_mistake_is_told_at_once_with_its_option(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "parley.toml"
    config.write_text("colour = 1\nmax_connections = 0\n")
    monkeypatch.setenv("PARLEY_LOG_LEVEL", "loud")
    wrong: dict[str, object] = {"port": "70000", "coalesce_window_ms": "x", "workspace": "/there/is/no/such/folder"}
    told = mistakes(wrong, config)
    named = " ".join(told)
    assert len(told) == 6
    for option in ("--port (PARLEY_PORT)", "--coalesce-window-ms", "--workspace", "--log-level", "--max-connections"):
        assert option in named
    assert "colour: there is no such option" in named
    assert "'70000'" in named


@pytest.mark.parametrize(
    "origin",
    ["chat.example.org", "https://a/path", "https://", "https://a?b", "null", "http://a b", "//a", "http://u@a"],
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    [told] = mistakes({"allow_origin": [origin]})
    assert told.startswith("--allow-origin")
    assert "is not an origin" in told


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "chat.example.org"])  # noqa: S104  # refused
def test_an_open_host_without_a_token_is_refused_with_what_to_do(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    [told] = mistakes({"host": host})
    assert told.startswith("PARLEY_TOKEN: ")
    assert "set PARLEY_TOKEN" in told
    assert "127.0.0.1" in told
    monkeypatch.setenv("PARLEY_TOKEN", "open-sesame")
    assert load({"host": host}, NO_FILE).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "a.localhost"])
def test_a_loopback_host_needs_no_token(host: str) -> None:
    assert load({"host": host}, NO_FILE).token is None


def test_every_origin_may_be_admitted_only_with_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    [told] = mistakes({"allow_origin": ["*"]})
    assert "PARLEY_TOKEN" in told
    monkeypatch.setenv("PARLEY_TOKEN", "open-sesame")
    assert load({"allow_origin": ["*"]}, NO_FILE).allow_origin == ("*",)


def test_what_stands_for_no_key_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_TOKEN", "open-sesame")
    monkeypatch.setenv("PARLEY_OPENAI_API_KEY", "none")
    assert load({}, NO_FILE).secrets == ("open-sesame",), "or every “none” in the log is blotted out"


def test_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_TOKEN", "open-sesame")
    monkeypatch.setenv("PARLEY_OPENAI_API_KEY", "sk-very-secret")
    settings = load({}, NO_FILE)
    assert "sesame" not in f"{settings!r} {settings} {settings.model_dump()}"
    assert settings.secrets == ("open-sesame", "sk-very-secret")
    monkeypatch.setenv("PARLEY_TOKEN", "with space")
    [told] = mistakes({})
    assert told.startswith("PARLEY_TOKEN: must be printable")
    assert "with space" not in told


@pytest.mark.parametrize("token", ["", "a b", "caf\u00e9", "a\tb"])
def test_a_token_that_no_header_can_carry_is_refused(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_TOKEN", token)
    assert [told.partition(":")[0] for told in mistakes({})] == ["PARLEY_TOKEN"]


@pytest.mark.parametrize(
    ("database", "folder"),
    [(None, Path(".parley")), ("memory:", None), ("sqlite:////tmp/x/parley.db", Path("/tmp/x"))],
)
def test_the_database_lies_where_it_was_asked_for(database: str | None, folder: Path | None) -> None:
    assert Settings(database=database).folder == folder


@pytest.mark.parametrize(
    "database", ["postgresql://a/b", "sqlite:///x/other.db", "sqlite:///parley.db?mode=ro", "x", ""]
)
def test_other_databases_are_refused(database: str) -> None:
    [told] = mistakes({"database": database})
    assert told.startswith("--database")


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    [told] = mistakes({"data": str(tmp_path / "file")})
    assert "is not a folder" in told


def test_an_unknown_model_and_agent_are_both_told() -> None:
    told = mistakes({"model": "nothing", "agent": "no.such:thing"})
    assert [each.partition(" ")[0] for each in told] == ["--model", "--agent"]


def test_an_endpoint_that_can_never_work_is_told() -> None:
    [told] = mistakes({"openai_base_url": "not a url"})
    assert "--openai-base-url" in told


def test_an_endpoint_brings_its_models() -> None:
    given: dict[str, object] = {"openai_base_url": "http://127.0.0.1:9/v1", "openai_models": "one,two", "model": "one"}
    assert load(given, NO_FILE).openai_models == ("one", "two")


def test_a_broken_file_is_told_by_name(tmp_path: Path) -> None:
    config = tmp_path / "parley.toml"
    config.write_text("port = = 1")
    assert str(config) in mistakes({}, config)[0]
    config.write_bytes(b"port = \xff")
    assert str(config) in mistakes({}, config)[0]


def test_logs_are_json_unless_somebody_watches() -> None:
    assert Settings(log_format="console").log_style == "console"
    assert Settings().log_style in ("json", "console")


def test_the_time_of_a_turn_is_limited_for_all_agents_and_for_single_ones() -> None:
    assert Settings().turn_limit == TimeLimit(3_600, "ask")
    settings = Settings(turn_limit_s=60, turn_limit_policy="stop", agent_turn_limit=("assistant=0", "a:b=1.5:ask"))
    assert settings.turn_limit == TimeLimit(60, "stop")
    assert settings.turn_limits == {"assistant": TimeLimit(0, "stop"), "a:b": TimeLimit(1.5, "ask")}


@pytest.mark.parametrize("wrong", ["assistant", "assistant=", "=5", "assistant=soon", "assistant=5:perhaps", "a=1e3"])
def test_a_limit_for_one_agent_that_says_nothing_is_a_mistake(wrong: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load({"agent_turn_limit": (wrong,)})
    assert "--agent-turn-limit" in refused.value.mistakes[0]


def test_a_password_in_a_url_is_for_the_environment_and_not_for_the_command_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [told] = mistakes({"openai_base_url": "https://user:hush@models.example.org/v1"})
    assert "set PARLEY_OPENAI_BASE_URL instead" in told
    assert "hush" not in told
    monkeypatch.setenv("PARLEY_OPENAI_BASE_URL", "https://user:hush@models.example.org/v1")
    assert load({}, NO_FILE).openai_base_url == "https://user:hush@models.example.org/v1"


# Names that nobody knows


def test_names_that_nobody_knows_are_told_all_together_with_what_was_meant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "parley.toml"
    config.write_text('colour = 1\nmodle = "demo"\n[mcp.files]\ncomand = "x"\n')
    monkeypatch.setenv("PARLEY_PROT", "1")
    monkeypatch.setenv("parley_log_levle", "debug")
    wrong: dict[str, object] = {
        "tool_policy": ["serch=off", "nosuch=off", "run_command=auto", "search=ask"],
        "allow_tool": ["raed_file", "read_file"],
        "agent_turn_limit": ["asistant=5", "assistant=5"],
        "port": "x",
    }
    with pytest.raises(SettingsError) as caught:
        load(wrong, config, unknown=["--hots"])
    told = caught.value.mistakes
    for expected in (
        "--hots: there is no such option; did you mean “--host”?",
        "PARLEY_PROT: there is no such option; did you mean “PARLEY_PORT”?",
        "parley_log_levle: there is no such option; did you mean “PARLEY_LOG_LEVEL”?",
        "modle: there is no such option; did you mean “model”?",
        "--tool-policy (PARLEY_TOOL_POLICY): there is no tool “serch”; did you mean “search”?",
        "--allow-tool (PARLEY_ALLOW_TOOL): there is no tool “raed_file”; did you mean “read_file”?",
        "--agent-turn-limit (PARLEY_AGENT_TURN_LIMIT): there is no agent “asistant”; did you mean “assistant”?",
        "parley.toml: mcp.files.comand: there is no such key; did you mean “command”?",
    ):
        assert expected in told
    for start in (
        "colour: there is no such option; there are ",
        "--port (PARLEY_PORT): ",
        "--tool-policy (PARLEY_TOOL_POLICY): there is no tool “nosuch”; there are ",
    ):
        assert [each for each in told if each.startswith(start)], (start, told)
    assert [each for each in told if each.startswith("--tool-policy") and "run_command" in each and "auto" in each]
    assert len(told) == 12


def test_a_token_that_is_needed_hides_no_other_mistake() -> None:
    told = mistakes({"host": "0.0.0.0", "allow_tool": ["nosuch"]})  # noqa: S104  # refused
    assert [each.partition(":")[0] for each in told] == ["PARLEY_TOKEN", "--allow-tool (PARLEY_ALLOW_TOOL)"]


def test_tools_that_come_later_or_from_elsewhere_may_be_named(tmp_path: Path) -> None:
    config = tmp_path / "parley.toml"
    config.write_text('[mcp.files]\ncommand = "some-server"\n')
    names = ["files__read", "mcp_read_resource", "search"]
    settings = load({"allow_tool": names, "tool_policy": [f"{name}=off" for name in names]}, config)
    assert settings.tool_policies == dict.fromkeys(names, "off")
    assert [each.partition(":")[0] for each in mistakes({"allow_tool": ["other__read", "files__"]}, config)] == [
        "--allow-tool (PARLEY_ALLOW_TOOL)"
    ] * 2
    own: dict[str, object] = {"tools": ["tests.examples.custom_tools:TOOLS"]}
    [told] = mistakes({**own, "allow_tool": ["no_such_tool"]})
    assert "no_such_tool" in told


def test_what_an_orchestrator_puts_into_the_environment_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT_8765_TCP", "PORT_8765_TCP_ADDR"):
        monkeypatch.setenv(f"PARLEY_{name}", "tcp://10.0.0.1:8765")
    assert load({}, NO_FILE).port == 8765


def test_a_proxy_is_an_address_or_a_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PARLEY_TRUSTED_PROXY", "10.1.2.3/8, ::1")
    assert load({}, tmp_path / "none.toml").trusted_proxy == ("10.0.0.0/8", "::1/128")
    with pytest.raises(SettingsError, match=r"--trusted-proxy \(PARLEY_TRUSTED_PROXY\): .*'nginx'"):
        load({"trusted_proxy": ["nginx"]}, tmp_path / "none.toml")
