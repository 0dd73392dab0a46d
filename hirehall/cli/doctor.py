"""`hirehall doctor`: is everything as it should be, and what to do where it is not."""

from __future__ import annotations

import os
from pathlib import Path

import click

from hirehall.cli.checks import PROBLEM, Finding, examine
from hirehall.cli.exits import Exit
from hirehall.cli.hall import JSON, where
from hirehall.cli.output import clean, say, say_json
from hirehall.config import DEFAULT_DATA

COLOURS = {"ok": "green", "warn": "yellow", "problem": "red"}


@click.command(short_help="Check this machine, the data directory and the hall.")
@where
@JSON
def command(url: str | None, token: str | None, data: str | None, as_json: bool) -> int:
    """Check this machine, the data directory and the hall; every finding comes with its remedy.

    \b
    Examples:
      hirehall doctor
      hirehall doctor --json | jq '.checks[] | select(.level != "ok")'
    """
    directory = Path(data or os.environ.get("HIREHALL_DATA") or DEFAULT_DATA).expanduser().absolute()
    findings = examine(directory, url, token, data)
    is_well = all(finding.level != PROBLEM for finding in findings)
    if as_json:
        say_json({"ok": is_well, "checks": findings})
    else:
        for finding in findings:
            report(finding)
    return Exit.OK if is_well else Exit.JOB


def report(finding: Finding) -> None:
    """One line, and one more with the remedy."""
    colour = None if "NO_COLOR" in os.environ else COLOURS[finding.level]
    say(f"{click.style(f'{finding.level:<7}', fg=colour)}  {finding.what:<12}  {clean(finding.found)}")
    if finding.remedy:
        say(f"{'':<23}{clean(finding.remedy)}")
