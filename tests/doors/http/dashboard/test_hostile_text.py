"""Whatever a job, a worker or an address says is text on every page of jobs: it makes no element and no attribute."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from hirehall.doors.http.dashboard import job_rows, job_search, job_view, submit_form
from hirehall.doors.http.dashboard.ansi import Paint
from hirehall.doors.http.dashboard.job_search import Wanted
from hirehall.doors.http.dashboard.rendering import render
from hirehall.doors.http.dashboard.views import sees
from hirehall.model import Backoff
from hirehall.service.access import ROLES
from hirehall.wire.replies import FileView, JobView, TaskView
from tests.doors.http.dashboard.hostile import PAYLOADS

NOW = 1_800_000_000_000
TIME = "2027-01-15T08:00:00Z"
LINKS = ("href", "src", "action", "data-path", "data-log", "data-upload", "data-then", "data-count")
STATES = ("running", "failed", "blocked", "scheduled", "succeeded", "draft")


class Shape(HTMLParser):
    """The elements and attributes of a page, its text, and where its links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.values: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(sorted(name for name, _ in attrs))))
        self.links += [value or "" for name, value in attrs if name in LINKS]
        self.values += [value or "" for _, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        self.elements.append((f"/{tag}", ()))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        assert decl == "doctype html", decl

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")

    def handle_data(self, data: str) -> None:
        self.values.append(data)


def is_ours(link: str) -> bool:
    return link == "#main" or (link.startswith("/") and link[1:2] not in ("/", "\\"))


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


def job(text: str, state: str) -> JobView:
    error = {"type": text, "message": text, "trace": text}
    result = {"$file": text, "sha256": text, "bytes": 12} if state == "succeeded" else [text]
    files = [FileView(way, text, text, text, 12) for way in ("in", "out")]
    past = [
        {"attempt": 1, "how": how, "began_ms": NOW - 1, "at_ms": NOW, "worker": text, "error": error}
        for how in ("fail", "odd")
    ]
    return JobView(
        id="0ca8abc2f0400000", kind=text, queue=text, state=state, attempt=2, max_attempts=5, forgiven=1, priority=1,
        share=text + " of another", requires=raw({text: text}), key=text, payload=raw({text: text}), result=raw(result),
        error=raw(error), progress=raw({"percent": 40.0, "text": text}), history=raw(past), worker=text,
        meta={text: text}, files=files, tags=[text], lock=text, after=[text],
        created_at=TIME, run_at=TIME, expires_at=TIME, started_at=TIME, finished_at=TIME,
        owner=text, timeout_seconds=1.5, backoff=Backoff(), keep_seconds=60.0,
    )  # fmt: skip


def facts_of(text: str, state: str) -> dict[str, Any]:
    one = job(text, state)
    wanted = Wanted(q=text, queue=text, kind=text, worker=text, state=text)
    who = {
        "may": ROLES, "sees": sees(ROLES), "who": text, "version": "1", "query": "page=jobs",
        "place": "jobs", "totals": _totals(),
    }  # fmt: skip
    listed = {
        "wanted": wanted, "refused": text, "rows": [job_rows.row(one, NOW)], "next": text, "looked_back_to": text,
        "tabs": job_search.tabs(wanted, []), "queues": [text], "kinds": [text], "times": job_search.TIMES,
        "bulk": ["retry", "cancel", "remove"], "matching": None, "where": json.dumps({"tag": text}),
        "tasks": [TaskView(text, text, "running", 0, 0, 0)],
    }  # fmt: skip
    shown = {"shown": job_view.shown(one, NOW), "why": [text], "link": Wanted().link}
    form = {"form": submit_form.again(one), "again": text, "is_too_large": True}
    return who | listed | shown | form


def _totals() -> Any:
    class Crews(msgspec.Struct):
        connected: int = 1

    class Totals(msgspec.Struct):
        jobs: dict[str, int] = msgspec.field(default_factory=dict)
        queues: list[int] = msgspec.field(default_factory=list)
        queues_left_out: int = 0
        workers: Crews = msgspec.field(default_factory=Crews)

    return Totals()


def pages_of(text: str, state: str) -> dict[str, Shape]:
    facts = facts_of(text, state)
    return {name: Shape(render(f"{name}.html", facts)) for name in ("jobs", "job", "submit")}  # with all their parts


@pytest.mark.parametrize("state", STATES)
def test_hostile_text_changes_no_page(state: str) -> None:
    plain = pages_of("harmless", state)
    for payload in PAYLOADS:
        for name, found in pages_of(payload, state).items():
            assert found.elements == plain[name].elements, (name, payload)
            assert all(map(is_ours, found.links)), (name, payload)


def test_every_field_is_where_the_test_looks() -> None:
    """Each of these is on some page; else the test above would prove nothing of it."""
    mark = "n33dle<b>"
    for state in STATES:
        found = "".join(value for page in pages_of(mark, state).values() for value in page.values)
        assert found.count("n33dle<b>") > 40, state


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_text_in_a_log_is_text(payload: str) -> None:
    for text in (payload, f"\x1b[31m{payload}\x1b[0m", f"\x1b]8;;{payload}\x07{payload}\x1b]8;;\x07"):
        assert {tag for tag, _ in Shape(str(Paint().html(text))).elements} <= {"span", "/span"}


def test_there_are_as_many_as_were_promised() -> None:
    assert len(set(PAYLOADS)) >= 60
