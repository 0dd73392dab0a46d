"""The commands of section 10 against a real hall with a real worker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.cli.conftest import Cli
from tests.cli.program import Shell
from tests.cli.terminal import Terminal
from tests.system.hall_process import Hall

ENDED = {"succeeded", "failed", "cancelled", "expired"}


def submit(cli: Cli, *words: str) -> str:
    said = cli("submit", *words)
    assert said.status == 0, said.err
    return said.out.strip()


def state(cli: Cli, job: str) -> str:
    return str(cli("show", job, "--json").json["state"])


# Handing in.


def test_the_options_of_submit_reach_the_job(hall_cli: Cli) -> None:
    first = submit(hall_cli, "nobody-1", "--queue", "gates")
    words = ["--lock", "disk", "--after", first, "--tag", "a", "--tag", "b", "--meta", "team=maps", "--keep", "2h"]
    job = submit(hall_cli, "nobody-1", "--queue", "gates", *words, "--backoff", "linear:2s:1m", "--timeout", "1h30m")
    shown = hall_cli("show", job, "--json").json
    assert (shown["state"], shown["lock"], shown["after"]) == ("blocked", "disk", [first])
    assert (shown["tags"], shown["meta"]) == (["a", "b"], {"team": "maps"})
    assert f"waits for job {first}" in hall_cli("explain", job).out
    hall_cli("cancel", "--queue", "gates", "--yes")
    assert state(hall_cli, job) == "cancelled"


def test_after_takes_a_selector(hall_cli: Cli) -> None:
    first = submit(hall_cli, "nobody-2")
    job = submit(hall_cli, "nobody-2", "--after", "last")
    assert hall_cli("show", job, "--json").json["after"] == [first]
    hall_cli("cancel", first, job)


@pytest.mark.parametrize(
    "words", [["--backoff", "fast"], ["--backoff", "linear"], ["--meta", "x"], ["--keep", "soon"], ["--delay", "2x"]]
)
def test_a_slip_in_an_option_of_submit_needs_no_hall_to_be_found(cli: Cli, words: list[str]) -> None:
    said = cli("submit", "double", *words)
    assert said.status == 2
    assert "no hall" not in said.err


# Looking.


def test_jobs_are_filtered_and_pages_go_on_where_the_last_ended(hall_cli: Cli) -> None:
    ids = [submit(hall_cli, "nobody-3", "--tag", "paged") for _ in range(5)]
    said = hall_cli("jobs", "--tag", "paged", "--since", "1h", "--limit", "2")
    assert [line.split()[0] for line in said.out.splitlines()[1:]] == ids[:2:-1]
    line = said.err.partition("more: hirehall ")[2].split()
    again = hall_cli(*line)
    assert [line.split()[0] for line in again.out.splitlines()[1:]] == ids[2:0:-1]
    page = hall_cli("jobs", "--tag", "paged", "--limit", "2", "--json").json
    assert list(page) == ["jobs", "next", "looked_back_to"]
    assert hall_cli("jobs", "--tag", "paged", "--until", "1h").out == "no jobs\n"
    hall_cli("cancel", *ids)


def test_counts_are_one_row_for_each_queue_and_kind(hall_cli: Cli) -> None:
    ids = [submit(hall_cli, "nobody-4", "--queue", "counted") for _ in range(3)]
    hall_cli("cancel", ids[0])
    said = hall_cli("counts", "--queue", "counted")
    assert [line.split() for line in said.out.splitlines()] == [
        ["queue", "kind", "ready", "cancelled"],
        ["counted", "nobody-4", "2", "1"],
    ]
    counts = hall_cli("counts", "--queue", "counted", "--json").json["counts"]
    assert {row["state"]: row["jobs"] for row in counts} == {"ready": 2, "cancelled": 1}
    hall_cli("cancel", *ids[1:])


def test_workers_are_listed_and_told_what_to_do(hall_cli: Cli) -> None:
    said = hall_cli("workers")
    assert "tester" in said.out
    assert "gpu=1" in said.out
    assert hall_cli("worker", "tester", "pause").out == "worker tester takes no more jobs\n"
    assert [one["state"] for one in hall_cli("workers", "--json").json["workers"]] == ["paused"]
    assert hall_cli("worker", "tester", "resume").out == "worker tester takes jobs again\n"
    assert hall_cli("submit", "double", "2", "--wait").out == '{"twice":4}\n'


def test_a_worker_that_is_not_there_or_told_nothing_is_a_mistake(hall_cli: Cli) -> None:
    said = hall_cli("worker", "nobody", "drain")
    assert said.status == 3
    assert "there is no worker 'nobody'" in said.err
    assert hall_cli("worker", "tester").status == 2
    assert hall_cli("worker", "tester", "dance").status == 2
    assert hall_cli("worker", "tester", "pause", "--credit", "2").status == 2


def test_kinds_say_what_can_be_run(hall_cli: Cli) -> None:
    assert "double" in hall_cli("kinds").out
    kinds = {kind["kind"]: kind for kind in hall_cli("kinds", "--json").json["kinds"]}
    assert kinds["double"]["workers"] == 1


def test_top_prints_one_frame_for_a_pipe(hall_cli: Cli) -> None:
    said = hall_cli("top")
    assert said.status == 0
    for word in ("hirehall/", "in 0.0/s", "queue", "default", "tester"):
        assert word in said.out
    frame = hall_cli("top", "--once", "--json").json
    assert list(frame)[:6] == ["hall", "server", "rates", "waiting", "running", "oldest_waiting_at"]
    assert list(frame)[6:] == ["queues", "workers", "storage_full", "run_time", "unserved"]
    assert list(frame["rates"]) == ["in", "started", "succeeded", "failed", "retried"]


# Changing.


def test_a_job_is_changed_cancelled_tried_again_and_removed(hall_cli: Cli) -> None:
    job = submit(hall_cli, "double", "4", "--delay", "1h")
    assert hall_cli("change", job, "--set", "priority=7", "--set", "tags=a,b").out == f"job {job} changed\n"
    shown = hall_cli("show", job, "--json").json
    assert (shown["priority"], shown["tags"], shown["state"]) == (7, ["a", "b"], "scheduled")
    assert hall_cli("cancel", job).out == f"job {job} cancelled\n"
    assert hall_cli("retry", job).out == f"job {job} retried\n"
    assert hall_cli("wait", job).status == 0
    refused = hall_cli("retry", job)
    assert (refused.status, refused.out) == (3, "")
    assert f"job {job} has succeeded: only jobs that failed, were cancelled or expired are tried again" in refused.err
    assert hall_cli("remove", job).out == f"job {job} removed\n"
    assert hall_cli("show", job).status == 3


def test_a_job_runs_now_when_it_is_told_so(hall_cli: Cli) -> None:
    job = submit(hall_cli, "double", "5", "--delay", "1h")
    assert hall_cli("change", "last", "--set", "run_at=now").status == 0
    assert hall_cli("wait", job, "--timeout", "10").status == 0


def test_all_jobs_that_fit_are_changed_in_the_background(hall_cli: Cli) -> None:
    for _ in range(3):
        submit(hall_cli, "nobody-5", "--tag", "many")
    assert hall_cli("change", "--tag", "many", "--set", "queue=elsewhere", "--yes").out == "3 jobs changed\n"
    assert hall_cli("cancel", "--queue", "elsewhere", "--yes", "--json").json["task"]["done"] == 3
    assert hall_cli("remove", "--tag", "many", "--yes").out == "3 jobs removed\n"
    assert hall_cli("jobs", "--tag", "many").out == "no jobs\n"


# Queues.


@pytest.fixture
def queue(hall_cli: Cli) -> Iterator[str]:
    yield "line"
    hall_cli("resume", "line")


def test_a_queue_is_paused_drained_and_opened_again(hall_cli: Cli, queue: str) -> None:
    assert hall_cli("pause", queue).out == "queue line is paused: it accepts jobs and hands out none\n"
    job = submit(hall_cli, "nobody-6", "--queue", queue)
    assert "paused" in hall_cli("explain", job).out
    assert hall_cli("drain", queue).out == "queue line is down: it refuses jobs and hands out none\n"
    refused = hall_cli("submit", "nobody-6", "--queue", queue)
    assert refused.status == 3
    assert hall_cli("resume", queue).out == "queue line is open: it accepts jobs and hands them out\n"
    assert hall_cli("drain", queue).out == "queue line is drained: it hands out what is there and refuses more\n"
    hall_cli("resume", queue)
    hall_cli("cancel", job)


def test_a_queues_limits_are_set_shown_and_taken_back(hall_cli: Cli, queue: str) -> None:
    words = [
        "--max-running",
        "4",
        "--max-per-second",
        "0.5",
        "--lock-limit",
        "2",
        "--keep",
        "7d",
        "--max-attempts",
        "3",
    ]
    view = hall_cli("queue", queue, *words, "--backoff", "constant:5s", "--max-waiting", "9", "--json").json
    assert (view["max_running"], view["max_per_second"], view["max_waiting"]) == (4, 0.5, 9)
    assert (view["lock_limit"], view["keep_seconds"], view["max_attempts"]) == (2, 604_800, 3)
    assert (view["backoff"]["kind"], view["backoff"]["base_seconds"]) == ("constant", 5)
    assert "4 running, 0.5 per second, 9 waiting, 2 per lock" in hall_cli("queues").out
    names = ["--max-running", "--max-per-second", "--max-waiting", "--lock-limit", "--keep", "--max-attempts"]
    hall_cli("queue", queue, *(word for name in names for word in (name, "default")), "--backoff", "default")
    shown = hall_cli("queue", queue).out
    assert "max running     no limit" in shown
    assert "kept            1 d" in shown


@pytest.mark.parametrize("words", [["--max-running", "many"], ["--keep", "long"], ["--state", "closed"]])
def test_a_setting_that_is_none_is_a_usage_error(cli: Cli, words: list[str]) -> None:
    assert cli("queue", "line", *words).status == 2


# Live, in front of a person and for a script.


def test_a_log_is_followed_live_through_a_retry(hall_cli: Cli, staffed: Hall, shell: Shell) -> None:
    """The script's first attempt fails and may be tried again; both are heard, each stream in its way."""
    shell.env["HIREHALL_DATA"] = str(staffed.data)
    (shell.cwd / "talk.sh").write_text(
        'echo "attempt $HALL_ATTEMPT of \\033[31mred\\033[0m"\necho trouble >&2\n[ "$HALL_ATTEMPT" = 2 ] || exit 75\n'
    )
    job = submit(hall_cli, "talk", "--queue", "talks", "--backoff", "constant:2s")
    program = shell.start(f"hirehall logs {job} -f")
    program.says("is ready; waiting for it to start")
    with at_home(shell, staffed, f"hirehall logs {job} -f") as terminal:
        terminal.shows("waiting for it to start")
        shell.start(f"hirehall work --script talk='sh {shell.cwd}/talk.sh' --queue talks --name talker")
        assert terminal.ends() == 0
    status, said = program.ends()
    assert status == 0, said
    for text in (said, terminal.text):
        assert [line.split()[1] for line in text.splitlines() if line.startswith("attempt ") and " of " in line] == [
            "1",
            "2",
        ]
    assert "\x1b" not in said
    assert b"\x1b[31mtrouble" in terminal.raw
    assert f"attempt 1 is over; job {job} is scheduled, waiting for the next" in said


def at_home(shell: Shell, hall: Hall, line: str, columns: int = 80) -> Terminal:
    return Terminal(line, shell.cwd, {**shell.env, "HIREHALL_DATA": str(hall.data)}, columns)


def test_events_are_printed_as_they_happen_and_as_json_lines(hall_cli: Cli, staffed: Hall, shell: Shell) -> None:
    shell.env["HIREHALL_DATA"] = str(staffed.data)
    with at_home(shell, staffed, "hirehall events --kind double") as terminal:
        program = shell.start("hirehall events --kind double --event succeed --json")
        job = ""
        while "succeed" not in terminal.text:  # the watch begins when it begins
            job = submit(hall_cli, "double", "1")
            terminal.pause()
        terminal.shows(job)
        while b"\n" not in program.said:
            submit(hall_cli, "double", "1")
            with suppress(AssertionError):
                program.says("\n", within=0.5)
        event = json.loads(program.said.splitlines()[0])
        assert (event["event"], event["kind"], event["state"]) == ("succeed", "double", "succeeded")
        terminal.types("\x03")
        assert terminal.ends() == 130


@pytest.mark.parametrize("columns", [80, 140])
def test_a_bar_shows_how_far_a_job_is(hall_cli: Cli, staffed: Hall, shell: Shell, columns: int) -> None:
    job = submit(hall_cli, "dawdle")
    with at_home(shell, staffed, f"hirehall wait {job}", columns) as terminal:
        terminal.shows("dawdle: running")
        terminal.shows("40% page 4 of 10")
        hall_cli("cancel", job)
        terminal.shows(f"job {job} cancelled")
        assert terminal.ends() == 1


def test_a_bar_counts_many_jobs(hall_cli: Cli, staffed: Hall, shell: Shell) -> None:
    ids = [submit(hall_cli, "dawdle") for _ in range(2)]
    with at_home(shell, staffed, "hirehall wait last:2") as terminal:
        terminal.shows("0 of 2 ended")
        hall_cli("cancel", ids[0])
        terminal.shows("1 of 2 ended")
        hall_cli("cancel", ids[1])
        assert terminal.ends() == 1


def test_top_shows_a_frame_each_second_and_leaves_the_screen_as_it_was(staffed: Hall, shell: Shell) -> None:
    with at_home(shell, staffed, "hirehall top") as terminal:
        terminal.shows("q or Ctrl-C ends")
        terminal.shows("tester")
        terminal.types("q")
        assert terminal.ends() == 0
    assert terminal.raw.rstrip().endswith(b"\x1b[?25h") or b"\x1b[?1049l" in terminal.raw
    with at_home(shell, staffed, "hirehall top") as terminal:
        terminal.shows("q or Ctrl-C ends")
        terminal.types("\x03")
        assert terminal.ends() == 0
    assert "Traceback" not in terminal.text


def test_a_hall_is_shut_down_and_whoever_waits_hears_of_it(shell: Shell) -> None:
    hall = Hall(shell.home / "hall")
    shell.env["HIREHALL_DATA"] = str(hall.data)
    try:
        hall.start()
        job = shell.run("hirehall submit nobody")[1].strip()
        waiting = shell.start(f"hirehall wait {job}")
        waiting.says("no worker runs kind 'nobody'")
        status, said = shell.run("hirehall shutdown")
        assert (status, said) == (0, "the hall is going; its workers wait for it to come back\n")
        status, said = waiting.ends()
        assert status == 4
        assert "shut" in said
        assert hall.process is not None
        assert hall.process.stdout is not None
        assert hall.process.wait(10) == 0
        hall.process.stdout.close()
    finally:
        hall.close()
