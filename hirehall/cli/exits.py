"""What the process answers to a script. docs/command-line.md is made from this table."""

from __future__ import annotations

from enum import IntEnum

from hirehall.errors import HallError


class Exit(IntEnum):
    """An exit status."""

    OK = 0
    JOB = 1
    USAGE = 2
    HALL = 3
    PENDING = 4
    STORE = 74
    CONFIG = 78
    INTERRUPTED = 130
    PIPE = 141


MEANINGS = {
    Exit.OK: "done; whatever was waited for succeeded",
    Exit.JOB: "a job that was waited for (also with `--wait`, `logs -f`) did not succeed; `doctor` found a problem;"
    " `bench` missed jobs in the store",
    Exit.USAGE: "the command line, or the job it describes, is not valid",
    Exit.HALL: "the hall cannot be reached or started, or refused: unknown job or token, nothing was changed",
    Exit.PENDING: "`--timeout` ran out, or the hall was shut down, before the job ended; the job goes on",
    Exit.STORE: "`serve`: the store is broken; it may be started again; elsewhere: the output cannot be written",
    Exit.CONFIG: "`serve`: refused to start because of an option; starting again does not help",
    Exit.INTERRUPTED: "stopped by Ctrl-C (which is how `top` ends: 0)",
    Exit.PIPE: "whoever read the output went away before its end",
}

_BY_CODE = {
    "bad_request": Exit.USAGE,
    "too_large": Exit.USAGE,
    "cannot_load": Exit.USAGE,
    "store_broken": Exit.STORE,
    "jobs_missing": Exit.JOB,
}


def exit_of(error: HallError) -> Exit:
    """The status for an error that ended a command."""
    return _BY_CODE.get(error.code, Exit.HALL)
