"""The tables and the chart of the race beside other job servers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from docs import peers

SIZES = {"rounds": [2, 3], "rate_jobs": [100, 400_000], "seconds": [3.0, 4.5], "single_jobs": [201, 201]}


def entry(name: str, rate: float, slow: bool = False, **more: Any) -> dict[str, Any]:
    """One peer's figures."""
    rows = {
        "enqueue": [2 * rate, 2 * rate, 2 * rate],
        "end_to_end": [rate, rate / 2, rate * 2],
        "p50": [0.25, 0.2, 0.4],
        "p99": [1.5, 1.5, 1.5],
    }
    told = {
        "setting": "as it comes",
        "variant": "",
        "lost": "nothing",
        "client_is": "C",
        "worker_is": "W",
        "known": "K",
    }
    return {"name": name, **told, "slow": slow, "rows": rows, **more}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        entry("Hirehall", 10_000, sizes=SIZES),
        entry("Hirehall", 4_000, slow=True),
        entry("memd", 20_000, lost="everything"),
        entry("slowd", 500, lost="nothing"),
        {**entry("brokend", 1), "rows": {}, "failed": "it said no"},
    ]
    figures = {"disk": "ext4", "load": "0.3", "jobs": 1000, "rounds": 3, "versions": {"memd": "1.2"}, "peers": entries}
    figures["left_out"] = {"awayd": "not here"}
    kept = {"command": "c", "date": "2026-01-31", "commit": "abc", "machine": "2 cores", "figures": figures}
    monkeypatch.setattr(peers, "FIGURES", tmp_path / "peers.json")
    (tmp_path / "peers.json").write_text(json.dumps(kept))


@pytest.mark.usefixtures("kept")
def test_each_disk_has_a_table_with_the_median_and_the_range_of_every_row() -> None:
    fast, slow = peers.section().split("With 2 ms more")
    row = "| **Hirehall**, as it comes | nothing | {} |  |  | 0.25 (0.20 to 0.40) | 1.50 |"
    assert row.format("20,000 | 10,000 (5,000 to 20,000)") in fast
    assert row.format("8,000 | 4,000 (2,000 to 8,000)") in slow
    assert "| memd, as it comes | everything | 40,000 |" in fast


@pytest.mark.usefixtures("kept")
def test_how_many_jobs_a_row_is_stands_below_its_table() -> None:
    fast, slow = peers.section().split("With 2 ms more")
    assert "A rate is of 100 to 400,000 jobs in 3.0 to 4.5 s a round; p50 and p99 are of 201 jobs a round" in fast
    assert "Rounds: 2 to 3." in fast
    assert "Rounds:" not in slow, "nothing is known of it"


@pytest.mark.usefixtures("kept")
def test_what_did_not_take_part_is_named_with_the_reason() -> None:
    assert "Left out: awayd (not here); brokend, as it comes (it failed)." in peers.section()


@pytest.mark.usefixtures("kept")
def test_the_chart_is_an_image_with_a_dot_for_each_disk_the_fastest_first_among_its_like() -> None:
    image = ElementTree.fromstring(peers.chart())
    space = "{http://www.w3.org/2000/svg}"
    words = [text.text or "" for text in image.iter(f"{space}text")]
    titles = [word for word in words if "as it comes" in word]
    assert titles == ["Hirehall, as it comes", "slowd, as it comes", "memd, as it comes"]
    dots = list(image.iter(f"{space}circle"))[2:]  # the first two are the legend
    assert len(dots) == 4
    where = [float(dot.attrib["cx"]) for dot in dots]
    assert where[1] < where[0] < where[3], "slow Hirehall, Hirehall, memd"
    assert where[2] < where[1], "slowd"
