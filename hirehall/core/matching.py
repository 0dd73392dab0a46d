"""Who may take what: labels on jobs against labels on workers."""

from __future__ import annotations

import msgspec

from hirehall.model import Label, Labels, Offers


def serves(queues: frozenset[str], kinds: frozenset[str], queue: str, kind: str) -> bool:
    """Whether a worker that named these queues and kinds (`"*"`: every kind) serves this queue and kind."""
    return queue in queues and (kind in kinds or "*" in kinds)


def satisfies(offers: Offers, requires: Labels) -> bool:
    """Whether every required label is offered. A missing offer is no match."""
    return all(name in offers and _fits(offers[name], want) for name, want in requires.items())


def _fits(offer: Label | list[Label], want: Label) -> bool:
    if isinstance(offer, list):
        return any(_equal(item, want) for item in offer)
    if _is_number(offer) and _is_number(want):
        return float(offer) >= float(want)
    return _equal(offer, want)


def _equal(offer: Label, want: Label) -> bool:
    # True == 1 in Python, but a switch is not a quantity
    return isinstance(offer, bool) == isinstance(want, bool) and offer == want


def _is_number(value: Label) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def misfits(offers: Offers, requires: Labels) -> list[str]:
    """What stands between these offers and these requires, a phrase each."""
    found = []
    for name, want in requires.items():
        need = f"{name!r} {'>=' if _is_number(want) else '='} {_shown(want)}"
        if name not in offers:
            found.append(f"{need} (not offered)")
        elif not _fits(offers[name], want):
            found.append(f"{need} (offered: {_shown(offers[name])})")
    return found


def _shown(value: Label | list[Label]) -> str:
    return msgspec.json.encode(value).decode()
