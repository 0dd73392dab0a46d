"""From path, query and body to a request struct; each operation's, made once from its row."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import NODEFAULT, Raw, Struct

from hirehall.doors.http.operations import REQUIRED, Operation
from hirehall.errors import BadRequest
from hirehall.wire.codec import decode_whole

MAX_PARAMETERS = 1_100
LARGEST = 1 << 63
_WORD = re.compile(r"\{(\w+)\}")


def words_of(path: str) -> list[str]:
    """The names in braces."""
    return _WORD.findall(path)


def fields_of(operation: Operation) -> list[tuple[str, Any, Any]]:
    """Name, type and default of what comes in its query or body."""
    source = operation.says
    if operation.inside:
        source = next(one.type for one in msgspec.structs.fields(operation.says) if one.name == operation.inside)
    taken = {"ref", *operation.fixed, *operation.leaves_out, *words_of(operation.path)}
    own = [(one.name, one.type, _default(one)) for one in msgspec.structs.fields(source) if one.name not in taken]
    return [*own, *operation.more]


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    if field.default is NODEFAULT:
        return REQUIRED
    default = field.default
    return msgspec.field(default_factory=lambda: default) if isinstance(default, Raw) else default


class Input:
    """How one operation's request is read."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        fields = fields_of(operation)
        self.names = tuple(name for name, _, _ in fields)
        title = operation.name.title().replace("_", "") + ("Body" if operation.has_body else "Query")
        declared = [(name, kind) if default is REQUIRED else (name, kind, default) for name, kind, default in fields]
        self.struct: type[Struct] = msgspec.defstruct(title, declared, kw_only=True, forbid_unknown_fields=True)
        self.required = {name for name, _, default in fields if default is REQUIRED}
        self._kinds = {name: _sort(kind) for name, kind, _ in fields}
        self._decoder = msgspec.json.Decoder(self.struct)
        self._own = {one.name for one in msgspec.structs.fields(operation.says)}

    def body(self, data: bytes) -> Any:
        """What the body holds; none is an empty one. Raises BadRequest."""
        return decode_whole(data or b"{}", self._decoder)

    def query(self, text: bytes) -> Any:
        """What the query holds. Raises BadRequest naming the parameter."""
        given: dict[str, Any] = {}
        for name, value in _pairs(text):
            if name not in self._kinds:
                known = f"use some of {', '.join(self.names)}" if self.names else "there are none here"
                raise BadRequest(f"there is no parameter {name[:40]!r}: {known}")
            if self._kinds[name] == "list":
                given.setdefault(name, []).append(value)
            elif name in given:
                raise BadRequest(f"parameter {name!r} is given twice: give it once")
            else:
                given[name] = _value(name, value, self._kinds[name])
        try:
            return msgspec.convert(given, self.struct, strict=False)
        except msgspec.ValidationError as exc:
            raise BadRequest(f"a parameter cannot be read: {exc}") from None

    def request(self, path: dict[str, Any], read: Any) -> Any:
        """The request that they make together."""
        operation = self.operation
        given = {name: getattr(read, name) for name in self.names}
        if operation.inside:
            inner = next(one.type for one in msgspec.structs.fields(operation.says) if one.name == operation.inside)
            given = {operation.inside: inner(**given)}
        words = {name: value for name, value in path.items() if name in self._own}
        return operation.says(**words, **operation.fixed, **{k: v for k, v in given.items() if k in self._own})


def _pairs(text: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            text.decode("ascii"), keep_blank_values=True, strict_parsing=bool(text), encoding="utf-8", errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )  # fmt: skip
    except ValueError:
        raise BadRequest("the query cannot be read: write name=value&name=value, percent-encoded UTF-8") from None


def _sort(kind: Any) -> str:
    """How a query's text stands for it."""
    text = str(kind)
    if "list[" in text:
        return "list"
    if "dict[" in text:
        return "json"
    return "int" if kind is int or (str not in getattr(kind, "__args__", ()) and "int" in text) else "text"


def _value(name: str, text: str, sort: str) -> Any:
    if sort == "json":
        return decode_whole(text.encode(), msgspec.json.Decoder(dict))
    if sort == "int":
        if not re.fullmatch(r"-?[0-9]{1,19}", text) or abs(int(text)) >= LARGEST:
            raise BadRequest(f"{name} is {text[:40]!r}: give a whole number")
        return int(text)
    return text
