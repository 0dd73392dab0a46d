"""What Prometheus reads: read back with its own parser, and compared with what has happened."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hirehall.errors import Forbidden
from hirehall.service.exposition import METRICS, MOST_NAMED, PROCESS, scrape
from hirehall.service.sessions import Identity
from tests.service.office import Guest, Office

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def identity_of(guest: Guest) -> Identity:
    session = guest.peer._line._session
    assert session is not None
    return session.identity


def scraped(office: Office, guest: Guest) -> Samples:
    text = office.loop.run_until_complete(scrape(office.hall, identity_of(guest))).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: Any) -> float:
    return found[name, tuple(sorted((key, str(label)) for key, label in labels.items()))]


def test_what_has_happened_is_there(office: Office, boss: Guest) -> None:
    worker = office.worker("ann", credit=3)
    jobs = boss.submit_many([{}] * 3)
    boss.submit("file", queue="other-line")
    office.seconds += 0.7
    worker.done(jobs[0])
    worker.ok("fail", id=jobs[1], attempt=1, error={"type": "X", "message": "no"}, retry=False)
    found = scraped(office, boss)
    assert value(found, "hirehall_jobs", queue="default", state="running") == 1
    assert value(found, "hirehall_jobs", queue="other-line", state="ready") == 1
    assert value(found, "hirehall_jobs_submitted_total", queue="default") == 3
    assert value(found, "hirehall_jobs_succeeded_total", queue="default") == 1
    assert value(found, "hirehall_jobs_failed_total", queue="default") == 1
    assert value(found, "hirehall_unserved_jobs", queue="other-line") == 1
    assert value(found, "hirehall_oldest_waiting_seconds", queue="other-line") == pytest.approx(0.7)
    assert value(found, "hirehall_wait_seconds_count", queue="default") == 3
    assert value(found, "hirehall_run_seconds_count", queue="default", kind="saw") == 2
    assert value(found, "hirehall_run_seconds_sum", queue="default", kind="saw") == pytest.approx(1.4)
    assert value(found, "hirehall_run_seconds_bucket", queue="default", kind="saw", le="0.5") == 0
    assert value(found, "hirehall_run_seconds_bucket", queue="default", kind="saw", le="1.0") == 2
    assert value(found, "hirehall_workers", state="working") == 1
    assert (value(found, "hirehall_slots", state="used"), value(found, "hirehall_slots", state="free")) == (1, 2)
    assert value(found, "hirehall_leases") == 1
    assert value(found, "hirehall_storage_full") == 0
    assert value(found, "hirehall_database_bytes") > 0
    assert value(found, "process_resident_memory_bytes") > 1 << 20
    assert any(name == "hirehall_build_info" for name, _ in found)


def test_waits_are_counted_when_a_worker_comes_at_last(office: Office, boss: Guest) -> None:
    boss.submit_many([{}] * 4)
    office.seconds += 0.8
    boss.submit_many([{}] * 2)
    office.worker("ann", credit=10)
    found = scraped(office, boss)
    assert value(found, "hirehall_wait_seconds_bucket", queue="default", le="0.1") == 2
    assert value(found, "hirehall_wait_seconds_bucket", queue="default", le="1.0") == 6


def test_a_job_that_is_lost_too_often_has_failed(office: Office, boss: Guest) -> None:
    worker = office.guest("ann", None)
    boss.submit(max_attempts=1)
    worker = office.worker("ann")
    assert worker.runs()
    worker.leave()
    office.pass_time(10.0)
    found = scraped(office, boss)
    assert value(found, "hirehall_jobs_lost_total", queue="default") == 1
    assert value(found, "hirehall_jobs_failed_total", queue="default") == 1


def test_names_follow_the_conventions() -> None:
    units = ("_seconds", "_bytes", "_ratio")
    for metric in METRICS + PROCESS:
        assert re.fullmatch(r"(hirehall|process)_[a-z]+(_[a-z]+)*", metric.name), metric
        assert not metric.name.endswith(("_total", "_count", "_sum", "_bucket")), "made of the sort"
        assert metric.help.endswith("."), metric
        if metric.sort in ("histogram", "summary"):
            assert metric.name.endswith(units), metric


def test_a_thousand_queues_are_a_hundred_names_and_the_rest_and_no_wait(office: Office, boss: Guest) -> None:
    boss.submit_many([{"queue": f"queue-{number}"} for number in range(1_000)])
    scraped(office, boss)
    begun = time.process_time()
    found = scraped(office, boss)
    spent = time.process_time() - begun
    queues = {dict(labels)["queue"] for name, labels in found if name == "hirehall_jobs"}
    assert len(queues) == MOST_NAMED + 1
    assert value(found, "hirehall_jobs", queue="other", state="ready") == 1_000 - MOST_NAMED
    assert value(found, "hirehall_jobs_submitted_total", queue="other") == 1_000 - MOST_NAMED
    assert spent < 0.5, "five times what it takes, reading back included"


def test_names_of_kinds_are_said_as_they_are(office: Office, boss: Guest) -> None:
    worker = office.worker("ann")
    worker.done(boss.submit('say "hi" \\ there'))
    found = scraped(office, boss)
    assert value(found, "hirehall_run_seconds_count", queue="default", kind='say "hi" \\ there') == 1


def test_only_who_may_read_everything_is_answered(office: Office, boss: Guest) -> None:
    for name, roles, limits in (("sub", ["submit"], {}), ("part", ["read"], {"queues": ["default"]})):
        guest = office.token(name, roles, **limits)
        with pytest.raises(Forbidden):
            scraped(office, guest)
    assert scraped(office, office.token("prometheus", ["read"]))
