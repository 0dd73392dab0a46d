"""The OpenAPI document is what the hall does: schemathesis makes requests that it allows, and others, one by one and
each with what the one before has made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.stateful import run_state_machine_as_test
from schemathesis import GenerationMode, checks
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import ensure_resource_availability, ignored_auth, use_after_free

from hirehall.doors import knocks
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
    ignored_auth,
]  # not positive_data_acceptance: that a request needs id or ids, which names there may be and how large numbers, the
# structs do not say, but sentences of the hall; half of the operations would be refused what their schema allows
NOT_ASKED = ("shutdown",)  # it ends the hall
NAMES = sorted({operation.name for operation in OPERATIONS} - set(NOT_ASKED))
PATIENCE = {"claim": "wait_seconds", "wait": "timeout_seconds"}
LINKS = {operation.name: openapi._links(operation) for operation in OPERATIONS}
LINKED = {name for source, links in LINKS.items() for name in (source, *links) if links}
document = schemathesis.openapi.from_dict(openapi.describe())


@pytest.fixture(scope="module")
def hall() -> Iterator[HallTestServer]:
    """One hall for all operations: what one leaves behind the next one meets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(knocks, "FAILURES", 1_000_000)  # ignored_auth comes with wrong tokens, again and again
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


def begun(case: schemathesis.Case, session: requests.Session, **more: Any) -> Response:
    """The answer; of a stream its head, for it has no end."""
    with session.request(**case.as_transport_kwargs(**more), stream=True, timeout=10) as answer:
        if answer.headers["content-type"].startswith("text/event-stream"):
            answer._content = next(answer.iter_content(None))
        else:
            assert answer.content is not None
        return Response.from_requests(answer, verify=False)


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
        if name == "events":
            answer = begun(case, session, base_url=hall.http, headers=headers)
            case.validate_response(answer, checks=CHECKS[:-1], headers=headers)
            return
        in_a_hurry(case).call_and_validate(
            base_url=hall.http, headers=headers, checks=CHECKS, timeout=10, session=session
        )

    try:
        keeps_to_it()
    except Unsatisfiable:
        pytest.skip("nothing can be wrong with it")


@pytest.mark.slow
def test_operations_do_what_the_document_says_with_what_others_have_made(
    hall: HallTestServer, session: requests.Session
) -> None:
    """Along the links of the document: a job is committed, cancelled, removed; an upload gone on with; a token revoked.
    What was removed is gone."""
    headers = {"Authorization": f"Bearer {hall.token}"}
    walked: set[str] = set()

    class Walk(document.include(operation_id=sorted(LINKED)).as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: schemathesis.Case) -> dict[str, Any]:
            return {"base_url": hall.http, "headers": headers, "timeout": 10, "session": session}

        def before_call(self, case: schemathesis.Case) -> None:
            in_a_hurry(case)

        def after_call(self, response: Response, case: schemathesis.Case) -> None:
            if response.status_code < 300:
                walked.add(case.operation.definition.raw["operationId"])

        def validate_response(self, response: Response, case: schemathesis.Case, **more: Any) -> None:
            more.pop("additional_checks", None)
            wanted = [*CHECKS[:-1], use_after_free, ensure_resource_availability]
            case.validate_response(response, checks=wanted, transport_kwargs=more)

    run_state_machine_as_test(
        Walk,
        settings=settings(max_examples=60, stateful_step_count=20, deadline=None, derandomize=True, database=None,
                          phases=[Phase.generate], suppress_health_check=list(HealthCheck)),
    )  # fmt: skip
    for begun_with in ("submit", "begin_upload"):
        assert begun_with in walked
        assert walked & LINKS[begun_with].keys(), walked
