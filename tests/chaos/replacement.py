"""A hall on an empty directory takes the place of one that was killed, while its workers and clients live on.

What was acknowledged by one of them is in that one's store and in no other; every job of either has one end; no
result of an attempt at a job of the old store counts in the new one.
"""

from __future__ import annotations

from pathlib import Path

from tests.chaos.house import House, replaced
from tests.chaos.load import keys_of
from tests.chaos.plan import Fault
from tests.chaos.storm import Round, Say, Storm
from tests.system.audit import Dump, Evidence, dump_jobs, find_jobs, read_marks
from tests.system.hall_process import Hall
from tests.system.lines import greet


class Replacement:
    """One such round. `old` and `new` are its two dumps of each store."""

    def __init__(self, hall: Hall, folder: Path, jobs: int, rate: float, long_ms: int, say: Say) -> None:
        plan = [Fault(0.4, "replace store", 0, 0)]
        self.storm = Storm(hall, folder, Round("replaced", jobs, plan, rate, long_ms), say)
        self.new: list[Dump] = []
        self.old: list[Dump] = []

    def run(self) -> list[Evidence]:
        """The evidence about the old store and the new one."""
        storm, new_hall = self.storm, self.storm.house.hall
        try:
            storm.begin()
            storm.until(lambda: not storm.plan and not storm.clients)
            self.new = self._finish(storm.house)
            assert new_hall.stop() == 0
            storm.house.hall = old_hall = Hall(replaced(new_hall.data))
            storm.place = storm.place._replace(data=old_hall.data)
            try:
                old_hall.start()
                storm.hire_all()
                self.old = self._finish(storm.house)
            finally:
                old_hall.close()
        finally:
            storm.close()
        assert not self.old[0].keys() & self.new[0].keys(), "a job is in one store only"
        return [self._evidence(*self.old, self.new[0]), self._evidence(*self.new, self.old[0])]

    def _finish(self, house: House) -> list[Dump]:
        """Wait until all has ended; two dumps, with a kill of the hall between them."""
        storm = self.storm
        storm.until(storm.is_settled)
        storm.dismiss()
        dumps = []
        for _ in range(2):
            with greet(storm.place.data) as line:
                dumps.append(dump_jobs(line, find_jobs(line, created_after=storm.began_at)))
            house.kill()
        return dumps

    def _evidence(self, dump: Dump, again: Dump, other: Dump) -> Evidence:
        """What concerns one store: all but what the other one has. So whatever neither has is held against both."""
        acks = [ack for ack in self.storm.all_acks() if ack.id not in other]
        marks = [mark for mark in read_marks([self.storm.place.marks]) if mark.id not in other]
        told = [end for end in self.storm.all_told() if end.id not in other]
        return Evidence(acks, marks, dump, again, keys_of(self.storm.round.clients), told)
