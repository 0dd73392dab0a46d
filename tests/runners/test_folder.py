"""What is left of an attempt's directory, and of what stands around it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from hirehall.runners.folder import made, remove


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def around(tmp_path: Path) -> Path:
    """The place where it stands, open to everybody like /tmp."""
    tmp_path.chmod(0o777)
    return tmp_path


def test_removing_what_is_not_there_changes_nothing_around_it(around: Path) -> None:
    remove(around / "gone")
    assert mode(around) == 0o777


def test_what_a_script_has_locked_goes_and_nothing_around_it_changes(around: Path) -> None:
    out = made(str(around / "base" / "job.1"), "out")
    (out / "deep").mkdir()
    (out / "deep" / "file").touch()
    for folder in (out / "deep", out, out.parent):
        folder.chmod(0o500)
    remove(around / "base")
    assert (list(around.iterdir()), mode(around)) == ([], 0o777)


def test_a_directory_that_goes_while_it_is_removed_changes_nothing_around_it(
    around: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = around / "base"
    base.mkdir()
    monkeypatch.setattr("os.path.lexists", lambda _path: base.rmdir() or True)
    remove(base)
    assert mode(around) == 0o777


def test_a_link_in_its_place_leads_nowhere(around: Path) -> None:
    (around / "other").mkdir(mode=0o755)
    (around / "other" / "file").touch()
    (around / "base").symlink_to(around / "other")
    remove(around / "base")
    assert ((around / "other" / "file").exists(), mode(around / "other"), mode(around)) == (True, 0o755, 0o777)
