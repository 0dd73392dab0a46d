"""Which calls make files and names durable, in which order; tests/disk shows what becomes of them in a power cut."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hirehall.durable import make_directory, replace_file
from hirehall.service.access import AccessFile, write_access_file

Synced = list[tuple[str, list[str]]]  # what was synced, and what was in it then


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> Synced:
    calls: Synced = []

    def fsync(fd: int) -> None:
        path = Path(f"/proc/self/fd/{fd}").readlink()
        calls.append((path.name, sorted(inside.name for inside in path.iterdir()) if path.is_dir() else []))

    monkeypatch.setattr(os, "fsync", fsync)
    return calls


def test_each_directory_that_is_made_is_durable_before_the_next_one(tmp_path: Path, synced: Synced) -> None:
    make_directory(tmp_path / "a" / "b")
    above = tmp_path.parent.name, sorted(path.name for path in tmp_path.parent.iterdir())
    assert synced == [above, (tmp_path.name, ["a"]), ("a", ["b"])]
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_the_name_of_a_directory_that_is_there_is_synced_too(tmp_path: Path, synced: Synced) -> None:
    """Whoever made it may have been killed before that."""
    (tmp_path / "a").mkdir()
    make_directory(tmp_path / "a")
    assert synced == [(tmp_path.name, ["a"])]


def test_a_file_in_the_directorys_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(OSError, match="exists"):
        make_directory(tmp_path / "a")


def test_a_file_is_whole_before_it_takes_its_place_and_then_its_place_is_durable(
    tmp_path: Path, synced: Synced
) -> None:
    replace_file(tmp_path / "f", b"content")
    assert synced == [("f.new", []), (tmp_path.name, ["f"])]
    assert (tmp_path / "f").read_bytes() == b"content"


def test_an_access_file_that_stays_as_it_is_has_a_durable_name_all_the_same(tmp_path: Path, synced: Synced) -> None:
    access = AccessFile("hall://127.0.0.1:1", None, "hall_x")
    write_access_file(tmp_path, access)
    synced.clear()
    write_access_file(tmp_path, access)
    assert synced == [(tmp_path.name, ["access.json"])]
