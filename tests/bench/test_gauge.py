"""What a process has used, by its own clock."""

from __future__ import annotations

import os
import sys
import time

import psutil
import pytest

from hirehall.bench import gauge
from hirehall.bench.gauge import used_by


def test_cpu_time_is_that_of_the_process() -> None:
    assert used_by(os.getpid()) == pytest.approx(time.process_time(), abs=0.5)
    assert used_by(os.getppid()) == pytest.approx(sum(psutil.Process(os.getppid()).cpu_times()[:2]), abs=0.5)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell it in ticks")
def test_a_millisecond_of_work_is_seen() -> None:
    before = used_by(os.getpid())
    until = time.thread_time() + 0.001
    while time.thread_time() < until:
        pass
    assert 0.001 <= used_by(os.getpid()) - before < 0.01


def test_where_there_is_no_such_clock_the_system_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauge.sys, "platform", "darwin")
    assert used_by(os.getpid()) == pytest.approx(time.process_time(), abs=0.5)
