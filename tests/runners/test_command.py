"""Scripts as jobs, with real processes."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from hirehall.errors import BadRequest
from hirehall.runners.command import CommandRunner, find_program
from hirehall.runners.port import MAX_RESULT, Failure, Outcome, Success, Why
from tests.runners.stage import Notes, a_job, outcome_of, run, until

SLEEP_FOR_EVER = "exec sleep 1000"


def sh(text: str, **options: Any) -> CommandRunner:
    return CommandRunner("k", ["/bin/sh", "-c", text], **options)


def outcome(text: str, payload: Any = None, **options: Any) -> Outcome:
    return run(sh(text, **options), a_job(payload=payload))


def failure(text: str, **options: Any) -> Failure:
    ended = outcome(text, **options)
    assert isinstance(ended, Failure)
    return ended


def test_the_payload_comes_on_stdin_and_ends() -> None:
    assert outcome('printf %s "$(cat | tr a-z A-Z)"', {"file": "a"}) == Success(rb'"{\"FILE\":\"A\"}"')


def test_the_payload_is_in_a_file_too() -> None:
    assert outcome('cmp "$HALL_PAYLOAD" - && echo same', [1, 2]) == Success(b'"same"')


def test_json_in_the_result_file_is_the_result() -> None:
    assert outcome('echo ignored; printf \'{"w":\\n 1}\\n\' > "$HALL_RESULT"') == Success(b'{"w":  1}')


def test_anything_else_in_the_result_file_is_a_text() -> None:
    assert outcome('echo "not json" > "$HALL_RESULT"') == Success(b'"not json\\n"')


def test_without_a_result_file_stdout_is_the_result_as_a_text() -> None:
    assert outcome("echo 17") == Success(b'"17"')
    assert outcome("true") == Success(b'""')


def test_a_long_stdout_is_a_result_as_long_as_it_fits() -> None:
    ended = outcome("head -c 900000 /dev/zero | tr '\\0' x")
    assert isinstance(ended, Success)
    assert ended.result == b'"' + b"x" * 900_000 + b'"'


def test_too_much_stdout_fails_the_job() -> None:
    assert failure(f"head -c {MAX_RESULT + 1} /dev/zero").type == "too_large"


def test_binary_output_that_does_not_fit_as_a_text_fails_the_job() -> None:
    assert failure(f"head -c {MAX_RESULT // 5} /dev/zero").type == "too_large"


def test_a_result_file_that_is_too_large_fails_the_job() -> None:
    assert failure(f'head -c {MAX_RESULT + 1} /dev/zero | tr "\\0" 1 > "$HALL_RESULT"').type == "too_large"


@pytest.mark.parametrize("where", ["", '> "$HALL_RESULT"'])
def test_what_no_message_has_room_for_is_marked(where: str) -> None:
    size = 2_000_000
    ended = outcome(f"(printf '\"'; head -c {size} /dev/zero | tr '\\0' x; printf '\"') {where}")
    assert isinstance(ended, Success)
    assert ended.has_files
    assert len(ended.result) == size + (2 if where else 6)


def test_a_long_text_in_the_result_file_that_is_no_json_is_a_text() -> None:
    ended = outcome("""(printf '["'; head -c 2000000 /dev/zero | tr '\\0' '\\377'; printf '"]') > "$HALL_RESULT" """)
    assert isinstance(ended, Success)
    assert ended.result.startswith(b'"[')


def test_a_result_that_is_a_link_or_a_fifo_is_not_followed() -> None:
    assert outcome('ln -s /etc/passwd "$HALL_RESULT"; echo own') == Success(b'"own"')
    assert outcome('mkfifo "$HALL_RESULT"; echo own') == Success(b'"own"')


def test_exit_75_asks_for_another_attempt_and_others_do_not() -> None:
    assert (failure("exit 75").retry, failure("exit 1").retry) == (True, False)
    assert failure("exit 1", retry=True).retry


def test_the_failure_carries_status_and_the_end_of_stderr() -> None:
    ended = failure("head -c 100000 /dev/zero | tr '\\0' x >&2; printf '\\377 no such file' >&2; exit 3")
    assert ended.type == "ExitStatus"
    assert ended.message.startswith("exit status 3: xxx")
    assert ended.message.endswith("\ufffd no such file")
    assert len(ended.message) < 9000


def test_a_script_killed_by_a_signal_says_so() -> None:
    assert failure("kill -9 $$").message == "killed by SIGKILL (out of memory?)"
    assert failure("kill -SEGV $$").message.startswith("killed by SIGSEGV")


def test_the_environment_is_built_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIREHALL_TOKEN", "secret")
    monkeypatch.setenv("HOME", "/home/someone")
    ended = run(
        CommandRunner("k", ["env"], url="hall://h:1", env={"EXTRA": "x", "HALL_KIND": "forged"}),
        a_job(id="07", attempt=2),
    )
    assert isinstance(ended, Success)
    lines = ended.result.decode()[1:-1].split("\\n")
    seen = dict(line.split("=", 1) for line in lines)
    expected = {"PATH", "HOME", "LANG", "TMPDIR", "EXTRA", "PWD", "HALL_WRITE", "HALL_PAYLOAD", "HALL_RESULT"}
    expected |= {"HALL_IN", "HALL_OUT", "HALL_JOB_ID", "HALL_KIND", "HALL_QUEUE", "HALL_ATTEMPT", "HALL_URL"}
    assert set(seen) - {"_", "SHLVL"} == expected
    assert (seen["HALL_JOB_ID"], seen["HALL_KIND"], seen["HALL_ATTEMPT"]) == ("07", "k", "2")
    assert (seen["HALL_QUEUE"], seen["HALL_URL"], seen["HALL_WRITE"]) == ("default", "hall://h:1", "3")


def test_it_runs_in_a_fresh_directory_that_is_gone_afterwards() -> None:
    ended = outcome('pwd; ls -A; mkdir -p sub/deep; touch sub/deep/x; chmod 500 sub/deep; touch "$TMPDIR/y"')
    assert isinstance(ended, Success)
    where = Path(ended.result.decode().strip('"'))
    assert where.name == "work"
    assert not where.parent.exists()


def test_the_argv_is_not_looked_at_by_any_shell() -> None:
    words = ["$HOME", "a b", ";exit 3", "`id`", "-c"]
    ended = run(CommandRunner("k", ["printf", "%s|", *words]), a_job())
    assert ended == Success(b'"$HOME|a b|;exit 3|`id`|-c|"')


def test_a_script_that_does_not_read_its_stdin_disturbs_nothing() -> None:
    assert outcome("exec 0<&-; echo fine", "x" * 900_000) == Success(b'"fine"')


def test_lines_on_fd_3_are_progress() -> None:
    notes = progress_of(
        "echo 'run 40% page 4' >&3; printf 'run ha' >&$HALL_WRITE; printf 'lf\\n' >&3; echo run end >&3"
    )
    assert notes == [(40.0, "page 4"), (None, "half"), (None, "end")]


def progress_of(text: str) -> list[tuple[float | None, str]]:
    async def main() -> list[tuple[float | None, str]]:
        notes, runner = Notes(), sh(text)
        assert isinstance(await outcome_of(runner.start(a_job(), notes)), Success)
        await runner.close()
        return notes.progressed

    return asyncio.run(main())


def test_progress_is_heard_while_the_script_runs() -> None:
    async def main() -> None:
        notes, runner = Notes(), sh("echo run on >&3; " + SLEEP_FOR_EVER)
        execution = runner.start(a_job(), notes)
        await asyncio.wait_for(notes.came.wait(), 20)
        execution.stop("cancelled")
        await outcome_of(execution)
        await runner.close()

    asyncio.run(main())


# Stopping.


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def pids(text: str) -> list[int]:
    return [int(word) for word in text.split()]


async def stopped(
    runner: CommandRunner, *whys: Why, note: Path, count: int, lease_seconds: float = 30.0
) -> tuple[Outcome, list[int]]:
    """Start a script that writes `count` process ids into `note`, stop it, and see who is left."""
    execution = runner.start(a_job(lease_seconds=lease_seconds), Notes())
    started = await until(lambda: note.exists() and (found := pids(note.read_text())) and len(found) == count and found)
    for why in whys:
        execution.stop(why)
    ended = await outcome_of(execution)
    await runner.close()
    return ended, [pid for pid in started if alive(pid)]


def test_a_cancelled_script_gets_sigterm_and_may_clean_up(tmp_path: Path) -> None:
    note, trace = tmp_path / "pids", tmp_path / "trace"
    text = f"trap 'echo bye > {trace}; exit 0' TERM; echo $$ > {note}; while :; do sleep 0.01; done"
    ended, left = asyncio.run(stopped(sh(text), "cancelled", note=note, count=1))
    assert ended == Failure("Cancelled", "the command was stopped: it was cancelled")
    assert trace.read_text() == "bye\n"
    assert left == []


def test_a_script_that_ignores_sigterm_is_killed_with_everything_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    grandchild = "import os, sys, time; os.setsid(); open(sys.argv[1], 'a').write(f'{os.getpid()} '); time.sleep(1000)"
    text = (
        f"trap '' TERM; echo $$ >> {note}; {sys.executable} -S -c \"{grandchild}\" {note} & "
        f'({sys.executable} -S -c "{grandchild}" {note} &) ; while :; do sleep 0.01; done'
    )
    ended, left = asyncio.run(stopped(sh(text, grace_seconds=0.1), "timeout", note=note, count=3))
    assert isinstance(ended, Failure)
    assert ended.type == "Timeout"
    assert left == []


@pytest.mark.parametrize("whys", [("lost",), ("timeout", "lost")])
def test_a_script_that_ignores_sigterm_is_dead_before_others_can_have_its_job(tmp_path: Path, whys: list[Why]) -> None:
    note = tmp_path / "pids"
    text = f"trap '' TERM; echo $$ > {note}; while :; do sleep 0.01; done"
    stopping = stopped(sh(text, grace_seconds=1000), *whys, note=note, count=1, lease_seconds=0.5)
    ended, left = asyncio.run(stopping)
    assert isinstance(ended, Failure)
    assert left == []


def test_when_the_worker_quits_its_scripts_are_killed_at_once(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    text = f"trap '' TERM; echo $$ > {note}; while :; do sleep 0.01; done"
    ended, left = asyncio.run(stopped(sh(text, grace_seconds=1000), "quit", note=note, count=1))
    assert isinstance(ended, Failure)
    assert left == []


def test_closing_the_runner_kills_what_runs(tmp_path: Path) -> None:
    note = tmp_path / "pids"

    async def main() -> list[int]:
        runner = sh(f"echo $$ > {note}; {SLEEP_FOR_EVER}")
        runner.start(a_job(), Notes())
        started = await until(lambda: note.exists() and pids(note.read_text()))
        await runner.close()
        return [pid for pid in started if alive(pid)]

    assert asyncio.run(main()) == []


def test_draining_lets_a_script_finish(tmp_path: Path) -> None:
    go = tmp_path / "go"

    async def main() -> Outcome:
        runner = sh(f"while [ ! -e {go} ]; do sleep 0.01; done; echo finished")
        execution = runner.start(a_job(), Notes())
        execution.stop("draining")
        go.touch()
        ended = await outcome_of(execution)
        await runner.close()
        return ended

    assert asyncio.run(main()) == Success(b'"finished"')


def test_a_stop_before_the_process_has_started_is_not_missed() -> None:
    async def main() -> Outcome:
        runner = sh(SLEEP_FOR_EVER)
        execution = runner.start(a_job(), Notes())
        execution.stop("cancelled")
        ended = await outcome_of(execution)
        await runner.close()
        return ended

    assert isinstance(asyncio.run(main()), Failure)


def test_what_a_script_leaves_running_in_its_group_ends_with_it(tmp_path: Path) -> None:
    note = tmp_path / "pids"

    async def main() -> tuple[Outcome, bool]:
        runner = sh(f"sleep 1000 & echo $! > {note}; echo done")
        ended = await outcome_of(runner.start(a_job(), Notes()))
        await runner.close()
        (pid,) = pids(note.read_text())
        await until(lambda: not alive(pid))
        return ended, alive(pid)

    assert asyncio.run(main()) == (Success(b'"done"'), False)


# Starting.


def test_a_missing_program_is_named_at_start_up(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"none\.sh: there is no such file; check the path"):
        CommandRunner("k", [str(tmp_path / "none.sh")])
    with pytest.raises(BadRequest, match="no program of that name in PATH"):
        CommandRunner("k", ["no-such-program-anywhere"])
    with pytest.raises(BadRequest, match="it is a directory"):
        CommandRunner("k", [str(tmp_path)])
    with pytest.raises(BadRequest, match="there is no command to run"):
        CommandRunner("k", [])


def test_a_file_that_is_not_executable_is_named_with_the_remedy(tmp_path: Path) -> None:
    script = tmp_path / "a script.sh"
    script.write_text("#!/bin/sh\n")
    with pytest.raises(BadRequest, match=r"it is not executable; run `chmod \+x .*a script\.sh`"):
        CommandRunner("k", [str(script)])
    script.chmod(0o755)
    assert find_program([str(script)]) == str(script)


def test_a_program_that_went_away_fails_the_job(tmp_path: Path) -> None:
    script = tmp_path / "s.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    runner = CommandRunner("k", [str(script)])
    script.unlink()
    ended = run(runner, a_job())
    assert isinstance(ended, Failure)
    assert ended.type == "CannotStart"
    assert "there is no such file" in ended.message


def test_any_signal_is_named() -> None:
    assert "SIGTERM" in failure(f"kill -{signal.SIGTERM.value} $$").message


def test_stdout_and_stderr_are_log_lines_while_the_script_runs() -> None:
    async def main() -> Notes:
        notes, runner = Notes(), sh("echo one; echo oops >&2; printf 'no end'; exec sleep 1000")
        execution = runner.start(a_job(), notes)
        await until(lambda: notes.text_of("stdout") == "one\n" and notes.text_of("stderr") == "oops\n")
        execution.stop("cancelled")
        await outcome_of(execution)
        await runner.close()
        return notes

    assert asyncio.run(main()).text_of("stdout") == "one\nno end\n"
