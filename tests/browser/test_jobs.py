"""Jobs in a browser: from the form to the result without a reload, logs as they are written, and what buttons do."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from hirehall.runners.context import Context
from hirehall.testing import HallTestServer
from tests.browser.stage import PATIENCE_MS, Stage, Visitor
from tests.doors.http.dashboard.hostile import PAYLOADS

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

    def tell(self, *orders: str) -> None:
        for order in orders:
            self.orders.put(order)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with HallTestServer() as server:
        yield Shop(Stage(server))


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
    found = visitor.open()
    found.bring_to_front()
    yield found
    found.close()
    assert visitor.complaints == []


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
    expect(page.locator("#tasks")).to_contain_text("500 done")
    expect(page.locator("#tasks")).to_contain_text("Finished")


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
    expect(row.locator(".state")).to_have_text("running")
    shop.tell("70%")
    expect(row.locator("progress")).to_have_attribute("value", "70")
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
    for text in PAYLOADS[:12]:
        submit(shop, kind="nobody", payload=[text], tags=[text[:60].replace("\t", " ")], meta={"note": text}, key=text)
    worst = submit(
        shop, max_attempts=1, payload=list(PAYLOADS), meta={f"m{n}": text for n, text in enumerate(PAYLOADS[:12])}
    )
    page.on("dialog", lambda dialog: visitor.complaints.append(f"a dialog: {dialog.message}"))
    page.goto(f"/jobs/{worst}")
    state(page, "running")
    shop.tell(*(text for text in PAYLOADS if text.isprintable()))
    expect(page.get_by_role("log")).to_contain_text("data-path=/api/v1/shutdown")
    shop.tell("fail")
    page.goto("/jobs")
    expect(page.locator("#job-rows tr").first).to_be_visible()


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
