"""Every test that starts a process, again and again: a test that fails once in thirty runs has a bug, or shows one.

    python -m tests.flakes --runs 30

First one run of all tests notes the files in which a process was started; then those files run, as often as asked.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections import Counter
from pathlib import Path

from tests.command_line import above_zero, run, run_pytest, whole
from tests.figures import ROOT, record

NOTES = "PROCESS_NOTES"  # the variable that names the file for the notes
STARTS = frozenset({"subprocess.Popen", "os.fork", "os.posix_spawn"})
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


def pytest_configure() -> None:
    """As a plugin of pytest: note each file whose tests start a process. xdist starts its own, outside of any test."""
    if notes := os.environ.get(NOTES):
        sys.addaudithook(lambda event, _: _note(Path(notes)) if event in STARTS else None)


def _note(notes: Path) -> None:
    if test := os.environ.get("PYTEST_CURRENT_TEST"):
        with notes.open("a") as file:
            file.write(test.partition("::")[0] + "\n")


def tests(*arguments: str, **environment: str) -> list[str]:
    """One run of pytest; the tests that failed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.flakes", *arguments]
    said = run_pytest(command, cwd=ROOT, env={**os.environ, **environment})
    if said.returncode not in (0, 1):
        sys.exit(said.stdout + said.stderr)
    return FAILED.findall(said.stdout)


def files_that_start_processes(notes: Path) -> list[str]:
    """Run every test once."""
    notes.unlink(missing_ok=True)
    failed = tests(**{NOTES: str(notes)})
    print(f"all tests once: {failed or 'none failed'}", flush=True)
    return sorted(set(notes.read_text().split()))


def main() -> int:
    """0 when nothing ever failed."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m tests.flakes", description=__doc__, formatter_class=form)
    parser.add_argument("--runs", type=whole(1), default=30)
    parser.add_argument("--seconds", type=above_zero, default=7200.0, help="begin no run after this time")
    parser.add_argument("--record", action="store_true", help="keep the figures for docs/reliability.md")
    wanted = parser.parse_args()
    began, flaked, done = time.monotonic(), Counter[str](), 0
    notes = ROOT / ".pytest_cache" / "processes"
    files = files_that_start_processes(notes)
    while done < wanted.runs and time.monotonic() - began < wanted.seconds:
        failed = tests(*files)
        flaked.update(failed)
        done += 1
        print(f"run {done}: {len(files)} files, {failed or 'none failed'}", flush=True)
    print(f"{done} runs, {time.monotonic() - began:.0f} s: {dict(flaked) or 'no test ever failed'}")
    if wanted.record and not flaked:
        figures = {"runs": done, "files whose tests start processes": len(files), "failures": flaked.total()}
        record("flakes", figures)
    return bool(flaked)


if __name__ == "__main__":
    run(main)
