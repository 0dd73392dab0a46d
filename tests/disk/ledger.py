"""What a hall owes: every answer it gave, kept as what must be found after the power came back.

Requests are known by their `ref`, which is used once in a whole record, whoever asks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]


@dataclass(slots=True)
class Order:
    """A job as it was asked for. `number` is in the payload and tells every job from the others."""

    number: int
    payload: bytes
    queue: str
    kind: str
    key: str | None
    priority: int
    goes: bool  # its retention is so short that a sweep may take it soon after its end
    together: int = 0  # number of the bulk it came with


@dataclass(slots=True)
class Debt:
    """What was said of one job."""

    order: Order
    attempt: int = 0
    end: tuple[str, bytes | None] | None = None  # state and result
    idle_at: int = 0  # it no longer runs its attempt of this number
    log: bytes = b""
    may_be_removed: bool = False
    was_removed: bool = False


class Ledger:
    """`requests` and `orders` are those of the whole run; what may be found grows with each request that the hall has
    read, what is owed with each answer."""

    def __init__(self, requests: dict[int, Message], orders: dict[int, Order], token: str) -> None:
        self.requests = requests
        self.orders = orders
        self.token = token  # of the hall itself, known to whoever was answered
        self.debts: dict[str, Debt] = {}  # by id
        self.settings: dict[str, int] = {}  # "queue NAME" or "token NAME" -> ref of the last one that was answered
        self.denied: set[int] = set()  # numbers of jobs that were refused: certainly not done
        self.heard = 0  # answers and pushes
        self.deliveries = 0
        self.may_have_ended: set[int] = set()  # numbers: somebody asked for it, and it may have happened unanswered
        self.by_payload: dict[bytes, Order] = {}
        self.results: dict[bytes, int] = {}
        self._asked: dict[str, list[tuple[int, Any]]] = {}
        self.bulks: dict[int, list[int]] = {}
        for order in orders.values():
            if order.together:
                self.bulks.setdefault(order.together, []).append(order.number)

    def ask(self, ref: int) -> None:
        """The hall has read this request: what it wants may be found from now on."""
        request = self.requests[ref]
        jobs = request.get("jobs", [request])
        match request["cmd"]:
            case "submit":
                orders = [self.orders[job["payload"]["n"]] for job in jobs]
                self.by_payload |= {order.payload: order for order in orders}
            case "fail" | "cancel":
                self.may_have_ended.add(self.debts[request["id"]].order.number)
            case "done":
                self.may_have_ended |= {int(job["result"]["n"]) for job in jobs}
                self.results |= {text_of(job["result"]): int(job["result"]["n"]) for job in jobs}
            case "remove":
                self.debts[request["id"]].may_be_removed = True
            case "queue":
                self._asked.setdefault(f"queue {request['queue']}", []).append((ref, request["max_waiting"]))
            case "token":
                self._asked.setdefault(f"token {request['name']}", []).append((ref, request["do"] == "create"))

    def may_be(self, setting: str) -> set[Any]:
        """The values that this setting may have: the one last answered, and those asked for since."""
        since = self.settings[setting]
        return {value for ref, value in self._asked[setting] if ref >= since}

    def hear(self, message: Message) -> None:
        self.heard += 1
        for job in message.get("run", ()):
            self.deliveries += 1
            debt = self._debt(job["id"], job["payload"]["n"])
            debt.attempt = job["attempt"]
        for job in message.get("end", ()):
            result = None if job["result"] is None else text_of(job["result"])
            self.debts[job["id"]].end = (job["state"], result)
        request = self.requests.get(message.get("ref", 0))
        if request is None:
            return
        if request["cmd"] == "submit" and message.get("error", {}).get("code", "unknown") != "unknown":
            self.denied |= {job["payload"]["n"] for job in request.get("jobs", [request])}
        if message.get("ok"):
            getattr(self, f"_{request['cmd']}", self._nothing)(request, message)

    def _nothing(self, request: Message, reply: Message) -> None:
        """An answer that owes nothing."""

    def _debt(self, name: str, number: int) -> Debt:
        return self.debts.setdefault(name, Debt(self.orders[number]))

    def _submit(self, request: Message, reply: Message) -> None:
        jobs = request.get("jobs", [request])
        for job, name in zip(jobs, reply.get("ids") or [reply["id"]], strict=True):
            self._debt(name, job["payload"]["n"])

    def _done(self, request: Message, reply: Message) -> None:
        refused = {job["id"] for job in reply.get("refused", ())}
        for job in request.get("jobs", [request]):
            if job["id"] not in refused:
                debt = self.debts[job["id"]]
                debt.end = ("succeeded", text_of(job["result"]))
                debt.log = text_of(job["result"]["log"])[1:-1]

    def _fail(self, request: Message, _: Message) -> None:
        debt = self.debts[request["id"]]
        debt.idle_at = request["attempt"]
        if not request["retry"] and debt.end is None:  # a cancelled one's worker answers too
            debt.end = ("failed", None)

    def _release(self, request: Message, _: Message) -> None:
        self.debts[request["id"]].idle_at = request["attempt"]

    def _cancel(self, request: Message, _: Message) -> None:
        self.debts[request["id"]].end = ("cancelled", None)

    def _remove(self, request: Message, _: Message) -> None:
        self.debts[request["id"]].was_removed = True

    def _queue(self, request: Message, _: Message) -> None:
        self.settings[f"queue {request['queue']}"] = request["ref"]

    def _token(self, request: Message, _: Message) -> None:
        self.settings[f"token {request['name']}"] = request["ref"]


def text_of(value: Any) -> bytes:
    """JSON as our requests hold it; the hall keeps it so."""
    return json.dumps(value).encode()


def order_of(job: Message, defaults: Message, together: int = 0) -> Order:
    """The order in a submit's JSON; `job` and `defaults` are the same thing where it is a single one."""
    whole = {**defaults, **job}
    return Order(
        number=whole["payload"]["n"],
        payload=text_of(whole["payload"]),
        queue=whole.get("queue", "default"),
        kind=whole["kind"],
        key=whole.get("key"),
        priority=whole.get("priority", 0),
        goes=whole.get("keep_seconds", 1e9) < 1,
        together=together,
    )
