"""What clients, workers and watchers have in common, and the watcher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tests.sim.net import Link

if TYPE_CHECKING:
    from tests.sim.world import World

KINDS = ("plain", "slow", "poison")
QUEUES = ("default", "double", "narrow")  # two jobs of one lock may go at a time in the second; the third has limits
LOCKS = ("saw", "drill")


class Actor:
    """Something with a connection that it makes again when it breaks."""

    is_guest = False  # comes with a token that is revoked now and then

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.link: Link | None = None
        self.life = 0  # grows when it dies: what was planned before does not happen
        self.cannot_hear = self.cannot_say = False  # for ever
        self.asked: dict[int, dict[str, Any]] = {}
        self._refs = 0
        self._refused_token = ""

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

    def hello(self, **more: str) -> None:
        self.say(cmd="hello", protocol=1, token=self.token(), name=self.name, **more)

    def token(self) -> str:
        guest = self.world.guest_token if self.is_guest else ""
        return guest if guest and guest != self._refused_token else "t"

    def refused(self) -> None:
        """Its token counts no more."""
        self._refused_token = self.world.guest_token
        self.reconnect()

    def say(self, **message: Any) -> int:
        """One command, with a ref that its answer is found by. How often it travels."""
        if self.link is None:
            return 0
        self._refs += 1
        self.asked[self._refs] = message
        return self.link.send(msgspec.json.encode({**message, "ref": self._refs}))

    def hear(self, line: bytes) -> None:
        message = msgspec.json.decode(line)
        asked = self.asked.pop(message.get("ref"), None) if "ref" in message else None
        if message.get("error", {}).get("code") == "unauthenticated":
            self.refused()
        elif asked is not None:
            self.answered(asked, message)
        elif "error" not in message:
            self.pushed(message)

    def cut_off(self) -> None:
        """The connection is gone: come back soon."""
        self.link = None
        self.lost(self.asked)
        self.asked.clear()
        self.plan(self.world.dice.uniform(0.05, 0.6), self.connect)

    def reconnect(self, told: bool = True) -> None:
        if self.link is not None:
            self.link.hang_up(told)
        self.cut_off()

    def greet(self) -> None: ...
    def lost(self, asked: dict[int, dict[str, Any]]) -> None: ...
    def answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None: ...
    def pushed(self, message: dict[str, Any]) -> None: ...


class SimWatcher(Actor):
    """Watches everything, and goes on where it was when its connection broke."""

    def __init__(self, world: World) -> None:
        super().__init__(world, "watcher")
        self.since: str | None = None
        self.watching = False

    def greet(self) -> None:
        self.watching = False
        self.hello()
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
        elif message.get("event") == "gap":
            self.world.count("watcher fell behind")
            self.begun(None, {**message, "gap": True})
        elif "event" in message and self.world.audit.hearing.heard(message):
            self.since = message["seq"]
