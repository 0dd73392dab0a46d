"""The nouns: what a job, a lane and a lease holder are. Plain values; nothing here does anything.

A job's id is one 63-bit number: milliseconds since 2020, then 10 bits that name the database, then a 12-bit
counter. It is the primary key, the submit sequence and the creation time in one; on the wire it is 16 hex digits.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

EPOCH_MS = 1_577_836_800_000  # 2020-01-01T00:00:00Z
COUNTER_BITS = 22  # 10 bits of database, 12 bits of counter
NULL = Raw(b"null")
DEFAULT_QUEUE = "default"
KEEP_SECONDS = 86_400.0
MAX_ATTEMPTS = 5
GRACE_SECONDS = 3.0  # a named worker's leases survive a closed connection this long
MAX_MESSAGE = 1 << 20  # bytes in one line
LONGEST_SOCKET_PATH = 107  # bytes of a UNIX socket's path: what the kernel's address has room for
MAX_FILE = 1 << 30  # bytes of a file
MAX_FILES = 64  # of a job in one direction
MAX_BODY = MAX_MESSAGE - 8192  # bytes in a payload or a result: the rest of its line must fit beside it

Label = str | bool | int | float
Labels = dict[str, Label]
Offers = dict[str, Label | list[Label]]


class State(IntEnum):
    """Where a job is. The numbers are stored: never reuse one."""

    SCHEDULED = 1
    READY = 2
    RUNNING = 3
    SUCCEEDED = 4
    FAILED = 5
    CANCELLED = 6
    EXPIRED = 7
    BLOCKED = 8
    DRAFT = 9

    __hash__ = int.__hash__  # Enum's own is a Python call; states are keys on the hottest path

    @property
    def word(self) -> str:
        """The state as the wire and people say it."""
        return WORDS[self]


WORDS: dict[int, str] = {state: state.name.lower() for state in State}
FINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED, State.EXPIRED})


class Backoff(Struct, frozen=True, forbid_unknown_fields=True):
    """How long to wait before the next attempt. `jitter` is the part of the delay that is random, 0 to 1."""

    kind: str = "exponential"
    base_seconds: float = 1.0
    max_seconds: float = 3600.0
    jitter: float = 0.1


DEFAULT_BACKOFF = Backoff()


class QueueSettings(Struct, frozen=True, omit_defaults=True):
    """What is set on a queue; stored as JSON. `lock_limit`: how many jobs of one lock may be ready or running."""

    state: str = "open"
    max_running: int | None = None
    max_per_second: float | None = None  # jobs that start
    max_waiting: int | None = None  # ready jobs; more are refused
    lock_limit: int = 1
    max_attempts: int = MAX_ATTEMPTS
    backoff: Backoff | None = None
    keep_seconds: float = KEEP_SECONDS


DEFAULT_SETTINGS = QueueSettings()


class FileName(Struct, frozen=True, forbid_unknown_fields=True):
    """A file that a submitter names, whose content the hall has: its sha256 in hex."""

    name: str
    sha256: str


class JobSpec(Struct, kw_only=True, forbid_unknown_fields=True):
    """What a submitter says about one job: the fields of `submit`, with their defaults."""

    kind: str = ""
    payload: Raw = NULL
    queue: str = DEFAULT_QUEUE
    key: str | None = None
    priority: int = 0
    share: str | None = None
    requires: Labels | None = None
    run_at: str | float | None = None
    delay_seconds: float | None = None
    expires_at: str | float | None = None
    ttl_seconds: float | None = None
    timeout_seconds: float | None = None
    max_attempts: int | None = None  # None: as the queue says
    backoff: Backoff | None = None
    keep_seconds: float | None = None
    lock: str | None = None
    after: list[str] | None = None
    tags: list[str] | None = None
    meta: dict[str, str] | None = None
    files: list[FileName] | None = None
    draft: bool = False
    follow: bool = False


class PartialSpec(Struct, kw_only=True, forbid_unknown_fields=True):
    """One entry of `jobs` in a bulk submit: what it leaves out comes from the fields beside `jobs`."""

    kind: str | UnsetType = UNSET
    payload: Raw | UnsetType = UNSET
    queue: str | UnsetType = UNSET
    key: str | UnsetType | None = UNSET
    priority: int | UnsetType = UNSET
    share: str | UnsetType | None = UNSET
    requires: Labels | UnsetType | None = UNSET
    run_at: str | float | UnsetType | None = UNSET
    delay_seconds: float | UnsetType | None = UNSET
    expires_at: str | float | UnsetType | None = UNSET
    ttl_seconds: float | UnsetType | None = UNSET
    timeout_seconds: float | UnsetType | None = UNSET
    max_attempts: int | UnsetType | None = UNSET
    backoff: Backoff | UnsetType | None = UNSET
    keep_seconds: float | UnsetType | None = UNSET
    lock: str | UnsetType | None = UNSET
    after: list[str] | UnsetType | None = UNSET
    tags: list[str] | UnsetType | None = UNSET
    meta: dict[str, str] | UnsetType | None = UNSET
    files: list[FileName] | UnsetType | None = UNSET
    draft: bool | UnsetType = UNSET
    follow: bool | UnsetType = UNSET


SPEC_FIELDS = tuple(field for field in JobSpec.__struct_fields__)


class LaneKey(NamedTuple):
    """What makes two ready jobs equal to a dispatcher. `requires` is canonical JSON, so that it can be a key."""

    queue: str
    kind: str
    requires: str
    share: str
    priority: int


class InputFile(Struct, frozen=True):
    """A file that the worker of a job gets."""

    name: str
    sha256: str
    bytes: int


class Direction(IntEnum):
    """Which way a file goes: to the worker, or from it. The numbers are stored: never reuse one."""

    IN = 0
    OUT = 1


class StoredFile(Struct, frozen=True):
    """A file of a job as a store keeps it, its digests in hex. `attempt` made it; 0: none."""

    direction: Direction
    name: str
    sha256: str
    md5: str
    bytes: int
    attempt: int


class Rules(Struct, frozen=True, omit_defaults=True):
    """The part of a job's spec that few jobs have, stored as JSON; absent when all is default."""

    timeout_seconds: float | None = None
    backoff: Backoff | None = None
    meta: dict[str, str] | None = None
    tags: list[str] | None = None
    lock: str | None = None
    after: list[int] | None = None  # job ids
    due: int | None = None  # of a draft: when it may start once it is committed, epoch milliseconds
    has_files: bool = False  # the store has files of it
    files: list[InputFile] | None = None  # for its worker; of a draft once it is committed


DEFAULT_RULES = Rules()


def read_rules(stored: bytes | None) -> Rules:
    """Rules as they are stored."""
    return msgspec.json.decode(stored, type=Rules) if stored else DEFAULT_RULES


def stored_rules(rules: Rules) -> bytes | None:
    """Rules to be stored."""
    return None if rules == DEFAULT_RULES else msgspec.json.encode(rules)


class Instant(NamedTuple):
    """Now, on both clocks: `mono` in seconds counts leases, `wall_ms` (epoch milliseconds) is for people's times."""

    mono: float
    wall_ms: int


class Fault(Struct, frozen=True, omit_defaults=True):
    """Why an attempt or a job ended without success."""

    type: str
    message: str
    trace: str = ""


class Scope(Struct, frozen=True):
    """Which jobs somebody may see and touch: only `owner`'s, and only those of `queues`, where these are given."""

    owner: str | None = None
    queues: frozenset[str] | None = None

    def allows(self, owner: str, queue: str) -> bool:
        """Whether a job that `owner` submitted to `queue` is within it."""
        return self.owner in (None, owner) and (self.queues is None or queue in self.queues)


EVERYTHING = Scope()


class StoredJob(Struct, kw_only=True, gc=False):
    """One job as a store keeps it, for the readers of `get`, `wait` and `jobs`. Times in epoch milliseconds."""

    id: int
    kind: str
    queue: str
    state: State
    payload: bytes | None  # None: left out, and so are result and history
    attempt: int
    forgiven: int
    max_attempts: int
    priority: int
    share: str
    requires: str
    owner: str
    key: str | None
    holder: str | None
    worker: str | None
    wake_at: int | None
    expires_at: int | None
    started_at: int | None  # of the latest attempt
    finished_at: int | None
    keep_ms: int = round(KEEP_SECONDS * 1000)
    rules: Rules
    progress: bytes | None
    fault: bytes | None
    history: bytes | None
    result: bytes | None
    files: list[StoredFile] = []  # left out with the bodies


class Blob(Struct, frozen=True):
    """The content of a file, which never changes: its digests in hex, and its length."""

    sha256: str
    md5: str
    bytes: int


class StoredToken(Struct, frozen=True):
    """A token as a store keeps it: its SHA-256 digest, never itself. Times in epoch milliseconds."""

    name: str
    digest: bytes
    roles: list[str]
    queues: list[str] | None  # None: all
    kinds: list[str] | None  # None: all
    created_at: int
    expires_at: int | None


def id_text(number: int) -> str:
    """A job's id as the wire says it: 16 hex digits."""
    return "%016x" % number  # noqa: UP031 - thrice as fast as an f-string, and said often


def id_texts(numbers: Sequence[int]) -> list[str]:
    """`id_text` of each."""
    together = struct.pack(f">{len(numbers)}q", *numbers).hex()
    return [together[at : at + 16] for at in range(0, len(together), 16)]


def id_number(text: str) -> int:
    """The number behind a job id; -1 for anything that no hall ever gave out, which no job has."""
    if len(text) != 16 or not _HEX.issuperset(text):
        return -1
    number = int(text, 16)
    return number if number < 1 << 63 else -1


def id_numbers(texts: Sequence[str]) -> Sequence[int]:
    """`id_number` of each. Mostly they are ids, and read in one go."""
    together = "".join(texts)
    try:
        data = bytes.fromhex(together)
    except ValueError:
        data = b""
    if data.hex() == together and set(map(len, texts)) == {16}:  # else there are spaces, or capitals
        numbers = struct.unpack(f">{len(texts)}q", data)
        if min(numbers) >= 0:
            return numbers
    return list(map(id_number, texts))


_HEX = frozenset("0123456789abcdef")


def id_created_ms(number: int) -> int:
    """When the job was submitted, epoch milliseconds, read from its id."""
    return (number >> COUNTER_BITS) + EPOCH_MS


def first_id(wall_ms: int, database: int) -> int:
    """The smallest id of this millisecond in the database numbered `database` (0 to 1023)."""
    return (max(wall_ms - EPOCH_MS, 0) << COUNTER_BITS) | (database << 12)


def holder_text(owner: str, worker: str) -> str:
    """Who holds a lease: token and worker process. The same text means the same worker."""
    return f"{owner}/{worker}"


def session_holder(session: int) -> str:
    """The holder of a session that named no worker: it ends with its connection."""
    return f"~{session:x}"


def is_session_holder(holder: str) -> bool:
    """Whether nobody can come back as this holder."""
    return holder.startswith("~")
