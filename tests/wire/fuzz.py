"""The wire fuzzer. Every case follows from its seed: `python -m tests.wire.fuzz --seed N` plays one again, aloud.

Half of the cases are plays of valid commands, each line alone, whose effects a replay in bursts, chunks and among bad
lines must repeat. The others are changed corpus cases and noise, after which nothing but the answers may have changed.
"""

from __future__ import annotations

import argparse
import sys
import time
from random import Random

from tests.wire.bytes_cases import attack, chunks, mutated, noise
from tests.wire.play import Line, Play
from tests.wire.replay import Replay, differences, unanswered
from tests.wire.stage import Stage

COUNT = 3_000


def play_case(random: Random, aloud: bool) -> list[str]:
    """Valid commands, alone; together; and by players who do not wait for answers."""
    one, many, crowd = stages = Stage(), Stage(), Stage()
    try:
        lines = Play(one, random).run(random.randint(3, 30))
        show(lines if aloud else [])
        if problems := problems_of(one, lines):
            return problems
        for who in one.peers:
            many.peer(who)
            crowd.peer(who)
        replay = Replay(many, random, lines)
        replay.run()
        Replay(crowd, random, lines).hurry()
        return (problems_of(many, lines) or differences(one, many, replay.bad)) + problems_of(crowd, lines)
    finally:
        for stage in stages:
            stage.close()


def problems_of(stage: Stage, lines: list[Line]) -> list[str]:
    stage.check_alive()
    stage.problems += unanswered(stage, lines)
    return stage.problems


def show(lines: list[Line]) -> None:
    for line in lines:
        print(f"  {line.who:>6} {line.data.decode()!r}" if line.data else f"  ... {line.seconds} s pass")


def bytes_case(pieces: list[bytes], random: Random, aloud: bool = False) -> list[str]:
    """Bytes that may be anything."""
    if aloud:
        print("\n".join(f"  {piece!r}" for piece in pieces))
    stage = Stage()
    try:
        attack(stage, pieces, random)
        stage.check_alive()
        return stage.problems
    finally:
        stage.close()


def case(seed: int, aloud: bool = False) -> list[str]:
    """The problems of the case of this seed."""
    random = Random(seed)
    if seed % 2 == 0:
        return play_case(random, aloud)
    data = mutated(random) if seed % 4 == 1 else noise(random)
    return bytes_case(chunks(data, random), random, aloud)


def failures(first: int, count: int, most: int = 5) -> list[str]:
    """Run `count` cases from seed `first`; for each that failed, what is wrong and how to see it again."""
    found: list[str] = []
    for seed in range(first, first + count):
        problems = case(seed)
        if problems:
            found.append(f"python -m tests.wire.fuzz --seed {seed}\n  " + "\n  ".join(problems))
            if len(found) == most:
                break
    return found


def main() -> int:
    """Many cases, or one that is shown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="play this one case again, and show it")
    parser.add_argument("--first", type=int, default=0, help="the seed to begin with")
    parser.add_argument("--count", type=int, default=COUNT, help="how many cases")
    options = parser.parse_args()
    if options.seed is not None:
        problems = case(options.seed, aloud=True)
        print("\n".join(problems) or "no problem")
        return bool(problems)
    began = time.monotonic()
    found = failures(options.first, options.count)
    print("\n".join(found))
    print(f"{options.count} cases, {len(found)} failed, {time.monotonic() - began:.1f} s")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
