"""What the demo's Python worker does: `hirehall work hirehall.cli.demo.tasks`."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

from hirehall.runners.context import Context
from hirehall.runners.registry import job
from hirehall.runners.steer import Fail

CHUNK_BYTES = 1 << 20


@job
def count(payload: dict[str, Any], context: Context) -> dict[str, int | bool]:
    """Lines and words of a file, as `wc` counts them; a binary file has only a size."""
    path = Path(os.fsdecode(base64.b64decode(payload["path_base64"])))
    try:
        with open_regular(path) as file:
            return tally(file, context)
    except OSError as exc:
        raise Fail(f"cannot read the file: {exc.strerror}") from exc


def open_regular(path: Path) -> BinaryIO:
    """Open a file without waiting: what was a file a moment ago may be a pipe that nobody writes to."""
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise Fail("this is not a regular file")
    return os.fdopen(number, "rb", buffering=0)


def tally(file: BinaryIO, context: Context) -> dict[str, int | bool]:
    """In pieces, so that a large file needs no memory."""
    size = lines = words = 0
    is_inside = is_binary = False  # inside a word that began in the piece before
    while (piece := file.read(CHUNK_BYTES)) and not context.stopping.is_set():
        size += len(piece)
        is_binary = is_binary or b"\0" in piece
        lines += piece.count(b"\n")
        words += len(piece.split()) - (is_inside and not piece[:1].isspace())
        is_inside = not piece[-1:].isspace()
    return {"bytes": size, "binary": True} if is_binary else {"bytes": size, "lines": lines, "words": words}
