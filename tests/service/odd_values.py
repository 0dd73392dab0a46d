"""Requests with values of the right type that nobody would expect, made from the structs of the wire themselves."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

QUEUES = ["default", "limited", "paused", "gone", "no queue", ""]
WORDS = [
    *("saw", "plane", "*", "ann", "w-ann", "db", "tag", "succeed", "gap", "ready", "blocked", "failed", "open", "down"),
    *("paused", "pause", "resume", "drain", "stop", "set", "create", "list", "revoke", "read", "admin", "nobody", "0"),
    *("1", "stdout", "constant", "2027-01-15T12:00:00Z", "9999-12-31T23:59:59+23:59"),
]
NUMBERS = [
    *(0, 1, 2, 3, 5, -1, 100, 1000, 1001, 1_800_014_400),
    *(1 << 31, (1 << 31) + 1, 1 << 53, (1 << 63) - 1, -(1 << 63)),
]
SECONDS = [0.0, -0.0, 0.0005, 0.5, 1.5, -1.0, 1e9, 3e9, 1e12, 1e300, 5e-324, 1_800_014_400.5]


class Odd:
    """Strategies for one hall: `ids` are jobs that it has."""

    def __init__(self, ids: list[str]) -> None:
        self.ids = st.sampled_from([*ids, "0000000000000001", "f" * 16, "nonsense", ""])
        self.texts = st.one_of(st.sampled_from(WORDS), st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
        self.numbers = st.sampled_from(NUMBERS)
        self.seconds = st.one_of(st.sampled_from(SECONDS), self.numbers)
        self.anything = st.recursive(
            st.one_of(st.none(), st.booleans(), self.numbers, self.seconds, self.texts),
            lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(self.texts, inner, max_size=3)),
            max_leaves=5,
        )

    def request(self, struct: type) -> st.SearchStrategy[dict[str, Any]]:
        """A request of this sort as JSON would say it, without its ref."""
        info = inspect.type_info(struct)
        assert isinstance(info, inspect.StructType)
        return self._struct(info).map(lambda fields: {"cmd": info.tag, **fields})

    def _struct(self, info: inspect.StructType) -> st.SearchStrategy[dict[str, Any]]:
        fields = {field.encode_name: self._field(field.encode_name, field.type) for field in info.fields}
        fields.pop("ref", None)
        needed = {field.encode_name for field in info.fields if field.required}
        return st.fixed_dictionaries(
            {name: fields[name] for name in fields if name in needed},
            optional={name: fields[name] for name in fields if name not in needed},
        )

    def _field(self, name: str, sort: inspect.Type) -> st.SearchStrategy[Any]:
        if name in ("id", "ids", "after", "before"):
            return self._of(sort, self.ids)
        if name in ("queue", "queues"):
            return self._of(sort, st.sampled_from(QUEUES))
        return self._of(sort, self.texts)

    def _of(self, sort: inspect.Type, texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
        """Values of this type, its texts from `texts`."""
        if isinstance(sort, inspect.UnionType):
            return st.one_of(*(self._of(part, texts) for part in sort.types))
        if isinstance(sort, inspect.ListType | inspect.VarTupleType):
            return st.lists(self._of(sort.item_type, texts), max_size=4)
        if isinstance(sort, inspect.DictType):
            return st.dictionaries(self.texts, self._of(sort.value_type, texts), max_size=3)
        if isinstance(sort, inspect.StructType):
            return self._struct(sort)
        plain: dict[type, st.SearchStrategy[Any]] = {
            inspect.StrType: texts,
            inspect.IntType: self.numbers,
            inspect.FloatType: self.seconds,
            inspect.BoolType: st.booleans(),
            inspect.NoneType: st.none(),
            inspect.RawType: self.anything,
        }
        return plain[type(sort)]


def line(request: dict[str, Any], ref: object) -> bytes:
    """The request on its line."""
    return msgspec.json.encode({**request, "ref": ref}) + b"\n"
