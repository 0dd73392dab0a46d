"""`hirehall work`: what it serves, and how it says that it cannot."""

from __future__ import annotations

import json

import pytest

from hirehall.cli.work import split_script
from tests.cli.conftest import Cli
from tests.cli.program import Shell


def test_a_worker_of_functions_and_scripts_says_what_it_serves_and_does_it(shell: Shell) -> None:
    (shell.cwd / "tasks.py").write_text(
        "from hirehall import job\n@job\nasync def greet(payload): return 'hello, ' + payload\n"
    )
    shell.start("hirehall serve").says("ready")
    worker = shell.start(
        """hirehall work tasks.py --script "shout=tr a-z A-Z" --script 'count=sh -c "wc -c"' --concurrency 2"""
    )
    said = worker.says("connected to hall")
    assert "working on count, greet, shout from queue default, 2 at once; stop with Ctrl-C\n" in said
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


def test_a_script_is_split_into_words_as_a_shell_would() -> None:
    assert split_script("kind=prog 'one word' two=2") == ("kind", ["prog", "one word", "two=2"])
