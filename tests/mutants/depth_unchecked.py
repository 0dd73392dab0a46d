"""G27: a payload may be nested as deeply as the line is long: other parsers fall over it."""

from __future__ import annotations

from hirehall.wire import body
from tests.mutants import Replace

CATCHERS = ("tests/wire/test_bad_lines.py::test_64_levels_are_the_most",)


def plant(replace: Replace) -> None:
    replace(body, "_depth", lambda data: 0)
