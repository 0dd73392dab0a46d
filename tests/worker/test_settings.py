"""A worker's settings: every one declared once, flags before the file before the default; the file is watched."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import click
import pytest

from hirehall.cli.work import command
from hirehall.errors import BadRequest
from hirehall.worker import files
from hirehall.worker.config_file import ConfigFile
from hirehall.worker.settings import SETTINGS, Setting, settle, split
from tests.runners.stage import until
from tests.worker.stage import Stage, played

BASE = 'scripts = { x = "cat" }\n'
VALUES: dict[str, tuple[str, Any]] = {
    "files": ('["a.py"]', ("a.py",)),
    "scripts": ("{ x = \"cat 'one word'\" }", (("x", ["cat", "one word"]),)),
    "queues": ('["a", "b"]', ("a", "b")),
    "offers": ("{ gpu = 1, mesher = ['tetgen', 'gmsh'] }", {"gpu": 1, "mesher": ["tetgen", "gmsh"]}),
    "concurrency": ("3", 3),
    "pool": ('"process"', "process"),
    "log_format": ('"json"', "json"),
    "log_level": ('"debug"', "debug"),
    "name": ('"ann"', "ann"),
    "url": ('"hall://h:1"', "hall://h:1"),
    "token": ('"t"', "t"),
    "data": ('"d"', "d"),
    "ca": ('"c.pem"', "c.pem"),
    "paused": ("true", True),
    "draining": ("true", True),
}


def test_work_has_exactly_the_declared_flags() -> None:
    declared = [setting.name for setting in SETTINGS if setting.flag]
    own = {"config", "reload", "as_json"}
    assert [p.name for p in command.params if isinstance(p, click.Option) and p.name not in own] == declared


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_setting_is_taken_from_the_flag_then_the_file_then_the_default(setting: Setting, tmp_path: Path) -> None:
    text, value = VALUES[setting.name]
    file = tmp_path / "worker.toml"
    file.write_text(f"{setting.name} = {text}\n")
    assert getattr(settle({}, file), setting.name) == value
    assert getattr(settle({}), setting.name) != value
    default = settle({})
    given = {setting.name: getattr(default, setting.name)}
    assert settle(given, file) == default


def test_a_command_is_split_into_words_as_a_shell_would() -> None:
    assert split("kind", "prog 'one word' two=2") == ["prog", "one word", "two=2"]
    with pytest.raises(BadRequest, match="cannot split the command"):
        split("kind", "'a")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LOOK_SECONDS", 0.005)


@pytest.mark.usefixtures("quick")
def test_a_change_in_the_file_reaches_the_agent_and_a_broken_file_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path = tmp_path / "worker.toml"
    path.write_text(BASE)

    @played()
    async def play(it: Stage) -> None:
        await it.hire()
        watching = asyncio.ensure_future(ConfigFile(path, {}).watch(it.agent))
        path.write_text(BASE + "concurrency = 3\n")
        assert (await it.peer.expect("credit"))["credit"] == 3
        path.write_text(BASE + "concurrency = 4\npaused = tru")
        await until(lambda: "the settings stay as they were" in caplog.text)
        path.write_text(BASE + "concurrency = 3\npaused = true\n")
        assert (await it.peer.expect("credit"))["credit"] == 0
        path.write_text(BASE + "concurrency = 3\npaused = true\nqueues = ['a']\n")
        work = await it.peer.expect("work")
        assert (work["queues"], work["credit"]) == (["a"], 0)
        path.write_text(BASE + "concurrency = 3\nqueues = ['a']\npool = 'process'\n")
        assert (await it.peer.expect("credit"))["credit"] == 3
        assert "pool has changed: restart this worker for it to count" in caplog.text
        assert caplog.text.count("the settings stay as they were") == 1
        path.write_text(BASE + "queues = ['a']\ndraining = true\n")
        await it.peer.until("bye")
        watching.cancel()

    play()


@pytest.mark.usefixtures("quick")
def test_what_the_hall_has_set_stays_when_something_else_changes_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "worker.toml"
    path.write_text(BASE)

    @played(concurrency=10)
    async def play(it: Stage) -> None:
        await it.hire()
        watching = asyncio.ensure_future(ConfigFile(path, {}).watch(it.agent))
        it.peer.say({"set": {"credit": 6}})
        assert (await it.peer.expect("credit"))["credit"] == 6
        path.write_text(BASE + "queues = ['a']\n")
        assert (await it.peer.expect("work"))["credit"] == 6
        watching.cancel()

    play()


@pytest.mark.usefixtures("quick")
def test_flags_count_before_the_file_also_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "worker.toml"
    path.write_text(BASE)

    @played(concurrency=2)
    async def play(it: Stage) -> None:
        await it.hire()
        watching = asyncio.ensure_future(ConfigFile(path, {"concurrency": 2}).watch(it.agent))
        path.write_text(BASE + "concurrency = 9\nqueues = ['a']\n")
        assert (await it.peer.next())["cmd"] == "work"
        watching.cancel()

    play()
