"""Who may do what over HTTP: made from the route table, so that an operation that nobody thought of fails here."""

from __future__ import annotations

import re

import httpx
import pytest

from hirehall.doors import knocks
from hirehall.doors.http.operations import OPERATIONS
from hirehall.service import logins
from hirehall.service.access import ROLES
from tests.doors.http.house import BOSS, EXPIRED, ID, Opening, error_of, knock

OWN = {"cancel_many": {"ids": [ID]}, "events": {"ids": ID}}  # what also those may who have not the wider role


@pytest.mark.parametrize("token", [None, "wrong", EXPIRED, "x" * 5_000], ids=["none", "wrong", "expired", "long"])
async def test_without_a_token_that_counts_nothing_is_told_and_nothing_happens(
    site: Opening, token: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knocks, "FAILURES", 10_000)  # the test of guessing comes below
    async with site as house:
        before = dict(house.hall.metrics.counts)
        client = house.client(token)
        answers = {operation.name: await knock(client, operation) for operation in OPERATIONS}
        assert {name: found for name, found in answers.items() if found != (401, "unauthenticated")} == {}
        assert dict(house.hall.metrics.counts) == before


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_every_operation_is_open_to_its_roles_and_to_no_others(site: Opening, role: str) -> None:
    async with site as house:
        client = house.client(role)
        for operation in sorted(OPERATIONS, key=lambda operation: operation.name == "shutdown"):
            allowed = role in (operation.roles or ROLES)
            status, code = await knock(client, operation, OWN.get(operation.name))
            assert (code == "forbidden") is (status == 403) is not allowed, f"{operation.name}: {status} {code}"


@pytest.mark.parametrize("way", ["Basic Ym9zczpib3Nz", "bearer", "Bearer", f"Token {BOSS}"])
async def test_other_ways_to_say_who_one_is_do_not_count(site: Opening, way: str) -> None:
    async with site as house:
        answer = await house.client(None, authorization=way).get("/ping")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/nothing", "/jobs/x/y/z", "/openapi.json", "/jobs/%2e%2e/x"])
async def test_strangers_do_not_learn_which_paths_there_are(site: Opening, path: str) -> None:
    async with site as house:
        assert (await house.client(None).get(path)).status_code == 401


async def test_anonymous_roles_do_not_count_over_http(site: Opening) -> None:
    async with site as house:
        assert house.hall.anonymous.roles == ROLES
        assert (await house.client(None).get("/counts")).status_code == 401


async def test_who_guesses_tokens_has_to_wait_and_who_has_one_comes_in(site: Opening) -> None:
    async with site as house:
        guesser = house.client("wrong")
        codes = [(await guesser.get("/ping")).status_code for _ in range(12)]
        assert codes == [401] * 10 + [429] * 2
        assert (await house.client().get("/ping")).status_code == 200


async def test_a_login_that_has_ended_is_no_guess(site: Opening) -> None:
    """A hall that starts anew knows no login, and browsers have many tabs."""
    async with site as house:
        port = house.url.rpartition(":")[2]
        tab = house.client(None, cookie=f"hirehall-{port}=of-an-earlier-run")
        codes = {(await tab.get("/ping")).status_code for _ in range(12)}
        assert codes == {401}
        assert (await house.client("wrong").get("/ping")).status_code == 401
        page = await tab.get(f"{house.url}/login")
        assert "This login has ended, as each does after 12 hours or when the hall starts anew" in page.text
        assert "has ended" not in (await house.visitor().get("/login")).text


# Browsers.


async def browser(house_url: str, client: httpx.AsyncClient, proof: dict[str, str]) -> httpx.Response:
    client.base_url = httpx.URL(house_url)
    return await client.post("/login", json=proof)


async def test_a_link_logs_in_once_and_its_code_never_reaches_a_server_in_an_address(site: Opening) -> None:
    async with site as house:
        link = (await house.client().post("/link")).json()["link"]
        address, _, code = link.partition("#")
        assert address == f"{house.url}/login"
        client = house.client(None)
        entered = await browser(house.url, client, {"code": code})
        assert entered.json() == {"ok": True, "name": "boss", "roles": sorted(ROLES)}
        cookie = entered.headers["set-cookie"]
        assert "HttpOnly; SameSite=Strict" in cookie
        assert (await client.get("/api/v1/counts")).status_code == 200
        again = await browser(house.url, house.client(None), {"code": code})
        assert again.status_code == 401
        assert "this link was used already, or is older than 10 minutes" in error_of(again)


async def test_a_cookie_changes_things_only_with_our_own_header(site: Opening) -> None:
    async with site as house:
        client = house.client(None)
        await browser(house.url, client, {"token": BOSS})
        refused = await client.post("/api/v1/jobs", json={"kind": "saw"})
        assert (refused.status_code, error_of(refused)[:9]) == (403, "forbidden")
        made = await client.post("/api/v1/jobs", json={"kind": "saw"}, headers={"x-hirehall": "1"})
        assert made.status_code == 201


async def test_a_login_ends_by_logout_with_its_time_and_with_its_token(
    site: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site as house:
        boss = house.client()
        token = (await boss.post("/tokens", json={"name": "n", "roles": ["read"]})).json()["token"]
        client = house.client(None, **{"x-hirehall": "1"})
        await browser(house.url, client, {"token": token})
        assert (await client.get("/api/v1/counts")).status_code == 200
        kept = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        await client.post("/logout", json={})
        thief = house.client(None, cookie=kept)
        assert (await thief.get("/counts")).status_code == 401
        await browser(house.url, client, {"token": token})
        await boss.delete("/tokens/n")
        assert (await client.get("/api/v1/counts")).status_code == 401
        monkeypatch.setattr("hirehall.doors.http.who.LOGIN_SECONDS", -1.0)
        monkeypatch.setattr(logins, "LOGIN_SECONDS", -1.0)
        await browser(house.url, client, {"token": BOSS})
        assert (await client.get("/api/v1/counts")).status_code == 401


async def test_a_link_that_is_too_old_logs_nobody_in(site: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    async with site as house:
        monkeypatch.setattr(logins, "LINK_SECONDS", -1.0)
        code = (await house.client().post("/link")).json()["link"].partition("#")[2]
        assert (await browser(house.url, house.client(None), {"code": code})).status_code == 401


@pytest.mark.parametrize("proof", [{}, {"code": "a", "token": "b"}, {"password": "x"}, {"token": 5}])
async def test_a_login_that_proves_nothing_is_a_bad_request(site: Opening, proof: dict[str, str]) -> None:
    async with site as house:
        assert (await browser(house.url, house.client(None), proof)).status_code == 400


async def test_a_person_without_login_is_shown_where_to_log_in(site: Opening) -> None:
    async with site as house:
        client = house.visitor(accept="text/html")
        answer = await client.get("/api/v1")
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?to=%2Fapi%2Fv1")
        page = await client.get("/login")
        assert page.status_code == 200
        script = re.search(r'<script src="(/static/\w+/login.js)">', page.text)
        assert script is not None
        assert (await client.get(script[1])).headers["content-type"].startswith("text/javascript")
