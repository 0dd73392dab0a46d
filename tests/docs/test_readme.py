"""The README, done as printed: its commands are executed, its promises lead to tests."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import ROOT, Shell
from tests.docs.dialogue import blocks

README = ROOT / "README.md"
LINK = re.compile(r'\]\((?P<path>[^)#\s]*)(?:#(?P<anchor>[^)\s]*))?(?:\s+"(?P<test>test_\w+)")?\)')


def shell_blocks(first_word: str) -> list[str]:
    """The README's commands that begin so."""
    return [block.strip() for block in blocks(README, "sh") if block.startswith(first_word)]


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Shell]:
    """Someone in `examples`, as the README says, with nothing of ours in their home. The port may be in use here."""
    shell = Shell(tmp_path, ROOT / "examples", HIREHALL_TCP="127.0.0.1:0")
    yield shell
    shell.close()


def test_the_three_terminals_do_what_the_readme_says(newcomer: Shell) -> None:
    serve, work, submit, script, *_ = shell_blocks("hirehall")
    newcomer.start(serve).says("ready")
    newcomer.start(work).says("connected to hall")
    assert newcomer.run(submit) == (0, '{"file":"a.png","width":100}\n')
    assert '`{"file":"a.png","width":100}`' in README.read_text()
    newcomer.start(script).says("connected to hall")
    assert newcomer.run("""hirehall submit shout '"louder"' --wait""") == (0, '"\\"LOUDER\\""\n')
    _tasks, program = blocks(README, "python")
    (newcomer.home / "program.py").write_text(program)
    python = f"env PYTHONPATH='{ROOT}' '{sys.executable}' {newcomer.home}/program.py"
    assert newcomer.run(python) == (0, "{'file': 'b.png', 'width': 100}\n")


def test_what_the_readme_does_with_more_than_one_job_works(newcomer: Shell) -> None:
    serve, work, submit, _, *more, _work, _files = shell_blocks("hirehall")
    newcomer.start(serve).says("ready")
    newcomer.start(work).says("connected to hall")
    assert newcomer.run(submit)[0] == 0
    (after,) = shell_blocks("first=")
    assert bash(newcomer, after) == (0, '"hello, whoever waits for b.png"\n')
    second, first = json.loads(newcomer.run("hirehall jobs --json --limit 2")[1])["jobs"]
    assert (second["after"], first["kind"]) == ([first["id"]], "resize")
    assert len(more) == 4
    said = [bash(newcomer, block) for block in more]
    assert [status for status, _ in said] == [0, 0, 0, 0], said
    jobs, queue, looks, tokens = [text for _, text in said]
    assert "2 jobs cancelled" in jobs
    assert "queue images is paused" in queue
    assert "It was cancelled" in looks
    assert "hall_" in tokens


def test_files_go_there_and_back_as_the_readme_says(newcomer: Shell) -> None:
    serve, *_, work, files = shell_blocks("hirehall")
    newcomer.start(serve).says("ready")
    newcomer.start(work).says("connected to hall")
    status, said = bash(newcomer, files)
    assert status == 0, said
    assert sorted(path.name for path in newcomer.home.glob("*.gz")) == ["tasks.py.gz", "worker.sh.gz"]


def bash(newcomer: Shell, block: str) -> tuple[int, str]:
    """Several lines, the first that fails being the last."""
    return newcomer.run(f"bash -ec {shlex.quote(block)}")


def test_the_tasks_of_the_readme_are_those_of_the_examples() -> None:
    assert blocks(README, "python")[0] == (ROOT / "examples" / "tasks.py").read_text()


def test_the_preparation_of_each_terminal_names_what_is_there() -> None:
    (line,) = shell_blocks(". ")
    assert line == ". .venv/bin/activate && cd examples"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A place with our Makefile, whose environment is the one that runs this test: nothing is built or replaced."""
    checkout = tmp_path / "checkout"
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    shutil.copytree(ROOT / ".ci", checkout / ".ci")
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, checkout)
    (checkout / ".venv" / ".built").touch()
    return checkout


def test_make_demo_works_on_a_folder_and_exits_with_zero(checkout: Path, tmp_path: Path) -> None:
    demo, test = shell_blocks("make")[0].splitlines()
    folder = tmp_path / "folder with spaces"
    folder.mkdir()
    (folder / "file").write_text("one two\n")
    shell = Shell(tmp_path, checkout)
    try:
        status, said = shell.run(f"{demo} DIR='{folder}'", within=60)
        assert status == 0, said
        assert f"1 file in {folder}" in said
        assert "2 jobs in" in said
        assert shell.run(demo, within=60)[1].startswith(f"7 files in {checkout}")
        assert "-m pytest" in shell.run(f"{test} --dry-run")[1]
    finally:
        shell.close()


def test_an_environment_that_somebody_else_made_is_never_replaced(checkout: Path) -> None:
    before = sorted((checkout / ".venv").rglob("*"))
    (checkout / ".venv" / ".built").unlink()
    found = subprocess.run(["make", "demo"], cwd=checkout, capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert ".venv is there and was not made by this" in found.stderr
    assert sorted((checkout / ".venv").rglob("*")) == [path for path in before if path.name != ".built"]


def test_every_promise_leads_to_a_test_that_exists() -> None:
    promises = README.read_text().partition("## What is promised\n")[2].partition("\n## ")[0]
    lines = [line for line in re.split(r"\n- ", promises)[1:] if line]
    assert len(lines) >= 9
    for line in lines:
        link = LINK.search(line)
        assert link is not None, line
        assert link["test"], line
        assert f"def {link['test']}(" in (ROOT / link["path"]).read_text(), line


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_the_scripts_that_build_the_environment_are_plain_sh(shell: str) -> None:
    program = shutil.which(shell) or "sh"
    for name in ("python", "environment", "lock"):
        subprocess.run([program, "-n", ROOT / ".ci" / name], check=True)
