"""How jobs are named: beginnings of ids, last, ranges."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Cli
from tests.cli.puppet import Puppet, a_job, finds

NEW, MIDDLE, OLD, OTHER = 0x01A0_0000_0000_0300, 0x01A0_0000_0000_0200, 0x01A0_0000_0000_0100, 0x0170_0000_0000_0100


@pytest.fixture
def cancelled(puppet: Puppet, cli: Cli) -> Cancelled:
    puppet.answers["find"] = finds([a_job(number) for number in (NEW, MIDDLE, OLD, OTHER)])
    puppet.answers["cancel"] = {"refused": []}
    return Cancelled(puppet, cli)


class Cancelled:
    """Which jobs a `cancel` named."""

    def __init__(self, puppet: Puppet, cli: Cli) -> None:
        self.puppet, self.cli = puppet, cli

    def __call__(self, *words: str) -> list[int]:
        said = self.cli("cancel", *words)
        assert said.status == 0, said.err
        asked = self.puppet.asked("cancel")[-1]
        return [int(job, 16) for job in asked.get("ids", [asked.get("id")])]


def test_a_whole_id_is_taken_without_asking(cancelled: Cancelled) -> None:
    assert cancelled("01a0000000000300") == [NEW]
    assert cancelled.puppet.asked("find") == []


def test_last_is_the_newest_and_last_n_the_newest_ones_oldest_first(cancelled: Cancelled) -> None:
    assert cancelled("last") == [NEW]
    assert cancelled("last:2") == [MIDDLE, NEW]
    assert cancelled("last:99") == [OTHER, OLD, MIDDLE, NEW]


def test_a_beginning_that_only_one_job_has_is_enough(cancelled: Cancelled) -> None:
    assert cancelled("0170") == [OTHER]
    assert cancelled("01a00000000002") == [MIDDLE]


def test_a_beginning_that_several_have_lists_them(cancelled: Cancelled) -> None:
    said = cancelled.cli("cancel", "01a0")
    assert said.status == 2
    assert "01a0 could be 01a0000000000300, 01a0000000000200, 01a0000000000100: write more of it" in said.err


def test_a_beginning_that_nobody_has_says_where_to_look(cancelled: Cancelled) -> None:
    said = cancelled.cli("cancel", "0fff")
    assert said.status == 3
    assert said.err == "hirehall: no job's id begins with 0fff: `hirehall jobs` lists the newest\n"


def test_a_range_holds_both_its_ends(cancelled: Cancelled) -> None:
    assert cancelled("01a0000000000100..last") == [OLD, MIDDLE, NEW]
    assert cancelled("0170..01a0000000000200") == [OTHER, OLD, MIDDLE]


def test_a_range_is_as_long_as_it_takes(cancelled: Cancelled) -> None:
    jobs = [a_job(number) for number in range(3000, 0, -1)]
    cancelled.puppet.answers["find"] = finds(jobs)
    cancelled("0000000000000001..0000000000000bb8")
    assert [len(said["ids"]) for said in cancelled.puppet.asked("cancel")] == [1000, 1000, 1000]


def test_a_range_from_new_to_old_is_a_slip(cancelled: Cancelled) -> None:
    said = cancelled.cli("cancel", "01a0000000000300..01a0000000000100")
    assert said.status == 2
    assert "write the older id first" in said.err


def test_a_job_named_twice_is_one(cancelled: Cancelled) -> None:
    assert cancelled("last", "01a0000000000300", "last:2") == [NEW, MIDDLE]


@pytest.mark.parametrize("word", ["abc", "newest", "01G0", "last:0", "last:x", "..", "01a0000000000300ff", "ABCD"])
def test_what_names_no_job_is_a_usage_error_that_says_what_would(cancelled: Cancelled, word: str) -> None:
    said = cancelled.cli("cancel", word)
    assert said.status == 2
    assert "names no job: give an id, 4 or more letters of its beginning, last, last:5 or ID..ID" in said.err


def test_without_any_job_last_says_so(cancelled: Cancelled) -> None:
    cancelled.puppet.answers["find"] = {"jobs": [], "next": None}
    said = cancelled.cli("show", "last")
    assert said.status == 3
    assert "there is no job yet" in said.err


def test_where_one_job_is_wanted_several_are_a_slip(cancelled: Cancelled) -> None:
    said = cancelled.cli("show", "last:2")
    assert said.status == 2
    assert "'last:2' names 2 jobs: name one" in said.err
