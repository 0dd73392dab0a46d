"""Health and figures over HTTP: who may ask, and what is told."""

from __future__ import annotations

import contextlib

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hirehall.doors.http import site as site_module
from hirehall.doors.http import watching
from hirehall.doors.http.operations import BASE
from hirehall.errors import StoreBroken
from hirehall.service.access import ROLES
from hirehall.service.sessions import Identity
from tests.doors.http.house import BOSS, EXPIRED, Opening, error_of

OPEN = {"/login", "/healthz", "/readyz"}  # and files of the login page, by digest
SHOWN = {"login.js", "mark.svg", "style.css", "theme.js"}


def test_only_these_paths_are_for_strangers() -> None:
    files = {path for path in site_module.PUBLIC if path.startswith("/static/")}
    assert (site_module.PUBLIC - files, {path.rpartition("/")[2] for path in files}) == (OPEN, SHOWN)


@pytest.mark.parametrize("path", sorted(watching.PUBLIC))
@pytest.mark.parametrize("token", [None, "wrong", BOSS])
async def test_everybody_may_ask_whether_the_hall_is_well(site: Opening, path: str, token: str | None) -> None:
    async with site as house:
        client = house.visitor(**({"authorization": f"Bearer {token}"} if token else {}))
        answer = await client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"ok": True})
        assert (await client.post(path, json={})).status_code == 405
        assert (await client.get(path, headers={"host": "evil.example"})).status_code == 421


async def test_a_hall_that_ends_takes_no_jobs_and_still_lives(site: Opening) -> None:
    async with site as house:
        await house.client().post("/shutdown", json={"workers": True})
        client = house.visitor()
        assert (await client.get("/healthz")).status_code == 200
        refused = await client.get("/readyz")
        assert (refused.status_code, error_of(refused)) == (503, "unavailable: the hall is ending")


async def test_strangers_do_not_learn_where_a_broken_disk_is(site: Opening) -> None:
    with contextlib.suppress(AssertionError):  # the house looks whether its hall has failed
        async with site as house:
            house.hall.fail(StoreBroken("cannot write /srv/secret/place"))
            client = house.visitor()
            for path in sorted(watching.PUBLIC):
                answer = await client.get(path)
                assert (answer.status_code, error_of(answer)) == (503, f"unavailable: {watching.STOPS}")
            return


@pytest.mark.parametrize("token", [None, "wrong", EXPIRED, *sorted(ROLES), BOSS])
async def test_figures_are_for_who_may_read(site: Opening, token: str | None) -> None:
    async with site as house:
        client = house.visitor(**({"authorization": f"Bearer {token}"} if token else {}))
        answer = await client.get(watching.METRICS)
        known = token in {*ROLES, BOSS}
        assert answer.status_code == (200 if token in ("read", BOSS) else 403 if known else 401)
        if answer.status_code != 200:
            assert set(answer.json()) == {"error"}


async def test_figures_are_in_the_form_of_prometheus(site: Opening) -> None:
    async with site as house:
        await house.client().post("/jobs", json={"kind": "saw"})
        answer = await house.visitor(authorization="Bearer read").get(watching.METRICS)
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        samples = [one for family in text_string_to_metric_families(answer.text) for one in family.samples]
        assert [one.value for one in samples if one.labels.get("state") == "ready" and one.name == "hirehall_jobs"] == [
            1.0
        ]
        limited = Identity("limited", frozenset({"read"}), queues=frozenset({"wood"}))
        house.hall.tokens.add("limited", limited)
        assert (await house.visitor(authorization="Bearer limited").get(watching.METRICS)).status_code == 403
        assert (await house.client().get(f"{house.url}{BASE}/metrics")).headers["content-type"] == "application/json"
