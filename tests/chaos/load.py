"""Which jobs are handed in: by a prefix and a number always the same ones, however often a client begins anew."""

from __future__ import annotations

from typing import Any
from zlib import crc32

Job = dict[str, Any]
TEN_THOUSAND = 10_000
LOCKS = 100
PARTS = {
    "poison": 10,  # kills whoever runs it
    "long": 100,
    "once": 100,  # may be started once only
    "script": 250,  # run by commands
    "cksum": 250,  # run by the bash worker of the examples
    "after": 500,  # waits for others, those that were acknowledged some time ago
    "lock": 500,
    "fail": 200,  # fails its first attempt
}
WILD = frozenset({"poison", "cksum"})  # what runs again, by its nature, when nobody but the hall is killed


def part_of(number: int) -> str:
    """Which part of the load a job belongs to; most belong to none."""
    for name, size in PARTS.items():
        if number < size:
            return name
        number -= size
    return ""


def job(prefix: str, number: int, *, long_ms: int, calm: bool = False) -> Job:
    """One job. Its payload carries its key as the marker; `calm` leaves out what kills its worker."""
    key = f"{prefix}-{number}"
    draw = crc32(key.encode())
    part = part_of(draw % TEN_THOUSAND)
    if calm and part in WILD:
        part = ""
    payload: Job = {"marker": key, "ms": 1 + draw // TEN_THOUSAND % 20}
    if draw % 7 == 0:
        payload["pad"] = '\u00fc\u2028\U0001f6e0\\"' * (draw % 211)
    return {"key": key, "kind": "nap", "payload": payload, **_special(part, draw, payload, long_ms)}


def _special(part: str, draw: int, payload: Job, long_ms: int) -> Job:
    """What a job of this part says beside its payload, which it changes too."""
    if part == "long":
        payload["ms"] = long_ms
    elif part == "poison":
        payload["poison"] = True
        return {"max_attempts": 2}
    elif part == "once":
        return {"max_attempts": 1}
    elif part in {"script", "cksum"}:
        payload.pop("pad", None)  # they have no JSON to read it with
        return {"kind": part}
    elif part == "after":
        return {"after": []}
    elif part == "lock":
        return {"lock": f"lock-{draw % LOCKS}"}
    elif part == "fail":
        payload["fail"] = 1
        return {"backoff": {"kind": "constant", "base_seconds": 0.1, "max_seconds": 1, "jitter": 0}}
    return {}


def keys_of(prefixes: dict[str, int]) -> frozenset[str]:
    """Every key that clients of these prefixes and counts mean to submit."""
    return frozenset(f"{prefix}-{number}" for prefix, count in prefixes.items() for number in range(count))
