"""Tokens: one that is limited to some queues watches all of them."""

from __future__ import annotations

from hirehall.service.events import Interest
from tests.mutants import Replace

CATCHERS = ("tests/service/test_watch.py::test_a_token_limited_to_queues_hears_of_no_others",)


def plant(replace: Replace) -> None:
    def covers(interest: Interest, run: object) -> bool:
        queues, kinds = interest.queues, interest.kinds
        return (queues is None or run.queue in queues) and (kinds is None or run.kind in kinds)

    replace(Interest, "_covers", covers)
