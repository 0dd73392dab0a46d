"""Every message survives the way over the wire, and defaults are what the protocol says."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from hirehall.service.commands import COMMANDS
from hirehall.wire import replies, requests
from hirehall.wire.codec import BadLine, LineReader, decode_line, encode
from tests.wire.samples import REF, SAMPLES

HUGE = "9" * 40
MINIMAL = {
    requests.Get: {"ids": []},
    requests.Wait: {"ids": []},
    requests.Change: {"set": {}},
    requests.Explain: {"id": "a"},
    requests.LogOf: {"id": "a"},
    requests.Queue: {"queue": "a"},
    requests.Pause: {"queue": "a"},
    requests.Resume: {"queue": "a"},
    requests.Drain: {"queue": "a"},
    requests.WorkerOrder: {"worker": "a", "do": "pause"},
    requests.Token: {"do": "list"},
    requests.Can: {"kind": "a"},
    requests.Work: {"kinds": ["a"]},
    requests.Credit: {"credit": 1},
    requests.Progress: {"id": "a", "attempt": 1},
    requests.Log: {"id": "a", "attempt": 1, "text": ""},
    requests.Fail: {"id": "a", "attempt": 1},
    requests.Release: {"id": "a", "attempt": 1},
    requests.Keep: {"jobs": []},
    requests.CanDo: {"types": []},
    requests.Do: {"type": "a"},
    requests.Did: {"id": 1},
}
DEPUTY = (requests.Metrics, requests.CanDo, requests.Do, requests.Did)


def tag(kind: type) -> str:
    return str(kind.__struct_config__.tag)  # type: ignore[attr-defined]


def same(left: Any, right: Any) -> bool:
    """Equal as JSON: raw bodies compare by their bytes."""
    return encode(left) == encode(right)


def test_there_is_a_sample_for_every_command() -> None:
    assert set(SAMPLES) == set(requests.AnyRequest.__args__)


def test_every_command_has_a_row_in_the_table() -> None:
    assert set(COMMANDS) == set(requests.AnyRequest.__args__)


@pytest.mark.parametrize("kind", SAMPLES, ids=tag)
def test_a_request_with_every_field_survives_the_wire(kind: type) -> None:
    sent = kind(ref=REF, **SAMPLES[kind])
    got = decode_line(encode(sent))
    assert type(got) is kind
    assert same(got, sent)
    assert encode(got) == encode(sent)


@pytest.mark.parametrize("kind", SAMPLES, ids=tag)
def test_every_field_of_a_request_is_in_its_sample(kind: type) -> None:
    assert {*SAMPLES[kind], "ref"} == set(kind.__struct_fields__)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", SAMPLES, ids=tag)
def test_a_request_with_only_its_required_fields_is_read(kind: type) -> None:
    got = decode_line(json.dumps({"cmd": tag(kind)} | MINIMAL.get(kind, {})).encode())
    assert type(got) is kind
    assert got.ref is requests.NO_REF


@pytest.mark.parametrize("kind", [kind for kind in SAMPLES if kind not in DEPUTY], ids=tag)
def test_an_unknown_field_is_refused_by_its_name(kind: type) -> None:
    line = json.dumps({"cmd": tag(kind), "ref": 7} | MINIMAL.get(kind, {}) | {"colour": 1})
    bad = decode_line(line.encode())
    assert type(bad) is BadLine
    assert bad.error.code == "bad_request"
    assert "'colour'" in bad.error.message
    assert bytes(bad.ref) == b"7"


@pytest.mark.parametrize("kind", DEPUTY, ids=tag)
def test_deputys_commands_ignore_unknown_fields(kind: type) -> None:
    line = json.dumps({"cmd": tag(kind)} | MINIMAL.get(kind, {}) | {"colour": 1})
    assert type(decode_line(line.encode())) is kind


@pytest.mark.parametrize(
    "line",
    [
        '{"cmd":"submit","jobs":[{"kind":"a","colour":1}]}',
        '{"cmd":"submit","kind":"a","backoff":{"kind":"linear","colour":1}}',
        '{"cmd":"done","jobs":[{"id":"a","attempt":1,"colour":1}]}',
        '{"cmd":"keep","jobs":[{"id":"a","attempt":1,"colour":1}]}',
        '{"cmd":"fail","id":"a","attempt":1,"error":{"type":"E","colour":1}}',
    ],
)
def test_an_unknown_field_inside_a_request_is_refused_by_its_name(line: str) -> None:
    bad = decode_line(line.encode())
    assert type(bad) is BadLine
    assert "'colour'" in bad.error.message


@pytest.mark.parametrize("kind", [kind for kind in SAMPLES if MINIMAL.get(kind)], ids=tag)
def test_a_missing_field_is_named(kind: type) -> None:
    for missing in MINIMAL[kind]:
        fields = {name: value for name, value in MINIMAL[kind].items() if name != missing}
        bad = decode_line(json.dumps({"cmd": tag(kind)} | fields).encode())
        assert type(bad) is BadLine
        assert f"`{missing}`" in bad.error.message


@pytest.mark.parametrize(
    "body",
    [
        b"null", b"0", b"-0.5e-7", b"1e999", b'""', b'"a\\u0000b"', b'"\\ud83d\\ude00"',
        "\"\U0001f600\"".encode(), b"[]", b"{}", b'{"a":{"b":[1,2,{}]}}', b" [ 1 , 2 ] ", HUGE.encode(),
        b'"\x7f"', b"[" * 64 + b"]" * 64,
    ],
)  # fmt: skip
def test_a_body_keeps_its_bytes(body: bytes) -> None:
    submit = decode_line(b'{"cmd":"submit","kind":"a","payload":%s}' % body)
    done = decode_line(b'{"cmd":"done","id":"a","attempt":1,"result":%s}' % body)
    assert bytes(submit.payload) == bytes(done.result) == body.strip()


@pytest.mark.parametrize("ref", ["0", "17", '"a"', "true", "null", "-1.5", HUGE, '""', '"\\u00e9"'])
def test_a_ref_is_any_scalar_and_keeps_its_bytes(ref: str) -> None:
    assert bytes(decode_line(f'{{"cmd":"ping","ref":{ref}}}'.encode()).ref) == ref.encode()


@pytest.mark.parametrize("kind", SAMPLES, ids=tag)
def test_a_command_line_split_at_every_byte_is_the_same_command(kind: type) -> None:
    line = encode(kind(ref=REF, **SAMPLES[kind])) + b"\r\n"
    for cut in range(len(line) + 1):
        reader = LineReader()
        got = reader.feed(line[:cut]) + reader.feed(line[cut:])
        assert [type(message) for message in got] == [kind], cut
        assert same(got[0], decode_line(line[:-1])), cut


def test_replies_leave_out_what_does_not_apply() -> None:
    assert encode(replies.Reply()) == b'{"ok":true}'
    assert encode(replies.Submitted(id="a", state="ready")) == b'{"ok":true,"id":"a","state":"ready"}'
    assert encode(replies.Judged()) == b'{"ok":true}'
    assert json.loads(encode(replies.ErrorReply(error=replies.ErrorBody("busy", "later")))) == {
        "error": {"code": "busy", "message": "later"}
    }


def test_a_push_carries_bodies_as_they_came() -> None:
    push = replies.RunPush([replies.Delivery("a", 1, "k", "q", msgspec.Raw(b'{"b": 1}'), 30.0)])
    assert b'"payload":{"b": 1}' in encode(push)
