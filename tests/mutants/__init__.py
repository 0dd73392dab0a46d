"""Deliberate faults in our own server, one file each: a suite is worth what it finds of them.

A mutant is a module here: its docstring says which guarantees it breaks and what is wrong, `CATCHERS` who must see it,
the cheapest first (one of the names below, or a pytest node id), and `plant(replace)` does it. Modules that begin with
an underscore are no mutants.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from unittest import mock

Replace = Callable[[Any, str, Any], None]  # owner, name of its attribute, what stands there instead

SIMULATION, FUZZER, TALES, POWER_CUT = "simulation", "fuzzer", "tales", "power cut"


class Mutant(NamedTuple):
    """What the file of a mutant says."""

    name: str
    breaks: str
    wrong: str
    catchers: tuple[str, ...]


def names() -> list[str]:
    """Every mutant there is."""
    return sorted(
        module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith(("_", "test_"))
    )


def about(name: str) -> Mutant:
    """What is wrong with this one, and who must see it."""
    module = importlib.import_module(f"{__name__}.{name}")
    breaks, _, wrong = " ".join((module.__doc__ or "").split()).partition(": ")
    return Mutant(name, breaks, wrong, module.CATCHERS)


def plant(name: str, replace: Replace) -> None:
    """Put the mutant into this process through `replace`."""
    importlib.import_module(f"{__name__}.{name}").plant(replace)


@contextmanager
def planted(name: str) -> Iterator[None]:
    """This process has the mutant in it, and is as before afterwards."""
    with ExitStack() as stack:
        plant(name, lambda owner, attribute, wrong: stack.enter_context(mock.patch.object(owner, attribute, wrong)))
        yield
