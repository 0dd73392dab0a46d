"""Inputs that are not meant well: changed cases of the corpus, and random bytes. And what they must never cause."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from msgspec import UNSET

from hirehall.wire import requests
from hirehall.wire.codec import BadLine, decode_line
from tests.wire.stage import Peer, Stage

CORPUS = {path.stem: path.read_bytes() for path in sorted(Path(__file__).with_name("corpus").glob("*.lines"))}
WORDS = (
    b"\n", b"\r\n", b"\r", b"\0", b'"', b"\\", b"\\u", b"\\ud800", b"{", b"}", b"[", b"]", b"[" * 70, b"[" * 1100,
    b'{"a":' * 80, b",", b":", b"1e999", b"-0", b"9" * 25, b"9" * 400, b"NaN", b"null", b"true", b"-1", b"0.0", b"\xff",
    b"\xed\xa0\x80", "é".encode(), b'"cmd":"bye"', b'"ref":1,', b'{"cmd":"ping"}\n', b'{"cmd":"ping","ref":9}',
    b'"id":"what"', b"~", b" " * 50,
)  # fmt: skip
SILENT = (
    requests.Progress,
    requests.Beat,
    requests.Wait,
    requests.CanDo,
    requests.Do,
    requests.Did,
)  # answered later, only with a ref, or never


def mutated(random: Random) -> bytes:
    """A case of the corpus with a few changes."""
    data = bytearray(random.choice(list(CORPUS.values())))
    for _ in range(random.randint(1, 6)):
        random.choice(CHANGES)(data, random)
    return bytes(data)


def flip(data: bytearray, random: Random) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def cut_out(data: bytearray, random: Random) -> None:
    start = random.randrange(len(data) + 1)
    del data[start : start + random.choice((1, 1, 3, 20))]


def say_twice(data: bytearray, random: Random) -> None:
    start = random.randrange(len(data) + 1)
    data[start:start] = data[start : start + random.choice((1, 4, 60))]


def put_in(data: bytearray, random: Random) -> None:
    start = random.randrange(len(data) + 1)
    data[start : start + random.choice((0, 0, 1, 3))] = random.choice(WORDS)


def splice(data: bytearray, random: Random) -> None:
    lines = random.choice(list(CORPUS.values())).splitlines(keepends=True)
    at = data.find(b"\n", random.randrange(len(data) + 1)) + 1
    data[at:at] = random.choice(lines)


def other_value(data: bytearray, random: Random) -> None:
    """A whole JSON value becomes another."""
    start = data.find(b":", random.randrange(len(data) + 1)) + 1
    end = min((at for at in (data.find(b",", start), data.find(b"}", start)) if at > 0), default=start)
    data[start:end] = random.choice((b"null", b"1e999", b"9" * 400, b"-1", b'""', b"[]", b"{}", b'"\\u0000"', b"1.5"))


CHANGES = (flip, cut_out, say_twice, put_in, put_in, splice, other_value, other_value)


def noise(random: Random) -> bytes:
    """Random bytes, or words of the protocol in random order; mostly behind a command, else nobody would listen."""
    first = random.choice((b"", b'{"cmd":"ping"}\n', b'{"cmd":"ping"}\n'))
    if random.random() < 0.5:
        return first + random.randbytes(random.randrange(200))
    words = [
        random.choice(WORDS) if random.random() < 0.7 else random.randbytes(2) for _ in range(random.randrange(30))
    ]
    return first + b"".join(words)


def chunks(data: bytes, random: Random) -> list[bytes]:
    """`data` in a few pieces."""
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.choice((0, 0, 1, 4))))
    return [data[start:end] for start, end in pairwise([0, *cuts, len(data)])]


def attack(stage: Stage, pieces: list[bytes], random: Random) -> None:
    """Send these pieces while a canary lives beside, then judge."""
    canary, peer = stage.peer("canary"), stage.peer("attacker")
    for piece in pieces:
        peer.send(piece)
        stage.turn(random.choice((0, 0, 2)))
    stage.settle()
    canary.send(b'{"cmd":"ping","ref":"alive"}\n')
    stage.pass_time(1.0)
    if canary.lines() != [{"ok": True, "ref": "alive"}]:
        stage.problem(f"the canary heard {canary.lines()}")
    for problem in verdict(stage, peer, b"".join(pieces)):
        stage.problem(problem)


def verdict(stage: Stage, peer: Peer, data: bytes) -> list[str]:
    """What is wrong with the answers to `data`, going by its lines one by one."""
    messages = [decode_line(line) for line in data.split(b"\n")[:-1] if line.strip(b" \t\r\x0b\x0c")]
    replies = [line for line in peer.lines() if "ok" in line or "error" in line or line.get("cmd") == "metrics"]
    found = []
    if messages and type(messages[0]) is BadLine and (not peer.gone or len(replies) > 1 or stage.jobs()):
        found.append(f"the first line was no command, but {replies} and {len(stage.jobs())} jobs came of it")
    if len(replies) > len(messages):
        found.append(f"{len(messages)} lines, but {len(replies)} replies")
    if len(stage.jobs()) > sum(map(submits, messages)):
        found.append(f"{len(stage.jobs())} jobs of {sum(map(submits, messages))} submits")
    loud = sum(not isinstance(message, SILENT) for message in messages)
    if not peer.gone and len(replies) < loud:
        found.append(f"{loud} lines want a reply, {len(replies)} came")
    return found + twice(messages, replies)


def submits(message: Any) -> int:
    if isinstance(message, requests.Submit):
        return 1 if message.jobs is UNSET else len(message.jobs)
    return isinstance(message, requests.Do)


def twice(messages: list[Any], replies: list[dict[str, Any]]) -> list[str]:
    """Refs answered more often than asked."""
    asked = Counter(bytes(message.ref) for message in messages if message.ref is not requests.NO_REF)
    answered = Counter(repr(reply["ref"]) for reply in replies if isinstance(reply.get("ref"), str | int))
    return [f"ref {ref} was answered {count} times" for ref, count in answered.items() if count > sum(asked.values())]
