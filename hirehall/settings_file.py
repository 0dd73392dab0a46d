"""A TOML file whose names are declared in a table: the hall's and the worker's are read alike."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from hirehall.errors import BadRequest


def read(path: Path, known: Collection[str], what: str) -> dict[str, Any]:
    """What the file sets, unchecked but for its names; a strange one comes with its nearest neighbour. `what` says what
    a name stands for: "option". Raises BadRequest."""
    try:
        values = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as why:
        raise BadRequest(f"cannot read the configuration {path}: {why}") from why
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"the {what.split(maxsplit=1)[0]}s are {', '.join(known)}"
            raise BadRequest(f"{path} sets {name!r}, which is no {what}: {hint}")
    return values
