"""The sorts of inputs that are thrown at a hall's wire: each follows from its seed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from msgspec import Struct

from tests.wire import bytes_cases, decoding, fuzz, grammar, hostile
from tests.wire.tales.crowd import TALES, Crowd

IN_TESTS = 100_000  # inputs of all sorts, in one run of the tests
EDGE_EVERY = 500  # a line as long as may be costs as much as some hundred others


class Case(Struct):
    """What became of one seed: what is wrong, what was sent, seconds and bytes where they were measured."""

    problems: list[str]
    data: bytes
    seconds: float = 0.0
    memory: int = 0
    story: list[str] = []  # for whoever looks at a failure


class Sort(Struct, frozen=True):
    """`share` of all inputs are of this sort; a seed makes `size` of them."""

    run: Callable[[int], Case]
    share: float
    size: int = 1


def tales(seed: int) -> Case:
    """Sequences of valid commands in one hall, every effect checked."""
    crowd = Crowd(seed)
    problems = crowd.run()
    bad = [tale for tale in crowd.tales if tale.problems]
    said = [line for tale in bad[:1] for line in tale.log]
    return Case(problems, b"".join(data for _, data in said), story=[f"{who.name:>10} {data!r}" for who, data in said])


def plays(seed: int) -> Case:
    """Even seeds: sequences of valid commands, replayed in bursts and by a crowd. Odd ones: changed cases and noise."""
    random = Random(seed)
    data = b""
    if seed % 2:
        data = bytes_cases.mutated(random) if seed % 4 == 1 else bytes_cases.noise(random)
    return Case(fuzz.case(seed), data)


def decoder(seed: int) -> Case:
    """Any bytes, to framer and decoder alone."""
    random = Random(f"decoder {seed}")
    is_edge = seed % EDGE_EVERY == 0
    data, most = decoding.edge(random) if is_edge else decoding.stream(random)
    problems, seconds = decoding.check(data, most, random)
    memory = decoding.memory(data, most) if is_edge else 0
    if memory > decoding.MOST_MEMORY:
        problems.append(f"{memory} bytes of memory for a line of {len(data)}")
    return Case(problems, data, seconds, memory, [f"{data[:2_000]!r}, at most {most} bytes a line"])


def messages(seed: int) -> Case:
    """A line made from the structs, valid or with one fault, is read as what it is."""
    data = grammar.request(Random(f"messages {seed}")).line
    return Case(decoding.made(Random(f"messages {seed}")), data + b"\n", story=[repr(data)])


def answers(seed: int) -> Case:
    """What a hall, or something that only seems one, says to our client and agent."""
    random = Random(f"answers {seed}")
    data = hostile.talk(random)
    return Case(hostile.case(data, random), data, story=[repr(data)])


SORTS: dict[str, Sort] = {
    "tales": Sort(tales, 0.485, TALES),
    "plays": Sort(plays, 0.03),
    "decoder": Sort(decoder, 0.15),
    "messages": Sort(messages, 0.25),
    "answers": Sort(answers, 0.085),
}


def seeds(sort: str, inputs: int) -> int:
    """How many seeds of this sort belong to that many inputs of all sorts."""
    chosen = SORTS[sort]
    return -(-round(inputs * chosen.share) // chosen.size)
