"""The fuzzer in the time that a test run has, every corpus case as it is, and what the fuzzer must see."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from hirehall.doors.connection import LineConnection
from hirehall.service.hall import Hall
from hirehall.wire import codec
from tests.wire import fuzz
from tests.wire.bytes_cases import CORPUS

COUNT = int(os.environ.get("FUZZ_COUNT", fuzz.COUNT))


@pytest.mark.parametrize("name", CORPUS)
def test_every_case_of_the_corpus_is_survived(name: str) -> None:
    assert fuzz.bytes_case([CORPUS[name]], Random(0)) == []
    assert fuzz.bytes_case(CORPUS[name].splitlines(keepends=True), Random(0)) == []


@pytest.mark.parametrize("name", CORPUS)
def test_every_case_of_the_corpus_is_survived_byte_by_byte(name: str) -> None:
    data = CORPUS[name]
    assert fuzz.bytes_case([data[at : at + 1] for at in range(len(data))], Random(0)) == []


@pytest.mark.slow
def test_the_fuzzer_finds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    found = fuzz.failures(0, COUNT)
    with capsys.disabled():
        print(f" [{COUNT} fuzz cases, {time.monotonic() - began:.1f} s] ", end="")
    assert not found, "\n\n" + "\n\n".join(found)


def test_a_seed_is_the_same_case_every_time() -> None:
    assert [fuzz.case(seed) for seed in range(40)] == [fuzz.case(seed) for seed in range(40)]


# The fuzzer must see these.


def found_within(cases: int) -> bool:
    return bool(fuzz.failures(0, cases, most=1))


Breakage = Callable[[pytest.MonkeyPatch], None]


def a_bad_line_takes_its_neighbour_along(patch: pytest.MonkeyPatch) -> None:
    real = codec.decode_lines

    def decode_lines(lines: list[bytes]) -> list[Any]:
        got = real(lines)
        bad = any(type(message) is codec.BadLine for message in got)
        return got[:-1] if bad and len(got) > 2 else got

    patch.setattr(codec, "decode_lines", decode_lines)


def a_chunk_with_a_bad_line_runs_twice(patch: pytest.MonkeyPatch) -> None:
    real = Hall.received

    def received(self: Hall, session: Any, messages: list[Any]) -> None:
        real(self, session, messages)
        if len(messages) > 1 and any(type(message) is codec.BadLine for message in messages):
            real(self, session, [message for message in messages if type(message) is not codec.BadLine])

    patch.setattr(Hall, "received", received)


def the_rest_of_a_chunk_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    real = codec.LineReader.feed

    def feed(self: codec.LineReader, data: bytes) -> list[Any]:
        got = real(self, data)
        if len(got) > 3:
            self._begun = []
        return got

    patch.setattr(codec.LineReader, "feed", feed)


def the_first_line_may_be_anything(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LineConnection, "_usable", lambda self, messages: (messages, False))


def a_reply_is_said_twice(patch: pytest.MonkeyPatch) -> None:
    real = Hall._say

    def say(self: Hall, session: Any, ref: Any, answer: Any) -> None:
        real(self, session, ref, answer)
        if type(answer).__name__ == "Submitted":
            real(self, session, ref, answer)

    patch.setattr(Hall, "_say", say)


def a_command_breaks_its_handler(patch: pytest.MonkeyPatch) -> None:
    real = Hall._answer_to

    def answer_to(self: Hall, session: Any, message: Any) -> Any:
        if type(message).__name__ == "Can":
            raise OverflowError("too large")
        return real(self, session, message)

    patch.setattr(Hall, "_answer_to", answer_to)


BREAKAGES = [
    a_bad_line_takes_its_neighbour_along,
    a_chunk_with_a_bad_line_runs_twice,
    the_rest_of_a_chunk_is_forgotten,
    the_first_line_may_be_anything,
    a_reply_is_said_twice,
    a_command_breaks_its_handler,
]


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.__name__)
def test_the_fuzzer_sees_it_when(breakage: Breakage, monkeypatch: pytest.MonkeyPatch) -> None:
    breakage(monkeypatch)
    assert found_within(150)
