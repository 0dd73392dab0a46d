"""What the tests of files share: contents, functions that read and leave some, a brake on the hall."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest

from hirehall import Context
from hirehall.client.files import files_of
from hirehall.client.jobs import JobInfo
from hirehall.service.files import Files as Keeper
from tests.worker.house import PATIENCE, House

LARGE = 3_000_000  # characters: no message has room for so many


def bases(place: Path) -> list[Path]:
    """The directories of workers; the hall has another one."""
    return list(place.glob(f"hirehall-{'?' * 16}"))


def left(place: Path) -> list[Path]:
    """The directories of attempts."""
    return [path for base in bases(place) for path in base.iterdir()]


def given(house: House, tmp_path: Path, **contents: bytes) -> list[dict[str, str]]:
    """Uploads, as a submit names them."""
    files = files_of(house.client)
    named = []
    for name, content in contents.items():
        path = tmp_path / name
        path.write_bytes(content)
        named.append({"name": name, "sha256": files.upload(path).sha256})
    return named


def outputs(house: House, job: str) -> dict[str, str]:
    """Names and digests of what its worker left."""
    return {file.name: file.sha256 for file in house.client.get([job])[0].files if file.direction == "out"}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def turned(payload: Any, context: Context) -> list[str]:
    for name, path in context.files.items():
        (context.out / f"{name}.turned").write_bytes(path.read_bytes()[::-1])
    return sorted(context.files)


async def turned_later(payload: Any, context: Context) -> list[str]:
    return turned(payload, context)


TASKS = """
from hirehall import job

@job
def turned_elsewhere(payload, context):
    for name, path in context.files.items():
        (context.out / f"{name}.turned").write_bytes(path.read_bytes()[::-1])
    return sorted(context.files)

@job
def large_elsewhere(payload):
    return "x" * payload
"""
SCRIPT = """
cd "$HALL_IN"
for name in *; do rev < "$name" | tr -d '\\n' > "$HALL_OUT/$name.turned"; done
ls
"""


def large(payload: int) -> str:
    return "x" * payload


def shown(house: House, job: str) -> JobInfo:
    return house.client.get([job])[0]


@pytest.mark.parametrize("kind", ["large", "large_elsewhere", "script", "result_file"])
class Brake:
    """Holds what the hall does with contents until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, deed: str) -> None:
        self.is_held = threading.Event()
        self.go = threading.Event()
        do = getattr(Keeper, deed)

        async def held(keeper: Keeper, *args: Any) -> Any:
            self.is_held.set()
            await asyncio.to_thread(self.go.wait, PATIENCE)
            return await do(keeper, *args)

        monkeypatch.setattr(Keeper, deed, held)
