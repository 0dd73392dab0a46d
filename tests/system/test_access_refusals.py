"""What a hall refuses to start with: exit status 78 and one clear line. S8 and S10 concern HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hirehall import refusals
from hirehall.errors import BadRequest
from tests.certificates import Pair, make_pair

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "hall_" + "0123456789abcdefABCDEF" * 2
Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    """Start a hall that must refuse to; what it said."""

    def start(*options: object, tcp: str = "127.0.0.1:0") -> str:
        data = () if "--data" in options else ("--data", tmp_path / "hall")
        command = [sys.executable, "-m", "hirehall", "serve", "--tcp", tcp, *map(str, (*data, *options))]
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
        assert (found.returncode, found.stdout) == (78, ""), found.stderr
        assert found.stderr.startswith("hirehall: ")
        assert found.stderr.count("\n") == 1, found.stderr
        return found.stderr

    return start


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path)


def tls(certificate: Path, key: Path) -> tuple[object, ...]:
    return ("--tls-cert", certificate, "--tls-key", key)


def access(directory: Path, token: str = TOKEN, mode: int = 0o600) -> Path:
    """An access file as an earlier hall may have left it."""
    directory.mkdir(mode=0o700)
    file = directory / "access.json"
    file.write_text(json.dumps({"url": "hall://127.0.0.1:1", "unix": None, "token": token}))
    file.chmod(mode)
    return file


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.org:0"])
def test_s1_beyond_this_machine_nobody_has_a_role_without_a_token(refused: Refused, pair: Pair, address: str) -> None:
    said = refused("--anonymous", "submit", *tls(*pair), tcp=address)
    assert "without a token" in said
    assert "hirehall token create" in said


def test_s2_beyond_this_machine_everything_is_in_tls(refused: Refused) -> None:
    said = refused(tcp="0.0.0.0:0")
    assert "needs TLS" in said
    assert "--tls-cert" in said


def test_s1_and_s2_hold_for_http_as_for_lines(refused: Refused) -> None:
    assert "--http 0.0.0.0 is open to other machines, which needs TLS" in refused("--http", "0.0.0.0:0")
    assert "--http 0.0.0.0 with --anonymous" in refused("--http", "0.0.0.0:0", "--anonymous", "submit")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_s3_an_access_file_that_others_can_read_is_no_secret(refused: Refused, tmp_path: Path, mode: int) -> None:
    file = access(tmp_path / "hall", mode=mode)
    assert f"{file} can be read by others" in refused()


def test_s3_a_secret_of_another_user_is_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = access(tmp_path / "hall")
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
    monkeypatch.setattr(refusals, "ROOT", -1)
    with pytest.raises(BadRequest, match="belongs to another user"):
        refusals.check_access_file(file, TOKEN)


def test_s4_root_becomes_somebody_else_before_strangers_can_reach_it(
    refused: Refused, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() == 0:
        assert "--user" in refused(*tls(*pair), tcp="0.0.0.0:0")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(BadRequest, match="this is root: name another user to become with --user"):
        refusals.check_remote_is_not_root("0.0.0.0", "")
    refusals.check_remote_is_not_root("0.0.0.0", "nobody")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    refusals.check_remote_is_not_root("0.0.0.0", "")


def test_s4_root_is_not_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(BadRequest, match="this is root"):
        refusals.check_remote_is_not_root("0.0.0.0", "root")


def test_s4_a_user_that_is_not_there_is_named(refused: Refused) -> None:
    assert "there is no such user" in refused("--user", "nobody-of-that-name")


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_s5_a_configuration_that_others_can_write_is_not_ours(refused: Refused, tmp_path: Path, mode: int) -> None:
    file = tmp_path / "hall.toml"
    file.write_text('anonymous = "submit"\n')
    file.chmod(mode)
    assert f"the configuration {file} can be written by others: chmod go-w {file}" in refused("--config", file)


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660])
def test_s6_a_tls_key_that_others_can_read_is_no_secret(refused: Refused, pair: Pair, mode: int) -> None:
    pair.key.chmod(mode)
    assert f"the TLS key {pair.key} can be read or changed by others: chmod 600" in refused(*tls(*pair))


@pytest.mark.parametrize("token", ["hall_" + "abcdefghijk" + "0123456789", "hall_" + "a" * 43, "secret", ""])
def test_s7_a_token_that_can_be_guessed_is_refused(refused: Refused, tmp_path: Path, token: str) -> None:
    file = access(tmp_path / "hall", token)
    assert f"the token in {file} has less than 128 random bits" in refused()


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_s9_a_data_directory_that_others_can_write_is_not_ours(refused: Refused, tmp_path: Path, mode: int) -> None:
    (tmp_path / "hall").mkdir()
    (tmp_path / "hall").chmod(mode)
    assert f"the data directory {tmp_path / 'hall'} can be written by others: chmod go-w" in refused()
    assert not list((tmp_path / "hall").iterdir())


# Certificates that are of no use.


def test_a_certificate_without_its_key_is_refused(refused: Refused, pair: Pair) -> None:
    assert "--tls-cert is given without --tls-key" in refused("--tls-cert", pair.certificate)
    assert "--tls-key is given without --tls-cert" in refused("--tls-key", pair.key)


def test_a_certificate_or_key_that_is_not_there_is_named(refused: Refused, pair: Pair, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    assert f"cannot read the TLS certificate {missing}: No such file" in refused(*tls(missing, pair.key))
    assert f"cannot read the TLS key {missing}: No such file" in refused(*tls(pair.certificate, missing))


def test_a_key_that_belongs_to_another_certificate_is_named(refused: Refused, pair: Pair, tmp_path: Path) -> None:
    other = make_pair(tmp_path, "other")
    assert f"the TLS key {other.key} does not belong to the certificate" in refused(*tls(pair.certificate, other.key))


def test_a_certificate_that_is_none_is_refused(refused: Refused, pair: Pair, tmp_path: Path) -> None:
    text = tmp_path / "text.pem"
    text.write_text("hello\n")
    assert "is not in PEM format" in refused(*tls(text, pair.key))


def test_a_key_behind_a_passphrase_is_refused_instead_of_asked_for(
    refused: Refused, pair: Pair, tmp_path: Path
) -> None:
    locked = tmp_path / "locked.key"
    command = ["openssl", "pkey", "-in", pair.key, "-aes256", "-passout", "pass:secret", "-out", locked]
    subprocess.run(command, check=True, capture_output=True)
    locked.chmod(0o600)
    assert "locked with a passphrase" in refused(*tls(pair.certificate, locked))
