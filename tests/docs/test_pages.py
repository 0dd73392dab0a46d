"""Every page: its links lead somewhere, the tests it names exist, and so do the commands and options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import click
import pytest

from hirehall.cli.main import COMMANDS, hirehall
from tests.cli.program import ROOT
from tests.docs.dialogue import blocks

README = ROOT / "README.md"
RELIABILITY = ROOT / "docs" / "reliability.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEMPLATES = sorted(
    template
    for template in (ROOT / "hirehall" / "doors" / "http" / "dashboard" / "templates").rglob("*.html")
    if "<code>hirehall " in template.read_text()
)
LINK = re.compile(r'\]\((?P<path>[^)#\s]*)(?:#(?P<anchor>[^)\s]*))?(?:\s+"(?P<test>test_\w+)")?\)')
NAMED_TEST = re.compile(r'\]\((?P<path>[^)\s]+)\s+"(?P<test>test_\w+)"\)')
COMMAND = re.compile(r"(?:^|[;&|] *|`|env |[A-Z_]+=\S+ )(hirehall(?: +[^`;&|#\n]*)?)", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINK.finditer(page.read_text()):
        if link["path"].startswith("https://"):
            continue
        target = (page.parent / link["path"]) if link["path"] else page
        assert target.exists(), link[0]
        if link["anchor"]:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert link["anchor"] in {re.sub(r"[^\w -]", "", line).lower().replace(" ", "-") for line in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    for named in NAMED_TEST.finditer(page.read_text()):
        assert f"def {named['test']}(" in (page.parent / named["path"]).read_text(), named[0]


def test_each_of_the_33_guarantees_names_its_test_or_says_that_it_is_not_kept_yet() -> None:
    promises = re.findall(r"^- \*\*G(\d+)\*\* (.*(?:\n  .*)*)", RELIABILITY.read_text(), re.MULTILINE)
    assert [int(number) for number, _ in promises] == list(range(1, 34))
    for number, text in promises:
        assert NAMED_TEST.search(text) or "not yet" in text.lower(), f"G{number}"


def command_lines(page: Path) -> list[str]:
    """What a page says to a shell, in blocks and between the lines."""
    text = page.read_text()
    spoken = "\n".join(blocks(page, "sh")) + "\n" + "\n".join(re.findall(r"`hirehall [^`]*`", text))
    return [found.strip() for found in COMMAND.findall(spoken)]


def resolved(words: list[str]) -> click.Command:
    """The command that a line names; of `token create` that one."""
    group = click.Context(hirehall)
    command = hirehall.get_command(group, words[0])
    assert command is not None, words
    if isinstance(command, click.Group) and len(words) > 1:
        inner = command.get_command(group, words[1])
        assert inner is not None, words
        return inner
    return command


def options_of(command: click.Command) -> Iterator[str]:
    yield from ("--help", "--version")
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "command-line.md"], ids=lambda page: page.name)
def test_every_command_line_of_a_page_names_what_there_is(page: Path) -> None:
    for line in command_lines(page):
        names_what_there_is(line)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_every_command_line_of_the_dashboard_names_what_there_is(template: Path) -> None:
    for line in re.findall(r"<code>(hirehall [^<]*)</code>", template.read_text()):
        names_what_there_is(re.sub(r"{{.*?}}", "x", unescape(line)))


def names_what_there_is(line: str) -> None:
    """The command and every option of this line exist."""
    words = shlex.split(line.replace("...", ""), comments=True)[1:]
    if not words or words[0].startswith("-") or not words[0].islower():
        return
    names = [words[0]] if words[0] in COMMANDS else []
    assert names, line
    given = {word.partition("=")[0] for word in words if word.startswith("-") and len(word) > 1}
    assert given <= set(options_of(resolved(words))), line


def test_every_file_that_the_architecture_names_exists() -> None:
    named = re.findall(r"`((?:[a-z_]+/)*[a-z_]+(?:\.py|\.sql|/))`", (ROOT / "docs" / "architecture.md").read_text())
    assert len(named) > 20
    for name in named:
        assert (ROOT / name).exists() or (ROOT / "hirehall" / name).exists() or list(ROOT.glob(f"hirehall/*/{name}")), (
            name
        )
