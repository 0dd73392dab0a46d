"""Workers that speak raw lines, and now and then behave badly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sim.actors import KINDS, QUEUES, Actor
from tests.sim.net import Link

if TYPE_CHECKING:
    from tests.sim.world import World


class SimWorker(Actor):
    """Takes jobs, answers them well, badly, late, twice or never; keeps what it holds over a lost connection."""

    def __init__(self, world: World, name: str, credit: int, offers: dict[str, Any], good: bool = False) -> None:
        super().__init__(world, name)
        self.credit, self.offers, self.good = credit, offers, good
        self.most_credit = 0  # what it had before somebody lowered it: lowering takes nothing back
        self.lease_seconds = 2.0
        self.left: Link | None = None  # the connection on which it said bye
        self.held: dict[str, dict[str, Any]] = {}  # id -> attempt, and the answer once there is one
        self.heard_at = world.now
        self.word = f"{name}-0"
        self.was_ordered = False  # somebody wanted something of it, which it may not be done with
        self.beat_was_lost = False
        self.asleep_until = 0.0
        self._token: tuple[int, str] = (-1, "")  # the life in which it has this one: a holder is its token's

    def token(self) -> str:
        if self._token[0] != self.life:
            self._token = (self.life, super().token())
        return self._token[1]

    def refused(self) -> None:
        self.world.count("worker sent away")
        super().refused()
        self.die()

    def greet(self) -> None:
        self.heard_at = self.world.now
        self.hello(worker=self.word)
        self.say(cmd="keep", jobs=[{"id": job, "attempt": held["attempt"]} for job, held in self.held.items()])
        for held in self.held.values():
            if "answer" in held:
                held["said_at"] = self.world.now
                self.say(**held["answer"])
        self.ask_for_work()
        self.beat(self.link)

    def ask_for_work(self) -> None:
        served = {
            "kinds": ["*"] if self.world.work.lanes else list(KINDS),
            "queues": list(QUEUES),
            "offers": self.offers,
        }
        self.say(cmd="work", **served, credit=self.credit, lease_seconds=self.lease_seconds)

    def doze(self, seconds: float) -> None:
        """It is stopped for so long, and goes on as if nothing had been."""
        self.world.count("worker dozed")
        self.asleep_until = self.world.now + seconds

    def hear(self, line: bytes) -> None:
        if self.world.now < self.asleep_until:
            link = self.link
            self.plan(self.asleep_until - self.world.now, lambda: self.hear(line) if self.link is link else None)
        else:
            super().hear(line)

    def beat(self, link: Link | None) -> None:
        if self.link is not link or link is None:
            return
        if self.world.now < self.asleep_until:
            self.heard_at = self.asleep_until
            self.plan(self.asleep_until - self.world.now, lambda: self.beat(link))
            return
        if self.world.now - self.heard_at > self.lease_seconds:  # nobody answers: stop, and look for the hall again
            self.fence()
            self.reconnect(told=self.world.dice.random() < 0.5)
            return
        self.beat_was_lost = not self.say(cmd="beat") or self.beat_was_lost
        for held in self.held.values():  # a lost answer is said again
            if "answer" in held and self.world.now - held["said_at"] > self.lease_seconds:
                held["said_at"] = self.world.now
                self.say(**held["answer"])
        self.plan(self.lease_seconds / 3, lambda: self.beat(link))

    def fence(self) -> None:
        """Others may have what it holds: it stops that, and says so when it can."""
        self.world.count("worker fenced itself")
        for job, held in self.held.items():
            if "answer" not in held:
                who = {"id": job, "attempt": held["attempt"]}
                held["answer"] = {"cmd": "fail", **who, "error": {"type": "Fenced"}}
                held["said_at"] = self.world.now

    def pushed(self, message: dict[str, Any]) -> None:
        self.heard_at = self.world.now
        for job in message.get("run", []) if self.left is not self.link else ():
            self.start(job)
        if "set" in message:
            self.most_credit = max(self.most_credit, self.credit)
            self.credit = message["set"]["credit"]
            self.say(cmd="credit", credit=self.credit)
        if message.get("stop", {}).get("why") == "shutdown":
            return  # its connection will close
        if message.get("stop", {}).get("id") == "":
            self.leave(at_once=message["stop"]["why"] == "stop")
        elif "stop" in message:
            self.stop(message["stop"])

    def leave(self, at_once: bool) -> None:
        """It was told to: what it has it gives back, or finishes first."""
        self.world.count("worker told to leave")
        if at_once:
            for job, held in self.held.items():
                if "answer" not in held:
                    held["answer"] = {"cmd": "release", "id": job, "attempt": held["attempt"]}
                    held["said_at"] = self.world.now
                    self.world.audit.gave_back(job, held["attempt"])
                    self.say(**held["answer"])
        self.go_when_done(self.link)

    def go_when_done(self, link: Link | None) -> None:
        if self.link is link and link is not None and self.held:
            self.plan(0.2, lambda: self.go_when_done(link))
        elif self.link is link:
            self.say(cmd="bye")
            self.left = link  # what still comes on it has been given back
            self.plan(0.05, lambda: self.die() if self.link is link else None)

    def start(self, job: dict[str, Any]) -> None:
        dice = self.world.dice
        self.world.audit.started(self.word, job)
        self.held[job["id"]] = {"attempt": job["attempt"], "life": self.world.lives}
        self.beat_was_lost = False
        if job["kind"] == "poison" and (not self.good or self.world.work.poison):
            self.plan(0.01, lambda: self.die() if job["id"] in self.held else None)
            return
        seconds = dice.choice((0.0, 0.01, 0.5)) if job["kind"] == "plain" else dice.choice((0.5, 3.0))
        seconds = 0.0 if self.good else seconds
        for number in range(dice.choice((0, 0, 1, 3))):
            self.plan(dice.uniform(0, seconds), lambda number=number: self.tell(job["id"], job["attempt"], number))
        self.plan(seconds, lambda: self.finish(job["id"], job["attempt"]))

    def tell(self, job: str, attempt: int, number: int) -> None:
        """A line of the log, or progress."""
        held = self.held.get(job)
        if held is None or held["attempt"] != attempt or "answer" in held:
            return
        if self.world.dice.random() < 0.3:
            self.say(cmd="progress", id=job, attempt=attempt, percent=number * 10)
        else:
            held["said"] = held.get("said", 0) + 1
            self.say(cmd="log", id=job, attempt=attempt, text=f"{self.word} {held['said']}")

    def finish(self, job: str, attempt: int) -> None:
        dice = self.world.dice
        held = self.held.get(job)
        if held is None or held["attempt"] != attempt or "answer" in held:
            return
        if self.world.now < self.asleep_until:
            self.plan(self.asleep_until - self.world.now, lambda: self.finish(job, attempt))
            return
        choice = 0.0 if self.good else dice.random()
        who: dict[str, Any] = {"id": job, "attempt": attempt}
        if choice < 0.78:
            held["answer"] = {"cmd": "done", **who, "result": {"by": self.word, "attempt": attempt}}
        elif choice < 0.90:
            held["answer"] = {"cmd": "fail", **who, "error": {"type": "E", "message": "x"}, "retry": choice < 0.87}
        elif choice < 0.95:
            held["answer"] = {"cmd": "release", **who, "delay_seconds": dice.choice((0, 0.5))}
        else:
            self.world.count("worker hangs")
            return
        if held["answer"]["cmd"] == "release":
            self.world.audit.gave_back(job, attempt)
        self.misbehave(who)
        self.race(job)
        held["said_at"] = self.world.now
        self.say(**held["answer"])

    def race(self, job: str) -> None:
        """Somebody cancels it at this very moment."""
        if self.world.work.races and not self.world.healing and self.world.dice.random() < 0.3:
            client = self.world.dice.choice(self.world.clients)
            self.world.audit.cancelling(job)
            client.say(cmd="cancel", id=job)

    def misbehave(self, who: dict[str, Any]) -> None:
        dice = self.world.dice
        if not self.good and dice.random() < self.world.faults.misbehave:
            self.world.count("worker lies")
            strange = dice.choice(({"attempt": who["attempt"] + 1}, {"attempt": who["attempt"] - 1}, {"id": "0" * 16}))
            lie = dice.choice(("done", "fail", "release"))
            if lie == "release":
                self.world.audit.gave_back(**(who | strange))
            self.say(cmd=lie, **(who | strange))

    def stop(self, order: dict[str, Any]) -> None:
        held = self.held.get(order["id"])
        if held is not None and held["attempt"] == order["attempt"] and "answer" not in held:
            held["answer"] = {
                "cmd": "fail",
                "id": order["id"],
                "attempt": order["attempt"],
                "error": {"type": order["why"]},
            }
            held["said_at"] = self.world.now
            self.say(**held["answer"])

    def answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        self.heard_at = self.world.now
        self.world.audit.answered(asked, message)
        if asked["cmd"] == "log" and "ok" in message and asked["id"] in self.held:
            held = self.held[asked["id"]]
            if held["attempt"] == asked["attempt"]:
                held.setdefault("logged", []).append((self.link, asked["text"]))
        elif asked["cmd"] in ("done", "fail", "release") and asked.get("id") in self.held:
            held = self.held[asked["id"]]
            if held["attempt"] == asked["attempt"] and "ok" in message:
                self._taken(asked, message)
                texts = [text for link, text in held.get("logged", []) if link is self.link]
                self.world.audit.logged(asked["id"], asked["attempt"], texts)
            if self.held[asked["id"]]["attempt"] == asked["attempt"]:
                del self.held[asked["id"]]
        elif asked["cmd"] == "keep" and "ok" in message:
            kept = [self.held[job] for job in message["kept"] if job in self.held]
            if any(held["life"] < self.world.lives for held in kept):
                self.world.count("lease kept over a restart")
            for job in message["lost"]:
                self.held.pop(job, None)

    def _taken(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        if asked["cmd"] == "done" and self.beat_was_lost:
            self.world.count("beat lost, result taken")
        if asked["cmd"] == "done" and message.get("duplicate"):
            self.world.count("result said twice")

    def behave(self) -> None:
        """From now on this worker does all that it should, what it holds first."""
        self.good = True
        self.ask_for_work()  # the network may have dropped it
        for job, held in list(self.held.items()):
            if "answer" not in held:
                self.plan(0.1, lambda job=job, attempt=held["attempt"]: self.finish(job, attempt))

    def die(self) -> None:
        """The process is gone, and with it everything it knew; another one starts in its place."""
        self.world.count("worker died")
        self.life += 1
        self.word = f"{self.name}-{self.life}"
        self.held.clear()
        self.reconnect(told=self.world.dice.random() < 0.6)
