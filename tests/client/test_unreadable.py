"""What cannot be read is Broken, whatever is wrong with it: nothing else leaves a client."""

from __future__ import annotations

import pytest
from msgspec import Raw

from hirehall.client.outcomes import Broken, value_of
from hirehall.wire.replies import Ended
from tests.client.talk import Box, Talk

DEEP = b"[" * 5_000
ANSWERS = {
    "another type": b'"jobs":1',
    "too deep": b'"jobs":' + DEEP,
    "not UTF-8": b'"jobs":[{"id":"\xff"}]',
    "out of range": b'"jobs":[{"id":"a","attempt":1e999}]',
}


@pytest.mark.parametrize("fields", [b'"protocol":"one"', b'"hall":"\xff"', b'"lease_seconds":1e999', b'"x":' + DEEP])
def test_a_greeting_that_cannot_be_read(fields: bytes) -> None:
    talk, greeter = Talk(), Box()
    talk.session.greet(greeter)
    with pytest.raises(Broken):
        talk.session.received(b'{"ok":true,"ref":0,' + fields + b"}\n")
    talk.session.lost(Broken("that"))
    assert type(greeter.error) is Broken


@pytest.mark.parametrize("fields", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_cannot_be_read(fields: bytes) -> None:
    talk = Talk()
    talk.open()
    asked = talk.get("a")
    talk.said()
    with pytest.raises(Broken):
        talk.session.received(b'{"ok":true,"ref":1,' + fields + b"}\n")
    talk.session.lost(Broken("that"))
    assert type(asked.error) is Broken
    assert asked.answers == 1


@pytest.mark.parametrize("result", [b"9" * 5_000, b"1e999", DEEP, b"", b'"\xff"'])
def test_a_result_that_cannot_be_read(result: bytes) -> None:
    with pytest.raises(Broken, match="the result of job a cannot be read"):
        value_of(Ended("a", "succeeded", Raw(result)))
