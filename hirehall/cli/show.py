"""`hirehall show`: one job, whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.job_json import whole
from hirehall.cli.output import age, clean, json_text, one_line, reason, say, say_json
from hirehall.cli.selectors import chosen_one
from hirehall.client.jobs import JobInfo
from hirehall.client.sync_client import Hall
from hirehall.errors import NotFound

PAST = {"fail": "failed", "lose": "lost", "timeout": "timed out", "release": "given back", "cancel": "cancelled"}


@click.command(short_help="Show everything the hall knows about a job.")
@click.argument("job", metavar="ID")
@at_hall
@JSON
def command(hall: Hall, job: str, as_json: bool) -> None:
    """Show everything the hall knows about a job.

    ID is a job's id or a beginning of it, or last.

    \b
    Examples:
      hirehall show last
      hirehall show last --json | jq .result
    """
    id = chosen_one(hall, job)  # noqa: A001
    found = hall.get([id])
    if not found:
        raise NotFound(f"there is no job {id} that you may see: `hirehall jobs` lists the newest")
    if as_json:
        say_json(whole(found[0]))
        return
    for name, value in fields(found[0]):
        say(f"{name:<10} {value}")


def fields(job: JobInfo) -> Iterator[tuple[str, str]]:
    """What there is to say, in the order in which one asks."""
    everything = {
        "job": job.id,
        "kind": job.kind,
        "queue": job.queue,
        "state": job.state,
        "attempt": f"{job.attempt} of {job.max_attempts + job.forgiven}",
        "why": reason(job),
        "key": job.key or "",
        "priority": str(job.priority or ""),
        "requires": json_text(job.requires) if job.requires else "",
        "tags": ", ".join(job.tags),
        "lock": job.lock or "",
        "after": " ".join(job.after),
        "meta": json_text(job.meta) if job.meta else "",
        "owner": job.owner,
        "worker": job.worker or "",
        **{word: moment(getattr(job, f"{word}_at")) for word in ("created", "run", "expires", "started", "finished")},
        "progress": far(job.progress),
        "payload": shown(job.payload),
        "result": shown(job.result) if job.state == "succeeded" else "",
        "trace": (job.error or {}).get("trace", "") if isinstance(job.error, dict) else "",
    }
    for name, value in everything.items():
        if value:
            yield name, indented(value)
    for past in job.history or []:
        yield f"attempt {past['attempt']}", indented(attempt(past))


def far(progress: Any) -> str:
    """How far it said it was."""
    if not isinstance(progress, dict):
        return ""
    percent, text = progress.get("percent"), progress.get("text")
    return " ".join(part for part in ("" if percent is None else f"{percent:g}%", one_line(str(text or ""))) if part)


def attempt(past: dict[str, Any]) -> str:
    """One attempt that ended otherwise than by success."""
    at = datetime.fromtimestamp(past["at_ms"] / 1000, UTC)
    who = f" on {past['worker']}" if past.get("worker") else ""
    error = past.get("error") or {}
    why = one_line(": ".join(error[part] for part in ("type", "message") if error.get(part)))
    return f"{PAST.get(past['how'], past['how'])}{who}, {age(at.isoformat())}" + (f": {why}" if why else "")


def moment(at: str | None) -> str:
    """A time and how long ago it was."""
    return f"{at} ({age(at)})" if at else ""


def shown(value: Any) -> str:
    """JSON with room to breathe."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def indented(text: str) -> str:
    """Further lines stand below the first."""
    return clean(text.rstrip()).replace("\n", "\n" + " " * 11)
