"""The table of floors: what each path must reach, beside what it last reached. `make bench-check FLOORS=--set-floors`
writes it anew."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

TABLE = Path(__file__).with_name("floors.toml")
FRACTION = 0.8  # of the ratio last measured: what a slowdown of 25 % leaves of it, and less than noise does
HEAD = f"""\
# How much of the calibration loop's speed the hall has on each path. `measured` is the ratio when this was last set,
# `floor` what `make bench-check` asks for: {FRACTION:.0%} of it, or what a row says, with the reason.
# Written by `make bench-check FLOORS=--set-floors`, for all paths or for those of ONLY; fractions and reasons stay.
"""


class Floor(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row."""

    measured: float
    floor: float
    fraction: float = FRACTION
    why: str = ""  # it is not the usual fraction

    def set(self, measured: float) -> Floor:
        """The floor that belongs to this ratio."""
        return Floor(measured, measured * self.fraction, self.fraction, self.why)


NONE = Floor(0.0, 0.0)


def read(path: Path = TABLE) -> dict[str, Floor]:
    """The table, by the names of the paths."""
    return msgspec.convert(tomllib.loads(path.read_text()), dict[str, Floor])


def write(floors: Mapping[str, Floor], path: Path = TABLE) -> None:
    """The table, in the order given."""
    path.write_text(HEAD + "".join(f"\n[{name}]\n{row(floor)}" for name, floor in floors.items()))


def row(floor: Floor) -> str:
    """One row as TOML."""
    return "".join(
        f"{name} = {f'{value:.3g}' if isinstance(value, float) else msgspec.json.encode(value).decode()}\n"
        for name, value in msgspec.to_builtins(floor).items()
    )
