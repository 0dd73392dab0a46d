"""Pages as they come: complete, escaped, and with no more than their reader may."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest

from hirehall.doors.http.dashboard.views import VIEWS
from hirehall.service.access import ROLES
from hirehall.service.commands import COMMANDS
from tests.doors.http.dashboard.hostile import PAYLOADS
from tests.doors.http.dashboard.house import OWN, PAGES, reader, say
from tests.doors.http.dashboard.test_hostile_text import Shape
from tests.doors.http.house import BOSS, Opening, open_site

HOSTILE = "<img src=x onerror=alert(1)>'\"&{{7*7}}</hx-partial>"


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_comes_whole_and_may_run_nothing_of_its_own(site: Opening, path: str) -> None:
    async with site as house:
        page = await (await reader(house, BOSS)).get(path)
        assert page.status_code == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["cache-control"] == "no-store"
        assert page.text.endswith("</html>")
        assert "'unsafe" not in page.headers["content-security-policy"]
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script>|javascript:", page.text), "nothing inline"
        for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
            found = await house.visitor(cookie=page.request.headers["cookie"]).get(address)
            assert found.status_code == 200, address
            assert "immutable" in found.headers["cache-control"]


@pytest.mark.parametrize("path", PAGES)
async def test_names_from_outside_are_text_on_every_page(site: Opening, path: str) -> None:
    async with site as house:
        await say(house, path="/jobs", kind=HOSTILE, queue="images", tags=[HOSTILE])
        worker = {"worker": "w1", "kinds": [HOSTILE], "queues": ["images"], "offers": {HOSTILE: HOSTILE}}
        await say(house, path="/claim", wait_seconds=0, **worker)
        await say(house, path="/jobs", kind=HOSTILE, queue="images", requires={"never": True})
        client = await reader(house, BOSS)
        page = await client.get(path)
        assert page.status_code == 200
        assert "<img" not in page.text
        assert "onerror=alert(1)>" not in page.text
        if path != "/queues":
            assert "&lt;img src=x onerror=alert(1)&gt;" in page.text


NAMES = [text for text in PAYLOADS if text.isprintable() and len(text) <= 128]


async def elements(site: Opening, names: list[str]) -> dict[str, set[Any]]:
    """What the pages are made of where kinds, workers and labels are called like this."""
    async with site as house:
        for name in names:
            await say(house, path="/jobs", kind=name, queue="images", requires={"never": name}, tags=[name])
        for name in names:
            worker = {"worker": name.replace("/", "|"), "kinds": names, "queues": ["images"], "offers": {name: name}}
            await say(house, path="/claim", wait_seconds=0, **worker)
        client = await reader(house, BOSS)
        return {path: set(Shape((await client.get(path)).text).elements) for path in PAGES}


async def test_no_name_makes_anything_on_any_page(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    plain = await elements(open_site(tmp_path / "a"), [f"name {number}" for number in range(len(NAMES))])
    assert await elements(open_site(tmp_path / "b"), NAMES) == plain


async def test_who_may_only_read_sees_everything_and_no_buttons(site: Opening) -> None:
    async with site as house:
        await say(house, path="/jobs", kind="thumbnail", queue="images")
        await say(house, path="/claim", worker="w1", kinds=["thumbnail"], queues=["mail"], wait_seconds=0)
        watcher, boss = await reader(house, "read"), await reader(house, BOSS)
        for path in PAGES:
            page, full = await watcher.get(path), await boss.get(path)
            assert page.status_code == 200
            assert "hx-post" not in page.text, path
            assert ("hx-post" in full.text) == (path not in ("/", "/?span=1", "/?span=60")), path
        refused = await watcher.post("/queues/images/pause?page=queues", headers=OWN)
        assert refused.status_code == 403, "the hall says no, whatever a page shows"
        assert (await house.client().get("/queues/images")).json()["queue"]["state"] == "open"


@pytest.mark.parametrize("role", ["submit", "work", "admin"])
async def test_who_may_not_read_is_told_so_and_how_to_go_on(site: Opening, role: str) -> None:
    async with site as house:
        client = await reader(house, role)
        for path in PAGES:
            page = await client.get(path)
            if role == "submit" and path.partition("?")[0] == "/":
                assert (page.status_code, page.headers["location"]) == (303, "/submit"), "where a login leads"
                continue
            assert page.status_code == 403
            assert "needs the role read" in page.text
            assert f"token &#39;{role}-only&#39; may" in page.text
            assert "hirehall token create NAME --role read" in page.text
            assert ('href="/submit"' in page.text) == (role == "submit"), "only what is for them is offered"
            assert 'href="/"' not in page.text
        assert (await client.get("/live?page=overview", headers={"hx-request": "true"})).status_code == 403
        acted = await client.post("/queues/images/pause?page=queue&queue=images", headers=OWN, json={})
        assert acted.status_code == 403


def test_every_page_needs_what_its_commands_need() -> None:
    """No page has a rule of its own: who may say the commands may see it."""
    for view in VIEWS.values():
        assert view.needs, view.name
        for role in ROLES:
            may = all(not COMMANDS[need].roles or role in COMMANDS[need].roles for need in view.needs)
            assert view.is_for(frozenset({role})) == may, (view.name, role)


async def test_who_is_limited_to_some_queues_sees_these_only(site: Opening) -> None:
    async with site as house:
        made = await say(house, path="/tokens", name="few", roles=["read"], queues=["mail"])
        for queue in ("images", "mail"):
            await say(house, path="/jobs", kind=f"kind-of-{queue}", queue=queue)
        client = await reader(house, made["token"])
        for path in ("/", "/queues", "/workers"):
            page = (await client.get(path)).text
            assert "images" not in page, path
            assert "Database" not in page, "the store is the whole hall's"


async def test_a_kind_that_nobody_can_run_is_said_with_its_age_and_what_is_missing(site: Opening) -> None:
    async with site as house:
        offered = {"worker": "w1", "kinds": ["mesh2d"], "offers": {"mesher": ["netgen", "triangle"]}}
        await say(house, path="/claim", queues=["images"], wait_seconds=0, **offered)
        for _ in range(2):
            await say(house, path="/jobs", kind="mesh2d", queue="images", requires={"mesher": "tetgen"})
        client = await reader(house, "read")
        for path in ("/", "/queues/images"):
            page = html.unescape((await client.get(path)).text)
            alarm = re.sub(r"<[^>]*>|\s+", " ", page[page.index("Nobody can run mesh2d") :])
            assert re.search(r"2 jobs wait( in +images +)?, the oldest for \d+ s\.", alarm), alarm[:300]
            assert "Required: mesher=tetgen" in re.sub(" +", " ", alarm)
            assert "Worker 'w1' runs this kind, but cannot take this job" in alarm
            assert '(offered: ["netgen","triangle"])' in alarm


async def test_errors_are_pages_for_people_and_json_for_scripts(site: Opening) -> None:
    async with site as house:
        client = await reader(house, BOSS)
        page = await client.get("/nothing<b>")
        assert (page.status_code, "text/html" in page.headers["content-type"]) == (404, True)
        assert "<b>" not in page.text
        for given in ({"accept": "*/*"}, {"hx-request": "true"}):
            assert (await client.get("/nothing", headers=given)).json()["error"]["code"] == "not_found"
        assert (await client.get("/api/v1/nothing")).json()["error"]["code"] == "not_found"
        wrong = await client.get("/queues/no%20queue")
        assert (wrong.status_code, "text/html" in wrong.headers["content-type"]) == (400, True)
        assert (await client.get("/?color=red")).status_code == 400
        assert (await client.get("/?span=2")).status_code == 400


async def test_who_is_not_logged_in_is_led_to_the_login_and_back(site: Opening) -> None:
    async with site as house:
        stranger = house.visitor(accept="text/html")
        assert (await stranger.get("/")).headers["location"] == "/login"
        assert (await stranger.get("/?span=1")).headers["location"] == "/login?to=%2F%3Fspan%3D1"
        live = await stranger.get("/live?page=overview", headers={"hx-request": "true"})
        assert live.status_code == 401, "a stream hears it, and the page leads on"


async def test_of_the_files_only_those_of_the_login_page_are_for_strangers(site: Opening) -> None:
    async with site as house:
        client, stranger = await reader(house, BOSS), house.visitor()
        login, overview = (await stranger.get("/login")).text, (await client.get("/")).text
        wanted = set(re.findall(r'"(/static/[^"]+)"', login))
        assert wanted
        for address in wanted:
            assert (await stranger.get(address)).status_code == 200
        for address in set(re.findall(r'"(/static/[^"]+)"', overview)) - wanted:
            assert (await stranger.get(address)).status_code == 401, address
        for address in ("/static/000000000000/style.css", "/static/x/..%2Fpages.py", "/static/x/base.html"):
            assert (await client.get(address)).status_code == 404, address
