"""The OpenAPI document, made of the route table and the structs."""

from __future__ import annotations

import json
import types
from functools import lru_cache
from typing import Any, get_args

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from hirehall import __version__
from hirehall.doors.http.answers import BYTES, JSON
from hirehall.doors.http.inputs import Input, words_of
from hirehall.doors.http.operations import BASE, OPERATIONS, Operation
from hirehall.wire.replies import ErrorReply

HIDDEN = ("ref", "cmd")
TEXT = {"type": "string", "minLength": 1}
STREAMS = {"events", "log"}


async def document(request: Request) -> Response:
    """The document as it is served."""
    return Response(text(), media_type=JSON)


@lru_cache(maxsize=1)
def text() -> bytes:
    """The document as bytes."""
    return json.dumps(describe(), indent=1).encode()


def describe() -> dict[str, Any]:
    """Every operation with what it takes and gives."""
    inputs = [Input(operation) for operation in OPERATIONS]
    sorts = {ErrorReply: None} | {sort: None for one in inputs for sort in (one.struct, *_sorts(one.operation.answers))}
    _, components = msgspec.json.schema_components(list(sorts), ref_template="#/components/schemas/{name}")
    for schema in components.values():
        _hide(schema)
    paths: dict[str, Any] = {}
    for one in inputs:
        paths.setdefault(BASE + one.operation.path, {})[one.operation.method.lower()] = _operation(one, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hirehall", "version": __version__},
        "security": [{"token": []}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _sorts(answers: Any) -> tuple[type[Struct], ...]:
    return get_args(answers) if isinstance(answers, types.UnionType) else (answers,)


def _hide(schema: dict[str, Any]) -> None:
    """What belongs to lines only."""
    for name in HIDDEN:
        schema.get("properties", {}).pop(name, None)
    schema["required"] = [name for name in schema.get("required", []) if name not in HIDDEN]


def _operation(one: Input, components: dict[str, Any]) -> dict[str, Any]:
    operation = one.operation
    words = [{"name": word, "in": "path", "required": True, "schema": TEXT} for word in words_of(operation.path)]
    found: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.about,
        "parameters": words,
        "responses": {str(operation.status): _answer(operation), "default": {
            "description": "What went wrong.", "content": {JSON: {"schema": _ref("ErrorReply")}}}},
    }  # fmt: skip
    if links := _links(operation):
        found["responses"][str(operation.status)]["links"] = links
    if operation.has_body and one.names:
        content: dict[str, Any] = {"schema": _ref(one.struct.__name__)}
        found["requestBody"] = {"required": bool(one.required), "content": {JSON: content}}
        if operation.example:
            content["example"] = operation.example
    if operation.takes_bytes:
        found["requestBody"] = {"required": False, "content": {BYTES: {"schema": {}}}}
    if not operation.has_body:
        found["parameters"] = words + _query(one, components)
    return found


def _links(operation: Operation) -> dict[str, Any]:
    """What can be done with what this makes: the operations below its path, by the word that its answer has for it."""
    made = {field.name for sort in _sorts(operation.answers) for field in msgspec.structs.fields(sort)}
    found = {}
    for other in OPERATIONS if operation.method == "POST" else ():
        word = next(iter(words_of(other.path)), None)
        if word in made and other.path.startswith(f"{operation.path}/{{{word}}}"):
            found[other.name] = {"operationId": other.name, "parameters": {word: f"$response.body#/{word}"}}
    return found


def _query(one: Input, components: dict[str, Any]) -> list[dict[str, Any]]:
    schema = components[one.struct.__name__]
    return [_parameter(name, schema["properties"][name], name in one.required) for name in one.names]


def _parameter(name: str, schema: dict[str, Any], required: bool) -> dict[str, Any]:
    plain = {"name": name, "in": "query", "required": required}
    options = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    if any(one.get("type") == "object" for one in options):
        return plain | {"content": {JSON: {"schema": options[0]}}}
    schema = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    texts = [one for one in options if one.get("type") == "string"]
    return plain | {"schema": texts[0] if texts else options[0] if len(options) == 1 else schema | {"anyOf": options}}


def _answer(operation: Operation) -> dict[str, Any]:
    if operation.gives_bytes:
        return {"description": operation.about, "content": {BYTES: {"schema": {}}}}
    sorts = [_ref(sort.__name__) for sort in _sorts(operation.answers)]
    content = {JSON: {"schema": sorts[0] if len(sorts) == 1 else {"anyOf": sorts}}}
    if operation.special == "events":
        content = {}
    if operation.special in STREAMS:
        content["text/event-stream"] = {"schema": {}}
    return {"description": operation.about, "content": content}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
