"""Every setting of a worker, declared once: flags, the lines of its TOML file and the docs all come from these rows."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from hirehall import settings_file
from hirehall.errors import BadRequest

POOLS = ("thread", "process")
LOG_FORMATS = ("console", "json")
LOG_LEVELS = ("debug", "info", "warning", "error")


class Setting(Struct, frozen=True):
    """One setting: `name` in the file, `flag` on the command line ("" for none). `live`: a change in the file counts
    within seconds, without a restart."""

    name: str
    flag: str
    kind: type
    default: Any
    unit: str
    help: str
    live: bool = False


SETTINGS = (
    Setting("files", "", list, [], "TASKS.PY", "Python files, or modules, with functions under @job"),
    Setting("scripts", "--script", dict, {}, "KIND=COMMAND", "run COMMAND for jobs of KIND; payload on stdin"),
    Setting("queues", "--queue", list, ["default"], "NAME", "take work from this queue", live=True),
    Setting("offers", "--offer", dict, {}, "NAME=VALUE", "what this worker has, for jobs that require it", live=True),
    Setting("concurrency", "--concurrency", int, 10, "N", "jobs at once; fewer takes nothing back", live=True),
    Setting("pool", "--pool", str, "thread", "|".join(POOLS), "where functions run; a process can be killed"),
    Setting("name", "--name", str, "", "NAME", "what people call this worker; the host's name by default"),
    Setting("url", "--url", str, "", "URL", "the hall: hall://HOST:PORT, hall+tls://HOST:PORT or hall+unix:///PATH"),
    Setting("token", "--token", str, "", "TOKEN", "who you are to it"),
    Setting("data", "--data", str, "", "DIRECTORY", "find the hall by the access file of its data directory"),
    Setting("ca", "--ca", str, "", "FILE", "who signed the hall's certificate, for hall+tls"),
    Setting("log_format", "--log-format", str, "console", "|".join(LOG_FORMATS), "how its own log is written"),
    Setting("log_level", "--log-level", str, "info", "|".join(LOG_LEVELS), "debug says when each job begins and ends"),
    Setting("paused", "", bool, False, "true|false", "take no new jobs as long as it is true", live=True),
    Setting("draining", "", bool, False, "true|false", "once it is true: finish what runs, then leave", live=True),
)  # fmt: skip
BY_NAME = {setting.name: setting for setting in SETTINGS}


class WorkSettings(Struct, frozen=True):
    """What a worker runs with. `scripts` are kinds and argv lists."""

    files: tuple[str, ...]
    scripts: tuple[tuple[str, list[str]], ...]
    queues: tuple[str, ...]
    offers: dict[str, Any]
    concurrency: int
    pool: str
    name: str
    url: str
    token: str
    data: str
    ca: str
    log_format: str
    log_level: str
    paused: bool
    draining: bool

    def changed(self, other: WorkSettings) -> list[Setting]:
        """The settings in which the two differ."""
        return [setting for setting in SETTINGS if getattr(self, setting.name) != getattr(other, setting.name)]


def settle(flags: Mapping[str, Any], file: Path | None = None) -> WorkSettings:
    """Flags before the file before the defaults; None is not given. Raises BadRequest naming the setting."""
    from_file = read_file(file) if file is not None else {}
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        given = [flags.get(setting.name), from_file.get(setting.name)]
        values[setting.name] = next((value for value in given if value is not None), setting.default)
    if values["concurrency"] < 1:
        raise BadRequest(f"concurrency is {values['concurrency']}: give 1 or more, or set paused = true")
    for name, words in (("pool", POOLS), ("log_format", LOG_FORMATS), ("log_level", LOG_LEVELS)):
        if values[name] not in words:
            raise BadRequest(f"{name} is {values[name]!r}: give {' or '.join(words)}")
    scripts = values["scripts"].items() if isinstance(values["scripts"], dict) else values["scripts"]
    values["scripts"] = tuple((kind, split(kind, line)) for kind, line in scripts)
    return WorkSettings(**{**values, "files": tuple(values["files"]), "queues": tuple(values["queues"])})


def split(kind: str, line: str) -> list[str]:
    """A command line as a shell would split it, though no shell will see it. Raises BadRequest."""
    try:
        argv = shlex.split(line)
    except ValueError as why:
        raise BadRequest(f"script {kind}={line!r}: cannot split the command: {str(why).lower()}") from why
    if not kind or not argv:
        raise BadRequest(f"script '{kind}={line}': write KIND=COMMAND, for example thumbnail='./thumbnail.sh -q'")
    return argv


def read_file(path: Path) -> dict[str, Any]:
    """The settings that a TOML file holds. Raises BadRequest; a strange name comes with its nearest neighbour."""
    values = settings_file.read(path, BY_NAME, "setting of a worker")
    for name, value in values.items():
        _check(path, BY_NAME[name], value)
    return values


EXAMPLES = {list: '["a", "b"]', dict: '{ name = "value" }', int: "4", bool: "true", str: '"text"'}


def _check(path: Path, setting: Setting, value: Any) -> None:
    """TOML has types: a number in quotes is a mistake that would show only later."""
    fits = type(value) is setting.kind
    if setting.kind is list and fits:
        fits = all(isinstance(entry, str) for entry in value)
    if setting.name == "scripts" and fits:
        fits = all(isinstance(entry, str) for entry in value.values())
    if not fits:
        example = EXAMPLES[setting.kind]
        raise BadRequest(f"{path}: {setting.name} is {value!r}; write it like this: {setting.name} = {example}")
