"""Every page. A new one is a row here, and its templates."""

from __future__ import annotations

from hirehall.doors.http.dashboard.jobs import JOB, JOBS, SUBMIT
from hirehall.doors.http.dashboard.overview import OVERVIEW
from hirehall.doors.http.dashboard.queues import QUEUE, QUEUES
from hirehall.doors.http.dashboard.view import View
from hirehall.doors.http.dashboard.workers import WORKERS
from hirehall.errors import Forbidden
from hirehall.service.commands import COMMANDS
from hirehall.service.sessions import Identity

VIEWS: dict[str, View] = {view.name: view for view in (OVERVIEW, JOBS, JOB, QUEUES, QUEUE, WORKERS, SUBMIT)}
PLACES = (OVERVIEW, JOBS, QUEUES, WORKERS, SUBMIT)  # that stand in the rail
MAY = {
    "submit": "hand in jobs, and see and cancel its own",
    "work": "run jobs",
    "read": "see everything",
    "admin": "change everything",
}


def places(roles: frozenset[str]) -> list[View]:
    """Where who has these roles may go."""
    return [view for view in PLACES if view.is_for(roles)]


def sees(roles: frozenset[str]) -> frozenset[str]:
    """The names of the pages that are for these roles, for links that lead there."""
    return frozenset(name for name, view in VIEWS.items() if view.is_for(roles))


def check_view(view: View, identity: Identity) -> None:
    """Raise Forbidden, with what to do about it, unless this page is for them."""
    if view.is_for(identity.roles):
        return
    missing = [COMMANDS[need].roles for need in view.needs if COMMANDS[need].roles.isdisjoint(identity.roles)]
    wanted = " or ".join(sorted(frozenset.intersection(*missing) or missing[0]))
    may = " and ".join(MAY[role] for role in sorted(identity.roles))
    raise Forbidden(
        f"this page needs the role {wanted}; token {identity.name!r} may {may}: whoever runs the hall makes another"
        f" with `hirehall token create NAME --role {wanted.split()[0]}`"
    )
