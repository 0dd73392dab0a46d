"""What is made of a form is, byte for byte, what its struct would have been."""

from __future__ import annotations

import pytest
from msgspec import Raw

from hirehall.model import NULL, WORDS, id_text
from hirehall.wire.codec import encode
from hirehall.wire.forms import ReplyForm, delivery_form, end_line, ended_form, result_form, run_line
from hirehall.wire.replies import Delivery, Ended, EndPush, Judged, RunPush, Submitted

JOB, OTHER = 0x0018C9A2_00000001, (1 << 63) - 1
BODIES = [b"null", b'"100 % sure, %b and %d"', '{"é": [1, {"id":""}]}'.encode()]
STRANGE = 'of "a" %s\\ \x00 %016x é'


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("meta", [{}, {"a": "b", STRANGE: STRANGE, "id": ""}])
@pytest.mark.parametrize("timeout_seconds", [None, 0.5, 60.0])
@pytest.mark.parametrize("lease_seconds", [30.0, 0.5])
def test_a_delivery(body: bytes, meta: dict[str, str], timeout_seconds: float | None, lease_seconds: float) -> None:
    def delivery(job: str = "", payload: Raw = NULL) -> Delivery:
        return Delivery(job, 7, "resize %d", "default", payload, lease_seconds, timeout_seconds, meta)

    made = delivery_form(delivery()) % (JOB, body)
    assert made == encode(delivery(id_text(JOB), Raw(body)))
    assert run_line([made]) == encode(RunPush([delivery(id_text(JOB), Raw(body))]))


@pytest.mark.parametrize("word", WORDS.values())
@pytest.mark.parametrize("body", BODIES)
def test_an_end(word: str, body: bytes) -> None:
    failed = Ended(id_text(OTHER), word, NULL, Raw(body))
    made = ended_form(word) % (OTHER, NULL, Raw(body))
    assert made == encode(failed)
    ended = Ended(id_text(JOB), word, Raw(body))
    assert result_form(word) % (JOB, body) == encode(ended)
    assert end_line([result_form(word) % (JOB, body), made]) == encode(EndPush([ended, failed]))


@pytest.mark.parametrize("ref", [b"1", b'"%d"', b""])
def test_a_reply_repeats_the_ref_that_was_given(ref: bytes) -> None:
    given = {"ref": Raw(ref)} if ref else {}
    submitted = ReplyForm(Submitted(id="", state="ready"))
    assert submitted.lines([Raw(ref)], [JOB]) == [encode(Submitted(id=id_text(JOB), state="ready", **given))]
    assert ReplyForm(Judged(duplicate=True)).lines([Raw(ref)]) == [encode(Judged(duplicate=True, **given))]
