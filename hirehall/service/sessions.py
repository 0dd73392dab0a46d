"""A session: who is at the other end of one connection, and what waits to be said to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Raw, Struct

from hirehall.model import Scope, holder_text, session_holder
from hirehall.ports import Connection
from hirehall.wire.codec import encode

if TYPE_CHECKING:
    from hirehall.service.news import News

ANONYMOUS = "anonymous"
LF = b"\n"
FLUSH_BYTES = 1 << 18
MOST_HELD_BACK = 64  # answers: a session with as many to hear is not read until it has heard half of them
CRLF = b"\r\n"  # what Deputy's clients wait for


class Identity(Struct, frozen=True):
    """Whom a token, or the lack of one, stands for, and the only queues and kinds it may name; None means any."""

    name: str
    roles: frozenset[str]
    queues: frozenset[str] | None = None
    kinds: frozenset[str] | None = None


NOBODY = Identity(ANONYMOUS, frozenset())


class DeputySide(Struct):
    """What a session speaks by Deputy's four commands: its own ids for its jobs, and for the job in its hand."""

    kinds: set[str] = set()
    asked: dict[int, bytes] = {}  # jobs this client submitted: our id -> its id, JSON
    in_hand: dict[bytes, tuple[int, int]] = {}  # the id that the worker was shown, JSON -> (job, attempt)


class Session:
    """One live connection; a client, a worker, or both."""

    def __init__(self, number: int, connection: Connection, identity: Identity) -> None:
        self.number = number
        self.connection = connection
        self.identity = identity
        self.greeted = False
        self.closed = False
        self.is_silent = False  # its connection ended because nothing came any more: the peer has not closed it
        self.leaving = False  # nothing more will come: the connection closes when all is answered
        self.over = False  # it said bye, or was sent away: nothing more of it runs
        self.holder = session_holder(number)
        self.name = ""
        self.peer = ""  # where it comes from, as its door calls that
        self.named_worker = False
        self.deputy: DeputySide | None = None
        self.line_end = LF
        self.unanswered = 0  # commands whose answer waits for a commit
        self.waits = 0  # `wait` commands that are not answered yet
        self.behind: list[Any] = []  # messages that wait for the next batch, in their order
        self.works = False  # it has said `work`
        self.is_served = False  # answers that were held back are being said
        self.clogged = False  # its peer leaves too much unread
        self.held_back: list[tuple[Any, Any]] = []  # (ref, answer) to be said later, in their order
        self._out: list[bytes] = []
        self._out_bytes = 0

    @property
    def owner(self) -> str:
        """Whose jobs these are: the token's name; an anonymous session's own."""
        return session_holder(self.number) if self.identity.name == ANONYMOUS else self.identity.name

    def greet(self, identity: Identity, worker: str, name: str) -> None:
        """The session said hello as `identity`; with `worker` it can come back after a lost connection."""
        self.identity, self.greeted = identity, True
        self.named_worker = bool(worker)
        self.name = name or worker
        self.line_end = LF
        if worker:
            self.holder = holder_text(identity.name, worker)

    def end(self) -> None:
        """What comes behind this command does not run; the connection closes when all is answered."""
        self.leaving = self.over = True

    def may(self, *roles: str) -> bool:
        """Whether it has any of these roles."""
        return not self.identity.roles.isdisjoint(roles)

    def scope(self, *roles: str) -> Scope:
        """Which jobs it may see and touch: with one of these roles everybody's, else only its own."""
        return Scope(None if self.may(*roles) else self.owner, self.identity.queues)

    def put(self, message: Struct | dict[str, Any] | Raw) -> int:
        """Add one message to what `flush` will write; its bytes."""
        line = encode(message)
        self._out.append(line)
        self._out_bytes += len(line)
        return len(line)

    def put_behind(self, line: bytes) -> None:
        """Add a push that is encoded already, behind the answers to all that was asked before: one may name the job
        that this speaks of."""
        if self.held_back:
            self.unanswered += 1
            self.held_back.append((None, Raw(line)))
        else:
            self.put_lines([line])

    def put_lines(self, lines: list[bytes]) -> int:
        """Add messages that are encoded already; their bytes."""
        size = sum(map(len, lines))
        self._out += lines
        self._out_bytes += size
        return size

    def put_news(self, news: News) -> None:
        """Add events."""
        self.put_lines([news.lines if self.line_end == LF else news.lines.replace(LF, self.line_end)])

    @property
    def has_much_to_hear(self) -> bool:
        """Whether so many of its answers are held back that it may not ask for more."""
        return len(self.held_back) >= MOST_HELD_BACK

    @property
    def is_full(self) -> bool:
        """Whether so much is put that it should be written before more is."""
        return self._out_bytes > FLUSH_BYTES

    def flush(self) -> None:
        """Write everything put since the last time, in one piece."""
        if self._out and not self.closed:
            self._out.append(b"")  # so that the last one ends, too
            self.connection.send(self.line_end.join(self._out))
        self._out.clear()
        self._out_bytes = 0
        if self.leaving and not (self.unanswered or self.waits or self.behind or self.closed):
            self.connection.close()
