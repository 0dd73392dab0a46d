"""Who ordered what, from where, and what came of it: in the log, and never a secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from hirehall.service.audit import ORDERS
from hirehall.service.commands import ADMIN, COMMANDS, OWN_OR_ADMIN, SUBMIT
from hirehall.wire import requests
from tests.service.office import Guest, Office

NO_ORDERS = {requests.Submit, requests.Commit, requests.Do}  # a job says whose it is, and that it was committed


class Book(logging.Handler):
    """What was said of orders."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        standard = vars(logging.makeLogRecord({}))
        said = {name: value for name, value in vars(record).items() if name not in standard and value is not None}
        said.pop("message", None)
        self.lines.append({"order": record.getMessage(), **said})

    def last(self) -> dict[str, Any]:
        """The last line, without which session it was."""
        line = dict(self.lines[-1])
        line.pop("session", None)
        return line


@pytest.fixture
def book() -> Iterator[Book]:
    log, book = logging.getLogger("hirehall.audit"), Book()
    log.addHandler(book)
    log.setLevel(logging.INFO)
    yield book
    log.removeHandler(book)
    log.setLevel(logging.NOTSET)


def test_every_command_that_takes_more_than_to_read_or_work_is_an_order() -> None:
    changing = {message for message, row in COMMANDS.items() if row.roles in (ADMIN, OWN_OR_ADMIN, SUBMIT)}
    assert changing - NO_ORDERS <= ORDERS.keys()


def test_an_order_is_said_with_who_gave_it_what_it_is_about_and_what_came_of_it(
    office: Office, boss: Guest, book: Book
) -> None:
    job = boss.submit()
    assert book.lines == [], "a submit is none: the job says whose it is"
    boss.ok("cancel", id=job)
    assert book.last() == {"order": "cancel", "by": "local", "outcome": "ok", "job": job}
    boss.refused("cancel", id=job)
    assert book.last() == {"order": "cancel", "by": "local", "outcome": "wrong_state", "job": job}
    boss.ok("retry", ids=[job, "0ca8abc2f0400000"])
    assert book.last() == {
        "order": "retry", "by": "local", "outcome": "ok", "jobs": f"{job} 0ca8abc2f0400000", "refused": 1,
    }  # fmt: skip
    boss.ok("pause", queue="images")
    assert book.last() == {"order": "pause", "by": "local", "outcome": "ok", "queue": "images"}
    boss.ok("queue", queue="images", max_running=2)
    assert book.last()["set"] == '{"max_running":2}'
    before = len(book.lines)
    boss.ok("queue", queue="images")
    boss.ok("token", do="list")
    boss.ok("task")
    assert len(book.lines) == before, "who only asks gives no order"


def test_what_a_filter_means_is_said_and_then_which_jobs_it_was(office: Office, boss: Guest, book: Book) -> None:
    job = boss.submit(queue="images")
    task = boss.ok("cancel", where={"queue": "images"})["task"]["id"]
    office.settle()
    asked, done = (dict(line) for line in book.lines[-2:])
    assert (asked["where"], asked["task"]) == ('{"queue":"images"}', task)
    assert (done["peer"], done["jobs"], done["outcome"]) == (f"task {task}", job, "ok")


def test_who_may_not_is_said_too(office: Office, book: Book) -> None:
    guest = office.token("night", ["read"])
    guest.refused("shutdown")
    assert book.last() == {"order": "shutdown", "by": "night", "outcome": "forbidden", "workers": False}


def test_no_secret_and_no_words_of_jobs_are_in_it(office: Office, boss: Guest, book: Book) -> None:
    secret = boss.ok("token", do="create", name="night", roles=["read"])["token"]
    assert book.last() == {
        "order": "token", "by": "local", "outcome": "ok", "do": "create", "token": "night", "roles": "read",
    }  # fmt: skip
    job = boss.submit(payload="n33dle")
    boss.ok("change", id=job, set={"meta": {"a": "n33dle"}, "tags": ["n33dle"]})
    assert book.last()["set"] == "tags meta"
    office.peer("stranger").send(b'{"cmd":"hello","token":"n33dle"}\n')
    office.settle()
    assert book.last()["order"].startswith("hello was refused: this token is not known here")
    assert secret not in str(book.lines)
    assert "n33dle" not in str(book.lines)
