"""G27: a payload is parsed and written anew on its way: numbers and spaces come out otherwise."""

from __future__ import annotations

from typing import Any

import msgspec

from hirehall.service import pushes
from tests.mutants import Replace

CATCHERS = (
    "tales",
    "tests/service/test_honest_answers.py::test_a_payload_and_its_result_come_back_byte_for_byte",
)


def plant(replace: Replace) -> None:
    original = pushes._run

    def run(session: Any, jobs: Any) -> None:
        for job in jobs:
            job.payload = msgspec.json.encode(msgspec.json.decode(job.payload))
        original(session, jobs)

    replace(pushes, "_run", run)
