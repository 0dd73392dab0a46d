"""Lines made from the structs of the wire themselves: valid ones in any spelling, and ones with exactly one fault."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any, NamedTuple

from msgspec import inspect

from hirehall.wire import replies, requests
from tests.wire.bodies import BLANKS, TEXTS, body

TOLERANT = (requests.Metrics, requests.CanDo, requests.Do, requests.Did)  # Deputy's ignore what they do not know
REQUESTS: tuple[type, ...] = requests.AnyRequest.__args__
REPLIES: tuple[type, ...] = tuple(
    kind for kind in vars(replies).values() if isinstance(kind, type) and kind.__module__ == replies.__name__
)
INTS = (b"0", b"1", b"-1", b"7", b"100", b"4294967296", b"9223372036854775807", b"-9223372036854775808")
FLOATS = (b"0.5", b"-0.0", b"1e3", b"1.5E-7", b"5e-324", b"1e308")
SCALARS = (b"1", b"0", b"-7", b'"r"', b'""', b"true", b"null", b"1.50", b'"\\u00e9"', b"9" * 40)
OTHERS = {
    "str": b'"1"',
    "int": b"1",
    "float": b"1.5",
    "bool": b"true",
    "null": b"null",
    "array": b"[{}]",
    "object": b'{"q":1}',
}
Field = tuple[bytes, bytes]


class Made(NamedTuple):
    """A line, and what it must be: a message of `kind`; or refused, with `named` in the sentence."""

    line: bytes
    kind: type
    named: str = ""


@cache
def struct_of(kind: type) -> inspect.StructType:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return info


def request(random: Random) -> Made:
    """A command, valid or with one fault."""
    kind = random.choice(REQUESTS)
    info = struct_of(kind)
    fields = _fields(random, info)
    fault = random.choice((None, None, None, _leave_out, _add, _spoil))
    named = fault(random, info, fields) if fault is not None and (kind not in TOLERANT or fault is not _add) else ""
    if random.random() < 0.5:
        fields["ref"] = random.choice(SCALARS)
    return Made(_line(random, [(b"cmd", b'"%s"' % str(info.tag).encode()), *_encoded(fields)]), kind, named)


def reply(random: Random, refs: int) -> bytes:
    """Something that a hall might say, to one of its first `refs` requests or to nobody; some fields are not right."""
    info = struct_of(random.choice(REPLIES))
    fields = _fields(random, info)
    if random.random() < 0.3:
        random.choice((_leave_out, _add, _spoil))(random, info, fields)
    fields.pop("ref", None)
    if random.random() < 0.7:
        fields["ref"] = b"%d" % random.randrange(refs)
    return _line(random, _encoded(fields))


def _fields(random: Random, info: inspect.StructType) -> dict[str, bytes]:
    most = random.choice((0.0, 0.2, 0.6))
    return {
        field.encode_name: valid(random, field.type)
        for field in info.fields
        if field.encode_name != "ref" and (field.required or random.random() < most)
    }


def _encoded(fields: dict[str, bytes]) -> list[Field]:
    return [(name.encode(), value) for name, value in fields.items()]


def _line(random: Random, fields: list[Field]) -> bytes:
    random.shuffle(fields)
    blank, other = random.choice(BLANKS), random.choice(BLANKS)
    inside = (blank + b"," + other).join(b'"%s"%s:%s%s' % (name, other, blank, value) for name, value in fields)
    return b"{" + blank + inside + other + b"}"


def _leave_out(random: Random, info: inspect.StructType, fields: dict[str, bytes]) -> str:
    needed = [field.encode_name for field in info.fields if field.required]
    if not needed:
        return ""
    name = random.choice(needed)
    fields.pop(name, None)
    return f"`{name}`"


def _add(random: Random, info: inspect.StructType, fields: dict[str, bytes]) -> str:
    fields["colour"] = body(random)
    return "'colour'"


def _spoil(random: Random, info: inspect.StructType, fields: dict[str, bytes]) -> str:
    """A value that JSON knows and this field does not."""
    field = random.choice(info.fields)
    wrong = [text for sort, text in OTHERS.items() if sort not in _sorts(field.type)]
    if field.encode_name == "ref" or not wrong:
        return ""
    fields[field.encode_name] = random.choice(wrong)
    return field.encode_name


def valid(random: Random, sort: inspect.Type) -> bytes:
    """Any value of this type, as JSON."""
    if isinstance(sort, inspect.UnionType):
        return valid(random, random.choice(sort.types))
    if isinstance(sort, inspect.ListType | inspect.VarTupleType):
        return b"[" + b",".join(valid(random, sort.item_type) for _ in range(random.choice((0, 1, 1, 3)))) + b"]"
    if isinstance(sort, inspect.DictType):
        return (
            b"{" + b",".join(b"%s:%s" % (random.choice(TEXTS), valid(random, sort.value_type)) for _ in range(2)) + b"}"
        )
    if isinstance(sort, inspect.StructType):
        return _line(random, _encoded(_fields(random, sort)))
    return PLAIN[type(sort)](random)


PLAIN: dict[type, Any] = {
    inspect.StrType: lambda random: random.choice(TEXTS),
    inspect.IntType: lambda random: random.choice(INTS),
    inspect.FloatType: lambda random: random.choice(INTS + FLOATS),
    inspect.BoolType: lambda random: random.choice((b"true", b"false")),
    inspect.NoneType: lambda random: b"null",
    inspect.RawType: body,
    inspect.AnyType: body,
}
SORTS: dict[type, tuple[str, ...]] = {
    inspect.StrType: ("str",),
    inspect.IntType: ("int", "float"),  # 1.0 is no int, but 1.5 would be told from it by its value
    inspect.FloatType: ("int", "float"),
    inspect.BoolType: ("bool",),
    inspect.NoneType: ("null",),
    inspect.RawType: tuple(OTHERS),
    inspect.AnyType: tuple(OTHERS),
    inspect.ListType: ("array",),
    inspect.VarTupleType: ("array",),
    inspect.DictType: ("object",),
    inspect.StructType: ("object",),
}


def _sorts(sort: inspect.Type) -> set[str]:
    """The sorts of JSON values that this type may take."""
    parts = sort.types if isinstance(sort, inspect.UnionType) else (sort,)
    return {name for part in parts for name in SORTS[type(part)]}
