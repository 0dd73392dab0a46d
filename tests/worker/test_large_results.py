"""Results that are too large for a message, with a real hall and real runners."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hirehall import Context, JobFailed, connect_async
from hirehall.runners.command import CommandRunner
from hirehall.runners.pool import ProcessRunner
from hirehall.runners.port import MAX_RESULT
from hirehall.runners.python import PythonRunner
from hirehall.testing import functions_of
from tests.patience import eventually
from tests.worker.cargo import (
    LARGE,
    large,
    left,
    outputs,
    sha256,
    shown,
)
from tests.worker.house import PATIENCE, House

pytestmark = pytest.mark.usefixtures("place")


@pytest.mark.parametrize("kind", ["large", "large_elsewhere", "script", "result_file"])
def test_a_large_result_is_a_file_and_both_clients_read_it(
    house: House, kind: str, place: Path, elsewhere: ProcessRunner
) -> None:
    count = 'head -c $(cat "$HALL_PAYLOAD") /dev/zero | tr "\\0" x'
    house.hire(
        PythonRunner(functions_of([large])),
        elsewhere,
        CommandRunner("script", ["sh", "-c", count]),
        CommandRunner("result_file", ["sh", "-c", f'(printf \\"; {count}; echo \\") > "$HALL_RESULT"']),
    )
    job = house.client.submit(kind, LARGE)
    assert job.result(timeout_seconds=PATIENCE) == "x" * LARGE
    digest = sha256(b'"' + b"x" * LARGE + b'"')
    assert shown(house, job.id).result == {"$file": "result.json", "sha256": digest, "bytes": LARGE + 2}
    assert outputs(house, job.id) == {"result.json": digest}

    async def main() -> Any:
        async with connect_async(house.server.url, house.server.token) as hall:
            return await hall.job(job.id).result(PATIENCE)

    assert asyncio.run(main()) == "x" * LARGE
    eventually(lambda: not left(place))


def test_a_large_result_beside_files_takes_a_name_that_none_of_them_has(house: House) -> None:
    def work(payload: Any, context: Context) -> list[str]:
        for name in ("Result.json", "result-1.json"):
            (context.out / name).write_text(name)
        return ["x" * LARGE]

    job = house.client.submit("work")
    house.hire(PythonRunner(functions_of([work])))
    assert job.result(timeout_seconds=PATIENCE) == ["x" * LARGE]
    assert sorted(outputs(house, job.id)) == ["Result.json", "result-1.json", "result-2.json"]


def test_a_result_that_only_looks_like_a_reference_is_what_it_is(house: House) -> None:
    looks = {"$file": "result.json", "sha256": "0" * 64, "bytes": 3}

    def work(payload: Any, context: Context) -> Any:
        (context.out / "result.json").write_text("[1]")
        return payload

    house.hire(PythonRunner(functions_of([work])))
    for payload in (looks, {**looks, "more": 1}, {"$file": 1}):
        assert house.client.submit("work", payload).result(timeout_seconds=PATIENCE) == payload


def test_a_result_that_no_worker_should_hold_in_memory_fails_the_job(house: House) -> None:
    job = house.client.submit("large", MAX_RESULT, max_attempts=2)
    house.hire(PythonRunner(functions_of([large])))
    with pytest.raises(JobFailed, match="leave a file"):
        job.result(timeout_seconds=PATIENCE)
    assert shown(house, job.id).attempt == 1
