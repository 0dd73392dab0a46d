"""G19: the access file is renamed into its place before its content is on the disk; after a power cut it is empty, and
the hall does not start."""

from __future__ import annotations

from pathlib import Path

from hirehall.service import access
from tests.mutants import Replace

CATCHERS = ("power cut",)


def plant(replace: Replace) -> None:
    def replace_file(path: Path, content: bytes) -> None:
        fresh = path.with_name(f"{path.name}.new")
        fresh.write_bytes(content)
        fresh.chmod(0o600)
        fresh.replace(path)

    replace(access, "replace_file", replace_file)
