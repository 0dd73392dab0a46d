"""Every option is declared once: its flag, its variable, its line in a file and its documentation follow from that."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from hirehall.cli.serve import command
from hirehall.config import LOG_LEVELS, OPTIONS, Option, Settings, settle
from hirehall.errors import BadRequest

ROOT = Path(__file__).resolve().parents[1]
NAMES = [option.name for option in OPTIONS]


def value(option: Option, settings: Settings) -> str:
    """What the option came to, as the text that sets it."""
    found = getattr(settings, option.name)
    return ",".join(found) if isinstance(found, tuple) else str(found)


def given(option: Option, word: str) -> str:
    """A value that this option takes, different for each word."""
    users = {"1": "root", "2": "daemon", "3": "nobody"}
    if option.name == "user":
        return users[word]
    if option.name.startswith("log_"):
        return ("json", "console")[int(word) % 2] if option.name == "log_format" else LOG_LEVELS[int(word)]
    texts = {
        "tcp": "127.0.0.1:{}",
        "http": "127.0.0.1:{}",
        "http_host": "{}",
        "files_quota": "{}",
        "store": "sqlite:/{}",
        "anonymous": "{}",
        "max_connections": "{}",
        "ballast": "{}",
    }
    return texts.get(option.name, "/{}").format(word)


def test_serve_has_exactly_the_declared_flags() -> None:
    flags = [param for param in command.params if isinstance(param, click.Option)]
    assert [flag.name for flag in flags if flag.name not in ("config", "as_json")] == NAMES
    given = command.make_context("serve", []).params
    assert all(given[name] is None for name in NAMES), "a default would hide the environment"


@pytest.mark.parametrize("option", OPTIONS, ids=NAMES)
def test_an_option_is_set_by_flag_before_environment_before_file(option: Option, tmp_path: Path) -> None:
    flags, environment = {option.name: given(option, "1")}, {option.environment: given(option, "2")}
    file = tmp_path / "hall.toml"
    quote = '"' if option.kind is str else ""
    file.write_text(f"{option.name} = {quote}{given(option, '3')}{quote}\n")
    assert value(option, settle(flags, environment, file)) == given(option, "1")
    assert value(option, settle({}, environment, file)) == given(option, "2")
    assert value(option, settle({}, {}, file)) == given(option, "3")


@pytest.mark.parametrize("option", OPTIONS, ids=NAMES)
def test_an_option_is_documented_with_its_flag_and_variable(option: Option) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith(f"| `{option.name}` |"))
    for word in (f"`{option.flag}`", f"`{option.environment}`", option.unit, str(option.default), option.help):
        assert word in row


@pytest.mark.parametrize("option", OPTIONS, ids=NAMES)
def test_a_flags_help_names_its_default_and_its_variable(option: Option) -> None:
    flag = next(param for param in command.params if param.name == option.name)
    assert isinstance(flag, click.Option)
    assert option.environment in (flag.help or "")
    assert str(option.default) in (flag.help or "")


def test_the_default_data_directory_is_in_the_home_of_the_user_to_become() -> None:
    assert settle({"user": "root"}, {}).data == Path("~root/.local/state/hirehall").expanduser()
    with pytest.raises(BadRequest, match="--user nobody-of-that-name: there is no such user here"):
        settle({"user": "nobody-of-that-name"}, {})


@pytest.mark.parametrize("wrong", ["0", "-1", "many", "1.5", "1000001"])
def test_a_number_that_cannot_be_one_is_refused_by_name(wrong: str) -> None:
    with pytest.raises(BadRequest, match=r"--max-connections \(HIREHALL_MAX_CONNECTIONS\) is .*from 1 to 1000000"):
        settle({}, {"HIREHALL_MAX_CONNECTIONS": wrong})


@pytest.mark.parametrize(
    ("line", "like"),
    [('max_connections = "9"', "10000"), ("max_connections = true", "10000"), ("tcp = 5", '"HOST:PORT"')],
)
def test_a_value_of_the_wrong_type_in_a_file_is_answered_with_how_to_write_it(
    line: str, like: str, tmp_path: Path
) -> None:
    file = tmp_path / "hall.toml"
    file.write_text(line)
    with pytest.raises(BadRequest, match=f"write it like this: {line.split(maxsplit=1)[0]} = {like}"):
        settle({}, {}, file)


@pytest.mark.parametrize(("typo", "meant"), [("--tsl-cert", "--tls-cert"), ("--anonymus", "--anonymous")])
def test_a_flag_that_is_none_is_answered_with_its_nearest(typo: str, meant: str) -> None:
    with pytest.raises(click.NoSuchOption) as found:
        command.make_context("serve", [typo, "x"])
    assert meant in found.value.format_message()


def test_a_line_in_a_file_that_is_no_option_is_answered_with_its_nearest(tmp_path: Path) -> None:
    file = tmp_path / "hall.toml"
    file.write_text('tls-cert = "hall.pem"\n')
    with pytest.raises(BadRequest, match="sets 'tls-cert', which is no option: did you mean 'tls_cert'"):
        settle({}, {}, file)


@pytest.mark.parametrize(
    ("flags", "address", "names"),
    [
        ({}, ("127.0.0.1", 11747), ()),
        ({"tcp": "127.0.0.1:0"}, ("127.0.0.1", 0), ()),
        ({"tcp": "127.0.0.1:65535"}, ("127.0.0.1", 0), ()),
        ({"tcp": "[::1]:5000"}, ("::1", 5001), ()),
        ({"http": "hall.example:80", "http_host": "a, b"}, ("hall.example", 80), ("a", "b", "hall.example")),
        ({"http": "off"}, None, ()),
    ],
)
def test_http_is_beside_tcp_unless_it_is_told_otherwise(
    flags: dict[str, str], address: tuple[str, int] | None, names: tuple[str, ...]
) -> None:
    settings = settle(flags, {})
    assert (settings.http_address, settings.http_names) == (address, names)


def test_an_address_for_http_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(BadRequest, match=r"http 'here' \(--http, HIREHALL_HTTP or the file\): write HOST:PORT"):
        _ = settle({"http": "here"}, {}).http_address
