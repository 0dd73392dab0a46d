"""Pages as a browser shows them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import Visit
from tests.browser.screenshots import JOBS, PAGES, shoot
from tests.browser.stage import Stage, Visitor

pytestmark = pytest.mark.slow
PHONE = {"width": 360, "height": 740}


def test_the_link_that_the_hall_prints_logs_in(stage: Stage, browser: Browser, visit: Visit) -> None:
    visitor = Visitor(browser, stage.server.http)
    link = stage.client.request({"cmd": "link"})["link"]
    visitor.page.goto(link)
    expect(visitor.page.get_by_role("heading", name="Overview")).to_be_visible()
    assert "#" not in visitor.page.url
    visitor.page.get_by_role("button", name="Log out").click()
    expect(visitor.page.get_by_role("heading", name="Log in")).to_be_visible()
    visitor.page.goto("/queues")
    expect(visitor.page.get_by_role("heading", name="Log in")).to_be_visible()
    visitor.page.get_by_label("Token").fill("a wrong one")
    visitor.page.get_by_role("button", name="Log in").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("not known here")
    visitor.page.get_by_label("Token").fill(stage.server.token)
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("heading", name="Queues")).to_be_visible()
    visitor.close()
    assert [said for said in visitor.complaints if "401" not in said] == []


def test_the_overview_changes_without_a_reload(stage: Stage, visit: Visit) -> None:
    page = visit(stage).page
    page.get_by_text("Live", exact=True).wait_for()
    page.evaluate("window.stayed = true")
    figures = page.locator("#figures")
    expect(figures.locator(".figure", has_text="Waiting")).to_contain_text("nothing waits")
    stage.submit("mesh2d", 14, queue="meshes")
    expect(figures.locator(".figure", has_text="Waiting").locator("b")).to_have_text("14")
    expect(page.locator("#alarms")).to_contain_text("Nobody can run mesh2d")
    expect(page.locator("#places")).to_contain_text("Queues1")
    expect(page.locator("#chart canvas")).to_be_visible()
    stage.server.worker(mesh2d, queues=["meshes"])
    expect(page.locator("#alarms")).to_be_empty()
    expect(figures.locator(".figure", has_text="Waiting").locator("b")).to_have_text("0")
    assert page.evaluate("window.stayed"), "it was never loaded anew"


def mesh2d(_: object) -> None:
    """A job."""


def test_a_queue_is_paused_by_keyboard_and_all_who_look_see_it(stage: Stage, visit: Visit) -> None:
    stage.submit("thumbnail", queue="images")
    visitor, other = visit(stage), visit(stage)
    visitor.see("/queues")
    other.see("/queues/images")
    page = visitor.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "pause-images":
            break
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("images is paused.")
    expect(page.locator("#queue-images")).to_contain_text("paused")
    expect(other.page.locator("#queue-head")).to_contain_text("paused")
    assert stage.client.queue("images").state == "paused"


def test_settings_are_saved_and_what_the_hall_refuses_is_said(stage: Stage, visit: Visit) -> None:
    visitor = visit(stage)
    visitor.expected = ".*400.*"
    visitor.see("/queues/images")
    page = visitor.page
    page.get_by_label("Running at once").fill("3")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#said")).to_have_text("The settings of images are saved.")
    assert stage.client.queue("images").max_running == 3
    page.get_by_label("Running at once").fill("99999999999")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#said.bad")).to_contain_text("max_running")
    assert stage.client.queue("images").max_running == 3


def test_a_worker_is_sent_home_after_a_question(stage: Stage, visit: Visit) -> None:
    stage.server.worker(mesh2d, queues=["meshes"])
    visitor = visit(stage)
    visitor.see("/workers")
    page = visitor.page
    drain = page.get_by_role("button", name="Drain test worker")
    drain.click()
    expect(page.get_by_role("dialog")).to_contain_text("Let test worker finish what it has")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert [worker.state for worker in stage.client.workers()] == ["working"]
    drain.click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("#worker-rows")).to_contain_text("No worker is here.")


def test_who_may_only_read_sees_no_buttons(played: Stage, visit: Visit) -> None:
    visitor = visit(played, played.token("read"))
    for path in PAGES.values():
        if path not in ("/nothing", "/submit"):
            visitor.see(path)
            names = visitor.page.get_by_role("button").all_inner_texts()
            assert set(names) <= {"Dark", "Light", "Log out", "Search"}, path


def test_the_theme_is_the_systems_until_somebody_chooses_and_then_remembered(played: Stage, visit: Visit) -> None:
    visitor = visit(played, color_scheme="dark")
    page = visitor.page

    def ground() -> str:
        return str(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))

    dark = ground()
    page.get_by_role("button", name="Light colours").click()
    light = ground()
    assert dark != light
    visitor.see("/workers")
    assert ground() == light
    page.get_by_role("button", name="Dark colours").click()
    assert ground() == dark


def test_a_lost_connection_is_said_and_mended(stage: Stage, visit: Visit) -> None:
    visitor = visit(stage, viewport=PHONE)
    visitor.expected = "(?s).*(ERR_INTERNET_DISCONNECTED|Failed to fetch)"
    visitor.see("/queues")
    page = visitor.page
    visitor.context.set_offline(True)
    page.evaluate("document.getElementById('stream')._htmx.sse.reader.cancel()")  # what is open stays when offline
    expect(page.locator("#live-word")).to_have_text("Connection lost")
    assert (page.locator("#live-word").bounding_box() or {})["width"] > 80, "not by a colour alone"
    expect(page.locator("main")).to_have_css("filter", "grayscale(1)")  # what it shows is no news any more
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    stage.server.worker(mesh2d, queues=["meshes"])
    visitor.context.set_offline(False)
    expect(page.locator("#live-word")).to_have_text("Live", timeout=15_000)
    expect(page.locator("main")).to_have_css("filter", "none")
    expect(page.locator("#queue-rows")).to_contain_text("meshes")


def test_a_login_that_ends_leads_to_the_login(stage: Stage, visit: Visit) -> None:
    visitor = visit(stage, stage.token("read"))
    visitor.expected = ".*401.*"
    visitor.see("/queues")
    stage.client.request({"cmd": "token", "do": "revoke", "name": "read-1"})
    expect(visitor.page.get_by_role("heading", name="Log in")).to_be_visible(timeout=15_000)
    assert visitor.page.url.endswith("/login?to=%2Fqueues")


def test_a_page_is_live_however_slowly_its_scripts_come(stage: Stage, visit: Visit) -> None:
    visitor = visit(stage)
    page = visitor.page
    held: list[Route] = []
    page.route("**/hx-sse*", lambda route: held.append(route))  # noqa: PLW0108 - it looks at it
    page.goto("/queues", wait_until="commit")
    page.wait_for_function("() => !!window.htmx")
    page.evaluate("new Promise(done => setTimeout(() => setTimeout(done)))")  # whatever htmx does at once, it has done
    held[0].continue_()
    expect(page.locator("#live-word")).to_have_text("Live")


def test_a_page_that_nobody_sees_has_no_stream(stage: Stage, visit: Visit) -> None:
    visitor = visit(stage)
    visitor.see("/queues")
    page = visitor.page
    page.evaluate(HIDE.replace("HIDDEN", "true"))
    readers = "document.getElementById('stream')._htmx.sse.reader"
    page.wait_for_function(f"() => !{readers}")
    stage.submit("thumbnail", queue="images")
    page.evaluate(HIDE.replace("HIDDEN", "false"))
    expect(page.locator("#queue-rows")).to_contain_text("images")
    page.wait_for_function(f"() => !!{readers}")


HIDE = """() => {
  Object.defineProperty(document, "hidden", {value: HIDDEN, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_every_page_is_photographed_without_a_complaint(played: Stage, browser: Browser, tmp_path: Path) -> None:
    shots = shoot(browser, played, Path(os.environ.get("SCREENSHOTS") or tmp_path))
    assert len(shots) == 4 * (1 + len(PAGES) + len(JOBS))
    assert all(shot.stat().st_size > 5_000 for shot in shots)


def test_on_a_phone_nothing_is_wider_than_the_screen(stage: Stage, visit: Visit) -> None:
    long = "w" * 120
    texts = {"payload": [long * 9], "meta": {long: long}, "requires": {long: long}, "tags": [long], "key": long}
    job = stage.client.request({"cmd": "submit", "kind": long, "queue": "q" * 60, **texts})["id"]
    stage.server.worker(mesh2d, queues=["q" * 60], offers={long: long})
    visitor = visit(stage, viewport=PHONE)
    visitor.expected = ".*404.*"
    of_job = (f"/jobs/{job}", f"/submit?again={job}", f"/jobs?kind={long}&q=tag:{long}")
    for path in (*PAGES.values(), f"/queues/{'q' * 60}", *of_job):
        visitor.page.goto(path)
        wide = visitor.page.evaluate(WIDE)
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 360, (path, wide)


WIDE = """() => [...document.querySelectorAll("main *")].filter(one => one.getBoundingClientRect().right > 361)
  .map(one => one.outerHTML.slice(0, 80)).slice(0, 5)"""
NAMELESS = """() => {
  const seen = element => element.getClientRects().length && getComputedStyle(element).visibility !== "hidden";
  const name = element => [element.getAttribute("aria-label"), element.innerText, element.title,
    ...[...(element.labels || [])].map(label => label.innerText)].find(text => text?.trim());
  const controls = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")].filter(seen);
  return controls.filter(one => !name(one) || one.tabIndex < 0).map(one => one.outerHTML);
}"""
TWICE = """() => {
  const ids = [...document.querySelectorAll("[id]")].map(one => one.id);
  return ids.filter((id, place) => ids.indexOf(id) !== place);
}"""


def test_every_control_has_a_name_and_a_place_in_the_order_of_tab(played: Stage, visit: Visit) -> None:
    visitor = visit(played)
    page = visitor.page
    paths = [path for path in PAGES.values() if path != "/nothing"]
    for search in JOBS.values():
        visitor.see(search)
        paths.append(page.locator("#job-rows a").first.get_attribute("href") or "")
    for path in paths:
        visitor.see(path)
        assert page.evaluate(NAMELESS) == [], path
        assert page.evaluate(TWICE) == [], path
        assert page.locator("h1").count() == 1, path
        assert page.locator("html[lang=en]").count() == 1, path


def test_the_form_is_filled_and_sent_with_the_keyboard_alone(played: Stage, visit: Visit) -> None:
    visitor = visit(played)
    visitor.see("/submit")
    page = visitor.page
    reached = []
    for _ in range(40):
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))
        if reached[-1] == "Submit" and page.evaluate("document.activeElement.tagName") == "BUTTON":
            break
        page.keyboard.press("Tab")
    fields = ("kind", "queue", "payload", "key", "tags", "priority", "timeout_seconds", "requires", "files", "Submit")
    assert [name for name in reached if name in fields] == list(fields)
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "one sees where one is"


def test_what_the_policy_forbids_is_heard_of(played: Stage, visit: Visit) -> None:
    """Else the silence of all other tests would prove nothing."""
    visitor = visit(played)
    visitor.expected = "(?s).*(a violation: script-src|Content Security Policy|inline script)"
    inline = "document.body.append(Object.assign(document.createElement('script'), {text: 'alert(1)'}))"
    with visitor.page.expect_console_message(lambda message: message.text.startswith("a violation")):
        visitor.page.evaluate(inline)
    assert any("a violation: script-src" in said for said in visitor.complaints)
