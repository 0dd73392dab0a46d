"""Who sees which mutant, told as it comes, and kept on a page with `--record`."""

from __future__ import annotations

import argparse
import json
import logging
import time
from datetime import UTC, datetime
from typing import NamedTuple

from tests import figures
from tests.command_line import whole
from tests.mutants import FUZZER, SIMULATION, TALES, Mutant, about, names
from tests.mutants._catching import ROOT, SEEDED, Caught, Finding, look_for

PAGE = ROOT / "docs" / "mutants.md"
SEEDS = 200
REPLAYS = {
    SIMULATION: "python -m tests.sim --seed",
    FUZZER: "python -m tests.wire.fuzz --seed",
    TALES: "python -m tests.wire tales",
}


class Row(NamedTuple):
    """What became of one mutant."""

    mutant: Mutant
    finding: Finding

    @property
    def caught(self) -> Caught | None:
        return self.finding if isinstance(self.finding, Caught) else None

    @property
    def verdict(self) -> str:
        if self.caught is not None:
            return f"{self.caught.by} after {self.caught.seconds:.2f} s"
        return f"SURVIVED ({self.finding})" if self.finding else "SURVIVED"


NOTHING = "_nothing"  # the mutant that changes nothing: it must survive


def table(arguments: list[str]) -> int:
    """The command line of `--table`; the answer is its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants --table", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="some mutants instead of all")
    parser.add_argument("--seeds", type=whole(1), default=SEEDS, help="how many of them a mutant may survive")
    parser.add_argument("--record", action="store_true", help=f"write {PAGE.relative_to(ROOT)} and the figures")
    given = parser.parse_args(arguments)
    if unknown := sorted({*given.names} - {*names(), NOTHING}):
        parser.error(f"there is no mutant {', '.join(unknown)}; `python -m tests.mutants --help` names them all")
    if given.record and given.names:
        parser.error("--record is for the whole table")
    begun, rows = time.monotonic(), []
    logging.disable()  # a hall with a mutant in it complains a lot
    for found in look_for(map(about, given.names or names()), given.seeds):
        rows.append(Row(*found))
        print(f"{rows[-1].mutant.name:44} {rows[-1].verdict}", flush=True)
    seen = sum(row.caught is not None for row in rows)
    print(f"{len(rows)} mutants, {seen} caught, {time.monotonic() - begun:.0f} s")
    if given.record and seen == len(rows):
        keep(rows, time.monotonic() - begun)
    return int(seen < len(rows))


def keep(rows: list[Row], seconds: float) -> None:
    """Write the page and the figures."""
    caught = [row for row in rows if row.caught is not None]
    counted = {"mutants": len(rows), "caught": len(caught), "seconds": round(seconds)}
    for how in SEEDED:
        counted[f"caught by the {how}"] = sum(row.caught.by.startswith(how) for row in caught if row.caught)
    counted["caught by a single test"] = len(caught) - sum(counted[f"caught by the {how}"] for how in SEEDED)
    kept = json.loads(figures.record("mutants", dict(counted)).read_text())
    PAGE.write_text(page(rows, kept["commit"], kept["machine"]))


def page(rows: list[Row], commit: str, machine: str) -> str:
    """docs/mutants.md."""
    lines = "\n".join(map(_line, sorted(rows, key=_by_promise)))
    caught = sum(row.caught is not None for row in rows)
    replays = "\n".join(f"- {how}: `{command} N`" for how, command in REPLAYS.items())
    today = datetime.now(UTC).date().isoformat()
    return f"""# Mutants

<!-- written by `make mutants RECORD=--record` -->

A proof that cannot fail proves nothing. These are faults that we put into our own server on purpose, one at a time;
what should see them must. {caught} of {len(rows)} were caught: `make mutants` at {commit} on {today},
{machine}.

Who looks first is the cheapest that the fault should not escape: the [simulation](../tests/sim/world.py), the
[wire fuzzer](../tests/wire/fuzz.py), the [tales](../tests/wire/tales/tale.py) among its inputs,
[power cuts](../tests/disk/power.py), or a test by name. What finds fault without the mutant too does not count. The
seconds are from the first look to the catch, with everything before it that saw nothing.

The letters are [the promises](reliability.md) that would be broken.

| mutant | breaks | what is wrong | caught by | after |
|---|---|---|---|---|
{lines}

To meet one in the open, `python -m tests.mutants NAME serve --data DIR` runs a hall that has it. A seed is for the
commit above; it can be replayed without the mutant, and shows nothing wrong then:

{replays}
"""


def _by_promise(row: Row) -> tuple[bool, int, str]:
    """The numbered ones first, in their order."""
    first = row.mutant.breaks.partition(",")[0]
    number = first.removeprefix("G")
    return (not number.isdigit(), int(number) if number.isdigit() else 0, first + row.mutant.name)


def _line(row: Row) -> str:
    mutant = row.mutant
    name = f"[{mutant.name}](../tests/mutants/{mutant.name}.py)"
    if row.caught is None:
        return f"| {name} | {mutant.breaks} | {mutant.wrong} | **nobody** {row.finding or ''} | |"
    return f"| {name} | {mutant.breaks} | {mutant.wrong} | {_linked(row.caught.by)} | {row.caught.seconds:.2f} s |"


def _linked(catcher: str) -> str:
    path, is_test, test = catcher.partition("::")
    if not is_test:
        return catcher
    return f'[{test.removeprefix("test_").replace("_", " ")}](../{path} "{test}")'
