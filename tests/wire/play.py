"""Sequences of valid commands: written while they are played one by one, so that they speak of jobs that exist."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from msgspec import Struct

from tests.wire.stage import TOKEN, Stage

KINDS = ("saw", "drill", "bend")
QUEUES = ("default", "images")
# What a hall may rightly choose depends on what it knows already. So a burst ends with a command after which a job may
# be claimed or was no longer ready, or that reads; and one that speaks of all that a worker has, or of a key that is
# taken, does not come in one burst with what changes that.
LAST = frozenset({"cancel", "work", "credit", "can_do", "keep", "release", "get", "find", "wait", "bye", "hello"})
FIRST = frozenset({"keep", "bye"})


class Line(Struct):
    """One command as it was sent. `needs` is the line whose answer it speaks of; after `last` a burst must end."""

    who: str
    data: bytes
    needs: int
    last: bool
    seconds: float = 0.0  # no line at all: time passes


class Knowledge(Struct):
    """What the players have been told, each with the number of the line after which they knew."""

    jobs: list[tuple[str, int]] = []
    hands: dict[str, list[tuple[str, int, int]]] = {}  # who -> (id, attempt, known since)
    deputy_hands: dict[str, list[tuple[Any, int]]] = {}
    heard: dict[str, int] = {}  # who -> lines read so far
    lost: set[str] = set()  # jobs whose lease ran out at least once


class Play:
    """Writes lines with `random` and plays each alone."""

    def __init__(self, stage: Stage, random: Random) -> None:
        self.stage, self.random = stage, random
        self.knows = Knowledge()
        self.lines: list[Line] = []
        self.gone: set[str] = set()
        self.refs = 0
        self._needs = -1

    def run(self, length: int) -> list[Line]:
        cast = self.random.choice((["both"], ["both"], ["both", "named"], ["asker", "doer"], ["asker", "doer", "both"]))
        for who in cast:
            self._open(who)
        who = cast[0]
        for _ in range(length):
            if self.random.random() < 0.2 or who in self.gone:
                who = self.random.choice(cast)
            if self.random.random() < 0.08:
                self._pass_time()
            elif who not in self.gone:
                self._say(who)
        return self.lines

    def _open(self, who: str) -> None:
        """The first line of a session is a command that tells what it is."""
        if who == "named" or (who == "both" and self.random.random() < 0.5):
            self._play(who, {"cmd": "hello", "token": TOKEN, "name": who, "worker": f"w{who}"})
        elif who == "doer":
            self._play(who, {"cmd": "can_do", "types": self._some(KINDS)})
        elif who == "asker":
            self._play(who, self._do())
        else:
            self._play(who, {"cmd": "ping"})

    def _pass_time(self) -> None:
        seconds = self.random.choice((0.5, 1.0, 2.5, 5.0, 5.0, 40.0))
        self.lines.append(Line("", b"", -1, True, seconds=seconds))
        self.stage.pass_time(seconds)
        self._listen()

    def _say(self, who: str) -> None:
        self._needs = -1
        if who == "asker":
            command = self._do()
        elif who == "doer":
            command = self._doer(who)
        else:
            name = self.random.choices(list(NATIVE), [weight for weight, _ in NATIVE.values()])[0]
            command = NATIVE[name][1](self, who)
        if command is not None:
            self._play(who, command)

    def _play(self, who: str, command: dict[str, Any]) -> None:
        self.refs += 1
        command = self._shuffled(command | {"ref": f"c{self.refs}"})
        data = self._written(command)
        before = self._runs()
        peer = self.stage.peer(who)
        peer.send(data)
        self.stage.settle()
        self._listen()
        claimed = self._runs() > before and command["cmd"] not in ("submit", "do")
        answer = peer.lines()[-1] if peer.out else {}
        refused = "error" in answer or bool(answer.get("duplicate", answer.get("duplicates")))
        late = any(job.encode() in data for job in self.knows.lost)
        last = claimed or late or command["cmd"] in LAST or (command["cmd"] == "submit" and refused)
        first = command["cmd"] in FIRST or (command["cmd"] == "submit" and refused)
        needs = len(self.lines) - 1 if first else self._needs
        self.lines.append(Line(who, data, needs, last))
        self._needs = -1
        if peer.gone:
            self.gone.add(who)

    def _runs(self) -> int:
        return sum(peer.out.count(b'{"run":') + peer.out.count(b'{"cmd":"do"') for peer in self.stage.peers.values())

    def _shuffled(self, command: dict[str, Any]) -> dict[str, Any]:
        names = list(command)
        self.random.shuffle(names)
        return {name: command[name] for name in names}

    def _written(self, command: dict[str, Any]) -> bytes:
        """The same command in one of the ways in which JSON may be written."""
        space = self.random.choice(("", "", " ", "  ", "\t", "\r"))
        separators = self.random.choice(((",", ":"), (f",{space}", f":{space}")))
        text = json.dumps(command, separators=separators, ensure_ascii=self.random.random() < 0.5)
        return text.encode() + self.random.choice((b"\n", b"\n", b"\r\n", b" \n"))

    # What they hear.

    def _listen(self) -> None:
        now = len(self.lines)
        for who, peer in self.stage.peers.items():
            said = peer.lines()
            for line in said[self.knows.heard.get(who, 0) :]:
                self._hear(who, line, now)
            self.knows.heard[who] = len(said)

    def _hear(self, who: str, line: dict[str, Any], now: int) -> None:
        for job in line.get("run", ()):
            self.knows.hands.setdefault(who, []).append((job["id"], job["attempt"], now))
            self.knows.jobs.append((job["id"], now))
        if line.get("stop", {}).get("why") == "lost":
            self.knows.lost.add(line["stop"]["id"])
        if line.get("cmd") == "do":
            self.knows.deputy_hands.setdefault(who, []).append((line["id"], now))
        if line.get("ok") and "id" in line:
            self.knows.jobs.append((line["id"], now))
        self.knows.jobs += [(job, now) for job in line.get("ids", ())]

    def a_job(self) -> str:
        """A job somebody was told of, or one that never was."""
        if not self.knows.jobs or self.random.random() < 0.05:
            return self.random.choice(("00000000000000ff", "what?", ""))
        job, since = self.random.choice(self.knows.jobs[-12:])
        self._needs = max(self._needs, since)
        return job

    def in_hand(self, who: str, keep: bool = False) -> tuple[str, int]:
        """A job in this hand, or sometimes another one."""
        hand = self.knows.hands.get(who, [])
        if not hand or self.random.random() < 0.08:
            return self.a_job(), self.random.choice((1, 1, 2, 0, -1))
        job, attempt, since = hand[0] if keep or self.random.random() < 0.1 else hand.pop(0)
        self._needs = max(self._needs, since)
        return job, attempt

    # What they say.

    def _some(self, words: tuple[str, ...]) -> list[str]:
        return self.random.sample(words, self.random.randint(1, len(words)))

    def a_value(self) -> Any:
        return self.random.choice((None, 1, -2.5, "text \u00e9 \U0001f600", [1, [2]], {"a": {"b": []}}, "x" * 200))

    def _do(self) -> dict[str, Any]:
        command = {
            "cmd": "do",
            "id": self.random.choice((1, "job-1", "job \u00e9", None)),
            "type": self.random.choice(KINDS),
        }
        return command | ({"arg": self.a_value()} if self.random.random() < 0.8 else {})

    def _doer(self, who: str) -> dict[str, Any]:
        hand = self.knows.deputy_hands.get(who, [])
        if hand and self.random.random() < 0.8:
            job, since = hand.pop(0)
            self._needs = since
            return {"cmd": "did", "id": job, "res": self.a_value()}
        if self.random.random() < 0.5:
            return {"cmd": "can_do", "types": self._some(KINDS)}
        return {"cmd": "did", "id": "nobody asked", "res": 1}

    def a_spec(self) -> dict[str, Any]:
        fields: dict[str, Any] = {"kind": self.random.choice(KINDS), "payload": self.a_value()}
        extras = {
            "queue": self.random.choice(QUEUES), "priority": self.random.choice((0, 5, -5)),
            "key": self.random.choice(("k1", "k2")), "follow": True, "delay_seconds": self.random.choice((1, 3)),
            "ttl_seconds": self.random.choice((1, 4)), "timeout_seconds": 2, "max_attempts": self.random.choice((1, 2)),
            "keep_seconds": 3, "meta": {"trace": "\u00fc"}, "requires": {"gpu": 1},
            "share": self.random.choice(("a", "b")),
            "backoff": {"kind": "constant", "base_seconds": 2},
        }  # fmt: skip
        for name in self.random.sample(list(extras), self.random.choice((0, 0, 1, 2, 4))):
            fields[name] = extras[name]
        return fields

    def submit(self, who: str) -> dict[str, Any]:
        return {"cmd": "submit"} | self.a_spec()

    def bulk(self, who: str) -> dict[str, Any]:
        jobs = [self.a_spec() for _ in range(self.random.randint(1, 5))]
        return {"cmd": "submit", "queue": self.random.choice(QUEUES), "priority": 1, "jobs": jobs}

    def work(self, who: str) -> dict[str, Any]:
        kinds = self.random.choice((["*"], self._some(KINDS)))
        offers = self.random.choice(({}, {"gpu": 2}, {"gpu": [1, 2]}))
        seconds = self.random.choice((2.0, 30.0))
        queues = self._some(QUEUES)
        return {
            "cmd": "work", "kinds": kinds, "queues": queues, "offers": offers, "credit": self.a_credit(),
            "lease_seconds": seconds,
        }  # fmt: skip

    def a_credit(self) -> int:
        return self.random.choice((0, 1, 1, 2, 5))

    def done(self, who: str) -> dict[str, Any]:
        if self.random.random() < 0.3:
            jobs = [self.in_hand(who) for _ in range(self.random.randint(1, 3))]
            return {
                "cmd": "done",
                "jobs": [{"id": job, "attempt": at, "result": self.a_value()} for job, at in jobs],
            }
        job, attempt = self.in_hand(who)
        return {"cmd": "done", "id": job, "attempt": attempt, "result": self.a_value()}

    def fail(self, who: str) -> dict[str, Any]:
        job, attempt = self.in_hand(who)
        fields = {"error": {"type": "E", "message": "no"}, "retry": self.random.random() < 0.7}
        return {
            "cmd": "fail",
            "id": job,
            "attempt": attempt,
            "delay_seconds": self.random.choice((None, 1.5)),
        } | fields

    def release(self, who: str) -> dict[str, Any]:
        job, attempt = self.in_hand(who)
        return {"cmd": "release", "id": job, "attempt": attempt, "delay_seconds": self.random.choice((0, 2))}

    def progress(self, who: str) -> dict[str, Any]:
        job, attempt = self.in_hand(who, keep=True)
        return {"cmd": "progress", "id": job, "attempt": attempt, "percent": 40, "text": "page 4"}

    def keep(self, who: str) -> dict[str, Any]:
        jobs = dict(self.in_hand(who, keep=True) for _ in range(self.random.randint(0, 2)))
        return {"cmd": "keep", "jobs": [{"id": job, "attempt": attempt} for job, attempt in jobs.items()]}

    def cancel(self, who: str) -> dict[str, Any]:
        if self.random.random() < 0.5:
            return {"cmd": "cancel", "id": self.a_job()}
        return {"cmd": "cancel", "ids": [self.a_job() for _ in range(self.random.randint(1, 3))]}

    def get(self, who: str) -> dict[str, Any]:
        return {"cmd": "get", "ids": [self.a_job() for _ in range(self.random.randint(0, 3))]}

    def wait(self, who: str) -> dict[str, Any]:
        seconds = self.random.choice((0, 1, 3))
        return {"cmd": "wait", "ids": [self.a_job() for _ in range(2)], "timeout_seconds": seconds}

    def find(self, who: str) -> dict[str, Any]:
        filters = {"queue": "images", "kind": "saw", "state": "ready", "before": self.a_job()}
        names = self.random.sample(list(filters), self.random.randint(0, 2))
        return {"cmd": "find", "limit": self.random.choice((1, 3, 100))} | {name: filters[name] for name in names}


NATIVE: dict[str, tuple[int, Any]] = {
    "submit": (26, Play.submit),
    "bulk": (8, Play.bulk),
    "work": (6, Play.work),
    "credit": (4, lambda play, who: {"cmd": "credit", "credit": play.a_credit()}),
    "done": (16, Play.done),
    "fail": (5, Play.fail),
    "release": (3, Play.release),
    "progress": (3, Play.progress),
    "keep": (2, Play.keep),
    "cancel": (5, Play.cancel),
    "get": (5, Play.get),
    "wait": (3, Play.wait),
    "find": (3, Play.find),
    "beat": (2, lambda play, who: {"cmd": "beat"}),
    "can": (2, lambda play, who: {"cmd": "can", "kind": play.random.choice(KINDS), "requires": {"gpu": 2}}),
    "kinds": (2, lambda play, who: {"cmd": "kinds"}),
    "metrics": (1, lambda play, who: {"cmd": "metrics"}),
    "ping": (2, lambda play, who: {"cmd": "ping"}),
    "bye": (1, lambda play, who: {"cmd": "bye"}),
}
