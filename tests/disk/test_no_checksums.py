"""An apsw whose checksum VFS cannot be loaded."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path

import apsw
import pytest
from apsw import sqlite_extra

from hirehall.errors import Unavailable
from hirehall.stores import sqlite_pages
from hirehall.stores.sqlite import SQLiteStore
from hirehall.stores.sqlite_health import health_of


@pytest.fixture
def no_vfs(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise apsw.ExtensionLoadingError("cksumvfs.so: cannot open shared object file")

    monkeypatch.setattr(sqlite_extra, "load", broken)
    # asked anew here only: loaded a second time, the VFS would stand on itself
    monkeypatch.setattr(sqlite_pages, "has_checksums", cache(sqlite_pages.has_checksums.__wrapped__))


async def opened(path: Path) -> None:
    store = SQLiteStore(str(path))
    await store.open()
    await store.close()


def test_new_files_are_made_without_and_that_is_said_once(
    tmp_path: Path, no_vfs: None, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("one.db", "two.db"):
        asyncio.run(opened(tmp_path / name))
        health_of(tmp_path / name)
    assert caplog.text.count("without page checksums") == 1


def test_a_file_that_has_them_is_refused_and_can_still_be_looked_at(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    asyncio.run(opened(tmp_path / "hall.db"))
    request.getfixturevalue("no_vfs")
    with pytest.raises(Unavailable, match="wheels"):
        asyncio.run(opened(tmp_path / "hall.db"))
    assert health_of(tmp_path / "hall.db").lost == 0
