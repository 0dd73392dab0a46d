"""Files between this machine and a hall, with a bar for who looks on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.markup import escape

from hirehall.cli.bars import progress_bar
from hirehall.client.files import Files, Shown, files_of
from hirehall.client.sync_client import Hall
from hirehall.core.file_names import check_file_name
from hirehall.errors import BadRequest

MIB = 1 << 20


@contextmanager
def bar(what: str, total: int) -> Iterator[Shown]:
    """For one file of `total` bytes."""
    with progress_bar() as progress:
        task = progress.add_task(escape(what), total=total, said="")

        def show(done: int) -> None:
            progress.update(task, completed=done, said=f"{done // MIB} of {total // MIB} MiB")

        yield show


def uploaded(hall: Hall, paths: Sequence[Path]) -> list[dict[str, str]]:
    """Send these; what a submit says of them. Raises BadRequest for what is no file, or has a name that none may
    have, or that of another."""
    for path in paths:
        check_file_name(path.name)
    if len({path.name.casefold() for path in paths}) != len(paths):
        raise BadRequest("two of the files have the same name: a job has each name once")
    files = files_of(hall)
    said = []
    for path in paths:
        try:
            with bar(path.name, path.stat().st_size) as show:
                sent = files.upload(path, show)
        except OSError as why:
            raise BadRequest(f"cannot read {path}: {why.strerror or why}") from why
        said.append({"name": path.name, "sha256": sent.sha256})
    return said


def fetched(files: Files, job: str, name: str, size: int, into: Path) -> Path:
    """Get one."""
    with bar(name, size) as show:
        return files.download(job, name, into, show)
