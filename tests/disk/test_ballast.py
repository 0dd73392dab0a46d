"""Room kept for a full disk: what a kill, a full disk and a file system that reserves nothing make of it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from hirehall.stores import ballast
from hirehall.stores.ballast import MIB, Ballast


@pytest.fixture
def kept(tmp_path: Path) -> Ballast:
    return Ballast(tmp_path / "hall.db", MIB)


def names(kept: Ballast) -> list[str]:
    return sorted(path.name for path in kept.path.parent.iterdir())


def refuses(number: int) -> object:
    def refuse(*_: int) -> None:
        raise OSError(number, "refused")

    return refuse


def test_what_a_kill_left_half_made_goes_first(kept: Ballast, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(f"{kept.path}.new").write_bytes(b"x" * MIB)
    free = ballast._free_on
    with monkeypatch.context() as patch:
        patch.setattr(ballast, "_free_on", lambda _: 0)
        assert not kept.prepare()
    assert names(kept) == []
    assert free(kept.path.parent) > 0


def test_one_that_is_being_made_can_be_given_up(kept: Ballast, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write

    def given_up(descriptor: int, noise: bytes) -> int:
        assert kept.give_up()
        return write(descriptor, noise[: len(noise) // 2])

    monkeypatch.setattr(os, "posix_fallocate", refuses(errno.EOPNOTSUPP))
    monkeypatch.setattr(os, "write", given_up)
    assert not kept.prepare()
    assert names(kept) == []
    assert not kept.give_up()


def test_short_writes_are_repeated(kept: Ballast, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "posix_fallocate", refuses(errno.EINVAL))
    monkeypatch.setattr(os, "write", lambda descriptor, noise: write(descriptor, noise[:100_000]))
    assert kept.prepare()
    assert kept.path.stat().st_size == MIB


def test_no_space_is_no_reason_to_write_it(kept: Ballast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "posix_fallocate", refuses(errno.ENOSPC))
    monkeypatch.setattr(os, "write", lambda *_: pytest.fail("written"))
    assert not kept.prepare()
    assert names(kept) == []
