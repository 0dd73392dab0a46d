"""Whatever lines can do, HTTP can: each operation, and jobs through their lives."""

from __future__ import annotations

import html
from typing import Any

import httpx
import pytest

from hirehall.doors.http import file_requests as up
from hirehall.doors.http.operations import OPERATIONS, ROWS
from hirehall.wire import requests
from tests.doors.http.house import BOSS, ID, Opening, error_of, knock, path_of, said

OTHERWISE = {  # commands that have no operation of their own, and why
    requests.Hello: "every request shows its token",
    requests.Bye: "a request ends by itself",
    requests.Credit: "claim says n",
    requests.Keep: "claim and beat say it",
    requests.CanDo: "Deputy's",
    requests.Do: "Deputy's",
    requests.Did: "Deputy's",
}
UPLOADS = {up.Begin, up.Look, up.More, up.Finish, up.Abandon, up.Content}


def test_every_command_of_the_hall_has_an_operation_or_needs_none() -> None:
    assert {operation.says for operation in OPERATIONS} == (ROWS.keys() - OTHERWISE.keys()) | UPLOADS


def test_no_two_operations_are_called_alike() -> None:
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
    assert len({(operation.method, operation.path) for operation in OPERATIONS}) == len(OPERATIONS)


LAST = sorted(OPERATIONS, key=lambda operation: operation.name == "shutdown")


async def test_every_operation_takes_its_example(site: Opening) -> None:
    async with site as house:
        client = house.client()
        for operation in LAST:
            status, code = await knock(client, operation)
            about_jobs_that_are_not_there = code in ("not_found", "stale_lease")
            assert status == operation.status or about_jobs_that_are_not_there, f"{operation.name}: {status} {code}"


async def test_every_operation_refuses_what_it_does_not_know_and_names_it(site: Opening) -> None:
    async with site as house:
        client = house.client()
        for operation in OPERATIONS:
            more = said(operation, {**operation.example, "colour": "red"})
            answer = await client.request(operation.method, path_of(operation), **more)
            assert error_of(answer).startswith("bad_request: "), operation.name
            assert "colour" in error_of(answer), operation.name
            assert answer.status_code == 400


async def ok(client: httpx.AsyncClient, method: str, path: str, **more: Any) -> Any:
    answer = await client.request(method, path, **more)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def test_a_job_goes_through_its_life(site: Opening) -> None:
    async with site as house:
        client = house.client()
        made = await ok(client, "POST", "/jobs", content='{"kind":"saw",\n"payload":{"n":1.50}}',
                        headers={"content-type": "application/json"})  # fmt: skip
        assert made["state"] == "ready"
        job = made["id"]
        assert (await client.get(f"/jobs/{job}")).content.find(b'"payload":{"n":1.50}') > 0, "its bytes stay"
        assert "No worker" in (await ok(client, "GET", f"/jobs/{job}/explain"))["why"][0]
        assert (await ok(client, "PATCH", f"/jobs/{job}", json={"priority": 7}))["ok"] is True
        assert (await ok(client, "GET", f"/jobs/{job}"))["priority"] == 7
        assert (await ok(client, "POST", "/jobs/wait", json={"ids": [job], "timeout_seconds": 0}))["pending"] == [job]
        assert (await ok(client, "POST", f"/jobs/{job}/cancel"))["ok"] is True
        assert (await ok(client, "POST", "/jobs/wait", json={"ids": [job]}))["jobs"][0]["state"] == "cancelled"
        again = await client.post(f"/jobs/{job}/cancel")
        assert (again.status_code, error_of(again)[:11]) == (409, "wrong_state")
        assert (await ok(client, "POST", f"/jobs/{job}/retry"))["ok"] is True
        await ok(client, "POST", f"/jobs/{job}/cancel")
        assert (await ok(client, "DELETE", f"/jobs/{job}"))["ok"] is True
        gone = await client.get(f"/jobs/{job}")
        assert (gone.status_code, error_of(gone)[:9]) == (404, "not_found")


async def test_many_jobs_are_handed_in_all_or_none_and_changed_by_ids_or_by_what_they_are(site: Opening) -> None:
    async with site as house:
        client = house.client()
        jobs = {"kind": "saw", "queue": "wood", "jobs": [{"payload": n} for n in range(3)]}
        ids = (await ok(client, "POST", "/jobs", json=jobs))["ids"]
        bad = await client.post("/jobs", json={**jobs, "jobs": [{}, {"queue": "no such name!"}]})
        assert bad.status_code == 400
        assert (await ok(client, "GET", "/counts"))["counts"] == [
            {"queue": "wood", "kind": "saw", "state": "ready", "jobs": 3}
        ]
        page = await ok(client, "GET", "/jobs", params={"limit": 2, "queue": "wood"})
        rest = await ok(client, "GET", "/jobs", params={"limit": 2, "queue": "wood", "before": page["next"]})
        assert [job["id"] for job in page["jobs"] + rest["jobs"]] == ids[::-1]
        found = await ok(client, "POST", "/jobs/get", json={"ids": [*ids, ID]})
        assert (len(found["jobs"]), found["missing"]) == (3, [ID])
        judged = await ok(client, "POST", "/jobs/cancel", json={"ids": [ids[0], ID]})
        assert judged["refused"] == [{"id": ID, "code": "not_found"}]
        task = (await ok(client, "POST", "/jobs/cancel", json={"where": {"queue": "wood"}}))["task"]
        await ok(client, "POST", "/jobs/wait", json={"ids": ids})
        assert (await ok(client, "GET", f"/tasks/{task['id']}"))["task"]["action"] == "cancel"
        assert len((await ok(client, "GET", "/tasks"))["tasks"]) == 1


async def test_the_same_key_is_the_same_job_and_another_one_under_it_a_conflict(site: Opening) -> None:
    async with site as house:
        client = house.client()
        first = await ok(client, "POST", "/jobs", json={"kind": "saw", "key": "k", "payload": 1})
        again = await ok(client, "POST", "/jobs", json={"kind": "saw", "key": "k", "payload": 1})
        assert (again["id"], again["duplicate"]) == (first["id"], True)
        other = await client.post("/jobs", json={"kind": "saw", "key": "k", "payload": 2})
        assert (other.status_code, error_of(other)[:12]) == (409, "key_conflict")


async def test_queues_are_set_paused_and_drained(site: Opening) -> None:
    async with site as house:
        client = house.client()
        set_ = await ok(client, "PATCH", "/queues/wood", json={"max_running": 2, "backoff": {"kind": "constant"}})
        assert set_["queue"]["max_running"] == 2
        for order, state in (("pause", "paused"), ("resume", "open"), ("drain", "drained"), ("resume", "open")):
            assert (await ok(client, "POST", f"/queues/wood/{order}"))["queue"]["state"] == state
        assert (await ok(client, "GET", "/queues/wood"))["queue"]["max_running"] == 2
        assert [queue["queue"] for queue in (await ok(client, "GET", "/queues"))["queues"]] == ["wood"]
        await ok(client, "POST", "/queues/wood/drain")
        closed = await client.post("/jobs", json={"kind": "saw", "queue": "wood"})
        assert (closed.status_code, error_of(closed)[:12]) == (409, "queue_closed")


async def test_who_may_read_sees_one_queue_as_well_as_all(site: Opening) -> None:
    async with site as house:
        await ok(house.client(), "POST", "/jobs", json={"kind": "saw", "queue": "wood"})
        reader = house.client("read")
        assert (await ok(reader, "GET", "/queues/wood"))["queue"]["jobs"] == {"ready": 1}
        missing = await reader.get("/queues/stone")
        assert (missing.status_code, error_of(missing)[:9]) == (404, "not_found")
        token = await ok(house.client(), "POST", "/tokens", json={"name": "n", "roles": ["read"], "queues": ["iron"]})
        assert (await house.client(token["token"]).get("/queues/wood")).status_code == 404


TRACE = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "a=1"}


async def test_jobs_carry_the_trace_of_the_request_that_handed_them_in(site: Opening) -> None:
    async with site as house:
        client, worker = house.client(**TRACE), {"worker": "w", "kinds": ["saw"], "n": 5, "wait_seconds": 0}
        await ok(client, "POST", "/jobs", json={"kind": "saw", "meta": {"a": "b"}})
        own = {"traceparent": TRACE["traceparent"].replace("-b7", "-c8")}
        jobs = [{}, {"meta": {"c": "d"}}, {"meta": own}]
        await ok(client, "POST", "/jobs", json={"kind": "saw", "jobs": jobs})
        run = (await ok(client, "POST", "/claim", json=worker))["run"]
        assert [job["meta"] for job in run] == [TRACE | {"a": "b"}, TRACE, TRACE | {"c": "d"}, own]


@pytest.mark.parametrize("parent", ["", "nonsense", "00-" + "0" * 32 + "-b7ad6b7169203331-01", "x" * 9_000])
async def test_a_trace_that_is_none_is_no_reason_to_refuse_a_job(site: Opening, parent: str) -> None:
    async with site as house:
        client = house.client(traceparent=parent, tracestate="a=1")
        job = (await ok(client, "POST", "/jobs", json={"kind": "saw"}))["id"]
        assert (await ok(client, "GET", f"/jobs/{job}"))["meta"] == {}


async def test_tokens_are_made_listed_and_revoked_at_once(site: Opening) -> None:
    async with site as house:
        client = house.client()
        made = await ok(client, "POST", "/tokens", json={"name": "night", "roles": ["read"], "queues": ["wood"]})
        guest = house.client(made["token"])
        assert (await ok(guest, "GET", "/counts"))["counts"] == []
        assert "night" in [token["name"] for token in (await ok(client, "GET", "/tokens"))["tokens"]]
        assert (await ok(client, "DELETE", "/tokens/night"))["ok"] is True
        assert (await guest.get("/counts")).status_code == 401


async def test_what_can_be_run_is_asked_with_labels_in_the_query(site: Opening) -> None:
    async with site as house:
        client = house.client()
        await ok(
            client, "POST", "/claim", json={"worker": "w", "kinds": ["saw"], "offers": {"gpu": 1}, "wait_seconds": 0}
        )
        assert (await ok(client, "GET", "/kinds"))["kinds"][0]["kind"] == "saw"
        can = await ok(client, "GET", "/can", params={"kind": "saw", "requires": '{"gpu":2}'})
        assert can["can"] is False
        assert (await ok(client, "GET", "/metrics"))["metrics"]["workers"] == 1


async def test_a_hall_that_is_told_to_ends(site: Opening) -> None:
    async with site as house:
        await ok(house.client(), "POST", "/shutdown", json={})
        assert house.hall.ending.begun


async def test_the_document_and_the_page_of_the_api_show_every_operation(site: Opening) -> None:
    async with site as house:
        client = house.client()
        paths = (await ok(client, "GET", "/openapi.json"))["paths"]
        shown = {(method.upper(), path) for path, methods in paths.items() for method in methods}
        assert shown == {(operation.method, f"/api/v1{operation.path}") for operation in OPERATIONS}
        page = html.unescape((await house.visitor(authorization=f"Bearer {BOSS}").get("/api/v1")).text)
        assert all(operation.about in page for operation in OPERATIONS)
