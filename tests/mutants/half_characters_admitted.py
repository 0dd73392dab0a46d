"""G27: half of a surrogate pair is admitted in a payload: other parsers cannot read it."""

from __future__ import annotations

import re

from hirehall.wire import body
from tests.mutants import Replace

CATCHERS = ("tests/wire/test_bad_lines.py::test_a_bad_line_is_refused_with_a_reason_and_its_ref",)


def plant(replace: Replace) -> None:
    replace(body, "_SURROGATE", re.compile(rb"(?!)"))
