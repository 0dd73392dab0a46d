"""What buttons and forms do: the commands of the hall, and nothing beside them."""

from __future__ import annotations

import pytest

from tests.doors.http.dashboard.house import OWN, reader, say
from tests.doors.http.house import BOSS, Opening


async def test_a_queue_is_paused_drained_and_opened_by_buttons_that_answer_the_page(site: Opening) -> None:
    async with site as house:
        client = await reader(house, BOSS)
        for do, state in (("pause", "paused"), ("drain", "down"), ("resume", "open"), ("drain", "drained")):
            answer = await client.post(f"/queues/images/{do}?page=queue&queue=images", headers=OWN, json={})
            assert answer.status_code == 200
            assert state in answer.text
            assert 'hx-target="#queue-head"' in answer.text
            assert 'hx-target="#said"' in answer.text, "what happened is said, too"
            assert (await house.client().get("/queues/images")).json()["queue"]["state"] == state


async def test_settings_are_saved_and_an_empty_field_is_the_default(site: Opening) -> None:
    async with site as house:
        client = await reader(house, BOSS)
        form = {"max_running": "3", "max_per_second": "0.5", "max_waiting": "", "keep_seconds": "60"}
        saved = await client.post("/queues/images?page=queue&queue=images", headers=OWN, json=form)
        assert saved.status_code == 200
        found = (await house.client().get("/queues/images")).json()["queue"]
        assert (found["max_running"], found["max_per_second"], found["keep_seconds"]) == (3, 0.5, 60)
        await client.post("/queues/images?page=queue&queue=images", headers=OWN, json={"max_running": ""})
        assert (await house.client().get("/queues/images")).json()["queue"]["max_running"] is None


async def test_times_are_written_as_people_write_them_and_shown_so(site: Opening) -> None:
    async with site as house:
        client = await reader(house, BOSS)
        rule = {"kind": "linear", "base_seconds": "90", "max_seconds": "2 h", "jitter": "0.5"}
        form = {"keep_seconds": "36 h", **{f"backoff_{name}": value for name, value in rule.items()}}
        saved = await client.post("/queues/images?page=queue&queue=images", headers=OWN, json=form)
        assert saved.status_code == 200, saved.text
        found = (await house.client().get("/queues/images")).json()["queue"]
        assert found["keep_seconds"] == 129_600
        assert found["backoff"] == {"kind": "linear", "base_seconds": 90, "max_seconds": 7200, "jitter": 0.5}
        page = (await client.get("/queues/images")).text
        for value in (
            'value="1 day 12 h"',
            'value="1 min 30 s"',
            'value="2 h"',
            "<option selected>linear",
            'value="0.5"',
        ):
            assert value in page, value
        form = dict.fromkeys(form, "")
        await client.post("/queues/images?page=queue&queue=images", headers=OWN, json=form)
        found = (await house.client().get("/queues/images")).json()["queue"]
        assert (found["keep_seconds"], found["backoff"]["kind"]) == (86_400, "exponential"), "empty is the default"


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"max_running": "many"}, "give a whole number"),
        ({"max_running": "1.5"}, "give a whole number"),
        ({"max_running": "-1"}, "max_running"),
        ({"state": "paused"}, "no setting"),
        ({"keep_seconds": "1 fortnight"}, "keep_seconds is '1 fortnight': write a time like 90 s, 36 h or 1 day"),
        ({"keep_seconds": "200000 days"}, "less than a hundred years"),
        ({"keep_seconds": "9" * 200}, "more than 100 characters"),
        ({"backoff_kind": "cubic"}, "use one of constant, exponential, linear"),
        ({"backoff_base_seconds": "soon"}, "backoff_base_seconds is 'soon'"),
        ({"backoff_jitter": "2"}, "give 0 to 1"),
        ({"backoff_jitter": "nan"}, "give 0 to 1"),
        ({"backoff_colour": "red"}, "no setting"),
        ({"max_running": 3}, "str"),
        (["max_running"], "object"),
    ],
)
async def test_a_form_that_makes_no_sense_changes_nothing_and_says_why(site: Opening, form: object, why: str) -> None:
    async with site as house:
        client = await reader(house, BOSS)
        before = (await house.client().get("/queues/images")).json()
        answer = await client.post("/queues/images?page=queue&queue=images", headers=OWN, json=form)
        assert answer.status_code == 400
        assert why in answer.json()["error"]["message"]
        assert (await house.client().get("/queues/images")).json() == before


async def test_workers_are_told_what_to_do(site: Opening) -> None:
    async with site as house:
        await say(house, path="/claim", worker="w1", kinds=["thumbnail"], wait_seconds=0)
        client = await reader(house, BOSS)
        for do, state in (("pause", "paused"), ("resume", "working"), ("drain", "draining"), ("stop", "stopping")):
            answer = await client.post(f"/workers/w1/{do}?page=workers", headers=OWN, json={})
            assert answer.status_code == 200, answer.text
            assert state in answer.text
            assert (await house.client().get("/workers")).json()["workers"][0]["state"] == state


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/queues/images/explode?page=queues", 404),
        ("/workers/w1/set?page=workers", 404),
        ("/workers/nobody/pause?page=workers", 404),
        ("/queues/images/pause", 404),
        ("/queues/images/pause?page=nothing", 404),
        ("/queues/images/pause?page=queues&more=1", 400),
    ],
)
async def test_what_there_is_not_cannot_be_done(site: Opening, address: str, status: int) -> None:
    async with site as house:
        answer = await (await reader(house, BOSS)).post(address, headers=OWN, json={})
        assert answer.status_code == status
        assert (await house.client().get("/queues/images")).json()["queue"]["state"] == "open"


@pytest.mark.parametrize("address", ["/queues/images", "/queues/images/pause", "/workers/w1/stop"])
async def test_another_site_a_form_and_who_says_nothing_of_us_are_refused(site: Opening, address: str) -> None:
    async with site as house:
        client = await reader(house, BOSS)
        for headers in ({}, OWN | {"origin": "http://evil.test"}, OWN | {"sec-fetch-site": "cross-site"}):
            answer = await client.post(f"{address}?page=queues", headers=headers, json={})
            assert answer.status_code == 403, headers
        form = await client.post(f"{address}?page=queues", headers=OWN, data={"max_running": "1"})
        assert form.status_code == 415
        assert (await house.client().get("/queues/images")).json()["queue"]["state"] == "open"
