"""A worker on plain requests: it claims, beats and answers, each on a connection of its own."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from hirehall.service import claims
from tests.doors.house import until
from tests.doors.http.house import BOSS, Opening, Site, error_of

Body = dict[str, Any]


async def say(house: Site, path: str, **body: Any) -> Any:
    """One request on a connection of its own."""
    async with httpx.AsyncClient(verify=False) as client:
        answer = await client.post(
            f"{house.url}/api/v1{path}", json={"worker": "w81f", **body}, headers={"authorization": f"Bearer {BOSS}"}
        )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def claim(house: Site, **body: Any) -> list[Body]:
    return list((await say(house, "/claim", **{"kinds": ["saw"], "wait_seconds": 0, **body}))["run"])


async def submit(house: Site, jobs: int = 1, **fields: Any) -> list[str]:
    answer = await house.client().post("/jobs", json={"kind": "saw", "jobs": [{}] * jobs, **fields})
    return list(answer.json()["ids"])


async def state(house: Site, job: str) -> str:
    return str((await house.client().get(f"/jobs/{job}")).json()["state"])


def seconds_left(house: Site, job: str) -> float:
    """Until the lease of this job ends."""
    lease = house.hall.core.leases.open[int(job, 16)]
    return house.hall.core.leases.workers["boss/w81f"].deadline(lease) - house.hall.clock().mono


async def test_a_worker_gets_as_many_as_it_asks_for_and_answers_each(site: Opening) -> None:
    async with site as house:
        jobs = await submit(house, 5)
        assert [job["id"] for job in await claim(house, n=2)] == jobs[:2]
        assert [job["id"] for job in await claim(house, n=2)] == jobs[2:4], "beside those that it holds"
        await say(house, f"/jobs/{jobs[0]}/done", attempt=1, result={"width": 100})
        await say(house, f"/jobs/{jobs[1]}/fail", attempt=1, error={"message": "no"}, retry=False)
        await say(house, f"/jobs/{jobs[2]}/release", attempt=1)
        refused = await say(house, "/done", jobs=[{"id": jobs[3], "attempt": 1}, {"id": jobs[4], "attempt": 1}])
        assert [refusal["id"] for refusal in refused["refused"]] == [jobs[4]]
        assert [await state(house, job) for job in jobs] == ["succeeded", "failed", "ready", "succeeded", "ready"]


async def test_a_claim_waits_for_a_job_and_gets_it_at_once(site: Opening) -> None:
    async with site as house:
        waiting = asyncio.create_task(claim(house, wait_seconds=20))
        await until(lambda: bool(house.hall.core.hallway.crews))
        (job,) = await submit(house)
        assert [run["id"] for run in await waiting] == [job]


async def test_nothing_arrives_between_two_claims(site: Opening) -> None:
    async with site as house:
        assert await claim(house) == []
        (job,) = await submit(house)
        assert await state(house, job) == "ready"
        assert [run["id"] for run in await claim(house)] == [job]


async def test_a_place_that_is_given_back_while_a_claim_waits_is_not_filled_again(site: Opening) -> None:
    async with site as house:
        (held,) = await submit(house)
        await claim(house)
        waiting = asyncio.create_task(claim(house, wait_seconds=20, n=1))
        await until(lambda: any(worker.free for worker in house.hall.core.leases.workers.values()))
        await say(house, f"/jobs/{held}/done", attempt=1)
        jobs = await submit(house, 3)
        assert [run["id"] for run in await waiting] == jobs[:1]
        assert await state(house, jobs[1]) == "ready"


async def test_who_has_gone_before_the_answer_gives_back_what_it_got(site: Opening) -> None:
    async with site as house:
        await claim(house)  # so that it is known
        waiting = asyncio.create_task(claim(house, wait_seconds=20))
        await until(lambda: any(worker.free for worker in house.hall.core.leases.workers.values()))
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        (job,) = await submit(house)  # it may come before the hall has seen that nobody is there
        await until(lambda: not any(worker.credit for worker in house.hall.core.leases.workers.values()))
        client = house.client()
        explained = (await client.get(f"/jobs/{job}")).json()
        assert explained["attempt"] == explained["forgiven"]
        assert [run["id"] for run in await claim(house)] == [job]


async def test_what_was_delivered_to_nobody_is_ready_again_and_forgiven(
    site: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()
    stop_asking = claims.Poller._stop_asking

    async def late(poller: claims.Poller) -> None:
        arrived.set()
        await go_on.wait()
        await stop_asking(poller)

    monkeypatch.setattr(claims.Poller, "_stop_asking", late)
    async with site as house:
        (job,) = await submit(house)
        waiting = asyncio.create_task(claim(house, wait_seconds=20))
        await arrived.wait()
        assert await state(house, job) == "running"
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        go_on.set()
        await until(lambda: int(job, 16) not in house.hall.core.leases.open)
        seen = (await house.client().get(f"/jobs/{job}")).json()
        assert (seen["state"], seen["attempt"], seen["forgiven"]) == ("ready", 1, 1)


async def test_a_beat_lengthens_what_it_names_and_nothing_else(site: Opening) -> None:
    async with site as house:
        first, second = await submit(house, 2)
        await claim(house, n=2, lease_seconds=100)
        for lease in house.hall.core.leases.open.values():
            lease.since -= 50
        house.hall.core.leases.workers["boss/w81f"].beat_at -= 60
        answer = await say(house, "/beat", jobs=[{"id": first, "attempt": 1}])
        assert answer == {"ok": True, "lost": [], "stop": []}
        assert seconds_left(house, first) > 99
        assert seconds_left(house, second) < 51
        await claim(house, lease_seconds=100)
        assert seconds_left(house, second) < 51, "a claim does not lengthen it either"
        await claim(house, lease_seconds=100, kinds=["plane"])
        assert seconds_left(house, second) < 51, "nor one for other kinds"


async def test_a_beat_says_what_is_lost_and_what_to_stop(site: Opening) -> None:
    async with site as house:
        job, lost = await submit(house, 2)
        await claim(house, n=2, lease_seconds=0.5)
        await house.client().post(f"/jobs/{job}/cancel")
        named = [{"id": job, "attempt": 1}, {"id": lost, "attempt": 7}]
        answer = await say(house, "/beat", jobs=named)
        assert answer["stop"] == [{"id": job, "attempt": 1, "why": "cancelled"}]
        assert answer["lost"] == [lost]


async def test_a_lease_without_beats_runs_out_and_somebody_else_gets_the_job(site: Opening) -> None:
    async with site as house:
        (job,) = await submit(house)
        await claim(house, lease_seconds=0.5)
        other = asyncio.create_task(claim(house, worker="another", wait_seconds=20))
        assert [(run["id"], run["attempt"]) for run in await other] == [(job, 2)]
        answer = await say(house, "/beat", jobs=[{"id": job, "attempt": 1}])
        assert answer["lost"] == [job]
        async with httpx.AsyncClient(verify=False) as client:
            late = await client.post(
                f"{house.url}/api/v1/jobs/{job}/done",
                json={"worker": "w81f", "attempt": 1},
                headers={"authorization": f"Bearer {BOSS}"},
            )
        assert (late.status_code, error_of(late)[:11]) == (409, "stale_lease")


async def test_a_worker_that_is_told_to_drain_hears_it(site: Opening) -> None:
    async with site as house:
        await claim(house)
        await house.client().post("/workers/w81f", json={"do": "drain"})
        told = await say(house, "/claim", kinds=["saw"], wait_seconds=0)
        assert [stop["why"] for stop in told["stop"]] == ["draining"]


async def test_a_second_claim_of_the_same_worker_is_refused(site: Opening) -> None:
    async with site as house:
        waiting = asyncio.create_task(claim(house, wait_seconds=20))
        await until(lambda: bool(house.hall.core.hallway.crews))
        second = await house.client().post("/claim", json={"worker": "w81f", "kinds": ["saw"]})
        assert (second.status_code, error_of(second)[:4]) == (429, "busy")
        await submit(house)
        assert len(await waiting) == 1


async def test_a_worker_that_holds_nothing_and_asks_no_more_is_forgotten(
    site: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(claims, "IDLE_SECONDS", 0.2)
    async with site as house:
        (job,) = await submit(house)
        await claim(house, lease_seconds=600)
        await say(house, "/beat", jobs=[])
        assert len(house.hall.core.leases.workers) == 1, "it holds a job"
        await say(house, f"/jobs/{job}/done", attempt=1)
        await until(lambda: not [one for one in house.hall.sessions.values() if one.named_worker])


@pytest.mark.parametrize(
    "wrong",
    [{"n": 0}, {"n": 1_001}, {"wait_seconds": -1}, {"wait_seconds": 1e9}, {"kinds": []}, {"lease_seconds": 0},
     {"worker": ""}, {"worker": "a/b"}, {"worker": "x" * 200}],
)  # fmt: skip
async def test_a_claim_that_makes_no_sense_is_refused(site: Opening, wrong: Body) -> None:
    async with site as house:
        answer = await house.client().post("/claim", json={"worker": "w", "kinds": ["saw"], "wait_seconds": 0, **wrong})
        assert (answer.status_code, error_of(answer)[:11]) == (400, "bad_request")


async def test_who_may_not_work_leaves_no_worker_behind(site: Opening) -> None:
    async with site as house:
        answer = await house.client("read").post("/claim", json={"worker": "w", "kinds": ["saw"]})
        assert (answer.status_code, error_of(answer)[:9]) == (403, "forbidden")
        assert not [session for session in house.hall.sessions.values() if session.named_worker]


async def test_a_worker_only_speaks_of_its_own(site: Opening) -> None:
    async with site as house:
        (job,) = await submit(house)
        await claim(house)
        for token, word in ((BOSS, "another"), ("work", "w81f")):
            for verb in ("done", "fail", "release", "progress", "log"):
                body = {"worker": word, "attempt": 1} | ({"text": "x"} if verb == "log" else {})
                answer = await house.client(token).post(f"/jobs/{job}/{verb}", json=body)
                assert (answer.status_code, error_of(answer)[:11]) == (409, "stale_lease")
        assert await state(house, job) == "running"
