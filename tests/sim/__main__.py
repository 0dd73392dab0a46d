"""`python -m tests.sim --seed N` replays one seed; `--seeds FROM TO` runs many and stops at the first failure."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.sim.world import World


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seeds", type=int, nargs=2, default=(0, 500))
    given = parser.parse_args()
    seeds = [given.seed] if given.seed is not None else range(*given.seeds)
    seen: Counter[str] = Counter()
    begun, steps = time.monotonic(), 0
    for seed in seeds:
        world = World(seed)
        try:
            fingerprint = world.run()
        except BaseException:
            print(f"seed {seed} failed; replay it with: python -m tests.sim --seed {seed}", file=sys.stderr)
            raise
        steps += world.timeline.steps
        seen += world.seen
        seen["jobs"] += len(world.audit.durable)
    print(f"{len(seeds)} seeds, {steps} steps, {time.monotonic() - begun:.1f} s, last fingerprint {fingerprint[:16]}")
    for what, times in sorted(seen.items()):
        print(f"  {times:8d}  {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
