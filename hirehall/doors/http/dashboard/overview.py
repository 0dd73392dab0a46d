"""The first page: the hall at a glance."""

from __future__ import annotations

import time

from hirehall.doors.http.dashboard.times import seconds_since
from hirehall.doors.http.dashboard.view import Ask, Facts, Params, View
from hirehall.errors import BadRequest
from hirehall.wire import requests

SHOWN_QUEUES = 12
SPANS = {"": 60, "60": 60, "1": 1}
YOUNG_SECONDS = 1_800  # until then an hour shows nothing yet


async def _facts(ask: Ask, params: Params) -> Facts:
    span = SPANS.get(params.get("span", ""))
    if span is None:
        raise BadRequest("span is 1 or 60 seconds")
    reply = await ask(requests.Overview(limit=SHOWN_QUEUES, span_seconds=span))
    if not params.get("span") and seconds_since(reply.overview.up_since) < YOUNG_SECONDS:
        span = 1
        reply = await ask(requests.Overview(limit=SHOWN_QUEUES, span_seconds=span))
    return {"glance": reply.overview, "at": int(time.time()) // span * span}


async def _rail_facts(ask: Ask, params: Params) -> Facts:
    reply = await ask(requests.Overview(limit=0))
    return {"totals": reply.overview, "place": params.get("place", "")}


OVERVIEW = View(
    name="overview",
    path="/",
    place="overview",
    needs=(requests.Overview,),
    facts=_facts,
    parts=("alarms", "figures", "flow-head", "flow", "health", "glance-queues"),
    params=("span",),
)
RAIL = View(
    name="rail",
    path="",
    place="",
    needs=(requests.Overview,),
    facts=_rail_facts,
    parts=("places",),
    params=("place",),
)
