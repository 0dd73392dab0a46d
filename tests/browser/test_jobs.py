"""Jobs in a browser: from the form to the result without a reload, logs as they are written, and what buttons do."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from hirehall.runners.context import Context
from hirehall.testing import HallTestServer
from tests.browser.stage import PATIENCE_MS, Stage, Visitor
from tests.doors.http.dashboard.hostile import PAYLOADS
from tests.system.lines import Line, dial

pytestmark = pytest.mark.slow
expect.set_options(timeout=PATIENCE_MS)
HIDE = """() => {
  Object.defineProperty(document, "hidden", {value: HIDDEN, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""
OLD_PAGE = "window.thisPage = true"


class Shop:
    """A worker whose job does what the test says, one job at a time: each word is a line of its log; `done` ends it,
    `fail` too."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.orders: queue.SimpleQueue[str] = queue.SimpleQueue()
        orders = self.orders

        def build(payload: Any, context: Context) -> Any:
            while not context.stopping.is_set():
                try:
                    order = orders.get(timeout=0.05)
                except queue.Empty:
                    continue
                if order == "done":
                    return {"built": payload}
                if order == "fail":
                    raise ValueError("edge 12 crosses edge 40")
                if order.endswith("%"):
                    context.progress(float(order[:-1]), "page 4 of 10")
                else:
                    context.log(order)
            return None

        def crash(payload: Any) -> Any:
            raise ValueError("always")

        stage.server.worker(build, crash, concurrency=4)
        self.hired: list[Line] = []

    def hire(self, worker: str, name: str, **work: Any) -> None:
        """A worker of another make, that takes a job and says nothing more."""
        line = Line(dial(self.stage.server.url))
        line.ok("hello", token=self.stage.server.token, worker=worker, name=name)
        line.ok("work", **work)
        self.hired.append(line)

    def tell(self, *orders: str) -> None:
        for order in orders:
            self.orders.put(order)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with HallTestServer() as server:
        found = Shop(Stage(server))
        yield found
        for line in found.hired:
            line.close()


@pytest.fixture(scope="module")
def visitor(browser: Browser, shop: Shop) -> Iterator[Visitor]:
    """Somebody with all roles, logged in."""
    found = Visitor(browser, shop.stage.server.http)
    found.log_in(shop.stage.server.token)
    yield found
    found.close()


@pytest.fixture
def page(visitor: Visitor) -> Iterator[Page]:
    """A tab of theirs, in which nothing may go wrong unheard."""
    visitor.complaints.clear()
    visitor.expected = "nothing"
    found = visitor.open()
    found.bring_to_front()
    yield found
    found.close()
    assert visitor.unexpected == []


def submit(shop: Shop, kind: str = "build", **job: Any) -> str:
    return str(shop.stage.client.request({"cmd": "submit", "kind": kind, **job})["id"])


def state(page: Page, word: str) -> None:
    expect(page.locator("#job-top .state")).to_have_text(word)


def test_a_job_is_watched_from_the_form_to_its_result_without_a_reload(page: Page, shop: Shop) -> None:
    page.goto("/submit")
    page.get_by_label("Kind").fill("build")
    page.get_by_label("Payload, as JSON").fill('{"size": 12345678901234567890}')
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Submit", exact=True).press("Enter")
    page.wait_for_url("**/jobs/0*")
    page.evaluate(OLD_PAGE)
    state(page, "running")
    shop.tell("40%")
    expect(page.locator("#job-top progress")).to_have_attribute("value", "40")
    expect(page.get_by_text("page 4 of 10").first).to_be_visible()
    shop.tell("done")
    state(page, "succeeded")
    expect(page.get_by_role("region", name="Result")).to_contain_text("12345678901234567890")
    expect(page.locator("#job-moments")).to_contain_text("Attempt 1 succeeded")
    assert page.evaluate("window.thisPage"), "it was another page in between"


def test_a_log_is_followed_until_one_scrolls_up(page: Page, shop: Shop) -> None:
    page.goto(f"/jobs/{submit(shop)}")
    log = page.get_by_role("log")
    shop.tell("\x1b[1;32mOK\x1b[0m first", "<b>bold</b> \x1b]8;;https://evil.example\x07link\x1b]8;;\x07")
    expect(log.locator(".a1.a32")).to_have_text("OK")
    expect(log).to_contain_text("<b>bold</b> link")
    assert log.locator("a, b").count() == 0
    shop.tell(*(f"line {n}" for n in range(100)))
    expect(log).to_contain_text("line 99")
    follow = page.locator("[data-log-follow]")
    expect(follow).to_have_attribute("aria-pressed", "true")
    assert log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 24
    log.hover()
    page.mouse.wheel(0, -600)
    expect(follow).to_have_attribute("aria-pressed", "false")
    shop.tell("behind their back")
    expect(log).to_contain_text("behind their back")
    assert log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") > 100
    follow.click()
    expect(follow).to_have_text("Following")
    assert log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 24
    shop.tell("done")
    state(page, "succeeded")


def test_a_running_job_is_cancelled_after_a_question(page: Page, shop: Shop) -> None:
    page.goto(f"/jobs/{submit(shop)}")
    state(page, "running")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Back").click()
    state(page, "running")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes, cancel").click()
    state(page, "cancelled")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def test_a_failed_job_is_tried_again_and_its_new_log_is_shown(page: Page, shop: Shop) -> None:
    page.goto(f"/jobs/{submit(shop, max_attempts=1)}")
    shop.tell("in the first", "fail")
    state(page, "failed")
    expect(page.get_by_role("region", name="Error")).to_contain_text("edge 12 crosses edge 40")
    page.get_by_role("button", name="Retry").click()
    state(page, "running")
    shop.tell("in the second")
    expect(page.get_by_role("log")).to_contain_text("in the second")
    expect(page.get_by_label("Attempt", exact=True)).to_have_value("2")
    page.get_by_label("Attempt", exact=True).select_option("1")
    expect(page.get_by_role("log")).to_contain_text("in the first")
    shop.tell("done")
    state(page, "succeeded")
    expect(page.get_by_label("Attempt", exact=True)).to_have_value("1")


def test_500_failed_jobs_are_retried_by_their_filter(page: Page, shop: Shop) -> None:
    shop.stage.submit("crash", 500, max_attempts=1, tags=["many"])
    page.goto("/jobs?kind=crash")
    expect(page.get_by_role("link", name="Failed 500")).to_be_visible()
    page.get_by_role("link", name="Failed 500").click()
    page.get_by_role("button", name="Retry all…").click()
    expect(page.get_by_role("dialog")).to_contain_text("Retry 500 jobs?")
    page.get_by_role("dialog").get_by_role("button", name="Yes, retry").click()
    expect(page.locator("#job-tasks")).to_contain_text("500 done")
    expect(page.locator("#job-tasks")).to_contain_text("Finished")


def test_jobs_are_run_again_with_an_edit(page: Page, shop: Shop) -> None:
    first = submit(shop, payload={"size": 1}, tags=["mine"])
    page.goto(f"/jobs/{first}")
    shop.tell("done")
    state(page, "succeeded")
    page.get_by_role("link", name="Run again…").click()
    payload = page.get_by_label("Payload, as JSON")
    payload.fill('{"size": 2')
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.locator("#payload-said")).to_contain_text("Not JSON: line 1, column 11")
    expect(payload).to_be_focused()
    payload.fill('{"size": 2}')
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url(lambda url: "/jobs/0" in url and first not in url)
    expect(page.get_by_role("region", name="Payload")).to_contain_text('"size": 2')
    expect(page.get_by_role("link", name="mine")).to_be_visible()
    shop.tell("done")
    state(page, "succeeded")


def test_the_list_shows_what_becomes_of_its_jobs(page: Page, shop: Shop) -> None:
    page.goto("/jobs?q=tag:shown")
    page.evaluate(OLD_PAGE)
    job = submit(shop, tags=["shown"])
    row = page.locator(f"#job-{job}")
    shop.tell("70%")
    expect(row.locator("progress")).to_have_attribute("value", "70")
    expect(row.locator(".state")).to_have_text("running")
    shop.tell("done")
    expect(row.locator(".state")).to_have_text("succeeded")
    assert page.evaluate("window.thisPage")


def test_who_may_only_read_looks_and_nothing_else(browser: Browser, shop: Shop) -> None:
    job = submit(shop, kind="nobody")
    reader = Visitor(browser, shop.stage.server.http)
    reader.log_in(shop.stage.token("read"))
    for path in ("/jobs?kind=nobody", f"/jobs/{job}"):
        reader.see(path)
        expect(reader.page.get_by_text("nobody").first).to_be_visible()
        assert reader.page.locator("[data-act], [data-bulk], a[href^='/submit']").count() == 0
    assert reader.complaints == []
    reader.close()


def test_hostile_text_does_nothing_in_a_browser(page: Page, visitor: Visitor, shop: Shop) -> None:
    """On every page, in everything that anybody may name; a violation of the policy would be a complaint."""
    for text in PAYLOADS[:12]:
        submit(shop, kind="nobody", payload=[text], tags=[text[:60].replace("\t", " ")], meta={"note": text}, key=text)
    short = [text for text in PAYLOADS if text.isprintable() and len(text) < 60]
    for number, text in enumerate(short[:8]):
        shop.hire(f"w{number}", text, kinds=[text], offers={text: [text]})
        submit(shop, kind=text, requires={text: text}, lock=text, share=text)
    worst = submit(
        shop, max_attempts=1, payload=list(PAYLOADS), meta={f"m{n}": text for n, text in enumerate(PAYLOADS[:12])}
    )
    page.on("dialog", lambda dialog: visitor.complaints.append(f"a dialog: {dialog.message}"))
    page.goto(f"/jobs/{worst}")
    state(page, "running")
    shop.tell(*(text for text in PAYLOADS if text.isprintable()))
    expect(page.get_by_role("log")).to_contain_text("data-path=/api/v1/shutdown")
    shop.tell("fail")
    state(page, "failed")
    again = submit(shop, kind=short[0], payload=list(PAYLOADS), lock=short[1])
    searches = (f"/jobs?{urlencode({'q': text, 'kind': text, 'worker': text})}" for text in short[:3])
    for path in ("/", "/jobs", *searches, "/queues", "/queues/default", "/workers", f"/submit?again={again}",
                 f"/jobs/{again}", f"/jobs/{worst}"):  # fmt: skip
        page.goto(path)
        page.get_by_text("Live", exact=True).wait_for(state="attached")
        page.wait_for_function("() => !!document.getElementById('stream')._htmx?.sse?.reader")


def test_files_go_up_with_a_job_and_come_down_as_they_were(page: Page, shop: Shop, tmp_path: Path) -> None:
    contents = {"edges.bin": os.urandom(600_000), "ümläut & co.txt": b"hello\n" * 1000, "empty": b""}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    page.goto("/submit")
    page.get_by_label("Kind").fill("nobody")
    page.get_by_label("Files for its worker").set_input_files([tmp_path / name for name in contents])
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url("**/jobs/0*")
    state(page, "ready")
    for name, content in contents.items():
        assert downloaded(page, name) == content


def test_a_draft_gets_its_files_on_its_page_and_runs_then(page: Page, visitor: Visitor, shop: Shop) -> None:
    page.goto(f"/jobs/{submit(shop, draft=True)}")
    state(page, "draft")
    page.evaluate(OLD_PAGE)
    chosen = page.get_by_label("Files for its worker")
    content = os.urandom(300_000)
    chosen.set_input_files([
        {"name": "edges.bin", "mimeType": "application/octet-stream", "buffer": content},
        {"name": "wrong.txt", "mimeType": "text/html", "buffer": b"<script>alert(1)</script>"},
    ])  # fmt: skip
    expect(page.get_by_role("link", name="wrong.txt")).to_be_visible()
    page.get_by_role("button", name="Remove wrong.txt").click()
    expect(page.get_by_role("link", name="wrong.txt")).to_have_count(0)
    visitor.expected = ".*400.*"
    chosen.set_input_files([{"name": "a:b", "mimeType": "", "buffer": b"1"}])
    expect(page.locator("#upload-said")).to_contain_text("a:b")
    assert downloaded(page, "edges.bin") == content
    page.get_by_role("button", name="Let it run").click()
    shop.tell("done")
    state(page, "succeeded")
    expect(page.get_by_label("Files for its worker")).to_have_count(0)
    assert page.evaluate("window.thisPage"), "nothing of it was loaded anew"


def downloaded(page: Page, name: str) -> bytes:
    """What a click on a file of the page gives, never shown."""
    with page.expect_download() as began:
        page.get_by_role("link", name=name).click()
    return Path(began.value.path()).read_bytes()


def test_who_may_only_submit_hands_in_a_job_and_follows_it(browser: Browser, shop: Shop) -> None:
    own = Visitor(browser, shop.stage.server.http)
    own.expected = ".*403.*"
    own.log_in(shop.stage.token("submit"))
    page = own.page
    expect(page.get_by_role("heading", name="Submit a job")).to_be_visible()
    page.get_by_label("Kind").fill("build")
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url("**/jobs/0*")
    state(page, "running")
    shop.tell("a line of the log")
    expect(page.get_by_role("log")).to_contain_text("a line of the log")
    shop.tell("done")
    state(page, "succeeded")
    assert page.get_by_role("navigation", name="Pages").get_by_role("link").all_inner_texts() == ["Hirehall", "Submit"]
    page.goto("/jobs")
    expect(page.get_by_text("needs the role read")).to_be_visible()
    page.get_by_role("link", name="Submit a job").click()
    expect(page.get_by_role("heading", name="Submit a job")).to_be_visible()
    own.close()
    assert own.unexpected == []


def test_a_hidden_page_hears_nothing_and_goes_on_where_it_was(page: Page, shop: Shop) -> None:
    page.goto(f"/jobs/{submit(shop)}")
    log = page.get_by_role("log")
    shop.tell("before")
    expect(log).to_contain_text("before")
    page.evaluate(HIDE.replace("HIDDEN", "true"))
    shop.tell("meanwhile")
    page.evaluate(HIDE.replace("HIDDEN", "false"))
    expect(log).to_contain_text("meanwhile")
    assert log.inner_text().count("before") == 1
    shop.tell("done")
    state(page, "succeeded")
