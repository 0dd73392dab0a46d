"""What `pause`, `resume` and `drain` share: queues by name, one word each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hirehall.cli.output import say, say_json
from hirehall.client.sync_client import Hall


def tell(hall: Hall, names: Sequence[str], verb: Callable[[Hall, str], None], now: str, as_json: bool) -> None:
    """Tell each queue; `now` is what it is then."""
    for name in dict.fromkeys(names):
        verb(hall, name)
        if not as_json:
            say(f"queue {name} {now}")
    if as_json:
        say_json({"queues": list(dict.fromkeys(names))})
