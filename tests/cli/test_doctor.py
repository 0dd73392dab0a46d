"""`hirehall doctor`: it finds what is wrong, and says what to do."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import pytest

from hirehall import disks
from hirehall.cli import checks
from tests.cli.conftest import Cli

MOUNTS = r"""
21 1 0:1 / / rw - overlay overlay rw
22 21 8:1 / /data rw shared:1 - ext4 /dev/sda1 rw
23 22 0:9 / /data/shared\040files rw - nfs4 server:/ rw
24 21 0:5 / /run rw - tmpfs tmpfs rw
"""


def test_a_healthy_hall_has_no_findings(hall_cli: Cli) -> None:
    said = hall_cli("doctor", "--json")
    levels = {check["what"]: check["level"] for check in said.json["checks"]}
    wells = {what: level for what, level in levels.items() if what not in ("file system", "space", "disk")}
    assert set(wells) == {"python", "sqlite", "data", "store", "access file", "hall"}
    assert set(wells.values()) <= {"ok", "warn"}
    assert (levels["store"], levels["hall"], said.status, said.json["ok"]) == ("ok", "ok", 0, True)


def test_every_line_begins_with_its_verdict(hall_cli: Cli) -> None:
    lines = hall_cli("doctor").out.splitlines()
    assert all(line.startswith(("ok ", "warn ", "problem ", " " * 23)) for line in lines)


def test_before_the_first_hall_nothing_is_a_problem(cli: Cli) -> None:
    said = cli("doctor")
    assert said.status == 0
    assert "`hirehall serve` makes it" in said.out


def test_a_hall_that_should_be_there_and_does_not_answer_is_a_problem(cli: Cli) -> None:
    said = cli("doctor", "--url", "hall://127.0.0.1:1")
    assert said.status == 1
    assert "start it: hirehall serve" in said.out


def test_a_token_that_others_can_read_is_a_problem_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "access.json").write_text("{}")
    (tmp_path / "access.json").chmod(0o644)
    found = checks.access_file(tmp_path)
    assert (found.level, found.remedy) == ("problem", f"chmod 600 {tmp_path / 'access.json'}")


def test_a_data_directory_open_to_others_is_a_warning(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    found = checks.data_directory(tmp_path, tmp_path)
    assert (found.level, found.remedy) == ("warn", f"chmod 700 {tmp_path}")


@pytest.mark.parametrize(
    ("place", "kind", "level"),
    [
        ("/data/halls", "ext4", "ok"),
        ("/data/shared files/halls", "nfs4", "problem"),
        ("/run/halls", "tmpfs", "warn"),
        ("/elsewhere", "overlay", "warn"),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, kind: str, level: str
) -> None:
    (tmp_path / "mounts").write_text(MOUNTS.lstrip())
    assert disks.file_system_of(Path(place), tmp_path / "mounts") == kind
    monkeypatch.setattr(checks, "file_system_of", lambda _place: kind)
    assert checks.file_system(Path(place)).level == level


def test_where_the_system_does_not_tell_its_file_systems_that_is_said(tmp_path: Path) -> None:
    assert disks.file_system_of(tmp_path, tmp_path / "nothing") is None


def test_a_slow_disk_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "sync_seconds", lambda _place: 0.03)
    found = checks.disk(tmp_path)
    assert (found.level, "30.00 ms" in found.found) == ("warn", True)


def test_little_space_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "free")(1 << 20)
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _place: usage)
    assert checks.free_space(tmp_path).level == "warn"
