"""What `pause`, `resume` and `drain` share: queues by name, and what each is then."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hirehall.cli.output import say, say_json
from hirehall.client.sync_client import Hall
from hirehall.core.checks import check_queue
from hirehall.wire.replies import QueueView

STATES = {
    "open": "it accepts jobs and hands them out",
    "paused": "it accepts jobs and hands out none",
    "drained": "it hands out what is there and refuses more",
    "down": "it refuses jobs and hands out none",
}


def tell(hall: Hall, names: Sequence[str], verb: Callable[[Hall, str], QueueView], as_json: bool) -> None:
    """Tell each queue, and say what it is then. A name that cannot be one is met before any queue is told."""
    for name in names:
        check_queue(name)
    views = [verb(hall, name) for name in dict.fromkeys(names)]
    if as_json:
        say_json({"queues": views})
        return
    for view in views:
        say(f"queue {view.queue} is {view.state}: {STATES.get(view.state, '')}")
