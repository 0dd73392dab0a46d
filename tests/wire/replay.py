"""A play again, in other chunks and among bad lines: the same must come of it."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from random import Random
from typing import Any

import msgspec

from tests.wire.bad_lines import BAD
from tests.wire.play import Line
from tests.wire.stage import Peer, Stage

BAD_LINES = [line for line, _, _ in BAD.values() if len(line) < 500]
PUSHES = ("run", "stop", "end")
SILENT = ("can_do", "do", "did", "metrics")  # Deputy gives these no ref back
Burst = tuple[str, list[Line], float]


def bursts(lines: list[Line]) -> list[Burst]:
    """Lines that one session may send without waiting for an answer, and the passing of time."""
    return _grouped(lines, patient=True)


def hurried(lines: list[Line]) -> list[Burst]:
    """The same lines in the same order, but nobody waits for anything."""
    return _grouped(lines, patient=False)


def _grouped(lines: list[Line], patient: bool) -> list[Burst]:
    found: list[Burst] = []
    start, ended = 0, True
    for at, line in enumerate(lines):
        if line.seconds:
            found.append(("", [], line.seconds))
            ended = True
            continue
        if ended or found[-1][0] != line.who or (patient and line.needs >= start):
            found.append((line.who, [], 0.0))
            start = at
        found[-1][1].append(line)
        ended = patient and line.last
    return found


class Replay:
    """Plays `lines` on another stage. `bad` counts the bad lines sent to each session."""

    def __init__(self, stage: Stage, random: Random, lines: list[Line]) -> None:
        self.stage, self.random, self.lines = stage, random, lines
        self.bad: Counter[str] = Counter()
        self._ahead: dict[str, bytes] = {}  # what was sent already of a session's next line
        self._spoken: set[str] = set()

    def run(self) -> None:
        """With what is spoken of known before, and the same effects."""
        self._carry_out(bursts(self.lines), settle=True)

    def hurry(self) -> None:
        """As fast as it goes: what comes of it may differ, but everything is answered."""
        self._carry_out(hurried(self.lines), settle=False)
        self.stage.settle()

    def _carry_out(self, plan: list[Burst], settle: bool) -> None:
        for at, (who, lines, seconds) in enumerate(plan):
            if seconds:
                self.stage.pass_time(seconds)
                continue
            stream = self._stream(who, lines)
            following = next((burst[1][0].data for burst in plan[at + 1 :] if burst[0] == who), b"")
            stream += self._first_bytes(who, following)
            self._send(self.stage.peer(who), stream)
            if settle:
                self.stage.settle()

    def _stream(self, who: str, lines: list[Line]) -> bytes:
        sent, self._ahead[who] = self._ahead.get(who, b""), b""
        parts = [lines[0].data[len(sent) :]]
        if not sent and who in self._spoken:
            parts.insert(0, self._bad(who))
        for line in lines[1:]:
            parts += [self._bad(who), line.data]
        self._spoken.add(who)
        return b"".join(parts)

    def _bad(self, who: str) -> bytes:
        """Now and then a bad line, a blank one, or a good one that is cut off or said twice on one line."""
        if self.random.random() > 0.15:
            return b""
        if self.random.random() < 0.2:
            return self.random.choice((b"\n", b"\r\n", b"  \r\n"))
        good = self.random.choice([line.data for line in self.lines if line.data]).strip()
        bad = self.random.choice([*BAD_LINES, good[:-1], good[1:], good + good, good + b" " + good])
        self.bad[who] += 1
        return bad + self.random.choice((b"\n", b"\r\n"))

    def _first_bytes(self, who: str, following: bytes) -> bytes:
        length = self.random.choice((0, 0, self.random.randrange(len(following)))) if following else 0
        self._ahead[who] = following[:length]
        return following[:length]

    def _send(self, peer: Peer, stream: bytes) -> None:
        cuts = sorted(self.random.randrange(len(stream) + 1) for _ in range(self.random.choice((0, 0, 1, 3, 12))))
        for start, end in pairwise([0, *cuts, len(stream)]):
            if start < end:
                peer.send(stream[start:end])
            self.stage.turn(self.random.choice((0, 0, 0, 1, 2, 5)))


def unanswered(stage: Stage, lines: list[Line]) -> list[str]:
    """Every command is answered once and in its turn; `wait` when its time has come; Deputy's only when refused."""
    found = []
    for who, peer in stage.peers.items():
        said_by = [json.loads(line.data) for line in lines if line.who == who]
        asked = [command["ref"] for command in said_by if command["cmd"] not in ("wait", *SILENT)]
        answers = [line["ref"] for line in peer.lines() if str(line.get("ref")).startswith("c")]
        twice = [ref for ref, count in Counter(answers).items() if count > 1]
        in_turn = [ref for ref in answers if ref in set(asked)]
        if twice or in_turn != (asked[: len(in_turn)] if peer.gone else asked):
            found.append(f"{who} asked {asked}, was answered {in_turn}, twice {twice}")
    return found


def heard(peer: Peer) -> tuple[list[Any], dict[str, Any], Counter[str], int]:
    """Replies in order, answers to `wait` by ref, pushes in any grouping, and how many bad lines were answered."""
    replies: list[Any] = []
    waits: dict[str, Any] = {}
    pushes: Counter[str] = Counter()
    refused = 0
    for line in peer.lines():
        ref = line.get("ref")
        if kind := next((kind for kind in PUSHES if kind in line), None):
            pushes.update(said(item) for item in (line[kind] if kind != "stop" else [line[kind]]))
        elif line.get("cmd") in ("do", "did"):
            pushes[said(line)] += 1
        elif isinstance(ref, str) and ref.startswith("c"):
            if "pending" in line:
                waits[ref] = line
            else:
                replies.append(without_counters(line))
        elif "error" in line:
            refused += 1
        else:
            replies.append(without_counters(line))
    return replies, waits, pushes, refused


def said(item: Any) -> str:
    return msgspec.json.encode(item, order="sorted").decode()


def without_counters(line: dict[str, Any]) -> dict[str, Any]:
    """Counters depend on how commands were batched."""
    return line | {"metrics": None} if "metrics" in line else line


def differences(one: Stage, many: Stage, bad: Counter[str]) -> list[str]:
    """What came of the replay that did not come of the play."""
    found = []
    for who, peer in one.peers.items():
        alone, again = heard(peer), heard(many.peer(who))
        for what, left, right in zip(("replies", "waits", "pushes"), alone, again, strict=False):
            if left != right:
                found.append(
                    f"{who}: {what} differ\n  alone:    {_only(left, right)}\n  together: {_only(right, left)}"
                )
        if again[3] != bad[who] and not many.peer(who).gone:
            found.append(f"{who}: {bad[who]} bad lines, {again[3]} refusals")
    if one.jobs() != many.jobs():
        pairs = zip(one.jobs(), many.jobs(), strict=False)
        first = next((pair for pair in pairs if pair[0] != pair[1]), (len(one.jobs()), len(many.jobs())))
        found.append(f"jobs differ\n  alone:    {first[0]}\n  together: {first[1]}")
    return found


def _only(left: Any, right: Any) -> Any:
    """The part of `left` that is not in `right`, cut to a readable length."""
    if isinstance(left, list):
        at = next((at for at, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), len(right))
        return left[at : at + 2]
    if isinstance(left, Counter):
        return list((left - right).items())[:3]
    return {key: value for key, value in left.items() if right.get(key) != value}
