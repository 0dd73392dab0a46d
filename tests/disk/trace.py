"""The record of a run: what a hall asked of its disk and what it told its peers, in one order.

strace stops a process at the beginning and at the end of each call, so the order of its lines is the order of things: a
write stands where it returned, a sync knows which writes had returned before it began, and what was said to a peer
stands where the saying began, which is the earliest moment somebody could have read it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CALLS = (
    "read,openat,open,creat,pwrite64,write,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,fdatasync,fsync,rename,"
    "renameat,renameat2,unlink,unlinkat,link,linkat,mkdir,mkdirat,close,recvfrom,sendto,sendmsg,copy_file_range,sendfile"
)
UNREADABLE = {"writev", "pwritev", "pwritev2", "sendmsg", "truncate", "creat", "copy_file_range", "sendfile"}
LINE = re.compile(r"^(\d+) +(?:<\.\.\. \w+ resumed>|(\w+)\()(.*)$", re.DOTALL)
UNFINISHED = re.compile(r" *<unfinished \.\.\.>$")
RETURNED = re.compile(r"^(.*)\) += (-?\d+)(?:[ <].*)?$", re.DOTALL)
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def tracer(record: Path) -> list[str]:
    """strace's arguments."""
    return ["-xx", "-s", "4194304", "-o", str(record), "-e", f"trace={CALLS}"]


@dataclass(slots=True)
class Write:
    inode: int
    offset: int
    data: bytes


@dataclass(slots=True)
class Resize:
    inode: int
    size: int


@dataclass(slots=True)
class Sync:
    """It returned here; what stands before event `began` is on the disk. A directory is an inode too."""

    inode: int
    began: int


@dataclass(slots=True)
class Name:
    """Directory entries change together: path -> inode, or None where there is none any more."""

    entries: dict[str, int | None]
    is_directory: bool = False


@dataclass(slots=True)
class Said:
    """A line to a peer."""

    message: dict[str, Any]


@dataclass(slots=True)
class Asked:
    """A line from a peer: its `ref`. It stands where the hall has read it."""

    ref: int


Event = Write | Resize | Sync | Name | Said | Asked


@dataclass
class Call:
    name: str
    texts: list[bytes]
    numbers: list[str]
    result: int
    began: int  # how many events there were then
    was_heard: bool = False  # others did something between its beginning and its end


@dataclass
class Recorder:
    """Reads records of consecutive runs on one directory `root` into one list of events."""

    root: str
    events: list[Event] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)  # path -> inode, now
    sizes: dict[int, int] = field(default_factory=dict)
    _fds: dict[int, int] = field(default_factory=dict)
    _places: dict[int, int] = field(default_factory=dict)  # where the next plain write goes
    _said: dict[int, bytes] = field(default_factory=dict)  # what is left behind the last whole line
    _heard: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names[self.root] = 0

    def adopt(self) -> None:
        """What is there already is on the disk for sure."""
        for path in sorted(Path(self.root).rglob("*")):
            name, content = str(path), b"" if path.is_dir() else path.read_bytes()
            self._make(name, is_directory=path.is_dir())
            if content:
                self._store(self.names[name], 0, content)
            self.events.append(Sync(self.names[name], len(self.events)))
            self.events.append(Sync(self.names[str(path.parent)], len(self.events)))

    def read(self, record: Path) -> None:
        """Another process on the same files."""
        self._fds.clear()
        self._said.clear()
        self._heard.clear()
        for call in self._calls(record):
            if call.result >= 0:
                assert call.name not in UNREADABLE or not self._concerns(call), f"cannot replay {call}"
                getattr(self, f"_{call.name}", self._nothing)(call)

    def _calls(self, record: Path) -> Iterator[Call]:
        begun: dict[str, tuple[str, str, int]] = {}
        with record.open() as lines:
            for line in lines:
                found = LINE.match(line.rstrip("\n"))
                if found is None:
                    continue  # a signal, an exit
                thread, name, rest = found.groups()
                if name is None:
                    name, start, began = begun.pop(thread)
                    if returned := RETURNED.match(start + rest):
                        yield parsed(name, returned[1], int(returned[2]), began, was_heard=True)
                elif (start := UNFINISHED.sub("", rest)) != rest:
                    begun[thread] = (name, start, len(self.events))
                    self._begun(parsed(name, start, 0, len(self.events)))
                elif returned := RETURNED.match(rest):
                    yield parsed(name, returned[1], int(returned[2]), len(self.events))

    def _concerns(self, call: Call) -> bool:
        return call.name in ("truncate", "creat") or int(call.numbers[0]) in self._fds

    def _nothing(self, call: Call) -> None:
        """A call on something that is no file of ours."""

    # Names.

    def _path(self, text: bytes) -> str | None:
        path = text.decode()
        return path if path == self.root or path.startswith(f"{self.root}/") else None

    def _openat(self, call: Call) -> None:
        path = self._path(call.texts[0])
        if path is None:
            return
        flags = call.numbers[2] if call.name == "openat" else call.numbers[1]
        if path not in self.names:
            assert "O_CREAT" in flags, f"{path} was there and we did not know"
            self._make(path)
        inode = self._fds[call.result] = self.names[path]
        self._places[call.result] = 0
        if "O_TRUNC" in flags and self.sizes[inode]:
            self._resize(inode, 0)

    _open = _openat

    def _make(self, path: str, *, is_directory: bool = False) -> None:
        inode = len(self.sizes) + 1
        self.sizes[inode] = 0
        self._name({path: inode}, is_directory=is_directory)

    def _name(self, entries: dict[str, int | None], *, is_directory: bool = False) -> None:
        self.events.append(Name(entries, is_directory))
        for path, inode in entries.items():
            if inode is None:
                del self.names[path]
            else:
                self.names[path] = inode

    def _mkdir(self, call: Call) -> None:
        path = self._path(call.texts[0])
        if path is not None:
            self._make(path, is_directory=True)

    def _unlink(self, call: Call) -> None:
        path = self._path(call.texts[0])
        if path is not None:
            self._name({path: None})

    def _rename(self, call: Call) -> None:
        old, new = map(self._path, call.texts)
        assert old is not None
        assert new is not None
        self._name({old: None, new: self.names[old]})

    def _link(self, call: Call) -> None:
        old, new = map(self._path, call.texts)
        assert old is not None
        assert new is not None
        self._name({new: self.names[old]})

    _mkdirat, _unlinkat, _renameat, _renameat2, _linkat = _mkdir, _unlink, _rename, _rename, _link

    # Contents.

    def _pwrite64(self, call: Call) -> None:
        inode = self._fds.get(int(call.numbers[0]))
        if inode is not None:
            self._store(inode, int(call.numbers[3]), call.texts[0][: call.result])

    def _write(self, call: Call) -> None:
        fd = int(call.numbers[0])
        inode = self._fds.get(fd)
        if inode is None:
            if not call.was_heard:
                self._hear(fd, call.texts[0][: call.result])
            assert call.result == len(call.texts[0]) or not call.was_heard, "only a part of it was said"
            return
        self._store(inode, self._places[fd], call.texts[0][: call.result])
        self._places[fd] += call.result

    _sendto = _write

    def _begun(self, call: Call) -> None:
        """What is said to a peer can be heard before the call returns."""
        if call.name in ("write", "sendto") and int(call.numbers[0]) not in self._fds:
            self._hear(int(call.numbers[0]), call.texts[0])

    def _store(self, inode: int, offset: int, data: bytes) -> None:
        self.events.append(Write(inode, offset, data))
        self.sizes[inode] = max(self.sizes[inode], offset + len(data))

    def _resize(self, inode: int, size: int) -> None:
        self.events.append(Resize(inode, size))
        self.sizes[inode] = size

    def _ftruncate(self, call: Call) -> None:
        inode = self._fds.get(int(call.numbers[0]))
        if inode is not None:
            self._resize(inode, int(call.numbers[1]))

    def _fallocate(self, call: Call) -> None:
        inode = self._fds.get(int(call.numbers[0]))
        end = int(call.numbers[2]) + int(call.numbers[3])
        if inode is not None and call.numbers[1] == "0" and end > self.sizes[inode]:
            self._resize(inode, end)

    def _fdatasync(self, call: Call) -> None:
        inode = self._fds.get(int(call.numbers[0]))
        if inode is not None:
            self.events.append(Sync(inode, call.began))

    _fsync = _fdatasync

    def _close(self, call: Call) -> None:
        self._fds.pop(int(call.numbers[0]), None)
        self._said.pop(int(call.numbers[0]), None)
        self._heard.pop(int(call.numbers[0]), None)

    # What peers hear and say.

    def _hear(self, fd: int, data: bytes) -> None:
        *lines, self._said[fd] = (self._said.get(fd, b"") + data).split(b"\n")
        for line in lines:
            if line.startswith(b"{"):
                self.events.append(Said(json.loads(line)))

    def _read(self, call: Call) -> None:
        fd = int(call.numbers[0])
        if fd in self._fds or not call.texts or not call.result:
            return
        *lines, self._heard[fd] = (self._heard.get(fd, b"") + call.texts[0]).split(b"\n")
        for line in lines:
            if line.startswith(b'{"cmd"'):
                self.events.append(Asked(json.loads(line)["ref"]))

    _recvfrom = _read


def parsed(name: str, arguments: str, result: int, began: int, *, was_heard: bool = False) -> Call:
    """A call out of strace's words."""
    assert '"...' not in arguments, "strace cut a text short"
    texts = [bytes.fromhex(text.replace("\\x", "")) for text in TEXT.findall(arguments)]
    numbers = [part.strip() for part in TEXT.sub("", arguments).split(",")]
    return Call(name, texts, numbers, result, began, was_heard)
