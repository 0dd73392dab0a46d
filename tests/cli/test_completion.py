"""Completion, by the shells that are here."""

from __future__ import annotations

import shutil

import pytest

from tests.cli.conftest import Cli
from tests.cli.program import Shell


def completed(shell: Shell, *words: str) -> list[str]:
    """What bash offers for the last of the words."""
    line = " ".join(f"'{word}'" for word in words)
    (shell.cwd / "ask.sh").write_text(
        'eval "$(hirehall completion bash)"\n'
        f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}\n"
        "_hirehall_completion hirehall\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    status, said = shell.run("bash ask.sh")
    assert status == 0, said
    return said.split()


def test_bash_completes_commands(shell: Shell) -> None:
    assert set(completed(shell, "hirehall", "re")) == {"retry", "remove", "resume", "restore"}


def test_bash_completes_options_and_their_values(shell: Shell) -> None:
    assert completed(shell, "hirehall", "submit", "--max") == ["--max-attempts"]
    assert completed(shell, "hirehall", "jobs", "--state", "s") == ["scheduled", "succeeded"]


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_its_shell_can_read(cli: Cli, name: str) -> None:
    said = cli("completion", name)
    assert said.status == 0
    assert "_HIREHALL_COMPLETE" in said.out
    assert cli("completion", name, "--json").json["script"].strip() == said.out.strip()


def test_every_shell_that_is_here_finds_no_mistake_in_it(shell: Shell) -> None:
    for name in filter(shutil.which, ("bash", "zsh", "fish")):
        assert shell.run(f"bash -c 'hirehall completion {name} > script; {name} -n script'") == (0, "")


def test_a_shell_that_nobody_knows_is_a_usage_error(cli: Cli) -> None:
    assert cli("completion", "csh").status == 2
