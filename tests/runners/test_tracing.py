"""A trace goes from the span around a submit to the spans of its attempts, and to scripts; a bad one harms no job."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from hirehall import tracing
from hirehall.client.jobs import JobMaker
from hirehall.client.submits import submit, submit_many
from hirehall.runners.calls import AsyncCall, SyncCall
from hirehall.runners.port import Failure, Success
from hirehall.runners.registry import JobFunction
from hirehall.runners.workspace import Workspace
from hirehall.wire.replies import Delivery

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
EXPORTER = InMemorySpanExporter()
TRACER = trace.get_tracer("test")
MAKER: JobMaker[Any] = JobMaker(lambda *_: None, None)  # type: ignore[arg-type]


@pytest.fixture(scope="module", autouse=True)
def provider() -> None:
    made = TracerProvider()
    made.add_span_processor(SimpleSpanProcessor(EXPORTER))
    trace.set_tracer_provider(made)


@pytest.fixture(autouse=True)
def spans() -> InMemorySpanExporter:
    EXPORTER.clear()
    return EXPORTER


def delivery(**meta: str) -> Delivery:
    return Delivery("0ca8d0169f686000", 2, "saw", "wood", Raw(b"[1]"), 30.0, None, meta)


def function(call: Any) -> JobFunction:
    return JobFunction("saw", call, False, asyncio.iscoroutinefunction(call), None)


def commands(*asks: Any) -> list[dict[str, Any]]:
    return [ask.command for ask in asks]


def test_a_span_around_a_submit_is_the_parent_of_the_attempt(spans: InMemorySpanExporter) -> None:
    with TRACER.start_as_current_span("order") as order:
        (said,) = commands(submit(MAKER, "saw", None, {}))
    inside: list[int] = []

    def works(_: Any) -> None:
        inside.append(trace.get_current_span().get_span_context().span_id)

    assert isinstance(SyncCall(function(works), delivery(**said["meta"])).run(), Success)
    attempt = next(span for span in spans.get_finished_spans() if span.name == "process saw")
    assert attempt.parent is not None
    assert attempt.parent.span_id == order.get_span_context().span_id
    assert attempt.context is not None
    assert inside == [attempt.context.span_id]
    about = dict(attempt.attributes or {})
    assert (about["messaging.message.id"], about["messaging.destination.name"]) == ("0ca8d0169f686000", "wood")
    assert about["hirehall.attempt"] == 2


def test_a_failure_is_seen_in_the_span_and_told_as_ever(spans: InMemorySpanExporter) -> None:
    def breaks(_: Any) -> None:
        raise ValueError("no")

    outcome = SyncCall(function(breaks), delivery(traceparent=PARENT)).run()
    assert isinstance(outcome, Failure)
    assert (outcome.type, outcome.message) == ("ValueError", "no")
    assert "hirehall/tracing.py" not in outcome.trace
    assert "opentelemetry" not in outcome.trace
    (span,) = spans.get_finished_spans()
    assert not span.status.is_ok
    assert span.parent is not None
    assert f"{span.parent.trace_id:032x}" in PARENT


def test_an_async_function_runs_in_its_span_too(spans: InMemorySpanExporter) -> None:
    async def works(_: Any) -> str:
        await asyncio.sleep(0)
        return f"{trace.get_current_span().get_span_context().trace_id:032x}"

    async def run() -> Any:
        ended = asyncio.get_running_loop().create_future()
        call = AsyncCall(function(works), delivery(traceparent=PARENT))
        call.post = ended.set_result
        call.begin(asyncio.get_running_loop())
        return await ended

    outcome = asyncio.run(run())
    assert isinstance(outcome, Success)
    assert bytes(outcome.result).decode().strip('"') in PARENT


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "nonsense",
        PARENT.upper(),
        f"ff{PARENT[2:]}",
        f"{PARENT}-more",
        f"{PARENT}\n",
        PARENT[:-1],
        PARENT.replace("b7ad6b7169203331", "0" * 16),
    ],
)
def test_a_trace_that_is_none_harms_no_job(parent: str, spans: InMemorySpanExporter) -> None:
    job = delivery(traceparent=parent, tracestate="a=b")
    assert tracing.of(job.meta) == {}
    assert isinstance(SyncCall(function(lambda _: 1), job).run(), Success)
    (span,) = spans.get_finished_spans()
    assert span.parent is None


def test_later_versions_may_be_longer_and_a_strange_state_is_left_out() -> None:
    later = f"01{PARENT[2:]}-more"
    assert tracing.of({"traceparent": later, "tracestate": "a=b"}) == {"traceparent": later, "tracestate": "a=b"}
    for state in ("a\nb", "x" * 513, "ł"):
        assert tracing.of({"traceparent": PARENT, "tracestate": state}) == {"traceparent": PARENT}


def test_scripts_are_told_by_their_environment(tmp_path: Path) -> None:
    told, untold = delivery(traceparent=PARENT, tracestate="a=b"), delivery(traceparent="nonsense")
    for job, expected in ((told, (PARENT, "a=b")), (untold, (None, None))):
        space = Workspace(job, str(tmp_path / "base" / "01.1"))
        environment = space.environment(job, "", {})
        space.remove()
        assert (environment.get("TRACEPARENT"), environment.get("TRACESTATE")) == expected


def test_what_the_submitter_says_itself_stays_and_meta_never_grows_too_large() -> None:
    with TRACER.start_as_current_span("order"):
        own, full, several = commands(
            submit(MAKER, "saw", None, {"meta": {"traceparent": "mine"}}),
            submit(MAKER, "saw", None, {"meta": {"note": "x" * 4_050}}),
            submit(MAKER, "saw", None, {"meta": {"ticket": "81"}}),
        )
        (many,) = commands(*submit_many(MAKER, [{"kind": "saw"}, {"kind": "saw", "meta": {"n": "1"}}], {}))
    assert own["meta"] == {"traceparent": "mine"}
    assert set(full["meta"]) == {"note"}
    assert set(several["meta"]) == {"ticket", "traceparent"}
    assert tracing.of(many["meta"])
    assert b"traceparent" not in bytes(many["jobs"][0])
    assert b"traceparent" in bytes(many["jobs"][1])


def test_outside_of_a_span_nothing_is_added() -> None:
    (said,) = commands(submit(MAKER, "saw", None, {"queue": "wood"}))
    assert "meta" not in said


def test_who_does_not_trace_loads_nothing_of_it() -> None:
    look = "import hirehall, hirehall.runners.python, sys; print([name for name in sys.modules if 'telemetry' in name])"
    found = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
