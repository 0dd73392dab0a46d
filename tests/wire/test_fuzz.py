"""The fuzzer in the time that a test run has, and every corpus case as it is. What it must see: tests/mutants."""

from __future__ import annotations

import os
import time
from random import Random

import pytest

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
