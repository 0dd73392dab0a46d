"""What a hall lets in, others can read: Python's own parser and a JavaScript one see the same values."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from typing import Any

import msgspec
import pytest

from hirehall.wire.body import check_body
from hirehall.wire.codec import decode_line
from tests.wire.bodies import ATOMS, HUGE, NUMBERS, TEXTS, kept

SHALLOW = NUMBERS + TEXTS
BODIES = [*ATOMS, *HUGE, *(b"[%s,%s]" % pair for pair in zip(SHALLOW, reversed(SHALLOW), strict=True))]
PARSE = (
    'require("fs").readFileSync(0, "utf8").split("\\n").slice(0, -1)'
    ".forEach(line => console.log(JSON.stringify(JSON.parse(line))))"
)


def let_in(body: bytes) -> bytes:
    payload = decode_line(b'{"cmd":"submit","kind":"a","payload":%s}' % body).payload
    check_body("payload", payload)
    assert bytes(payload) == kept(body)
    return bytes(payload)


def as_doubles(value: Any) -> Any:
    """The value as JavaScript has it: every number a double, a huge one infinite, which it writes as null."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        double = float(value) if abs(value) < 1 << 1_020 else math.inf
        return double if math.isfinite(double) else None
    if isinstance(value, list):
        return [as_doubles(item) for item in value]
    return {name: as_doubles(item) for name, item in value.items()} if isinstance(value, dict) else value


def test_pythons_parser_and_our_workers_read_the_same() -> None:
    for body in BODIES:
        text = let_in(body)
        assert json.dumps(json.loads(text)) == json.dumps(msgspec.json.decode(text)), text[:200]


def test_a_name_that_stands_twice_means_its_last_value_to_everybody() -> None:
    text = let_in(b'{"a":1,"b":{"c":1,"c":2},"a":{"d":3}}')
    expected = {"a": {"d": 3}, "b": {"c": 2}}
    assert json.loads(text) == msgspec.json.decode(text) == expected == in_node([text])[0]


def test_javascript_reads_them_all() -> None:
    texts = [let_in(body) for body in BODIES]
    for text, read in zip(texts, in_node(texts), strict=True):
        if b"__proto__" not in text:  # a name like others in JSON, but not in JavaScript
            assert as_doubles(read) == as_doubles(json.loads(text)), text[:200]


def in_node(texts: list[bytes]) -> list[Any]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    done = subprocess.run(
        [node, "-e", PARSE], input=b"\n".join([*texts, b""]), capture_output=True, timeout=60, check=True
    )
    return [json.loads(line) for line in done.stdout.split(b"\n")[:-1]]
