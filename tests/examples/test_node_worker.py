"""The Node worker of the examples: as it stands, and imported by somebody's own kinds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import ROOT, Shell, serve

WORKER = ROOT / "examples" / "worker.mjs"
KINDS = f"""
import {{ appendFileSync, existsSync }} from "node:fs";
import {{ setTimeout }} from "node:timers/promises";
import {{ work }} from "{WORKER}";
work({{
  refuse: (payload) => {{ throw new RangeError(`I do not want ${{payload}}`); }},
  patient: async (file, {{ attempt }}) => {{
    console.log(`begun ${{attempt}}`);
    while (!existsSync(file)) await setTimeout(20);
    return attempt;
  }},
}});
"""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A newcomer with Node and a hall that is ready; `kinds.mjs` in their directory has kinds of their own."""
    if shutil.which("node") is None:
        pytest.skip("there is no node in the PATH: install Node 18 or newer (Debian, Ubuntu: apt install nodejs)")
    shell = Shell(tmp_path, tmp_path, HIREHALL_TCP="127.0.0.1:0")
    (tmp_path / "kinds.mjs").write_text(KINDS)
    serve(shell)
    yield shell
    shell.close()


def test_it_does_any_payload_and_goes_on(shell: Shell) -> None:
    shell.start(f"node {WORKER}")
    for payload, words in (('"two words"', 2), ('"one\u2028more \u00fc"', 3), ("null", 1), ('"   "', 0)):
        assert shell.run(f"hirehall submit words '{payload}' --wait") == (0, f"{words}\n")


def test_it_says_why_a_job_failed(shell: Shell) -> None:
    shell.start("node kinds.mjs")
    status, said = shell.run("""hirehall submit refuse '"this"' --max-attempts 1 --wait""")
    assert status != 0
    assert "I do not want this" in said


def test_it_keeps_its_job_when_the_hall_is_killed(shell: Shell, tmp_path: Path) -> None:
    worker = shell.start("node kinds.mjs")
    submit = f"""hirehall submit patient '"{tmp_path}/go"' --key once"""
    assert shell.run(submit)[0] == 0
    worker.says("begun 1")
    hall = shell.programs[0]
    hall.kill()
    serve(shell)
    (tmp_path / "go").touch()
    assert shell.run(f"{submit} --wait") == (0, "1\n")
    assert worker.said.count(b"begun") == 1


def test_it_comes_back_with_a_result_that_nobody_heard(shell: Shell, tmp_path: Path) -> None:
    worker = shell.start("node kinds.mjs")
    submit = f"""hirehall submit patient '"{tmp_path}/go"' --key once"""
    assert shell.run(submit)[0] == 0
    worker.says("begun 1")
    shell.programs[0].kill()
    (tmp_path / "go").touch()
    worker.says("ECONNREFUSED")
    serve(shell)
    assert shell.run(f"{submit} --wait") == (0, "1\n")


def test_it_has_fifty_lines_at_most() -> None:
    assert len([line for line in WORKER.read_text().splitlines() if line.strip()]) <= 50
