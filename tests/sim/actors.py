"""Clients and workers that speak raw lines, and now and then behave badly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tests.sim.net import Link

if TYPE_CHECKING:
    from tests.sim.world import World

KINDS = ("plain", "slow", "poison")
QUEUES = ("default", "double")  # in the second one two jobs of one lock may go at a time
LOCKS = ("saw", "drill")


class Actor:
    """Something with a connection that it makes again when it breaks."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.link: Link | None = None
        self.life = 0  # grows when it dies: what was planned before does not happen
        self.asked: dict[int, dict[str, Any]] = {}
        self._refs = 0

    def plan(self, delay: float, action: Any) -> None:
        """Do `action` later, unless it has died by then."""
        life = self.life
        self.world.later(delay, lambda: action() if self.life == life else None)

    def connect(self) -> None:
        if self.world.hall_is_up:
            self.link = Link(self.world, self)
            self.greet()
        else:
            self.plan(0.3, self.connect)

    def say(self, **message: Any) -> None:
        """One command, with a ref that its answer is found by."""
        if self.link is None:
            return
        self._refs += 1
        self.asked[self._refs] = message
        self.link.send(msgspec.json.encode({**message, "ref": self._refs}))

    def hear(self, line: bytes) -> None:
        message = msgspec.json.decode(line)
        asked = self.asked.pop(message.get("ref"), None) if "ref" in message else None
        if message.get("error", {}).get("code") == "unauthenticated":
            self.reconnect()
        elif asked is not None:
            self.answered(asked, message)
        elif "error" not in message:
            self.pushed(message)

    def cut_off(self) -> None:
        """The connection is gone: come back soon."""
        self.link = None
        self.asked.clear()
        self.plan(self.world.dice.uniform(0.05, 0.6), self.connect)

    def reconnect(self, told: bool = True) -> None:
        if self.link is not None:
            self.link.hang_up(told)
        self.cut_off()

    def greet(self) -> None: ...
    def answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None: ...
    def pushed(self, message: dict[str, Any]) -> None: ...


class SimClient(Actor):
    """Submits jobs of every sort, cancels some, looks at others; repeats what has a key until it is answered."""

    def __init__(self, world: World, name: str, jobs: int) -> None:
        super().__init__(world, name)
        self.left = jobs
        self.open_keys: dict[str, dict[str, Any]] = {}
        self.ids: list[str] = []
        self.loose: list[str] = []  # jobs that may be removed: no key names them, no bulk submit holds them

    def greet(self) -> None:
        self.say(cmd="hello", protocol=1, token="t", name=self.name)
        self.say(cmd="queue", queue="double", lock_limit=2, max_running=self.world.max_running)
        for message in self.open_keys.values():
            self.say(**message)
        if self.world.healing:
            for queue in QUEUES:
                self.say(cmd="resume", queue=queue)
        self.next_turn()

    def next_turn(self) -> None:
        link = self.link
        self.plan(self.world.dice.choice((0.001, 0.05, 0.4)), lambda: self.turn() if self.link is link else None)

    def turn(self) -> None:
        dice = self.world.dice
        if self.link is None:
            return
        if dice.random() < 0.03:
            self.reconnect(told=dice.random() < 0.7)
            return
        choice = dice.random()
        if choice < 0.6 and self.left > 0:
            self.submit()
        elif self.ids and choice < 0.75:
            self.meddle()
        elif 0.75 <= choice < 0.78 and not self.world.healing:
            self.world.count("queue set")
            self.say(
                cmd=dice.choice(("pause", "pause", "resume", "resume", "resume", "drain")), queue=dice.choice(QUEUES)
            )
        elif self.ids and choice < 0.9:
            self.say(cmd="get", ids=[dice.choice(self.ids)])
        elif self.ids:
            self.say(
                cmd="wait", ids=dice.sample(self.ids, min(2, len(self.ids))), timeout_seconds=dice.choice((0.1, 5))
            )
        self.next_turn()

    def meddle(self) -> None:
        """What people do to jobs."""
        dice = self.world.dice
        cmd = dice.choices(("cancel", "retry", "change", "remove"), (4, 4, 3, 2))[0]
        job = dice.choice(self.ids)
        if self.world.healing and cmd in ("retry", "remove"):
            return  # or it would never end, and the last look would find a job on its way out
        if cmd == "remove":
            job = dice.choice(self.loose or [job])
            if job not in self.loose:
                return
        message: dict[str, Any] = {"cmd": cmd, "id": job}
        if cmd == "change":
            message["set"] = self.edit()
        self.world.audit.meddled(message)
        self.say(**message)

    def edit(self) -> dict[str, Any]:
        dice = self.world.dice
        edits: tuple[dict[str, Any], ...] = (
            {"priority": dice.choice((0, 5))}, {"tags": ["changed"]}, {"run_at": None}, {"expires_at": None},
            {"delay_seconds": dice.choice((0.2, 3.0))}, {"ttl_seconds": dice.choice((1.0, 30.0))}, {"share": "b"},
        )  # fmt: skip
        return dice.choice(edits) | dice.choice(edits)

    def submit(self) -> None:
        dice = self.world.dice
        if dice.random() < 0.2:
            self.submit_many()
            return
        self.left -= 1
        message = {"cmd": "submit", "follow": dice.random() < 0.5, **self.spec()}
        if dice.random() < 0.4:
            message["key"] = f"k{dice.randrange(6)}" if dice.random() < 0.5 else f"{self.name}-{self.left}"
            if message["key"].startswith("k"):
                message |= {"payload": {"m": message["key"]}, "kind": "plain", "queue": "default"}
            self.open_keys[message["key"]] = message
        self.world.audit.offered(message)
        self.say(**message)

    def submit_many(self) -> None:
        self.left -= 3
        group = f"{self.name}-g{self.left}"
        jobs = [{**self.spec(), "payload": {"m": group}} for _ in range(3)]
        message = {"cmd": "submit", "jobs": jobs}
        self.world.audit.offered(message)
        self.say(**message)

    def spec(self) -> dict[str, Any]:
        dice = self.world.dice
        spec: dict[str, Any] = {
            "kind": dice.choices(KINDS, (8, 3, self.world.faults.poison))[0],
            "payload": {"m": f"{self.name}-{self.left}"},
            "priority": dice.choice((0, 0, 0, 5)),
            "max_attempts": dice.choice((1, 2, 5)),
            "backoff": {"base_seconds": 0.2, "max_seconds": 2},
            "keep_seconds": 100_000,
        }
        extras = {
            "delay_seconds": dice.choice((0.1, 4.0)),
            "ttl_seconds": dice.choice((0.5, 30.0)),
            "timeout_seconds": 1.5,
            "requires": {"gpu": 1},
            "share": dice.choice(("a", "b")),
            "queue": "double",
            "tags": ["t", dice.choice("uv")],
        }
        spec |= {name: value for name, value in extras.items() if dice.random() < 0.12}
        if dice.random() < 0.3:
            spec["lock"] = dice.choice(LOCKS)
        if self.ids and dice.random() < 0.3:
            spec["after"] = dice.sample(self.ids[-6:], min(len(self.ids[-6:]), dice.choice((1, 2, 2))))
        return spec

    def answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        if asked["cmd"] == "submit":
            self.open_keys.pop(asked.get("key", ""), None)
        if asked["cmd"] == "submit" and "ok" in message:
            self.ids += message.get("ids", [message.get("id")])
            if "key" not in asked and "id" in message:
                self.loose.append(message["id"])
        self.world.audit.answered(asked, message)


class SimWorker(Actor):
    """Takes jobs, answers them well, badly, late, twice or never; keeps what it holds over a lost connection."""

    def __init__(self, world: World, name: str, credit: int, offers: dict[str, Any], good: bool = False) -> None:
        super().__init__(world, name)
        self.credit, self.offers, self.good = credit, offers, good
        self.lease_seconds = 2.0
        self.held: dict[str, dict[str, Any]] = {}  # id -> attempt, and the answer once there is one
        self.heard_at = world.now
        self.word = f"{name}-0"

    def greet(self) -> None:
        self.heard_at = self.world.now
        self.say(cmd="hello", protocol=1, token="t", name=self.name, worker=self.word)
        self.say(cmd="keep", jobs=[{"id": job, "attempt": held["attempt"]} for job, held in self.held.items()])
        for held in self.held.values():
            if "answer" in held:
                held["said_at"] = self.world.now
                self.say(**held["answer"])
        self.ask_for_work()
        self.beat(self.link)

    def ask_for_work(self) -> None:
        served = {"kinds": list(KINDS), "queues": list(QUEUES), "offers": self.offers}
        self.say(cmd="work", **served, credit=self.credit, lease_seconds=self.lease_seconds)

    def beat(self, link: Link | None) -> None:
        if self.link is not link or link is None:
            return
        if self.world.now - self.heard_at > self.lease_seconds:  # nobody answers: stop, and look for the hall again
            self.fence()
            self.reconnect(told=self.world.dice.random() < 0.5)
            return
        self.say(cmd="beat")
        for held in self.held.values():  # a lost answer is said again
            if "answer" in held and self.world.now - held["said_at"] > self.lease_seconds:
                held["said_at"] = self.world.now
                self.say(**held["answer"])
        self.plan(self.lease_seconds / 3, lambda: self.beat(link))

    def fence(self) -> None:
        self.world.count("worker fenced itself")
        self.held = {job: held for job, held in self.held.items() if "answer" in held}

    def pushed(self, message: dict[str, Any]) -> None:
        self.heard_at = self.world.now
        for job in message.get("run", []):
            self.start(job)
        if "stop" in message:
            self.stop(message["stop"])

    def start(self, job: dict[str, Any]) -> None:
        dice = self.world.dice
        self.world.audit.started(self.word, job)
        self.held[job["id"]] = {"attempt": job["attempt"]}
        if job["kind"] == "poison" and not self.good:
            self.plan(0.01, self.die)
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
        self.misbehave(who)
        held["said_at"] = self.world.now
        self.say(**held["answer"])

    def misbehave(self, who: dict[str, Any]) -> None:
        dice = self.world.dice
        if not self.good and dice.random() < self.world.faults.misbehave:
            self.world.count("worker lies")
            strange = dice.choice(({"attempt": who["attempt"] + 1}, {"attempt": who["attempt"] - 1}, {"id": "0" * 16}))
            self.say(cmd=dice.choice(("done", "fail", "release")), **(who | strange))

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
                texts = [text for link, text in held.get("logged", []) if link is self.link]
                self.world.audit.logged(asked["id"], asked["attempt"], texts)
            if self.held[asked["id"]]["attempt"] == asked["attempt"]:
                del self.held[asked["id"]]
        elif asked["cmd"] == "keep" and "ok" in message:
            for job in message["lost"]:
                self.held.pop(job, None)

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


class SimWatcher(Actor):
    """Watches everything, and goes on where it was when its connection broke."""

    def __init__(self, world: World) -> None:
        super().__init__(world, "watcher")
        self.since: str | None = None
        self.watching = False

    def greet(self) -> None:
        self.watching = False
        self.say(cmd="hello", protocol=1, token="t", name=self.name)
        self.ask(self.link)

    def ask(self, link: Link | None) -> None:
        """Say it until it is answered; look now and then whether anybody is still there."""
        if self.link is not link or link is None:
            return
        if self.watching and len(self.asked) > 2:
            self.reconnect(told=self.world.dice.random() < 0.5)
        elif self.watching:
            self.say(cmd="ping")
            self.plan(2.0, lambda: self.ask(link))
        else:
            self.say(cmd="watch", **({} if self.since is None else {"since": self.since}))
            self.plan(1.0, lambda: self.ask(link))

    def answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        if asked["cmd"] == "watch" and "ok" in message:
            self.begun(asked.get("since"), message)

    def begun(self, since: str | None, message: dict[str, Any]) -> None:
        self.world.audit.hearing.watching(since, message)
        self.since = message["seq"] if since is None or message.get("gap") else self.since
        self.watching = True

    def pushed(self, message: dict[str, Any]) -> None:
        if message.get("gap"):  # the network had said `watch` twice
            self.begun(None, message)
        if "event" in message and self.world.audit.hearing.heard(message):
            self.since = message["seq"]
