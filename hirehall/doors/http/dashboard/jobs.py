"""The pages of jobs: the list, one job, and the form to hand one in."""

from __future__ import annotations

from typing import Any

import msgspec

from hirehall.doors.http.dashboard import concerned, job_search, submit_form, times
from hirehall.doors.http.dashboard.job_rows import row
from hirehall.doors.http.dashboard.job_search import Page, Wanted
from hirehall.doors.http.dashboard.job_view import shown
from hirehall.doors.http.dashboard.view import Ask, Facts, Params, View
from hirehall.errors import BadRequest, Forbidden, NotFound
from hirehall.model import id_number, id_text
from hirehall.wire import requests
from hirehall.wire.replies import JobView, TasksReply, TaskView

TOLD_MS = 30_000  # after its end a change of many jobs is still shown
SUGGESTED = 200  # names in a list to choose from
EXPLAINED = frozenset({"ready", "scheduled", "blocked", "draft", "failed", "cancelled", "expired"})


async def _jobs(ask: Ask, params: Params) -> Facts:
    wanted = job_search.read(params)
    now_ms = times.now()
    refused = ""
    try:
        page = await _page(ask, wanted, now_ms)
    except (BadRequest, Forbidden) as exc:
        page, refused = Page([], None, None), exc.message
    counts = [] if refused else await _counts(ask, wanted)
    verbs = [] if refused else concerned.verbs(wanted)
    tabs = job_search.tabs(wanted, counts)
    return {
        "wanted": wanted,
        "refused": refused,
        "rows": [row(job, now_ms) for job in page.jobs],
        "next": page.next,
        "looked_back_to": page.looked_back_to,
        "tabs": tabs,
        "queues": sorted({count.queue for count in counts})[:SUGGESTED],
        "kinds": sorted({count.kind for count in counts})[:SUGGESTED],
        "times": job_search.TIMES,
        "bulk": verbs,
        "matching": sum(tab.jobs or 0 for tab in tabs if tab.is_shown) if wanted.is_counted else None,
        "where": msgspec.json.encode(wanted.where(now_ms)).decode() if verbs else "",
        "tasks": await _tasks(ask, now_ms),
    }


async def _page(ask: Ask, wanted: Wanted, now_ms: int) -> Page:
    if wanted.job:
        found = await ask(requests.Find(limit=1, before=id_text(id_number(wanted.job) + 1)))
        return Page([job for job in found.jobs if job.id == wanted.job], None, None)
    return job_search.merged([await ask(find) for find in wanted.finds(now_ms)])


async def _counts(ask: Ask, wanted: Wanted) -> list[Any]:
    reply = await ask(requests.Counts(queue=wanted.queue or None, kind=wanted.kind or None))
    return list(reply.counts)


async def _tasks(ask: Ask, now_ms: int) -> list[TaskView]:
    """Changes of many jobs that are under way, or over for a little while; who may not start one sees none."""
    try:
        reply: TasksReply = await ask(requests.Task())
    except Forbidden:
        return []
    return [task for task in reply.tasks if now_ms - (times.millis(task.ended_at or None) or now_ms) < TOLD_MS]


async def _job(ask: Ask, params: Params) -> Facts:
    job = await _one(ask, params["id"])
    why = (await ask(requests.Explain(id=job.id))).why if job.state in EXPLAINED else []
    return {"shown": shown(job, times.now()), "why": why, "link": Wanted().link}


async def _one(ask: Ask, name: str) -> JobView:
    reply = await ask(requests.Get(ids=[name]))
    if not reply.jobs:
        raise NotFound(f"there is no job {name[:40]} that you may see")
    job: JobView = reply.jobs[0]
    return job


def _watch(params: Params) -> requests.Watch:
    return requests.Watch(ids=[params["id"]])


async def _submit(ask: Ask, params: Params) -> Facts:
    again = params.get("again", "")
    form: submit_form.Form | None = submit_form.Form()
    if again:
        form = submit_form.again(await _one(ask, again))
    kinds = await ask(requests.Kinds())
    return {
        "form": form or submit_form.Form(),
        "again": again,
        "is_too_large": form is None,
        "kinds": sorted(offer.kind for offer in kinds.kinds)[:SUGGESTED],
        "queues": sorted({queue for offer in kinds.kinds for queue in offer.queues})[:SUGGESTED],
    }


JOBS = View(
    name="jobs",
    path="/jobs",
    place="jobs",
    needs=(requests.Find, requests.Counts),
    facts=_jobs,
    parts=("job-tasks", "job-tabs", "job-rows", "job-older"),
    params=Wanted.__struct_fields__,
    every_seconds=2.0,
)
JOB = View(
    name="job",
    path="/jobs/{id}",
    place="jobs",
    needs=(requests.Get, requests.Explain, requests.Watch, requests.LogOf),
    facts=_job,
    parts=("job-top", "job-draft", "job-outcome", "job-moments", "job-attempts", "job-rules"),
    params=("id",),
    watches=_watch,
)
SUBMIT = View(
    name="submit",
    path="/submit",
    place="submit",
    needs=(requests.Submit, requests.Kinds),
    facts=_submit,
    parts=(),
    params=("again",),
)
