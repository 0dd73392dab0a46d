"""Numbers beyond what anybody means: refused with a sentence, or taken as what they are."""

from __future__ import annotations

import pytest

from tests.service.office import Guest

HUGE = ["9" * 400, "-" + "9" * 400, "9" * 5_000, "18446744073709551616", "1e400", "1e308", "-0", "1e-40"]
FIELDS = [
    '"cmd":"find","created_after":N', '"cmd":"find","limit":N', '"cmd":"submit","kind":"k","run_at":N',
    '"cmd":"submit","kind":"k","delay_seconds":N', '"cmd":"submit","kind":"k","priority":N',
    '"cmd":"submit","kind":"k","requires":{"gpu":N}', '"cmd":"submit","kind":"k","payload":N',
    '"cmd":"queue","queue":"q","max_per_second":N', '"cmd":"queue","queue":"q","max_running":N',
    '"cmd":"wait","ids":[],"timeout_seconds":N', '"cmd":"log_of","id":"0000000000000001","offset":N',
    '"cmd":"work","kinds":["k"],"lease_seconds":N', '"cmd":"work","kinds":["k"],"credit":N,"offers":{"gpu":N}',
    '"cmd":"progress","id":"0000000000000001","attempt":1,"percent":N', '"cmd":"token","do":"list","ttl_seconds":N',
    '"cmd":"change","id":"0000000000000001","set":{"run_at":N}', '"cmd":"can","kind":"k","requires":{"gpu":N}',
]  # fmt: skip


@pytest.mark.parametrize("fields", FIELDS)
def test_a_number_that_nobody_means_is_answered(boss: Guest, fields: str) -> None:
    for place, number in enumerate(HUGE):
        ref = f"r{place}"
        boss.peer.send(f'{{{fields.replace("N", number)},"ref":"{ref}"}}\n'.encode())
        boss.office.settle()
        answer = boss.answer(ref)
        assert answer.get("ok") or answer["error"]["code"] in ("bad_request", "not_found", "stale_lease"), answer
    assert boss.ok("find")
    assert boss.ok("queues")
