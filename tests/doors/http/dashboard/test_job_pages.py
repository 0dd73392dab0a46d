"""The pages of jobs, asked for by a browser that runs no scripts."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import httpx
import pytest

from tests.doors.http.house import BOSS, Opening, Site, error_of

PAGE = {"accept": "text/html"}


async def submit(house: Site, **job: Any) -> str:
    answer = await house.client().post("/jobs", json={"kind": "saw", **job})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def work(house: Site, kind: str = "saw", **more: Any) -> dict[str, Any]:
    """Claim the next job as worker w1."""
    wish = {"worker": "w1", "kinds": [kind], "wait_seconds": 5, **more}
    return dict((await house.client().post("/claim", json=wish)).json()["run"][0])


async def say(house: Site, job: dict[str, Any], what: str, **more: Any) -> None:
    told = {"worker": "w1", "attempt": job["attempt"], **more}
    answer = await house.client().post(f"/jobs/{job['id']}/{what}", json=told)
    assert answer.status_code == 200, answer.text


async def look(house: Site, path: str, token: str = BOSS, status: int = 200) -> str:
    answer = await house.visitor(authorization=f"Bearer {token}", **PAGE).get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text


def words(page: str) -> str:
    """What a person reads on it."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


async def test_the_list_shows_the_newest_first_and_where_older_ones_are(site: Opening) -> None:
    async with site as house:
        ids = [await submit(house, key=f"k{n}") for n in range(52)]
        page = await look(house, "/jobs")
        assert re.findall(r'id="job-([0-9a-f]{16})"', page) == ids[:1:-1]
        assert "All 52" in words(page)
        older = html.unescape(re.findall(r'rel="next" href="([^"]*)"', page)[0])
        assert re.findall(r'id="job-([0-9a-f]{16})"', await look(house, older)) == ids[1::-1]


async def test_a_search_finds_by_everything_that_a_job_is_known_by(site: Opening) -> None:
    async with site as house:
        one = await submit(house, kind="glue", queue="wood", key="chair-7", tags=["nightly"])
        await submit(house)
        for query in (f"q={one}", "q=chair-7", "q=nightly", "q=tag:nightly", "q=key:chair-7", "queue=wood",
                      "kind=glue", "state=ready&queue=wood", "since=1h&kind=glue"):  # fmt: skip
            found = re.findall(r'id="job-([0-9a-f]{16})"', await look(house, f"/jobs?{query}"))
            assert found == [one], query
        assert "No job matches" in await look(house, "/jobs?queue=steel")


async def test_a_search_that_cannot_be_is_answered_on_the_page(site: Opening) -> None:
    async with site as house:
        assert "Cannot search" in await look(house, "/jobs?queue=" + "q" * 300)
        await look(house, "/jobs?since=yesterday", status=400)
        await look(house, "/jobs?surprise=1", status=400)


async def test_a_job_that_ran_shows_its_life(site: Opening) -> None:
    async with site as house:
        job = await submit(house, payload={"file": "edges.json", "big": 12345678901234567890}, max_attempts=2,
                          requires=None, tags=["night"])  # fmt: skip
        run = await work(house)
        await say(house, run, "fail", error={"type": "MeshError", "message": "edge 12", "trace": "line 1\nline 2"},
                  delay_seconds=0)  # fmt: skip
        run = await work(house)
        await say(house, run, "progress", percent=40, text="page 4 of 10")
        page = await look(house, f"/jobs/{job}")
        said = words(page)
        assert "Attempt 1 failed on" in said
        assert "MeshError: edge 12" in said
        assert "line 2" in said
        assert "Attempt 2 runs on" in said
        assert "40 % page 4 of 10" in said
        assert '"big": 12345678901234567890' in said, "no number is changed by being shown"
        assert 'value="40"' in page
        await say(house, run, "done", result={"width": 100})
        said = words(await look(house, f"/jobs/{job}"))
        assert "Attempt 2 succeeded on" in said
        assert '"width": 100' in said


async def test_a_job_that_waits_says_why(site: Opening) -> None:
    async with site as house:
        job = await submit(house, requires={"gpu": 1})
        said = words(await look(house, f"/jobs/{job}"))
        assert "Why it is not running" in said
        assert "gpu=1" in said


async def test_what_is_large_is_shown_short_with_a_way_to_all_of_it(site: Opening) -> None:
    async with site as house:
        job = await submit(house, payload=["x" * 90_000])
        page = await look(house, f"/jobs/{job}")
        assert len(page) < 60_000
        assert f'<a href="/api/v1/jobs/{job}" download="{job}.json">' in page
        deep = await submit(house, payload=json.loads("[" * 60 + "1," * 9_000 + "1" + "]" * 60))
        assert len(await look(house, f"/jobs/{deep}")) < 60_000


async def test_who_may_only_read_sees_no_buttons_and_is_refused_anyway(site: Opening) -> None:
    async with site as house:
        job = await submit(house)
        for path in ("/jobs", "/jobs?kind=saw", f"/jobs/{job}"):
            page = await look(house, path, token="read")
            assert not re.search(r"data-act|data-bulk|href=\"/submit", page), path
        assert "data-bulk" in await look(house, "/jobs?kind=saw")
        assert 'data-act="POST"' in await look(house, f"/jobs/{job}")
        assert "needs the role submit" in await look(house, "/submit", token="read", status=403)
        refused = await house.client("read").post(f"/jobs/{job}/cancel", json={})
        assert error_of(refused).startswith("forbidden")


async def test_buttons_are_those_that_the_state_allows(site: Opening) -> None:
    async with site as house:
        job = await submit(house)
        assert buttons(await look(house, f"/jobs/{job}")) == ["Cancel"]
        await house.client().post(f"/jobs/{job}/cancel", json={})
        assert buttons(await look(house, f"/jobs/{job}")) == ["Retry", "Remove"]


def buttons(page: str) -> list[str]:
    return re.findall(r"<button[^>]*data-act[^>]*>([^<]*)<", page)


async def test_a_job_that_is_not_there_is_said_so(site: Opening) -> None:
    async with site as house:
        assert "no job" in await look(house, "/jobs/0ca8abc2f0400000", status=404)


async def test_the_form_is_empty_or_as_another_job_was(site: Opening) -> None:
    async with site as house:
        assert 'name="kind" list="kinds" value=""' in await look(house, "/submit")
        job = await submit(house, payload={"a": [1.50]}, tags=["x", "y"], priority=5, key="once", requires={"gpu": 1})
        page = html.unescape(await look(house, f"/submit?again={job}"))
        assert 'value="saw"' in page
        assert '"a": [' in page
        assert 'value="x, y"' in page
        assert 'value="{"gpu":1}"' in page
        assert "once" not in page, "the key names the job that was"


async def test_a_question_says_how_many(site: Opening) -> None:
    async with site as house:
        for _ in range(3):
            await submit(house, tags=["t"])
        visitor = house.visitor(authorization=f"Bearer {BOSS}")
        assert (await visitor.get("/jobs/concerned?kind=saw&verb=cancel")).json()["question"] == "Cancel 3 jobs?"
        assert (await visitor.get("/jobs/concerned?q=tag:t&verb=cancel")).json()["question"] == "Cancel 3 jobs?"
        assert (await visitor.get("/jobs/concerned?q=tag:t&verb=burn")).status_code == 400


async def test_a_log_comes_as_lines_in_colour_and_goes_on_where_it_was(site: Opening) -> None:
    async with site as house:
        job = await submit(house)
        run = await work(house)
        await say(house, run, "log", text="\x1b[32mOK\x1b[0m <b>\n")
        await say(house, run, "log", text="gone \x1b]8;;http://x\x07link\n", stream="stderr")
        await say(house, run, "done")
        frames = await log(house, f"/jobs/{job}/log?place=1-0")
        said = "".join(json.loads(frame["data"])["html"] for frame in frames if "event" not in frame)
        assert '<span class="stdout"><span class="a32">OK</span> &lt;b&gt;</span>' in said
        assert '<span class="stderr">gone link</span>' in said
        assert frames[-1]["event"] == "end"
        again = await log(house, f"/jobs/{job}/log?place=1-0", **{"last-event-id": frames[-1]["id"]})
        assert [json.loads(frame["data"]).get("html", "") for frame in again] == ["", ""]


async def log(house: Site, path: str, **headers: str) -> list[dict[str, str]]:
    visitor = house.visitor(authorization=f"Bearer {BOSS}", accept="text/event-stream", **headers)
    answer: httpx.Response = await visitor.get(path)
    assert answer.status_code == 200, answer.text
    events = [event for event in answer.text.split("\n\n") if event.strip(":\n ")]
    return [dict(line.split(": ", 1) for line in event.splitlines()) for event in events]  # type: ignore[misc]


@pytest.mark.parametrize("query", ["", "?place=x-0", "?place=-1-0", "?place=1", "?place=1-" + "9" * 40])
async def test_a_log_of_no_attempt_is_refused(site: Opening, query: str) -> None:
    async with site as house:
        job = await submit(house)
        visitor = house.visitor(authorization=f"Bearer {BOSS}", accept="text/event-stream")
        assert (await visitor.get(f"/jobs/{job}/log{query}")).status_code == 400


async def test_a_file_of_a_job_is_fetched_from_its_page(site: Opening) -> None:
    async with site as house:
        job = await submit(house, draft=True)
        put = await house.client().put(f"/jobs/{job}/files/a b.txt", content=b"hello\n")
        assert put.status_code in (200, 201), put.text
        page = await look(house, f"/jobs/{job}")
        link = html.unescape(re.findall(r'href="(/api/v1/jobs/[^"]*/files/[^"]*)"', page)[0])
        answer = await house.visitor(authorization=f"Bearer {BOSS}").get(link)
        assert (answer.status_code, answer.content) == (200, b"hello\n")
        assert answer.headers["content-disposition"].startswith("attachment")
