"""Every page. A new one is a row here, and its templates."""

from __future__ import annotations

from hirehall.doors.http.dashboard.jobs import JOB, JOBS, SUBMIT
from hirehall.doors.http.dashboard.overview import OVERVIEW
from hirehall.doors.http.dashboard.queues import QUEUE, QUEUES
from hirehall.doors.http.dashboard.view import View
from hirehall.doors.http.dashboard.workers import WORKERS

VIEWS: dict[str, View] = {view.name: view for view in (OVERVIEW, JOBS, JOB, QUEUES, QUEUE, WORKERS, SUBMIT)}
