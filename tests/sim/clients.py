"""Clients that submit jobs of every sort, meddle with them, look at them, and repeat what has a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sim.actors import KINDS, LOCKS, QUEUES, Actor

if TYPE_CHECKING:
    from tests.sim.world import World

KEEP = 1_000_000
BULK = 50
ROLES = ["admin", "read", "submit", "work"]
LANES = 2_000
TASKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("cancel", {"kind": "slow"}), ("cancel", {"tag": "u"}), ("retry", {"kind": "plain", "state": "failed"}),
    ("retry", {"kind": "poison", "state": "failed"}), ("remove", {"tag": "loose"}),
    ("remove", {"tag": "loose", "state": "failed"}),
)  # fmt: skip


class SimClient(Actor):
    """Submits jobs of every sort, cancels some, looks at others; repeats what has a key until it is answered."""

    def __init__(self, world: World, name: str, jobs: int) -> None:
        super().__init__(world, name)
        self.left = jobs
        self.open_keys: dict[str, dict[str, Any]] = {}
        self.unanswered_keys: set[str] = set()  # whose submit was said, and its connection broke
        self.ids: list[str] = []
        self.followed: set[str] = set()  # jobs of whose logs more may come on this connection, between its answers
        self.drafts: list[str] = []  # of its jobs, that it has not heard of as committed or discarded
        self.loose: list[str] = []  # jobs that may be removed: no key names them, no bulk submit holds them

    # What it does when it comes, and then from time to time.

    def greet(self) -> None:
        self.followed.clear()
        self.hello()
        self.say(cmd="queue", queue="double", lock_limit=2, max_running=self.world.max_running)
        if self.world.work.limits:
            self.say(cmd="queue", queue="narrow", max_per_second=self.world.rate, max_waiting=self.world.max_waiting)
        for message in self.open_keys.values():
            self.offer(message)
        if self.world.healing:
            for queue in QUEUES:
                self.say(cmd="resume", queue=queue)
        self.next_turn()

    def next_turn(self) -> None:
        link = self.link
        resting = self.world.healing and not self.left
        pauses = (0.4,) if resting else (0.001, 0.05, 0.4)
        self.plan(self.world.dice.choice(pauses), lambda: self.turn() if self.link is link else None)

    def turn(self) -> None:
        dice = self.world.dice
        if self.link is None:
            return
        if dice.random() < 0.03:
            self.reconnect(told=dice.random() < 0.7)
            return
        self.settle_drafts()
        choice = dice.random()
        if choice < 0.6 and self.left > 0:
            self.submit()
        elif self.ids and choice < 0.72:
            self.meddle()
        elif choice < 0.75 and not self.world.healing:
            self.set_queue()
        elif choice < 0.80 and not self.world.healing:
            self.administer()
        elif self.ids:
            self.look()
        self.next_turn()

    def set_queue(self) -> None:
        self.world.count("queue set")
        cmd = self.world.dice.choice(("pause", "pause", "resume", "resume", "resume", "drain"))
        self.say(cmd=cmd, queue=self.world.dice.choice(QUEUES))

    def look(self) -> None:
        dice = self.world.dice
        choice = dice.random()
        if choice < 0.5:
            self.say(cmd="get", ids=[dice.choice(self.ids)])
        elif choice < 0.7:
            ids = dice.sample(self.ids, min(2, len(self.ids)))
            self.say(cmd="wait", ids=ids, timeout_seconds=dice.choice((0.1, 5)))
        elif choice < 0.8:
            self.say(cmd="find", kind=dice.choice(KINDS), limit=3)
        elif self.world.work.logs:
            job = dice.choice(self.ids[-8:])
            follow = dice.random() < 0.8 or job in self.followed
            self.followed |= {job} if follow else set()
            self.say(cmd="log_of", id=job, follow=follow)

    # What people do to jobs, workers and tokens.

    def meddle(self) -> None:
        dice = self.world.dice
        if not self.world.work.edits:
            return
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

    def administer(self) -> None:
        dice, work = self.world.dice, self.world.work
        choice = dice.random()
        if choice < 0.4 and work.tasks:
            cmd, where = dice.choice(TASKS)
            self.begin_task(cmd, where)
        elif choice < 0.7 and work.orders:
            worker = dice.choice(self.world.workers)
            worker.was_ordered = True
            do = dice.choice(("pause", "pause", "resume", "drain", "stop", "set"))
            self.say(cmd="worker", worker=worker.word, do=do, credit=dice.randrange(1, 6) if do == "set" else None)
        elif work.guest:
            made = self.world.guest_token
            self.say(cmd="token", name="guest", **({"do": "revoke"} if made else {"do": "create", "roles": ROLES}))

    def begin_task(self, cmd: str, where: dict[str, Any]) -> None:
        self.world.audit.tasks.wanted(cmd, where)
        self.say(cmd=cmd, where=where)
        if self.link is not None:
            self.asked[self._refs]["before"] = self.world.audit.tasks.matching(cmd, where)

    # Submitting.

    def submit(self) -> None:
        dice, work = self.world.dice, self.world.work
        choice = dice.random()
        if choice < 0.2:
            self.submit_many(BULK if work.bulks and dice.random() < 0.15 else 3)
            return
        self.left -= 1
        message = {"cmd": "submit", "follow": dice.random() < 0.5, **self.spec()}
        if dice.random() < 0.3:
            message["key"] = f"{self.name}-{self.left}"
            if self.left % 3 == 0:  # with a key, so that it gets to know the id in any case
                message["draft"] = True
            self.open_keys[message["key"]] = message
        elif dice.random() < 0.3:
            message["tags"] = [*message.get("tags", []), "loose"]
        self.offer(message)

    def offer(self, message: dict[str, Any]) -> None:
        self.world.audit.offered(message, self.say(**message))

    def settle_drafts(self) -> None:
        """Say of each draft again what is to become of it, until that is answered. In the end also of those that came
        of a submit which arrived again when its key was free."""
        if self.world.healing and self.left <= 0:
            self.say(cmd="find", state="draft")
        for job in self.drafts[:BULK]:
            cmd = "discard" if int(job, 16) % 5 == 0 else "commit"
            self.world.audit.drafts.settled(cmd, job)
            self.say(cmd=cmd, id=job)

    def submit_key(self, key: str, other: bool) -> None:
        """One of many submits of this key; `other` has another payload."""
        payload = {"m": f"{key}!" if other else key}
        message = {"cmd": "submit", "kind": "plain", "key": key, "payload": payload, "keep_seconds": KEEP}
        if not other:
            self.open_keys[key] = message
        self.offer(message)

    def submit_many(self, count: int) -> None:
        self.left -= 3
        group = f"{self.name}-g{self.left}"
        few = {**self.spec(), "payload": {"m": group}}
        jobs = (
            [few for _ in range(count)] if count > 3 else [{**self.spec(), "payload": {"m": group}} for _ in range(3)]
        )
        self.offer({"cmd": "submit", "jobs": jobs})

    def submit_lanes(self) -> None:
        """Each of these jobs has a lane of its own."""
        self.world.count("thousands of lanes")
        for begin in range(0, LANES, 500):
            rest = {"payload": {"m": f"{self.name}-l{begin}"}, "keep_seconds": KEEP}
            jobs = [
                {"kind": f"lane-{n % 40}", "share": f"s{n % 10}", "priority": n % 5, **rest}
                for n in range(begin, begin + 500)
            ]
            self.offer({"cmd": "submit", "jobs": jobs})

    def spec(self) -> dict[str, Any]:
        dice, work = self.world.dice, self.world.work
        spec: dict[str, Any] = {
            "kind": dice.choices(KINDS, (8, 3, 2 * work.poison))[0],
            "payload": {"m": f"{self.name}-{self.left}"},
            "priority": dice.choice((0, 0, 0, 5)) * work.urgent,
            "max_attempts": dice.choice((1, 1, 2, 5) if work.once else (2, 5)),
            "backoff": {"base_seconds": 0.2, "max_seconds": 2},
            "keep_seconds": KEEP,
        }
        spec |= {name: value for name, value in self.extras().items() if dice.random() < 0.15}
        if work.gates and dice.random() < 0.4:
            spec["lock"] = dice.choice(LOCKS)
        if work.gates and self.ids and dice.random() < 0.4:
            spec["after"] = dice.sample(self.ids[-6:], min(len(self.ids[-6:]), dice.choice((1, 2, 2))))
        return spec

    def extras(self) -> dict[str, Any]:
        dice, work = self.world.dice, self.world.work
        far = work.far and not self.world.healing
        extras: dict[str, Any] = {
            "delay_seconds": dice.choice((60.0, 600.0)) if far else dice.choice((0.1, 4.0)),
            "requires": {"gpu": 1},
            "share": dice.choice(("a", "b")),
            "queue": dice.choice(("double", "narrow") if work.limits else ("double",)),
            "tags": ["t", dice.choice("uv")],
        }
        if work.short and not far:
            extras |= {"ttl_seconds": dice.choice((0.5, 5.0, 30.0)), "timeout_seconds": 1.5}
        return extras

    # What it hears.

    def lost(self, asked: dict[int, dict[str, Any]]) -> None:
        for message in asked.values():
            if message["cmd"] == "submit" and "key" in message:
                self.unanswered_keys.add(message["key"])

    def answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        if asked["cmd"] == "submit":
            self._submitted(asked, message)
        elif asked["cmd"] in ("commit", "discard"):
            self._draft_settled(asked, message)
        elif asked["cmd"] == "find" and asked.get("state") == "draft":
            self.drafts += [job["id"] for job in message.get("jobs", []) if job["id"] not in self.drafts]
        elif asked["cmd"] == "token" and "ok" in message:
            self.world.guest_token = message.get("token", "")
            self.world.count("token made" if "token" in message else "token revoked")
        elif "before" in asked and "task" in message:
            self.world.audit.tasks.began(self.link, message["task"]["id"], asked)
        elif asked["cmd"] == "log_of" and "ok" in message:
            self.world.audit.logs.heard(self.link, message["log"], is_new=True)
        self.world.audit.answered(asked, message)

    def _draft_settled(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        is_over = "ok" in message or message["error"]["code"] == "not_found"  # an earlier one was heard
        if is_over and asked["id"] in self.drafts:
            self.drafts.remove(asked["id"])

    def _submitted(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        key = asked.get("key")
        if key is not None and self.open_keys.get(key) == asked:
            del self.open_keys[key]
        if "ok" not in message:
            return
        self.ids += message.get("ids", [message.get("id")])
        if message.get("state") == "draft" and message["id"] not in self.drafts:
            self.drafts.append(message["id"])
        if message.get("duplicate") and key in self.unanswered_keys:
            self.world.count("unknown, then found again")
        if key is None and "id" in message:
            self.loose.append(message["id"])

    def pushed(self, message: dict[str, Any]) -> None:
        if "log" in message:
            self.world.audit.logs.heard(self.link, message["log"], is_new="ref" in message)
        elif "task" in message:
            self.world.audit.tasks.told(self.link, message["task"])
