"""The OpenAPI document is what the hall does: schemathesis makes requests that it allows, and others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks

from hirehall.doors.http import openapi
from hirehall.doors.http.operations import OPERATIONS
from hirehall.testing import HallTestServer

EXAMPLES = 8  # of each operation
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]  # not positive_data_acceptance: that a request needs id or ids, or which names there may be, a schema does not say
NOT_ASKED = ("shutdown", "events")  # one ends the hall, the other never ends
NAMES = sorted({operation.name for operation in OPERATIONS} - set(NOT_ASKED))
PATIENCE = {"claim": "wait_seconds", "wait": "timeout_seconds"}
document = schemathesis.openapi.from_dict(openapi.describe())


@pytest.fixture(scope="module")
def hall() -> Iterator[HallTestServer]:
    """One hall for all operations: what one leaves behind the next one meets."""
    with HallTestServer() as server:
        yield server


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """One connection for all."""
    with requests.Session() as session:
        yield session


def in_a_hurry(case: schemathesis.Case) -> schemathesis.Case:
    """The same request, that does not wait for what nobody does here."""
    name = PATIENCE.get(case.operation.definition.raw["operationId"])
    if name is not None and isinstance(case.body, dict) and type(case.body.get(name, 0)) in (int, float):
        case.body[name] = 0
    return case


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["as it says", "otherwise"])
@pytest.mark.parametrize("name", NAMES)
def test_an_operation_does_what_the_document_says(
    name: str, mode: GenerationMode, hall: HallTestServer, session: requests.Session
) -> None:
    operation = document.find_operation_by_id(name)
    headers = {"Authorization": f"Bearer {hall.token}"}

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(operation.as_strategy(generation_mode=mode))
    def keeps_to_it(case: schemathesis.Case) -> None:
        in_a_hurry(case).call_and_validate(
            base_url=hall.http, headers=headers, checks=CHECKS, timeout=10, session=session
        )

    try:
        keeps_to_it()
    except Unsatisfiable:
        pytest.skip("nothing can be wrong with it")
