"""What may come over the wire: lines, payloads byte for byte, and bytes that are not the protocol."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from tests.system.audit import find_jobs
from tests.system.hall_process import Hall
from tests.system.jobs import at_work, submit, view
from tests.system.lines import Line

MAX_MESSAGE = 1 << 20


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_lines_end_with_lf_or_crlf(hall: Hall, newline: bytes) -> None:
    line = hall.guest(newline)
    line.ok("ping")
    line.ok("hello", token=hall.access["token"])


@pytest.mark.parametrize(
    "bad",
    [
        b"{not json",
        b"[]",
        b'"ping"',
        b"",
        b'{"cmd":"ping"} {"cmd":"ping"}',
        b'{"cmd":"ping"}{"cmd":"ping"}',
        b'{"cmd":"ping","ref":"\xff"}',
        b"\x00\x01\x02",
    ],
    ids=repr,
)
def test_a_line_that_does_not_parse_costs_one_error_reply(hall: Hall, bad: bytes) -> None:
    line = hall.session()
    line.send_bytes(b'{"cmd":"ping","ref":1}\n' + bad + b'\n{"cmd":"ping","ref":2}\n')
    replies = [line.read() for _ in range(3)] if bad else [line.read()]
    assert replies[0] == {"ok": True, "ref": 1}
    if bad:
        assert replies[1]["error"]["code"] == "bad_request"
        assert replies[2] == {"ok": True, "ref": 2}


def test_one_message_over_two_lines_is_an_error_however_it_arrives(hall: Hall, queue: str) -> None:
    line = hall.session()
    line.send_bytes(b'{"cmd":"submit","queue":"%s",\n' % queue.encode())
    assert line.read()["error"]["code"] == "bad_request"
    line.send_bytes(b'"kind":"k"}\n')
    assert line.read()["error"]["code"] == "bad_request"
    assert find_jobs(line, queue=queue) == {}


BAD_PAYLOADS = [
    b"NaN",
    b"[Infinity]",
    b"-Infinity",
    b"[" * 65 + b"]" * 65,
    b'"\\ud800"',
    b'{"a":"\\udfff x"}',
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b"01",
    b"[1,]",
    b"'a'",
]


@pytest.mark.parametrize("payload", BAD_PAYLOADS, ids=lambda payload: repr(payload[:12]))
def test_a_payload_that_is_not_plain_json_is_refused(hall: Hall, queue: str, payload: bytes) -> None:
    line = hall.session()
    line.send_bytes(b'{"cmd":"submit","kind":"k","queue":"%s","payload":%s}\n' % (queue.encode(), payload))
    assert line.read()["error"]["code"] == "bad_request"
    assert find_jobs(line, queue=queue) == {}


GOOD_PAYLOADS = [
    b"[" * 60 + b"]" * 60,
    b'"\\ud83d\\ude00"',
    '"grüße 😀"'.encode(),
    b"12345678901234567890123",
    b"1.0",
    b"1e5",
    b'{"a":1,"b":{"a":[]}}',
    b'"\\u0000"',
]


@pytest.mark.parametrize("payload", GOOD_PAYLOADS, ids=lambda payload: repr(payload[:24]))
def test_a_payload_reaches_the_worker_byte_for_byte(hall: Hall, queue: str, payload: bytes) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    client.send_bytes(b'{"cmd":"submit","kind":"k","queue":"%s","payload":%s}\n' % (queue.encode(), payload))
    assert "id" in client.read()
    assert b'"payload":' + payload in raw_line(worker)


def raw_line(line: Line) -> bytes:
    """The next line as the bytes that came."""
    data = b""
    line.sock.settimeout(5)
    while not data.endswith(b"\n"):
        data += line.sock.recv(1 << 16)
    return data


def test_a_body_of_almost_a_mebibyte_comes_through_and_a_larger_one_is_refused(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    large = "x" * (MAX_MESSAGE - 10_000)
    job = submit(client, queue, payload=large)
    assert worker.runs(1)[0]["payload"] == large
    worker.ok("done", id=job, attempt=1, result=large)
    assert view(client, job)["result"] == large
    too_large = "x" * (MAX_MESSAGE - 500)
    assert client.refusal("submit", queue=queue, kind="k", payload=too_large) == "too_large"


def test_an_over_long_line_closes_its_connection_and_runs_nothing(hall: Hall, queue: str) -> None:
    witness, line = hall.session(), hall.session()
    inner = json.dumps({"cmd": "submit", "kind": "k", "queue": queue}).encode()
    flood = b'{"cmd":"submit","kind":"k","payload":"' + b"x" * MAX_MESSAGE + b'"}\n' + inner + b"\n"
    with suppress(ConnectionError):  # closed while we were still sending
        line.send_bytes(flood)
    assert line.closed()
    witness.ok("ping")
    assert find_jobs(witness, queue=queue) == {}


@pytest.mark.parametrize(
    "first",
    [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"EHLO mail\r\n",
        b"{broken\n",
        b'{"cmd":"frobnicate"}\n',
    ],
    ids=lambda first: repr(first[:8]),
)
def test_first_bytes_that_are_not_the_protocol_close_the_connection(hall: Hall, first: bytes) -> None:
    line = hall.guest()
    line.send_bytes(first + b'{"cmd":"ping"}\r\n' * 3)
    assert line.closed()


def test_a_browsers_post_never_becomes_a_job(hall: Hall) -> None:
    kind = "posted"
    body = json.dumps({"cmd": "submit", "kind": kind}).encode() + b"\n"
    head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
    line = hall.guest()
    line.send_bytes(head % len(body) + body)
    assert line.closed()
    later = hall.guest()
    later.send_bytes(head % len(body))
    assert later.closed()
    assert find_jobs(hall.session(), kind=kind) == {}


def test_a_peer_that_disappears_in_the_middle_of_a_line_harms_nobody(hall: Hall, queue: str) -> None:
    witness, line = hall.session(), hall.session()
    line.send_bytes(json.dumps({"cmd": "submit", "kind": "k", "queue": queue}).encode())
    line.close()
    witness.ok("ping")
    assert find_jobs(witness, queue=queue) == {}
