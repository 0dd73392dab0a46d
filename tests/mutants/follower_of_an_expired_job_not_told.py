"""Events: what the sweep and the gates end is not put to those who follow it."""

from __future__ import annotations

from typing import Any

import msgspec

from hirehall.core.settling import Settling
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    original = Settling._moved

    def moved(settling: Any, one: Any, batch: Any) -> None:
        original(settling, msgspec.structs.replace(one, follow=None), batch)

    replace(Settling, "_moved", moved)
