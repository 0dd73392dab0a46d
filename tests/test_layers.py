"""Imports go one way. Each rule stands with its reason; a new exception is a line here, and a decision."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "hirehall"
FILES = sorted(PACKAGE.rglob("*.py"))

# What a part may import of ours, beside itself. Who is not named here may not be imported by a part that is.
NOUNS = ("hirehall.model", "hirehall.errors")
RULES = tuple(f"hirehall.core.{part}" for part in ("operations", "lifecycle", "judging", "faults"))
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "model": (),
    "errors": (),
    "core": NOUNS,  # pure: the rules can be tested by plain calls
    "wire": NOUNS,  # pure: shared by server and clients
    "settings_file": ("hirehall.errors",),
    "keepalive": (),
    "config": ("hirehall.errors", "hirehall.model", "hirehall.settings_file"),
    "refusals": ("hirehall.errors", "hirehall.config"),
    "ports": (*NOUNS, "hirehall.core.operations"),
    "durable": (),
    "spans": (),
    "service": (*NOUNS, "hirehall", "hirehall.durable", "hirehall.core", "hirehall.wire", "hirehall.ports"),
    "stores": (*NOUNS, *RULES, "hirehall.ports", "hirehall.durable"),
    "blobs": (*NOUNS, "hirehall.ports", "hirehall.durable"),
    "doors": (
        *NOUNS,
        "hirehall.wire",
        "hirehall.ports",
        "hirehall.keepalive",
        "hirehall.spans",
        "hirehall.service.sessions",
        "hirehall.service.hall",
        "hirehall",  # its version
        "hirehall.tracing",
        "hirehall.service.access",  # what a token and a login are: HTTP has no hello
        "hirehall.service.logins",
        "hirehall.service.answers",  # how errors are said
        "hirehall.service.asking",  # sessions without a line
        "hirehall.service.news",  # what they hear of events
        "hirehall.service.claims",
        "hirehall.service.commands",  # who may, for the table of routes
        "hirehall.service.files",  # contents come in pieces, not as commands
        "hirehall.service.file_commands",
        "hirehall.core.file_names",  # a name is judged before a gigabyte has come for it
        "hirehall.service.audit",  # logins are no commands
        "hirehall.service.exposition",
        "hirehall.service.health",
    ),
    "tracing": (),
    "client": (
        *NOUNS,
        "hirehall.wire",
        "hirehall.keepalive",
        "hirehall.tracing",
    ),  # a script that submits must not load a server
    "runners": (*NOUNS, "hirehall.wire", "hirehall.tracing"),
    "worker": (
        *NOUNS,
        "hirehall.wire",
        "hirehall.client",
        "hirehall.runners",
        "hirehall.settings_file",
        "hirehall.loops",
        "hirehall.core.file_names",  # a name is judged before a gigabyte is sent for it
    ),
    "loops": (),
    "log_lines": (),
    "processes": ("hirehall.errors",),
    "disks": (),
    "bench": (  # what anybody could write who measures a hall
        "hirehall",
        "hirehall.errors",
        "hirehall.processes",
        "hirehall.disks",
        "hirehall.loops",
        "hirehall.wire",
        "hirehall.client",
        "hirehall.worker",
    ),
    "pytest_plugin": ("hirehall.testing",),
}
UNBOUND = {"app", "cli", "testing", "__init__", "__main__"}  # what wires the parts together

# Each driver has one place, so that it can be replaced there. The exceptions say why.
DRIVERS: dict[str, tuple[str, ...]] = {
    "apsw": ("hirehall.stores", "hirehall.cli.checks", "hirehall.bench.ground"),  # these two ask for the version only
    "uvloop": ("hirehall.loops",),
    "psutil": ("hirehall.runners", "hirehall.bench.gauge", "hirehall.service.exposition"),  # what a load costs its hall
    "click": ("hirehall.cli",),
    "rich": ("hirehall.cli",),
    "opentelemetry": ("hirehall.tracing",),
    "jinja2": ("hirehall.doors.http.dashboard.rendering",),
    "markupsafe": ("hirehall.doors.http.dashboard.ansi", "hirehall.doors.http.dashboard.job_extras"),  # lines of logs
    "starlette": ("hirehall.doors.http",),
    "uvicorn": ("hirehall.doors.http.site", "hirehall.doors.http.connection"),
    "pytest": ("hirehall.pytest_plugin",),  # for users' tests; nothing else of ours may need it
}
EVERYWHERE = {"msgspec"}  # structs and JSON are what everything is made of
IMPURE = {
    "socket",
    "asyncio",
    "threading",
    "time",
    "random",
    "logging",
    "os",
    "sys",
    "subprocess",
    "pathlib",
    "secrets",
}


class Import(NamedTuple):
    """`module` imports `target`; `runs` unless it is for the type checker only."""

    module: str
    target: str
    runs: bool


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[Import]:
    """Every import in a file, wherever it stands."""
    tree = ast.parse(path.read_text())
    idle = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        runs = id(node) not in idle
        if isinstance(node, ast.Import):
            yield from (Import(module_of(path), alias.name, runs) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from (Import(module_of(path), target(node.module or "", alias.name), runs) for alias in node.names)


def target(module: str, name: str) -> str:
    """`from a import b` imports the module a.b if there is one, else a."""
    path = ROOT / Path(*module.split("."), name)
    return f"{module}.{name}" if path.is_dir() or path.with_suffix(".py").exists() else module


ALL = [found for path in FILES for found in imports(path)]


def part_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def is_within(module: str, place: str) -> bool:
    return module == place or (place != "hirehall" and module.startswith(f"{place}."))


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_a_part_imports_only_what_stands_below_it(part: str) -> None:
    allowed = (f"hirehall.{part}", *MAY_IMPORT[part])
    for found in ALL:
        if part_of(found.module) == part and found.target.split(".")[0] == "hirehall":
            assert any(is_within(found.target, place) for place in allowed), found


def test_every_part_has_its_rule() -> None:
    parts = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES}
    assert parts == MAY_IMPORT.keys() | UNBOUND


def test_only_the_composition_root_and_who_starts_a_hall_know_every_part() -> None:
    for found in ALL:
        if found.target == "hirehall.app":
            assert part_of(found.module) in {"cli", "testing"}, found
        if is_within(found.target, "hirehall.bench") and part_of(found.module) != "bench":
            assert part_of(found.module) == "cli", found
        if found.target == "hirehall.testing":
            assert part_of(found.module) == "pytest_plugin", found


@pytest.mark.parametrize("part", ["stores", "blobs", "doors", "runners"])
def test_siblings_behind_a_seam_do_not_know_each_other(part: str) -> None:
    others = {"stores", "blobs", "doors", "runners"} - {part}
    for found in ALL:
        if part_of(found.module) == part and found.target.startswith("hirehall."):
            assert part_of(found.target) not in others, found


@pytest.mark.parametrize("part", ["core", "wire", "model", "errors"])
def test_the_pure_parts_have_no_clock_no_chance_and_no_world(part: str) -> None:
    for found in ALL:
        if part_of(found.module) == part:
            assert found.target.split(".")[0] not in IMPURE, found


def test_every_driver_is_imported_in_one_place() -> None:
    for found in ALL:
        package = found.target.split(".")[0]
        if package in sys.stdlib_module_names or package == "hirehall" or package in EVERYWHERE:
            continue
        assert package in DRIVERS, f"{found}: a new driver needs its place in this test"
        assert any(is_within(found.module, place) for place in DRIVERS[package]), found


def test_no_module_imports_itself_in_a_circle() -> None:
    """What runs at import must be a tree; the type checker may look both ways."""
    graph: dict[str, set[str]] = {}
    for found in ALL:
        if found.runs and found.target.startswith("hirehall.") and found.target != found.module:
            graph.setdefault(found.module, set()).add(found.target)
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, f"a circle: {' -> '.join((*above, module))}"
        if module not in done:
            for below in graph.get(module, ()):
                visit(below, (*above, module))
            done.add(module)

    for module in graph:
        visit(module, ())
