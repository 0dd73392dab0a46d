"""A process full of peers: `python -m tests.abuse.crowd ROLE OPTIONS`, the options as JSON.

It says one JSON line when everybody is where they should be, and one for each word that it is told on stdin, the last
of which is `end`.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop

from tests.abuse import bad_peers, canary, many_peers, storm_peers
from tests.abuse.words import Words

Role = Callable[..., Awaitable[None]]
ROLES: dict[str, Role] = {
    "canary": canary.canary,
    "dribble": bad_peers.dribble,
    "flood": bad_peers.flood,
    "long": bad_peers.long_lines,
    "deaf": bad_peers.deaf,
    "idle": many_peers.idle,
    "produce": many_peers.produce,
    "storm": storm_peers.storm,
}


async def main(role: str, options: dict[str, Any]) -> None:
    words = Words()
    await ROLES[role](words, **options)
    words.say(over=True)


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(main(sys.argv[1], json.loads(sys.argv[2])))
