"""`@job` and the files that hold job functions."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hirehall.errors import BadRequest
from hirehall.runners import registry as module
from hirehall.runners.registry import CannotLoad, Registry, load


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A registry and an interpreter state of the test's own."""
    registry = Registry()
    monkeypatch.setattr(module, "job", registry.job)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield registry
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder: Path, text: str, name: str = "my_tasks.py") -> Path:
    path = folder / name
    path.write_text("from hirehall.runners.registry import job\n" + text)
    return path


def test_the_functions_name_is_the_kind_unless_one_is_given() -> None:
    registry = Registry()

    @registry.job
    def resize(payload: Any) -> None: ...

    @registry.job(kind="fetch-page", timeout_seconds=30)
    async def fetch(payload: Any, context: Any) -> None: ...

    one, two = registry.functions["resize"], registry.functions["fetch-page"]
    assert (one.wants_context, one.is_async, one.timeout_seconds) == (False, False, None)
    assert (two.wants_context, two.is_async, two.timeout_seconds) == (True, True, 30)
    assert resize(1) is None


def test_two_functions_for_one_kind_are_refused_naming_both_places() -> None:
    registry = Registry()
    registry.job(kind="k")(lambda payload: 1)
    with pytest.raises(BadRequest, match=r"kind 'k' has two functions, at .*test_registry\.py:\d+ and"):
        registry.job(kind="k")(
            lambda payload: 2,
        )


def test_functions_of_other_shapes_are_refused() -> None:
    registry = Registry()
    with pytest.raises(TypeError, match=r"takes \(payload\) or \(payload, context\)"):
        registry.job(lambda: None)
    with pytest.raises(TypeError, match="belongs above a function"):
        registry.job(int)
    with pytest.raises(ValueError, match="timeout_seconds"):
        registry.job(timeout_seconds=0)(lambda payload: None)


def test_a_file_is_loaded_with_its_neighbours(own: Registry, tmp_path: Path) -> None:
    (tmp_path / "my_neighbour.py").write_text("FACTOR = 3\n")
    path = write(tmp_path, "from my_neighbour import FACTOR\n@job\ndef triple(p): return p * FACTOR\n")
    (function,) = load(str(path), own)
    assert function.kind == "triple"
    assert function.call(2) == 6
    assert load(str(path), own)[0].kind == "triple"


def test_a_module_may_be_named_instead(own: Registry, tmp_path: Path) -> None:
    write(tmp_path, "@job\ndef f(p): ...\n", "my_module_of_tasks.py")
    sys.path.insert(0, str(tmp_path))
    assert load("my_module_of_tasks", own)[0].kind == "f"


def test_a_file_named_like_a_library_does_not_replace_it(own: Registry, tmp_path: Path) -> None:
    load(str(write(tmp_path, "@job\ndef f(p): ...\n", "json.py")), own)
    assert sys.modules["json"] is json


def test_a_missing_file_is_named_with_the_remedy(own: Registry, tmp_path: Path) -> None:
    with pytest.raises(CannotLoad, match=r"none\.py: there is no such file; give the path"):
        load(str(tmp_path / "none.py"), own)


def test_a_file_that_breaks_says_where(own: Registry, tmp_path: Path) -> None:
    path = write(tmp_path, "import nothing_of_that_name\n")
    with pytest.raises(CannotLoad, match=r"ModuleNotFoundError: .*my_tasks\.py, line 2"):
        load(str(path), own)
    with pytest.raises(CannotLoad, match="SyntaxError"):
        load(str(write(tmp_path, "def (:\n")), own)


def test_a_file_without_jobs_says_what_is_missing(own: Registry, tmp_path: Path) -> None:
    with pytest.raises(CannotLoad, match="defines no jobs: put @job"):
        load(str(write(tmp_path, "x = 1\n")), own)
