"""`hirehall serve` as a process: one line when it is ready, and a status that tells a supervisor what to do."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from hirehall.cli.serve import homely
from tests.cli.program import Shell


def test_a_ready_hall_says_one_line_with_its_address_and_where_its_data_are(shell: Shell) -> None:
    hall = shell.start("hirehall serve")
    assert "hirehall 0.1.0 ready on hall://127.0.0.1:" in hall.says("\n")
    hall.interrupt()
    status, said = hall.ends()
    assert (status, said.splitlines()[1:]) == (0, ["hirehall: the hall has ended"])
    assert "(data in ~/.local/state/hirehall); stop with Ctrl-C" in said


def test_a_ready_hall_says_the_same_in_json(shell: Shell) -> None:
    said = json.loads(shell.start("hirehall serve --json").says("\n"))
    assert list(said) == ["ready", "url", "unix", "http", "data", "pid"]
    assert said["ready"] is True


def test_a_hall_whose_http_port_is_taken_says_where_it_is_instead(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        said = shell.start(f"hirehall serve --tcp 127.0.0.1:{taken - 1}").says("\n")
    assert f" (port {taken} is taken) (data in " in said
    assert f" and http://127.0.0.1:{taken} " not in said


def test_a_hall_in_memory_says_that_nothing_survives(shell: Shell) -> None:
    assert "nothing survives" in shell.start("hirehall serve --store memory:").says("\n")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--tcp 0.0.0.0:0", "is open to other machines, which needs TLS"),
        ("--tcp nowhere", "write HOST:PORT"),
        ("--store mongo:x", "write sqlite:PATH or memory:"),
        ("--anonymous boss", "knows no role 'boss'"),
        ("--log-level loud", "give debug or info or warning or error"),
        ("--config missing.toml", "cannot read the configuration missing.toml"),
        ("--config typo.toml", "did you mean 'tcp'?"),
    ],
)
def test_an_option_that_cannot_be_is_refused_with_one_line_and_a_status_of_its_own(
    shell: Shell, options: str, reason: str
) -> None:
    (shell.cwd / "typo.toml").write_text('tpc = "127.0.0.1:0"')
    status, said = shell.run(f"hirehall serve {options}")
    assert status == 78, said
    assert said.startswith("hirehall: ")
    assert said.count("\n") == 1
    assert reason in said


def test_one_flag_lets_a_job_be_followed_in_lines_that_programs_read(shell: Shell) -> None:
    hall = shell.start("hirehall serve --log-level debug --log-format json")
    hall.says("ready on")
    job = json.loads(shell.run("hirehall submit saw --json")[1])["id"]
    hall.says(job)
    hall.interrupt()
    lines = [json.loads(line) for line in hall.ends()[1].splitlines() if line.startswith('{"time"')]
    said = [line for line in lines if line.get("job") == job]
    assert [(line["event"], line.get("step")) for line in said] == [("durable", "submit"), ("answered", None)]
    assert {"time", "level", "logger", "queue", "kind"} <= set(said[0])


def test_an_unknown_flag_is_a_usage_error(shell: Shell) -> None:
    assert shell.run("hirehall serve --prot 1")[0] == 2


def test_a_hall_that_cannot_start_now_says_why_in_one_line(shell: Shell) -> None:
    address = shell.start("hirehall serve").says("\n").split(" ready on hall://")[1].split(" ")[0]
    for options in ("", f"--data other --tcp {address}", "--data /dev/null/x"):
        status, said = shell.run(f"hirehall serve {options}")
        assert status == 3, said
        assert said.startswith("hirehall: ")
        assert said.count("\n") == 1, said


def test_options_come_from_a_file_too_and_flags_win(shell: Shell) -> None:
    (shell.cwd / "hall.toml").write_text('data = "from-file"\nanonymous = "submit"\n')
    said = json.loads(shell.start("hirehall serve --config hall.toml --json").says("\n"))
    assert said["data"] == str(shell.cwd / "from-file")
    said = json.loads(shell.start("hirehall serve --config hall.toml --data flag --json").says("\n"))
    assert said["data"] == str(shell.cwd / "flag")


def test_paths_are_shown_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert homely(Path("/home/ann/halls/one")) == "~/halls/one"
    assert homely(Path("/srv/hall")) == "/srv/hall"
