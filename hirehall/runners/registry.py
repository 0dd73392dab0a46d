"""`@job`: which function runs which kind, and how a file of them is loaded."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar, overload

from hirehall.errors import BadRequest, HallError

F = TypeVar("F", bound=Callable[..., Any])


class JobFunction(NamedTuple):
    """A function that runs jobs of one kind. `timeout_seconds`: how long one run may take, by this worker's
    clock."""

    kind: str
    call: Callable[..., Any]
    wants_context: bool
    is_async: bool
    timeout_seconds: float | None

    @property
    def place(self) -> str:
        """Where it is written."""
        code = inspect.unwrap(self.call).__code__
        return f"{code.co_filename}:{code.co_firstlineno}"


class CannotLoad(HallError):
    """the file of job functions cannot be loaded"""

    code = "cannot_load"


class Registry:
    """Kinds and their functions."""

    def __init__(self) -> None:
        self.functions: dict[str, JobFunction] = {}

    @overload
    def job(self, function: F, /) -> F: ...

    @overload
    def job(self, /, *, kind: str | None = None, timeout_seconds: float | None = None) -> Callable[[F], F]: ...

    def job(self, function: Any = None, /, *, kind: str | None = None, timeout_seconds: float | None = None) -> Any:
        """Make the function below run jobs: of the kind `kind`, or of the kind that is the function's name.

        It takes the payload, and a Context if it has a second parameter; what it returns is the job's result.
        It may be `async`. It stays an ordinary function: call it in a test as it is.
        """

        def register(function: F) -> F:
            self.add(describe(function, kind, timeout_seconds))
            return function

        return register if function is None else register(function)

    def add(self, function: JobFunction) -> None:
        """Take one function in. Raises BadRequest when another one runs this kind already."""
        other = self.functions.get(function.kind)
        if other is not None and other.place != function.place:
            raise BadRequest(
                f"kind {function.kind!r} has two functions, at {other.place} and {function.place}: "
                f"give one of them another name with @job(kind=...)"
            )
        self.functions[function.kind] = function


def describe(function: Callable[..., Any], kind: str | None, timeout_seconds: float | None) -> JobFunction:
    """What there is to know about a job function. Raises TypeError when it cannot be one."""
    if not inspect.isfunction(function):
        raise TypeError(f"@job belongs above a function, not {function!r}")
    if timeout_seconds is not None and timeout_seconds <= 0:
        raise ValueError(f"timeout_seconds of {function.__name__} is {timeout_seconds}: give seconds above 0")
    wants_context = _parameters(function) == 2
    return JobFunction(
        kind or function.__name__,
        function,
        wants_context,
        inspect.iscoroutinefunction(function),
        timeout_seconds,
    )


def _parameters(function: Callable[..., Any]) -> int:
    """How many of the two arguments it takes."""
    signature = inspect.signature(function)
    for arguments in (2, 1):
        try:
            signature.bind(*[None] * arguments)
        except TypeError:
            continue
        return arguments
    raise TypeError(f"{function.__name__}{signature} cannot be a job: it takes (payload) or (payload, context)")


registry = Registry()
job = registry.job


def load(target: str, into: Registry = registry) -> tuple[JobFunction, ...]:
    """Import a file `tasks.py`, or a module `package.tasks`, and return every function registered so far.

    Raises CannotLoad, which names the file and the remedy.
    """
    if target.endswith(".py") or "/" in target:
        _load_file(Path(target))
    else:
        _import(target, lambda: importlib.import_module(target))
    if not into.functions:
        raise CannotLoad(f"{target} defines no jobs: put @job (from hirehall import job) above a function")
    return tuple(into.functions.values())


def _load_file(path: Path) -> None:
    path = path.resolve()
    if not path.is_file():
        raise CannotLoad(
            f"cannot load {path}: there is no such file; give the path of a Python file with @job functions"
        )
    folder = str(path.parent)
    if folder not in sys.path:  # so that a file of tasks can import its neighbours
        sys.path.insert(0, folder)
    _import(str(path), lambda: _execute(path))


def _execute(path: Path) -> ModuleType:
    name = _module_name(path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, "a .py file has an importer"
    assert spec.loader is not None, "a .py file has an importer"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _module_name(path: Path) -> str:
    """The file's own name, so that a neighbour's `import tasks` finds it; never the name of something
    else."""
    taken = sys.modules.get(path.stem)
    is_free = taken is None or getattr(taken, "__file__", None) == str(path)
    return path.stem if is_free and path.stem not in sys.stdlib_module_names else f"hirehall_tasks_{path.stem}"


def _import(target: str, load_it: Callable[[], ModuleType]) -> None:
    try:
        load_it()
    except HallError as why:
        raise CannotLoad(f"cannot load {target}: {why}") from why
    except Exception as why:
        raise CannotLoad(f"cannot load {target}: {type(why).__name__}: {why}{_line_of(why)}; mend it first") from why


def _line_of(why: Exception) -> str:
    """Where in the user's file it went wrong: the innermost line that is not the import machinery's."""
    line = ""
    trace = why.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name != __file__ and "importlib" not in name:
            line = f" ({name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return line
