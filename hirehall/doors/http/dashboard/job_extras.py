"""What the pages of jobs ask for beside their parts: a log as it is written, and how many a command is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hirehall.doors.http.calls import asks, json_answer
from hirehall.doors.http.dashboard import job_search, times
from hirehall.doors.http.dashboard.ansi import Paint
from hirehall.doors.http.dashboard.concerned import concerned
from hirehall.doors.http.dashboard.jobs import JOBS
from hirehall.doors.http.streams import LAST_EVENT_ID, LogStream, log_place
from hirehall.errors import BadRequest
from hirehall.wire import requests
from hirehall.wire.codec import encode
from hirehall.wire.replies import LogEntry, LogPart

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

LINE = Markup('<div><time datetime="{}">{}</time><span class="{}">{}</span></div>')
_entry = msgspec.json.Decoder(LogEntry)
_STREAMS = frozenset({"stdout", "stderr", "progress"})


class LogPage(LogStream):
    """An attempt's log as lines of HTML, until its end."""

    def __init__(self, hall: Hall, request: Request, log_of: requests.LogOf) -> None:
        super().__init__(hall, request, log_of)
        self._paints: dict[str, Paint] = {}

    def said(self, part: LogPart) -> bytes:
        html = "".join(self._line(_entry.decode(entry)) for entry in part.entries)
        return encode({"html": html})

    def _line(self, entry: LogEntry) -> Markup:
        stream = entry.stream if entry.stream in _STREAMS else "stdout"
        text = self._paints.setdefault(stream, Paint()).html(entry.text.rstrip("\n"))
        clock = times.time_of_day(times.millis(entry.at))
        return LINE.format(entry.at, clock, stream, text)


class JobExtras:
    """The routes of these."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall

    def routes(self) -> list[Route]:
        return [
            Route("/jobs/concerned", self.concerned, methods=["GET"]),
            Route("/jobs/{id}/log", self.log, methods=["GET"]),
        ]

    async def concerned(self, request: Request) -> Response:
        """What to ask a person before a command with `where`."""
        given = dict(request.query_params)
        verb = given.pop("verb", "")
        wanted = job_search.read(JOBS.read(given))
        with asks(self._hall, request) as session:
            found = await concerned(session.ask, wanted, verb, times.now())
        return json_answer({"jobs": found.jobs, "is_all": found.is_all, "question": found.question(verb)})

    async def log(self, request: Request) -> Response:
        """The log of an attempt, as a stream."""
        place = request.headers.get(LAST_EVENT_ID) or request.query_params.get("place", "")
        found = log_place(place)
        if found is None:
            raise BadRequest("say which attempt, and from where: ?place=1-0")
        attempt, offset = found
        asked = requests.LogOf(id=request.path_params["id"], attempt=attempt, offset=offset, follow=True)
        stream = LogPage(self._hall, request, asked)
        await stream.begin()
        return stream
