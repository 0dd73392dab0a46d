"""The hall: the only place where the core meets the store and the sessions.

One turn: a door hands in messages, each runs through the command table, and what they ask of the store collects in the
core's batch. The commit loop seals the batch, makes it durable, settles it, and only then answers: save before send.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from itertools import groupby
from typing import Any, TypeVar

from msgspec import UNSET, Struct

from hirehall.core.collecting import NextBatch
from hirehall.core.dispatcher import Dispatcher
from hirehall.core.operations import MAX_OPERATIONS, Batch
from hirehall.errors import HallError, StoreBroken
from hirehall.model import Instant, session_holder
from hirehall.ports import Blobs, Connection, Store
from hirehall.service import audit, pushes
from hirehall.service.access import Tokens
from hirehall.service.answers import AfterCommit, AfterRead, AfterRow, AfterSearch, Answer, Asked, error_reply, mistake
from hirehall.service.commands import COMMANDS, INTERNAL, Command, check_role, run_row
from hirehall.service.ending import Ending
from hirehall.service.events import Events
from hirehall.service.files import Files
from hirehall.service.held_back import HeldBack
from hirehall.service.log_follows import LogFollows
from hirehall.service.metrics import Metrics
from hirehall.service.replying import lines_to, reply_to
from hirehall.service.sessions import NOBODY, Identity, Session
from hirehall.service.tasks import Tasks
from hirehall.service.token_commands import expel
from hirehall.service.waits import Waits
from hirehall.wire.codec import BadLine

log = logging.getLogger("hirehall")

HALF_CLOSED_SECONDS = 60.0  # a peer that will say nothing more may wait for answers this long
LAST_READS_SECONDS = 2.0  # what is asked of a hall that ends is read for this long
LATER = (AfterCommit, AfterRead, AfterSearch)
SessionType = TypeVar("SessionType", bound=Session)
Entry = tuple[Session, Any, Asked | AfterRow]  # session, ref, answer


class Hall:
    """A running server without its doors. `clock` answers an Instant, `roll` a random number in [0, 1)."""

    def __init__(
        self, store: Store, tokens: Tokens, anonymous: Identity, clock: Callable[[], Instant],
        roll: Callable[[], float], blobs: Blobs | None = None,
    ) -> None:  # fmt: skip
        self.store, self.blobs, self.tokens, self.anonymous, self.clock = store, blobs, tokens, anonymous, clock
        self._roll = roll
        self.metrics = Metrics(clock().wall_ms)
        self.sessions: dict[int, Session] = {}
        self.failed: asyncio.Future[HallError] = asyncio.get_running_loop().create_future()
        self.ending = Ending(self)
        self._entries: list[Entry] = []
        self._behind: list[Session] = []
        self._paused: list[Session] = []
        self._held_back = HeldBack(self)
        self._wanted = asyncio.Event()
        self._committing: asyncio.Task[None] | None = None
        self._finishing = False
        self.read_until: float | None = None  # monotonic seconds: the hall ends
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_due = 0.0

    async def start(self) -> None:
        """Open the store, take back what was in hand, begin to commit."""
        await self.store.open()
        now = self.clock()
        recovered = await self.store.recover()
        self.core = Dispatcher(recovered, now, self._roll)
        self.tokens.restore(recovered.tokens)
        self.waits = Waits(self)
        self.events = Events(self, f"{now.wall_ms:x}")
        self.logs = LogFollows(self)
        self.files = Files(self)
        self.tasks = Tasks(self)
        self.name = f"{now.wall_ms:x}"[-6:]
        self._numbers = itertools.count(now.wall_ms << 20)  # stored with followed jobs: never the same after a restart
        self._committing = asyncio.get_running_loop().create_task(self._commit_loop())
        self._tick()

    async def finish(self) -> None:
        """Take no more commands; commit and answer those that came. Workers keep what they have and come back."""
        self.tasks.stop_all()
        self.files.stop()
        if self.ending.begun:
            self.waits.shut_down()
        self._finishing = True
        self.read_until = self.clock().mono + LAST_READS_SECONDS
        await self._held_back.finish()
        for session in self.sessions.values():
            self._entries += [(session, ref, answer) for ref, answer in session.held_back]
            session.held_back = []
        if self._alarm is not None:
            self._alarm.cancel()
        self._wanted.set()
        if self._committing is not None:
            await self._committing
        self.ending.say_goodbye()

    async def close(self) -> None:
        """Let go of the store, once the doors are closed."""
        await self.store.close()

    # What doors call.

    @property
    def is_listening(self) -> bool:
        """Whether what is said to it now will run."""
        return not self._finishing and not self.failed.done()

    def connected(self, connection: Connection, *, remote: bool = False) -> Session:
        """A new session, anonymous until it says hello; from beyond this machine, nobody until then."""
        self.metrics.counts["connected"] += 1
        return self.joined(Session(0, connection, NOBODY if remote else self.anonymous))

    def joined(self, session: SessionType) -> SessionType:
        """Give a session its number; from now on it may speak and is spoken to."""
        session.number = next(self._numbers)
        session.holder = session_holder(session.number)
        self.sessions[session.number] = session
        return session

    def received(self, session: Session, messages: list[Any]) -> None:
        """Run these messages in their order; answers leave when what they need is durable."""
        if session.leaving or not self.is_listening:
            return
        self.core.turn(self.clock())
        self._run(session, messages)
        session.flush()
        self._after_turn(session)

    def clogged(self, session: Session, clogged: bool) -> None:
        """Its peer does not read (or reads again): it gets no jobs and no answers to reads meanwhile."""
        session.clogged = clogged
        if not clogged:
            self.read_on(session)
            self._held_back.go_on(session)
            self.events.feed_soon()
        worker = self.core.leases.workers.get(session.holder)
        if worker is not None and worker.session == session.number:
            self.core.leases.set_clogged(worker, clogged)
            self._after_turn(session)

    def closed(self, session: Session, *, is_silent: bool = False) -> None:
        """Its connection is gone: a worker that named itself may come back soon, a silent one while its leases last."""
        if session.closed:
            return
        session.closed, session.is_silent = True, is_silent
        self.sessions.pop(session.number, None)
        self._forget(session)
        if self._finishing or self.failed.done():
            return
        self.core.turn(self.clock())
        if not session.behind:  # else what it said last comes first
            self._left(session)
        self._wake_if_wanted()
        self._set_alarm()

    def _forget(self, session: Session) -> None:
        """Nobody is there to hear anything more."""
        self.waits.forget(session)
        self.events.forget(session)
        self.logs.forget(session)

    def _left(self, session: Session) -> None:
        """It is closed, and all that it had said has run."""
        if session.works:
            self.events.told("leave", worker=session.name or session.holder)
        self.core.lost_connection(session.number, session.holder, session.named_worker, session.is_silent)

    def dismissed(self, session: Session) -> None:
        """Nothing more will come from it: its connection closes as soon as all it said is answered."""
        session.leaving = True
        session.flush()
        if not session.closed:
            self.core.alarm(self.core.now.mono + HALF_CLOSED_SECONDS, session.connection.close)
            self._set_alarm()

    # Running commands.

    def _run(self, session: Session, messages: list[Any]) -> None:
        for _, equal in groupby(messages, type):
            row = list(equal)
            if len(row) == 1 or session.over or session.behind or not self._execute_row(session, row):
                self._one_by_one(session, row)
        if session.behind and session not in self._behind:
            self._behind.append(session)

    def _one_by_one(self, session: Session, messages: list[Any]) -> None:
        for message in messages:
            if session.over:
                return
            if session.behind or not self._execute(session, message):
                session.behind.append(message)

    def _execute_row(self, session: Session, row: list[Any]) -> bool:
        """Run these messages of one sort in one piece. False: none of them has run, and each must by itself."""
        answer = run_row(self, session, row)
        if answer is None:
            return False
        session.unanswered += len(answer.refs)
        self._entries.append((session, None, answer))
        return True

    def _execute(self, session: Session, message: Any) -> bool:
        """Run one message. False: it must wait for the next batch."""
        try:
            answer = self._answer_to(session, message)
        except NextBatch:
            return False
        except HallError as exc:
            answer = error_reply(exc)
        except Exception:  # a mistake of ours: whoever asked must not wait for ever, and others go on
            log.exception("a %s failed", type(message).__name__)
            answer = mistake()
        if answer is not None:
            self.answer(session, message.ref, answer)
        return True

    def _answer_to(self, session: Session, message: Any) -> Any:
        if type(message) is BadLine:
            raise message.error
        command = COMMANDS.get(type(message)) or INTERNAL[type(message)]
        if type(message) in audit.ORDERS:
            return audit.followed(session, message, lambda: self._run_command(session, command, message))
        return self._run_command(session, command, message)

    def _run_command(self, session: Session, command: Command, message: Any) -> Any:
        check_role(session, command)
        return command.run(self, session, message)

    def answer(self, session: Session, ref: Any, answer: Asked) -> None:
        """Answer in the order of this session's commands: at once only when nothing before it still waits."""
        if session.unanswered or type(answer) in LATER:
            session.unanswered += 1
            self._entries.append((session, ref, answer))
        elif answer is not None:
            self._say(session, ref, answer)

    def _say(self, session: Session, ref: Any, answer: Answer) -> int:
        if isinstance(answer, Struct):
            answer.ref = ref or UNSET  # type: ignore[attr-defined]
        elif ref and isinstance(answer, dict):
            answer = {**answer, "ref": ref}
        return 0 if answer is None else session.put(answer)

    def _after_turn(self, session: Session) -> None:
        if self.core.collecting.full or len(self._entries) >= MAX_OPERATIONS or session.behind:
            session.connection.pause()
            self._paused.append(session)
        self._wake_if_wanted()
        self._set_alarm()

    # Committing.

    @property
    def _wants_commit(self) -> bool:
        return bool(self._entries or self._behind) or self.core.wants_commit

    def _wake_if_wanted(self) -> None:
        if self._wants_commit:
            self._wanted.set()

    async def _commit_loop(self) -> None:
        try:
            while not self._finishing or self._wants_commit or self._held_back.are_under_way:
                if self._wants_commit:
                    await self._commit()
                    if self._wants_commit:  # a quick disk is not waited for: others shall have their turn all the same
                        await asyncio.sleep(0)
                else:
                    self._wanted.clear()
                    await self._wanted.wait()
        except HallError as exc:
            self.fail(exc)
        except Exception as exc:  # the store and the hands may disagree now: nothing more may be promised
            log.exception("the commit loop failed")
            self.fail(StoreBroken(f"internal error while committing: {exc!r}"))

    def fail(self, error: HallError) -> None:
        """Nothing more may be promised: whoever runs the hall must close it."""
        if not self.failed.done():
            self.failed.set_result(error)

    async def _commit(self) -> None:
        self.core.turn(self.clock())
        batch = self.core.seal()
        entries, self._entries = self._entries, []
        self._let_in_the_next()
        if not batch.is_empty:
            self.metrics.committing_since = batch.now.mono
            await self.store.apply(batch)
        await self._settle(batch, entries)

    def _let_in_the_next(self) -> None:
        """What waited for the next batch, and who was not read while the last one was full."""
        behind, self._behind = self._behind, []
        for session in behind:
            messages, session.behind = session.behind, []
            self._run(session, messages)
            if session.closed and not session.behind:
                self._forget(session)
                self._left(session)
        paused, self._paused = self._paused, [session for session in self._paused if session.behind]
        for session in paused:
            self.read_on(session)

    def read_on(self, session: Session) -> None:
        """Read what it says next, unless it has to wait for something."""
        if session in self._paused or session.has_much_to_hear:
            session.connection.pause()
        else:
            session.connection.resume()

    async def _settle(self, batch: Batch, entries: list[Entry]) -> None:
        self.core.turn(self.clock())
        effects = self.core.settle(batch)
        self.metrics.count(batch, self.events.settled(batch), self.core.now)
        revoked = self.tokens.settled(batch.tokens)
        self.files.settled(batch)
        told: dict[int, Session] = {}
        said_bytes = 0
        for session, ref, answer in entries:
            if type(answer) is AfterRow:
                said_bytes += self._say_row(session, answer)
            elif self._held_back.takes(session, ref, answer, said_bytes=said_bytes, is_last=self._finishing):
                continue
            else:
                reply = await reply_to(self, session, answer)
                session.unanswered -= 1
                said_bytes += self._say(session, ref, reply)
            told[session.number] = session
            if session.is_full:
                session.flush()
        pushes.push(self, effects, told)
        self.waits.ended(effects.ends)
        for session in reversed(told.values()):  # pushes are waited for: answers, told before them, leave behind them
            session.flush()
        expel(self, revoked, "is revoked")
        self.logs.settled(batch)
        self.events.feed()
        self._set_alarm()

    def _say_row(self, session: Session, answer: AfterRow) -> int:
        """The answers to commands in a row; behind what is held back, if something is."""
        lines = lines_to(answer)
        if self._held_back.takes_row(session, lines):
            return 0
        session.unanswered -= len(answer.refs)
        return session.put_lines(lines)

    def answered(self, session: Session, ref: Any, reply: Answer) -> None:
        """Say what was held back; making it may have asked for more."""
        session.unanswered -= 1
        self._say(session, ref, reply)
        if session.is_full:
            session.flush()
        self._wake_if_wanted()

    # Time.

    def _tick(self) -> None:
        """Do what is due, and come back when the core wants it."""
        if self._finishing or self.failed.done():
            return
        self.core.turn(self.clock())
        self._alarm = None
        self.core.tick()
        expel(self, self.tokens.expired(self.core.now.wall_ms), "has expired")
        told: dict[int, Session] = {}
        pushes.push(self, self.core.effects(), told)
        for session in told.values():
            session.flush()
        self.events.feed()
        self._wake_if_wanted()
        self._set_alarm()

    def _set_alarm(self) -> None:
        """Let the next tick come no later than the core wants it."""
        due = self.core.next_tick()
        if self._alarm is not None:
            if self._alarm_due <= due:
                return
            self._alarm.cancel()
        self._alarm_due = due
        delay = max(due - self.core.now.mono, 0.0)
        self._alarm = asyncio.get_running_loop().call_later(delay, self._tick)
