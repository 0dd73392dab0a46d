"""A client's record of what it was told: a job counts as acknowledged when its line is on the disk."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.chaos.load import Job


class AckLog:
    """Appends to one file. Who begins anew reads in it how far the one before came; a torn last line is cut off."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        text = path.read_bytes()
        os.ftruncate(self._file, text.rfind(b"\n") + 1)
        said = [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]
        self.ids = [line["id"] for line in said if "key" in line]
        self.keys = {line["key"] for line in said if "key" in line}

    def ack(self, batch: list[Job], ids: list[str]) -> None:
        """These jobs were answered."""
        assert len(ids) == len(batch), f"{len(ids)} ids for {len(batch)} jobs"
        pairs = zip(batch, ids, strict=True)
        self._append([{"id": known, "key": job["key"], "marker": job["payload"]["marker"]} for job, known in pairs])
        self.ids += ids

    def told(self, ends: list[tuple[str, str, Any]]) -> None:
        """This client heard how these jobs ended: id, state, result."""
        self._append([{"id": known, "state": state, "result": result} for known, state, result in ends])

    def _append(self, lines: list[dict[str, Any]]) -> None:
        os.write(self._file, b"".join(json.dumps(line).encode() + b"\n" for line in lines))
        os.fsync(self._file)
