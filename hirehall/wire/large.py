"""A result that is too large for a message: its worker leaves it as a file of the job, and says which."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct, field

from hirehall.wire.replies import FileView

MARK = "$file"


class Reference(Struct, frozen=True, forbid_unknown_fields=True):
    """What is told as the result then: the name of the output, and its content."""

    file: str = field(name=MARK)
    sha256: str
    bytes: int


def reference(value: Any) -> Reference | None:
    """What a result, decoded, refers to, if that is what it looks like. Whether it does, the job's files tell."""
    if type(value) is not dict or MARK not in value:
        return None
    try:
        return msgspec.convert(value, Reference)
    except msgspec.ValidationError:
        return None


def referred(place: Reference, files: Iterable[FileView]) -> FileView | None:
    """The output that it refers to, of one job's files; None where it is only a result that looks like a reference."""
    outputs = (file for file in files if file.direction == "out")
    return next((file for file in outputs if (file.name, file.sha256) == (place.file, place.sha256)), None)
