"""`hirehall work`: what it serves, and how it says that it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hirehall import connect
from tests.cli.conftest import Cli
from tests.cli.program import Shell
from tests.patience import eventually


def test_a_worker_of_functions_and_scripts_says_what_it_serves_and_does_it(shell: Shell) -> None:
    (shell.cwd / "tasks.py").write_text(
        "from hirehall import job\n@job\nasync def greet(payload): return 'hello, ' + payload\n"
    )
    shell.start("hirehall serve").says("ready")
    worker = shell.start(
        """hirehall work tasks.py --script "shout=tr a-z A-Z" --script 'count=sh -c "wc -c"' --concurrency 2"""
    )
    said = worker.says("connected to hall")
    assert "will work on count, greet, shout from queue default, 2 at once; stop with Ctrl-C\n" in said
    assert shell.run("""hirehall submit greet '"you"' --wait""") == (0, '"hello, you"\n')
    assert shell.run("""hirehall submit shout '"you"' --wait""") == (0, '"\\"YOU\\""\n')
    assert shell.run("""hirehall submit count '"you"' --wait""")[0] == 0
    worker.interrupt()
    assert worker.ends()[0] == 0


def test_a_worker_waits_for_a_hall_that_is_not_there_yet(shell: Shell) -> None:
    worker = shell.start("hirehall work --script x=cat")
    worker.says("no hall found")
    shell.start("hirehall serve").says("ready")
    worker.says("connected to hall")


def test_a_worker_says_what_it_serves_in_json(shell: Shell) -> None:
    worker = shell.start("hirehall work --script x=cat --queue a --queue b --name ann --json")
    said = json.loads(worker.says("\n").splitlines()[0])
    assert said == {"name": "ann", "kinds": ["x"], "queues": ["a", "b"], "concurrency": 10}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "give a file of @job functions, or --script KIND=COMMAND"),
        (["missing.py"], "there is no such file"),
        (["--script", "x"], "write KIND=COMMAND"),
        (["--script", "x='a"], "cannot split the command"),
        (["--script", "x=no-such-program"], "no program of that name"),
        (["--script", "x=cat", "--script", "x=cat"], "has two runners"),
        (["--script", "x=cat", "--offer", "gpu"], "write name=value"),
        (["--script", "x=cat", "--concurrency", "0"], "not in the range"),
    ],
)
def test_what_a_worker_cannot_run_is_refused_before_it_starts(cli: Cli, arguments: list[str], reason: str) -> None:
    said = cli("work", *arguments)
    assert said.status == 2
    assert reason in said.err
    assert "Traceback" not in said.err


def test_a_task_file_with_a_mistake_is_named_with_its_line(cli: Cli, shell: Shell) -> None:
    broken = shell.cwd / "broken.py"
    broken.write_text("from hirehall import job\nimport nonsense_module\n")
    said = cli("work", str(broken))
    assert said.status == 2
    assert f"{broken}, line 2" in said.err
    assert said.err.count("\n") == 1


# While it works.

WAIT = """
import os, time
from hirehall import job

@job
def wait(payload):
    while not os.path.exists(payload):
        time.sleep(0.01)
    return "waited"
"""


def in_state(shell: Shell, state: str) -> int:
    """How many jobs are in that state."""
    with connect(data=shell.home / ".local/state/hirehall") as hall:
        return len(hall.find(state=state).jobs)


def running(shell: Shell) -> int:
    return in_state(shell, "running")


@pytest.mark.slow
def test_j4_concurrency_4_2_6_and_a_pause_in_the_config_file_count_within_seconds(shell: Shell) -> None:
    (shell.cwd / "tasks.py").write_text(WAIT)
    config = shell.cwd / "worker.toml"
    config.write_text('files = ["tasks.py"]\nconcurrency = 4\n')
    shell.start("hirehall serve").says("ready")
    worker = shell.start("hirehall work --config worker.toml")
    worker.says("connected to hall")
    gates = [shell.cwd / f"go{n}" for n in range(3)]
    with connect(data=shell.home / ".local/state/hirehall") as hall:
        hall.submit_many(
            [
                {"kind": "wait", "payload": str(gate)}
                for gate, jobs in zip(gates, (4, 8, 1), strict=True)
                for _ in range(jobs)
            ]
        )
    eventually(lambda: running(shell) == 4)
    config.write_text('files = ["tasks.py"]\nconcurrency = 2\n')
    worker.says("concurrency is now 2")
    assert running(shell) == 4, "lowering takes nothing back"
    gates[0].touch()
    eventually(lambda: running(shell) == 2)
    config.write_text('files = ["tasks.py"]\nconcurrency = 2\npaused = true\n')
    worker.says("paused is now true")
    config.write_text('files = ["tasks.py"]\nconcurrency = 6\npaused = true\n')
    worker.says("concurrency is now 6")
    assert running(shell) == 2, "paused: what runs goes on, nothing comes"
    config.write_text('files = ["tasks.py"]\nconcurrency = 6\n')
    worker.says("paused is now false")
    eventually(lambda: running(shell) == 6)
    for gate in gates:
        gate.touch()
    eventually(lambda: running(shell) == 0)
    config.write_text('files = ["tasks.py"]\nconcurrency = 6\ndraining = true\n')
    assert worker.ends()[0] == 0
    assert in_state(shell, "succeeded") == 13


@pytest.mark.slow
def test_functions_in_processes_say_what_they_print_and_can_be_killed(shell: Shell) -> None:
    (shell.cwd / "tasks.py").write_text("import os, signal\nfrom hirehall import job\n" + CRASH)
    shell.start("hirehall serve").says("ready")
    shell.start("hirehall work tasks.py --pool process").says("connected to hall")
    assert shell.run("""hirehall submit twice 21 --wait""") == (0, "42\n")
    status, said = shell.run("hirehall submit crash --max-attempts 1 --wait")
    assert status == 1
    assert "killed by SIGSEGV" in said
    assert shell.run("""hirehall submit twice 4 --wait""") == (0, "8\n")


@pytest.mark.slow
def test_the_second_ctrl_c_ends_a_worker_of_processes_at_once_and_leaves_none_behind(shell: Shell) -> None:
    (shell.cwd / "tasks.py").write_text(HANG)
    note = shell.cwd / "pid"
    shell.start("hirehall serve").says("ready")
    worker = shell.start("hirehall work tasks.py --pool process")
    worker.says("connected to hall")
    _, job = shell.run(f"""hirehall submit hang '"{note}"'""")
    eventually(lambda: note.exists() and note.read_text() != "")
    worker.interrupt()
    worker.says("draining: 1 job in hand")
    worker.says("Ctrl-C again stops at once")
    worker.interrupt()
    status, said = worker.ends()
    assert (status, "stopping at once: what runs is given back" in said) == (0, True)
    eventually(lambda: not Path(f"/proc/{note.read_text()}").exists())
    assert in_state(shell, "ready") == 1, job


HANG = """
import os, time
from hirehall import job

@job
def hang(payload):
    open(payload, "w").write(str(os.getpid()))
    while True:
        time.sleep(0.01)
"""

CRASH = """
@job
def twice(payload):
    return payload * 2

@job
def crash(payload):
    os.kill(os.getpid(), signal.SIGSEGV)
"""


@pytest.mark.slow
def test_with_reload_new_code_comes_after_what_runs_and_broken_code_not_at_all(shell: Shell) -> None:
    go = shell.cwd / "go"
    code = "from helper import word\nfrom hirehall import job\n@job\ndef say(payload): return word\n"
    (shell.cwd / "helper.py").write_text("word = 'first'\n")
    (shell.cwd / "tasks.py").write_text(WAIT + code)
    shell.start("hirehall serve").says("ready")
    worker = shell.start("hirehall work tasks.py --reload")
    worker.says("connected to hall")
    assert shell.run("hirehall submit say --wait") == (0, '"first"\n')
    (shell.cwd / "helper.py").write_text("word = 'secon\n")
    worker.says("helper.py changed, but the old code goes on")
    assert "SyntaxError" in worker.says("SyntaxError")
    assert shell.run("hirehall submit say --wait") == (0, '"first"\n')
    _, waiting = shell.run(f"""hirehall submit wait '"{go}"'""")
    eventually(lambda: running(shell) == 1)
    (shell.cwd / "helper.py").write_text("word = 'the second'\n")
    worker.says("finishing what runs")
    go.touch()
    assert shell.run(f"hirehall wait {waiting.strip()}")[0] == 0
    status, said = shell.run("hirehall submit say --wait")  # it may come before the worker does, and then says so
    assert (status, said.splitlines()[-1]) == (0, '"the second"')
    assert worker.said.count(b"old code goes on") == 1
    worker.interrupt()
    assert worker.ends()[0] == 0


@pytest.mark.slow
def test_with_reload_a_worker_whose_code_is_broken_waits_until_it_is_mended(shell: Shell) -> None:
    (shell.cwd / "tasks.py").write_text("from hirehall import job\nnonsense(\n")
    worker = shell.start("hirehall work tasks.py --reload")
    worker.says("waiting for a change")
    (shell.cwd / "tasks.py").write_text("from hirehall import job\n@job\ndef say(payload): return 1\n")
    worker.says("will work on say")


@pytest.mark.slow
def test_ctrl_c_while_it_starts_shows_no_traceback(shell: Shell) -> None:
    (shell.cwd / "tasks.py").write_text("import sys, time\nprint('loading', flush=True)\ntime.sleep(100)\n")
    worker = shell.start("hirehall work tasks.py")
    worker.says("loading")
    worker.interrupt()
    status, said = worker.ends()
    assert status == 130
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("concurency = 3", "did you mean 'concurrency'?"),
        ("concurrency = '3'", "write it like this: concurrency = 4"),
        ("concurrency = 0", "give 1 or more"),
        ("pool = 'fork'", "give thread or process"),
        ("concurrency = ", "cannot read the configuration"),
    ],
)
def test_a_config_file_with_a_mistake_is_refused_with_the_remedy(
    cli: Cli, tmp_path: Path, text: str, reason: str
) -> None:
    file = tmp_path / "worker.toml"
    file.write_text(text)
    said = cli("work", "--config", str(file), "--script", "x=cat")
    assert said.status == 2
    assert reason in said.err


def test_a_large_result_is_printed_whole_and_shown_as_the_file_that_it_is(shell: Shell) -> None:
    (shell.cwd / "tasks.py").write_text("from hirehall import job\n@job\ndef large(payload): return 'x' * payload\n")
    shell.start("hirehall serve").says("ready")
    shell.start("hirehall work tasks.py").says("connected to hall")
    status, said = shell.run("hirehall submit large 2000000 --wait")
    assert (status, said) == (0, '"' + "x" * 2_000_000 + '"\n')
    (job,) = json.loads(shell.run("hirehall wait last --json")[1])["jobs"]
    assert (job["result"]["$file"], job["result"]["bytes"]) == ("result.json", 2_000_002)
    assert shell.run("hirehall fetch last --into .")[0] == 0
    assert (shell.cwd / "result.json").stat().st_size == 2_000_002
