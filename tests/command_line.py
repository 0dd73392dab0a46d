"""What the commands of the proofs have in common: how they end, and which numbers they take.

Whatever ends one of them early, Ctrl-C or SIGTERM, it runs its `finally` blocks and leaves nothing behind. A second
SIGTERM is not heard: it would end those.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import current_process
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TypeVar

ENDED, INTERRUPTED = 128 + signal.SIGTERM, 128 + signal.SIGINT
KEPT = "PROOF_KEPT_IN"  # the variable by which processes of a pool know it
GRACE_SECONDS = 15.0  # for pytest to take down what its tests have put up
Answer = TypeVar("Answer")


def run(main: Callable[[], int]) -> NoReturn:
    """Be the command that is `main`; its answer is the exit status. Its temporary files, and those of all that it
    starts and kills, lie in one folder, which goes with it."""
    signal.signal(signal.SIGTERM, _leave)
    os.environ[KEPT] = tempfile.gettempdir()
    os.environ.setdefault("HIREHALL_BALLAST", "1")  # MiB; halls come and go here by the hundred
    with tempfile.TemporaryDirectory(prefix="p-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # a hall may be another user
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        current_process()._config["tempdir"] = folder  # type: ignore[attr-defined]  # or it removes its own, later
        try:
            status = main()
        except KeyboardInterrupt:
            status = INTERRUPTED
    sys.exit(status)


def kept_folder() -> Path:
    """Where what shows a failure may lie: outside of what goes with the command."""
    return Path(os.environ.get(KEPT) or tempfile.gettempdir())


def _leave(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(ENDED)


class Pool(ProcessPoolExecutor):
    """Processes that end with the block in which they work: at once when it is left early, and then what they have
    begun is put away by their own `finally` blocks."""

    def __init__(self, processes: int | None = None, context: Any = None) -> None:
        super().__init__(processes, mp_context=context, initializer=_obey)

    def submit(self, fn: Callable[..., Answer], /, *args: Any, **kwargs: Any) -> Future[Answer]:
        return super().submit(_unless_told, fn, *args, **kwargs)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        if kind is not None:
            for process in list((self._processes or {}).values()):
                process.terminate()
        self.shutdown(cancel_futures=kind is not None)
        return False


def _obey() -> None:
    """Ctrl-C reaches the whole group: whoever has started this process says when it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)


def _unless_told(work: Callable[..., Answer], *args: Any, **kwargs: Any) -> Answer:
    """A pool takes SystemExit for an answer, and goes on with the next piece."""
    try:
        return work(*args, **kwargs)
    except SystemExit:
        os._exit(ENDED)


def run_pytest(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Like subprocess.run with its output; when this is ended early, so is all that the tests have started."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    timeout = options.pop("timeout", None)
    process = subprocess.Popen(command, **pipes, **options)
    try:
        said, complained = process.communicate(timeout=timeout)
    except BaseException:
        process.send_signal(signal.SIGINT)  # fixtures put away what is not theirs alone
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=GRACE_SECONDS)
        raise
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return subprocess.CompletedProcess(command, process.returncode, said, complained)


def whole(least: int) -> Callable[[str], int]:
    """For argparse: a whole number that is not below `least`."""

    def read(text: str) -> int:
        if not text.removeprefix("-").isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"a whole number of at least {least} is needed, not {text!r}")
        return int(text)

    return read


def above_zero(text: str) -> float:
    """For argparse: a number of whatever unit, more than none of it."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"a number above 0 is needed, not {text!r}")
    return value
