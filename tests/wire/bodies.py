"""JSON of all sorts: what a payload or a result may be, however it is written, and what no door lets in."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import msgspec

BLANKS = (b"", b"", b"", b" ", b"\t", b"  ", b"\r", b" \r\t ")
NUMBERS = (
    b"0", b"-0", b"-0.0", b"1", b"1.0", b"1.00", b"1e2", b"1E+2", b"1e-7", b"0.1", b"-1", b"10e-999", b"5e-324",
    b"9007199254740993", b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616", b"1e308",
    b"-1.7976931348623157e308", b"0.1000000000000000055511151231257827", b"123456789012345678901234567890",
    b"1" + b"0" * 299, b"0.%s" % (b"1" * 400), b"100000000000000000000000e-20",
)  # fmt: skip
TEXTS = (
    b'""', b'"a"', b'"\\u0000"', b'"\\u0000\\u0001\\u001f"', b'"\\ud83d\\ude00"', b'"\\uD83D\\uDE00x"', b'"\\\\ud800"',
    b'"\\\\\\\\ud800\\\\"', b'"\\"\\\\\\/\\b\\f\\n\\r\\t"', b'"\\u002f\\u0022"', b'"\x7f"', b'"\\u2028\\u2029"',
    '"\u2028\u2029\u0085"'.encode(),
    '"\ufeff"'.encode(), "\"\U0001f600\U0010ffff\"".encode(), '"z\u0301\u202e"'.encode(),
    '"żółć"'.encode(),
    b'"{\\"cmd\\":\\"bye\\"}"', b'"\\n{\\"cmd\\":\\"bye\\"}\\n"', b'"NaN"', b'"[[[[[[{{{"', b'"1e999"',
    b'"%s"' % (b"x" * 300), b'"</script>"', b'"\\uffff\\ufffe"', b'"\\u00e9"', b'"ref\\":1,\\""',
    b'"' + b"\\\\" * 40 + b'"',
)  # fmt: skip
WORDS = (b"null", b"true", b"false")
DEEP = (
    b"[" * 64 + b"]" * 64, b'{"a":' * 63 + b"{}" + b"}" * 63, b"[]", b"{}", b"[ ]", b"{\r}", b'{"":0}',
    b'{"a":1,"a":2}',
    b'{"\\u0000":null,"\\ud83d\\ude00":[]}', b"[[],[[]],{}]", b"[" + b"0," * 200 + b"0]", b'{"cmd":"bye","ref":1}',
    b'{"__proto__":{"a":1},"constructor":null}', b'["a",1.0,[null,{"b":[true,-0.0]}]]',
)  # fmt: skip
HUGE = (b"7" * 4_300, b'"%s"' % ("\u2028é" * 5_000).encode(), b"[" + b'{"a":"\\u0041"},' * 2_000 + b"1]")
ATOMS = NUMBERS + TEXTS + WORDS + DEEP

REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"[" * 65 + b"]" * 65, "nested deeper than 64"),
    (b'{"a":' * 65 + b"1" + b"}" * 65, "nested deeper than 64"),
    (b"[" * 5_000 + b"]" * 5_000, "nested"),
    (b"1" * 4_301, "out of range"),
    (b"[1,-%s]" % (b"9" * 5_000), "out of range"),
    (b"1" + b"0" * 250 + b"e99", "out of range"),
    (b"1e999", "out of range"),
    (b"[-1E+400]", "out of range"),
    (b"NaN", "cannot read"),
    (b"[Infinity]", "cannot read"),
    (b"-Infinity", "cannot read"),
    (b'"\\ud800"', "half of a surrogate pair"),
    (b'{"\\uDC00":1}', "half of a surrogate pair"),
    (b'["\\ud800\\u0041"]', "half of a surrogate pair"),
    (b'"\xed\xa0\x80"', "not UTF-8"),
    (b'"\xff"', "not UTF-8"),
    (b'"\t"', "cannot read"),
    (b'"\x00"', "cannot read"),
    (b"01", "cannot read"),
    (b"+1", "cannot read"),
    (b".5", "cannot read"),
    (b"[1,]", "cannot read"),
    (b"{'a':1}", "cannot read"),
    (b"{a:1}", "cannot read"),
    (b"1 2", "cannot read"),
    (b"undefined", "cannot read"),
    (b"", "cannot read"),
)


def body(random: Random) -> bytes:
    """A JSON text that every door admits."""
    dice = random.random()
    if dice < 0.55:
        return random.choice(ATOMS)
    if dice < 0.56:
        return random.choice(HUGE)
    blank = random.choice(BLANKS)
    parts = [random.choice(ATOMS[: -len(DEEP)]) for _ in range(random.randint(1, 4))]
    if dice < 0.78:
        return b"[" + blank + (b"," + blank).join(parts) + blank + b"]"
    colon = blank + b":" + random.choice(BLANKS)
    return b"{" + blank + (blank + b",").join(random.choice(TEXTS) + colon + part for part in parts) + b"}"


def kept(body: bytes) -> bytes:
    """What a hall keeps of an admitted body: its bytes, but a CR between tokens, which ends lines elsewhere, is a
    space."""
    return body.strip(b" \t\r\n").replace(b"\r", b" ")


VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1.0, -0.0, 1e300, 5e-324, 2**63, -(2**63), 2**64 - 1, "", "\0", "\U0001f600", "\u2028\u2029",
    "\x7f",
    "żółć", "\\ud800", '"\n\r\t', [], {}, [[]], {"": {}}, {"a": [1, 2.5, None]}, {"\0": "\ufeff"}, "x" * 500,
    {"__proto__": 1}, [0.1, 1e-7, 1e22], "</script>",
)  # fmt: skip


def value(random: Random) -> Any:
    """What a Python client may hand in."""
    if random.random() < 0.7:
        return random.choice(VALUES)
    parts = [random.choice(VALUES) for _ in range(random.randint(1, 3))]
    return parts if random.random() < 0.5 else {f"n{at}": part for at, part in enumerate(parts)}


def as_value(body: bytes) -> Any:
    """What a Python program reads; its own parser, not ours."""
    return json.loads(body)


def same_value(one: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down."""
    return json.dumps(one) == json.dumps(other)


def written(value: Any) -> bytes:
    """How our client writes this value, which has to mean the same to everybody."""
    text = msgspec.json.encode(value)
    assert same_value(json.loads(text), value), value
    return text
