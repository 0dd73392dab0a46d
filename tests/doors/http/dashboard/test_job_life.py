"""What a job's page tells of its attempts, its rules, its files and its owner."""

from __future__ import annotations

import hashlib
import html
import json
import re

import msgspec
from msgspec import Raw

from hirehall.doors.http.dashboard import job_view
from hirehall.model import Backoff
from hirehall.wire.replies import FileView, JobView
from tests.doors.http.dashboard.test_job_pages import look, say, submit, words, work
from tests.doors.http.house import BOSS, Opening, Site

NOW = 1_800_000_000_000
TIME = "2027-01-15T08:00:00.000Z"
NULL = Raw(b"null")
TEXT = b"0123456789" * 500


def job(**fields: object) -> JobView:
    """A job as `get` shows it."""
    plain: dict[str, object] = dict.fromkeys(("key", "worker", "lock", "run_at", "expires_at", "timeout_seconds"))
    plain |= {
        "kind": "saw", "queue": "wood", "state": "succeeded", "attempt": 3, "max_attempts": 5, "forgiven": 0,
        "priority": 0, "share": "me", "requires": Raw(b"{}"), "payload": NULL, "result": NULL, "error": NULL,
        "progress": NULL, "history": NULL, "meta": {}, "files": [], "tags": [], "after": [], "owner": "me",
        "backoff": Backoff(), "keep_seconds": 60.0, "created_at": TIME, "started_at": TIME, "finished_at": TIME,
    }  # fmt: skip
    return JobView(id="0ca8abc2f0400000", **(plain | fields))  # type: ignore[arg-type]


def test_every_attempt_says_how_long_it_took() -> None:
    past = [
        {"attempt": 1, "how": "fail", "began_ms": NOW, "at_ms": NOW + 1_500, "worker": "w1"},
        {"attempt": 2, "how": "timeout", "began_ms": NOW + 5_000, "at_ms": NOW + 95_000, "worker": "w2"},
        {"attempt": 3, "how": "lose", "at_ms": NOW + 99_000, "worker": "w2"},
    ]
    one = job(history=Raw(json.dumps(past).encode()), attempt=4, worker="w3", finished_at="2027-01-15T08:00:07.000Z")
    said = [f"{moment.name} {moment.what}" for moment in job_view.moments(one, NOW)]
    assert said[1:] == [
        "Attempt 1 failed on w1 after 1.5\u202fs",
        "Attempt 2 ran out of time on w2 after 1\u202fmin 30\u202fs",
        "Attempt 3 was lost with its worker on w2",
        "Attempt 4 succeeded on w3 after 7\u202fs",
    ]


async def test_a_job_is_shown_with_its_rules_and_whose_it_is(site: Opening) -> None:
    async with site as house:
        rule = {"kind": "linear", "base_seconds": 5, "max_seconds": 90}
        one = await submit(house, timeout_seconds=5400, keep_seconds=129_600, backoff=rule)
        said = words(await look(house, f"/jobs/{one}"))
        assert "Submitted by boss" in said
        assert "Time limit 1 h 30 min an attempt" in said
        assert "Kept 1 day 12 h after its end" in said
        assert "Waits between linear, 5 s to 1 min 30 s" in said


async def test_a_job_that_ended_says_what_became_of_it(site: Opening) -> None:
    async with site as house:
        one = await submit(house, max_attempts=1)
        await say(house, await work(house), "fail")
        said = words(await look(house, f"/jobs/{one}"))
        assert "It may be attempted once only; `retry` tries it once more." in said


async def test_a_result_that_is_a_file_is_a_link_to_it(site: Opening) -> None:
    async with site as house:
        one = await submit(house)
        run = await work(house)
        digest = hashlib.sha256(TEXT).hexdigest()
        path = f"/jobs/{one}/outputs/result.json?worker=w1&attempt={run['attempt']}"
        put = await house.client().put(path, content=TEXT)
        assert put.status_code == 200, put.text
        await say(house, run, "done", result={"$file": "result.json", "sha256": digest, "bytes": len(TEXT)})
        page = await look(house, f"/jobs/{one}")
        assert "Result 4.9 KiB It is too large for a page: result.json" in words(page)
        assert "$file" not in html.unescape(page)
        link = html.unescape(re.findall(r'too large for a page: <a href="([^"]*)"', page)[0])
        assert (await house.visitor(authorization=f"Bearer {BOSS}").get(link)).content == TEXT


def test_only_what_is_exactly_a_reference_to_an_output_is_one() -> None:
    output = FileView("out", "result.json", "ab", "cd", 12)
    reference = {"$file": "result.json", "sha256": "ab", "bytes": 12}
    assert found(reference, output) == output
    assert found(reference | {"more": 1}, output) is None
    assert found(reference | {"sha256": "other"}, output) is None
    assert found(reference, FileView("in", "result.json", "ab", "cd", 12)) is None
    assert found([reference], output) is None
    assert found(reference) is None


def found(result: object, *files: FileView) -> FileView | None:
    return job_view.result_file(job(result=Raw(msgspec.json.encode(result)), files=list(files)))


async def test_a_draft_takes_files_until_it_may_run(site: Opening) -> None:
    async with site as house:
        one = await submit(house, draft=True)
        page = await look(house, f"/jobs/{one}")
        assert f'data-upload="/api/v1/jobs/{one}/files/"' in page
        assert f'data-path="/api/v1/jobs/{one}/commit"' in page
        put = await house.client().put(f"/jobs/{one}/files/a b.txt", content=b"hello\n")
        assert put.status_code == 200, put.text
        page = html.unescape(await look(house, f"/jobs/{one}"))
        assert f'data-act="DELETE" data-path="/api/v1/jobs/{one}/files/a%20b.txt"' in page
        assert "data-upload" not in await look(house, f"/jobs/{one}", token="read")
        await house.client().post(f"/jobs/{one}/commit", json={})
        page = await look(house, f"/jobs/{one}")
        assert "data-upload" not in page
        assert 'data-act="DELETE"' not in page
        assert "a b.txt" in html.unescape(page)


async def test_a_job_that_is_run_again_takes_with_it_what_has_no_field(site: Opening) -> None:
    async with site as house:
        meta = {"ticket": "81", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        one = await submit(house, draft=True, lock="disk", timeout_seconds=90, keep_seconds=3600, meta=meta)
        put = await house.client().put(f"/jobs/{one}/files/a.txt", content=b"hello\n")
        page = html.unescape(await look(house, f"/submit?again={one}"))
        more = json.loads(re.findall(r"data-more=\"(\{.*?\})\"", page)[0])
        assert more["lock"] == "disk"
        assert more["meta"] == {"ticket": "81"}, "another run is another span"
        assert more["files"] == [{"name": "a.txt", "sha256": put.json()["file"]["sha256"]}]
        assert more["keep_seconds"] == 3600
        assert "share" not in more, "it is its owner's, as it would be anyway"
        assert 'name="timeout_seconds" type="number" min="0.001" step="any" value="90"' in page
        for said in ("file a.txt", "lock disk", "ticket: 81", "kept 1 h after its end"):
            assert said in page


async def test_who_submits_sees_their_own_jobs_and_nobody_elses(site: Opening) -> None:
    async with site as house:
        own = await submit_as(house, "submit", kind="mine")
        other = await submit(house, kind="theirs")
        page = await look(house, f"/jobs/{own}", token="submit")
        assert "mine" in words(page)
        assert f'data-path="/api/v1/jobs/{own}/cancel"' in page
        assert 'href="/jobs?' not in page, "no link leads to what is not for them"
        assert "theirs" not in await look(house, f"/jobs/{other}", token="submit", status=404)
        assert "Submit a job" in await look(house, "/submit", token="submit")
        assert 'value="mine"' in await look(house, f"/submit?again={own}", token="submit")
        await look(house, "/jobs", token="submit", status=403)


async def submit_as(house: Site, token: str, **fields: object) -> str:
    return str((await house.client(token).post("/jobs", json=fields)).json()["id"])
