"""G1: answers to submits leave while the store is still at it."""

from __future__ import annotations

from typing import Any

from hirehall.service.answers import AfterRow
from hirehall.service.hall import Hall
from hirehall.service.replying import lines_to
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    async def commit(hall: Any) -> None:
        hall.core.turn(hall.clock())
        batch = hall.core.seal()
        entries, hall._entries = hall._entries, []
        hall._let_in_the_next()
        for submit in batch.submits:
            submit.ids = [job.id for job in submit.jobs]
        early = [entry for entry in entries if _is_for_a_submit(entry[2])]
        for session, ref, answer in early:
            if type(answer) is AfterRow:
                session.unanswered -= len(answer.refs)
                session.put_lines(lines_to(answer))
            else:
                session.unanswered -= 1
                hall._say(session, ref, answer.make())
            session.flush()
        if not batch.is_empty:
            await hall.store.apply(batch)
        await hall._settle(batch, [entry for entry in entries if entry not in early])

    replace(Hall, "_commit", commit)


def _is_for_a_submit(answer: Any) -> bool:
    cells = getattr(getattr(answer, "make", None), "__closure__", None) or ()
    return any("Submit" in type(cell.cell_contents).__name__ for cell in cells)
