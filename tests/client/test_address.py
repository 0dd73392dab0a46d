"""Where the hall is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hirehall.client.address import Address, locate, parse
from hirehall.client.tls import context_for
from hirehall.errors import BadRequest, Unavailable


def write_access(folder: Path, **fields: str | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "access.json").write_text(json.dumps(fields))


def test_arguments_come_first(tmp_path: Path) -> None:
    write_access(tmp_path, url="hall://file:1", unix=None, token="file")
    environ = {"HIREHALL_URL": "hall://env:2", "HIREHALL_TOKEN": "env", "HIREHALL_DATA": str(tmp_path)}
    assert locate("hall://arg:3", "arg", environ=environ) == Address(host="arg", port=3, token="arg")


def test_the_environment_comes_before_the_data_directory(tmp_path: Path) -> None:
    write_access(tmp_path, url="hall://file:1", unix=None, token="file")
    environ = {"HIREHALL_URL": "hall://env:2", "HIREHALL_TOKEN": "env", "HIREHALL_DATA": str(tmp_path)}
    assert locate(environ=environ) == Address(host="env", port=2, token="env")


def test_a_token_of_one_hall_is_not_sent_to_another(tmp_path: Path) -> None:
    write_access(tmp_path, url="hall://file:1", unix=None, token="file")
    assert locate("hall://arg:3", environ={"HIREHALL_DATA": str(tmp_path)}).token is None


def test_the_access_file_gives_address_and_token_and_its_unix_socket_is_preferred(tmp_path: Path) -> None:
    there = tmp_path / "hall.sock"
    there.touch()
    write_access(tmp_path, url="hall://127.0.0.1:1", unix=str(there), token="file")
    assert locate(environ={"HIREHALL_DATA": str(tmp_path)}) == Address(path=str(there), token="file")


def test_where_the_unix_socket_is_gone_there_is_tcp(tmp_path: Path) -> None:
    gone = str(tmp_path / "hall.sock")
    write_access(tmp_path, url="hall://127.0.0.1:1", unix=gone, token="file")
    assert locate(data=tmp_path) == Address(host="127.0.0.1", port=1, token="file")
    write_access(tmp_path, url=None, unix=gone, token="file")
    assert locate(data=tmp_path) == Address(path=gone, token="file")


def test_a_data_directory_given_as_argument_comes_before_the_environments_address(tmp_path: Path) -> None:
    write_access(tmp_path, url="hall://127.0.0.1:1", unix=None, token="file")
    assert locate(data=tmp_path, environ={"HIREHALL_URL": "hall://env:2"}).host == "127.0.0.1"


def test_without_anything_the_default_data_directory_is_looked_at(tmp_path: Path) -> None:
    write_access(tmp_path / ".local/state/hirehall", url="hall://127.0.0.1:1", unix=None, token="t")
    assert locate(environ={"HOME": str(tmp_path)}).token == "t"


def test_no_hall_found_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no hall found: start one with `hirehall serve`, or set HIREHALL_URL"):
        locate(environ={"HIREHALL_DATA": str(tmp_path)})


def test_a_broken_access_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "access.json").write_text("{")
    with pytest.raises(Unavailable, match=r"cannot read .*access\.json"):
        locate(environ={"HIREHALL_DATA": str(tmp_path)})


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("hall://example.org:9", Address(host="example.org", port=9)),
        ("hall://example.org", Address(host="example.org", port=11746)),
        ("hall://[::1]:9", Address(host="::1", port=9)),
        ("hall+unix:///run/hall.sock", Address(path="/run/hall.sock")),
    ],
)
def test_addresses_are_read(url: str, address: Address) -> None:
    assert parse(url) == address
    assert parse(str(address)) == address


@pytest.mark.parametrize(
    "url", ["http://x:1", "hall://", "hall://x:port", "hall://x:99999", "hall+unix://x/y", "x", ""]
)
def test_what_is_no_address_says_what_one_looks_like(url: str) -> None:
    with pytest.raises(BadRequest, match="is not a hall's address"):
        parse(url)


def test_an_address_may_say_that_the_hall_speaks_tls() -> None:
    address = parse("hall+tls://hall.example.org")
    assert (address.host, address.port, address.tls) == ("hall.example.org", 11746, True)
    assert str(address) == "hall+tls://hall.example.org:11746"
    assert not parse("hall://hall.example.org").tls


def test_the_ca_is_an_argument_or_comes_from_the_environment(tmp_path: Path) -> None:
    environ = {"HIREHALL_URL": "hall+tls://env:2", "HIREHALL_CA": "/etc/env.pem"}
    assert locate(environ=environ).ca == "/etc/env.pem"
    assert locate(ca=tmp_path / "arg.pem", environ=environ).ca == str(tmp_path / "arg.pem")
    assert locate("hall+tls://arg:3", environ={}).ca is None
    write_access(tmp_path, url="hall+tls://127.0.0.1:1", unix=None, token="t")
    found = locate(data=tmp_path, environ=environ)
    assert (found.tls, found.ca) == (True, "/etc/env.pem")


def test_a_ca_file_that_is_none_is_named(tmp_path: Path) -> None:
    for file, reason in ((tmp_path / "missing.pem", "No such file"), (Path(__file__), "it holds no certificate")):
        with pytest.raises(BadRequest, match=f"cannot read the CA file {file}: {reason}"):
            context_for(parse("hall+tls://h:1")._replace(ca=str(file)))
