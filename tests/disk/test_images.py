"""The model of a disk is as harsh as it says, and no harsher."""

from __future__ import annotations

import random

from tests.disk.images import MANNERS, Disk, Fates, all_gone, all_kept, anything, only_the_last, torn_at_the_end
from tests.disk.trace import Event, Name, Resize, Sync, Write

ROOT, FILE = "/r", "/r/f"
MADE = [Name({FILE: 1}), Write(1, 0, b"a" * 1024)]


def image(
    *events: Event, names: Fates = all_gone, contents: Fates = all_gone, seed: int = 0
) -> dict[str, bytes | None]:
    disk = Disk(ROOT)
    for event in events:
        disk.follow(event)
    return disk.after(random.Random(seed), names, contents)


def test_a_file_whose_directory_was_not_synced_may_be_gone_however_often_it_was_synced_itself() -> None:
    assert image(*MADE, Sync(1, 2)) == {}
    assert image(*MADE, Sync(1, 2), Sync(0, 3)) == {FILE: b"a" * 1024}


def test_a_write_that_was_not_synced_may_be_gone() -> None:
    assert image(*MADE, Sync(0, 2)) == {FILE: b""}
    assert image(*MADE, Sync(0, 2), contents=all_kept) == {FILE: b"a" * 1024}


def test_a_write_that_returned_after_a_sync_began_is_not_covered_by_it() -> None:
    began_before_the_second = Sync(1, 2)
    events = [*MADE, Write(1, 1024, b"b"), began_before_the_second, Sync(0, 4)]
    assert image(*events) == {FILE: b"a" * 1024}


def test_a_newer_write_may_be_there_without_an_older_one() -> None:
    events = [*MADE, Sync(1, 2), Sync(0, 3), Write(1, 0, b"b"), Write(1, 1, b"c")]
    assert image(*events, contents=only_the_last) == {FILE: b"ac" + b"a" * 1022}


def test_a_write_tears_between_sectors_and_nowhere_else() -> None:
    events = [*MADE, Sync(1, 2), Sync(0, 3), Write(1, 256, b"b" * 768)]
    seen = {image(*events, contents=torn_at_the_end, seed=seed)[FILE] for seed in range(60)}
    a, b = b"a", b"b"
    assert seen == {
        a * 1024,
        a * 256 + b * 768,
        a * 256 + b * 256 + a * 512,
        a * 512 + b * 512,
    }


def test_a_file_may_be_longer_by_zeros_without_its_data_and_a_shorter_one_still_long() -> None:
    events = [*MADE, Sync(1, 2), Sync(0, 3), Write(1, 1024, b"b" * 512), Resize(1, 100)]
    seen = {image(*events, contents=anything, seed=seed)[FILE] for seed in range(200)}
    assert {b"a" * 100, b"a" * 1024, b"a" * 1024 + b"b" * 512, b"a" * 1024 + bytes(512)} <= seen


def test_a_rename_is_whole_or_not_at_all() -> None:
    events = [*MADE, Sync(1, 2), Sync(0, 3), Name({FILE: None, "/r/g": 1})]
    for seed in range(40):
        for manner in MANNERS:
            assert len(image(*events, names=manner, seed=seed)) == 1


def test_what_is_in_a_directory_that_was_not_synced_itself_is_gone_with_it() -> None:
    inner = [Name({"/r/d": 1}, is_directory=True), Name({"/r/d/f": 2}), Sync(1, 2)]
    assert image(*inner) == {}
    assert image(*inner, Sync(0, 3)) == {"/r/d": None, "/r/d/f": b""}
