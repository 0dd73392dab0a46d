"""A child process of the pool: `python -m hirehall.runners.child FD`. Runs one job at a time, in its main thread.

It ends when the agent does: a thread of its own reads the channel to the agent, and its end is the end of everything
in this process group, whatever the main thread does. What a function prints goes through the pipes at 1 and 2, which
the agent reads.
"""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import logging
import os
import signal
import socket
import sys
import threading
from collections import deque
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, NoReturn

from msgspec import Raw

from hirehall.errors import HallError
from hirehall.runners.calls import AsyncCall, SyncCall
from hirehall.runners.channel import (
    Begin,
    Frames,
    Halt,
    Logged,
    Progressed,
    Ready,
    Start,
    Unable,
    decode_order,
    ended,
    frame,
)
from hirehall.runners.logs import LogLine, job_logs
from hirehall.runners.port import Failure, Outcome
from hirehall.runners.registry import JobFunction, load

READ_BYTES = 1 << 18
PR_SET_PDEATHSIG = 1


class Mouth:
    """Says words to the agent, from any thread."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._waiting: deque[bytes] = deque()
        self._lock = threading.Lock()

    def say(self, data: bytes) -> None:
        """Whoever gets the lock says what all have to say: a signal handler that speaks amid a word cannot cut it in
        two, and nobody waits for another."""
        self._waiting.append(data)
        while self._waiting and self._lock.acquire(blocking=False):
            try:
                while self._waiting:
                    self._channel.sendall(self._waiting.popleft())
            finally:
                self._lock.release()


class Child:
    """The jobs of this process, one after the other."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._mouth = Mouth(channel)
        self._orders: SimpleQueue[Begin | SyncCall | AsyncCall] = SimpleQueue()
        self._call: SyncCall | AsyncCall | None = None
        self._functions: dict[str, JobFunction] = {}
        self._loop: asyncio.Runner | None = None

    def run(self) -> NoReturn:
        """Until the agent is gone."""
        threading.Thread(target=self._listen, name="hirehall-channel", daemon=True).start()
        while True:
            order = self._orders.get()
            if isinstance(order, Begin):
                self._begin(order)
            else:
                outcome = order.run() if isinstance(order, SyncCall) else self._run_async(order)
                self._flush()
                self._mouth.say(ended(outcome))

    # In a thread of its own.

    def _listen(self) -> None:
        frames = Frames()
        try:
            while data := self._channel.recv(READ_BYTES):
                for head, body in frames.feed(data):
                    self._hear(decode_order(head), body)
        finally:
            die()

    def _hear(self, order: Begin | Start | Halt, body: bytes) -> None:
        if isinstance(order, Begin):
            self._orders.put(order)
        elif isinstance(order, Halt):
            if self._call is not None:
                self._call.stop(order.why)
        else:
            self._take(order, Raw(body))

    def _take(self, order: Start, payload: Raw) -> None:
        job = order.job
        job.payload = payload
        function = self._functions.get(job.kind)
        if function is None:  # the file has changed since the agent loaded it
            message = f"the file of job functions has changed: it has none for kind {job.kind!r} any more"
            self._mouth.say(ended(Failure("UnknownKind", message)))
            return
        call = self._call = (AsyncCall if function.is_async else SyncCall)(function, job, order)
        call.post = self._post
        self._orders.put(call)

    # In the main thread.

    def _begin(self, order: Begin) -> None:
        restore_python_path(order.python_path)
        job_logs.install()
        logging.root.setLevel(order.level)
        try:
            for file in order.files:
                self._functions = {function.kind: function for function in load(file)}
        except HallError as why:
            self._mouth.say(frame(Unable(str(why))))
        else:
            self._mouth.say(frame(Ready()))

    def _run_async(self, call: AsyncCall) -> Outcome:
        if self._loop is None:
            self._loop = asyncio.Runner()
        return self._loop.run(self._await(call))

    async def _await(self, call: AsyncCall) -> Outcome:
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Outcome] = loop.create_future()

        def post(word: Any) -> None:
            if isinstance(word, tuple | LogLine):
                self._post(word)
            else:
                outcome.set_result(word)

        call.post = post
        call.begin(loop)
        return await outcome

    def _post(self, word: Any) -> None:
        if isinstance(word, LogLine):
            word.tap.heard(word)
            self._mouth.say(frame(Logged(word.stream, word.text)))
        else:
            self._mouth.say(frame(Progressed(*word)))

    def _flush(self) -> None:
        """What was printed is in the pipes before the outcome is in the channel."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # a function may have closed or replaced them
                stream.flush()


def restore_python_path(value: str | None) -> None:
    """For processes that functions start: PYTHONPATH as it was, not the one that brought this process here."""
    os.environ.pop("PYTHONPATH", None)
    if value is not None:
        os.environ["PYTHONPATH"] = value


def die() -> NoReturn:
    """The agent is gone: end, with everything that was started here."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def die_with_parent() -> None:
    """Where the system can do it, it kills this process when the agent dies: the thread that would may not get its
    turn while a function in C keeps the interpreter to itself."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """The process. Its only argument is the number of the channel's descriptor."""
    number = int(sys.argv[1])
    os.set_inheritable(number, False)  # processes that functions start must not hold it open
    die_with_parent()
    faulthandler.enable()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    Child(socket.socket(fileno=number)).run()


if __name__ == "__main__":
    main()
