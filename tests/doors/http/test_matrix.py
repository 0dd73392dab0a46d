"""The attack matrix: every route of the site against every attack, made from the routes themselves, so that a route
that nobody thought of fails here. What only operations of the API can suffer stands in test_access and test_guard."""

from __future__ import annotations

import ast
import json
import re
from itertools import product
from pathlib import Path

import httpx
import pytest
from starlette.routing import Route

import hirehall
from hirehall.doors import knocks
from hirehall.doors.http.dashboard import statics
from hirehall.doors.http.inputs import fields_of
from hirehall.doors.http.operations import BASE, OPERATIONS
from hirehall.service.access import ROLES
from tests.doors.http.house import BOSS, EXPIRED, WORDS, Opening, Site, error_of, path_of, said
from tests.doors.http.test_guard import FOREIGN, HOSTS, OTHER_TYPES, counted

ALL = frozenset(ROLES)
READ, READ_AND_ADMIN = frozenset({"read"}), frozenset()  # no role alone suffices
PAGES = ("/", "/jobs", "/jobs/{id}", "/queues", "/queues/{queue}", "/workers")
# Who may at all, by path and method, beside the operations of the API; the hall refuses more. None: everybody.
OTHERS: dict[tuple[str, str], frozenset[str] | None] = {
    ("GET", "/healthz"): None,
    ("GET", "/readyz"): None,
    ("GET", "/login"): None,
    ("POST", "/login"): None,
    ("POST", "/logout"): ALL,
    ("GET", "/metrics"): READ,
    ("GET", f"{BASE}/openapi.json"): ALL,
    ("GET", BASE): ALL,
    ("GET", statics.ROUTE): ALL,  # but for what the login page needs
    ("GET", "/live"): READ,
    ("GET", "/jobs/concerned"): READ,
    ("GET", "/jobs/{id}/log"): READ | {"submit"},
    ("GET", "/submit"): frozenset({"submit"}),
    ("POST", "/queues/{queue}"): READ_AND_ADMIN,
    ("POST", "/queues/{queue}/{do}"): READ_AND_ADMIN,
    ("POST", "/workers/{worker}/{do}"): READ_AND_ADMIN,
    **{("GET", path): READ for path in PAGES},
    ("GET", "/"): READ | {"submit"},  # who may not see it is led to where they may
    ("GET", "/jobs/{id}"): READ | {"submit"},  # of their own jobs
}
QUERIES = {"/live": "page=overview", "/jobs/concerned": "verb=cancel&state=ready", "/jobs/{id}/log": "place=1-0"}
ACTS = {"/queues/{queue}", "/queues/{queue}/{do}", "/workers/{worker}/{do}"}  # answer parts of the page they name
GONE = {"worker": "gone", "do": "pause", "digest": "0" * 12, "name": "style.css"}
OF_OPERATIONS = {(operation.method, BASE + operation.path): operation for operation in OPERATIONS}


def address(path: str) -> str:
    """Where somebody would go for it."""
    for word in re.findall(r"\{(\w+)\}", path):
        path = path.replace(f"{{{word}}}", {**WORDS, **({} if path.startswith(BASE) else GONE)}[word])
    return path


async def routes_of(house: Site) -> list[tuple[str, str]]:
    """Method and path of everything there is."""
    site = await house.door.site()
    assert all(isinstance(route, Route) for route in site.routes), "no mounts, no sockets: nothing comes past the guard"
    found = [(method, route.path) for route in site.routes for method in route.methods or () if method != "HEAD"]
    return sorted(found)


async def ask(client: httpx.AsyncClient, method: str, path: str, **headers: str) -> httpx.Response:
    """As its own pages and programs would say it; of a stream only how it begins."""
    more = {}
    operation = OF_OPERATIONS.get((method, path))
    if operation is not None:
        more = said(operation, operation.example)
    elif method != "GET":
        more = {"json": {}}
    query = "page=overview" if path in ACTS and method == "POST" else QUERIES.get(path, "")
    where = f"{address(path)}?{query}" if query else address(path)
    async with client.stream(method, where, headers=headers, **more) as answer:
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            await answer.aread()
        return answer


async def test_every_route_has_its_entry(site: Opening) -> None:
    async with site as house:
        assert set(await routes_of(house)) == OTHERS.keys() | OF_OPERATIONS.keys()


@pytest.mark.parametrize("token", [None, "wrong", EXPIRED], ids=["none", "wrong", "expired"])
async def test_nothing_but_what_is_for_everybody_is_told_to_strangers(
    site: Opening, token: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knocks, "FAILURES", 10_000)
    async with site as house:
        client, before = house.client(token), counted(house)
        client.base_url = httpx.URL(house.url)
        for method, path in await routes_of(house):
            if OTHERS.get((method, path), ALL) is None:
                continue
            answer = await ask(client, method, path)
            assert (answer.status_code, error_of(answer)[:15]) == (401, "unauthenticated"), (method, path)
        assert counted(house) == before


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_every_route_is_open_to_its_roles_and_to_no_others(site: Opening, role: str) -> None:
    async with site as house:
        await house.client().post("/jobs", json={"kind": "saw", "queue": WORDS["queue"]})
        client = house.client(role)
        client.base_url = httpx.URL(house.url)
        for (method, path), roles in OTHERS.items():
            answer = await ask(client, method, path)
            allowed = roles is None or role in roles
            assert (answer.status_code == 403) is not allowed, (method, path, answer.status_code)
        assert (await house.client().get("/queues/images")).json()["queue"]["state"] == "open"


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("who", ["bearer", "cookie"])
async def test_no_other_page_gets_or_does_anything(site: Opening, headers: dict[str, str], who: str) -> None:
    async with site as house:
        client = house.client(BOSS if who == "bearer" else None, **{"x-hirehall": "1"})
        client.base_url = httpx.URL(house.url)
        if who == "cookie":
            await client.post("/login", json={"token": BOSS})
        before = counted(house)
        given = {name: value.replace("HOST", house.host) for name, value in headers.items()}
        for method, path in await routes_of(house):
            for mode in ("no-cors", "cors") if method == "GET" else ("navigate", "no-cors", "cors"):
                answer = await ask(client, method, path, **given, **{"sec-fetch-mode": mode})
                assert (answer.status_code, error_of(answer)[:9]) == (403, "forbidden"), (method, path, mode)
        assert counted(house) == before


async def test_a_cookie_alone_changes_nothing(site: Opening) -> None:
    """A browser sends it with whatever some page asks for; our own header only our pages say."""
    async with site as house:
        client, before = house.visitor(), counted(house)
        await client.post("/login", json={"token": BOSS})
        for method, path in await routes_of(house):
            if method != "GET" and OTHERS.get((method, path), ALL) is not None:
                answer = await ask(client, method, path)
                assert (answer.status_code, error_of(answer)[:9]) == (403, "forbidden"), (method, path)
        assert counted(house) == before


async def test_a_link_on_another_page_leads_to_ours(site: Opening) -> None:
    async with site as house:
        client = house.visitor(accept="text/html", authorization=f"Bearer {BOSS}")
        step = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        for path in PAGES[:2]:
            assert (await client.get(path, headers=step)).status_code == 200


@pytest.mark.parametrize("kind", OTHER_TYPES.values(), ids=OTHER_TYPES)
async def test_what_a_form_could_send_is_no_request_to_any_route(site: Opening, kind: str) -> None:
    async with site as house:
        client, before = house.client(**{"x-hirehall": "1"}), counted(house)
        client.base_url = httpx.URL(house.url)
        for method, path in await routes_of(house):
            if method != "GET":
                answer = await client.request(method, address(path), content=b"{}", headers={"content-type": kind})
                assert answer.status_code == 415, (method, path)
        assert counted(house) == before


METHODS = ("x-http-method-override", "x-http-method", "x-method-override")


@pytest.mark.parametrize("header", METHODS)
async def test_no_header_makes_another_method_of_a_get(site: Opening, header: str) -> None:
    async with site as house:
        client, before = house.client(), counted(house)
        client.base_url = httpx.URL(house.url)
        found = await routes_of(house)
        reads = {path for method, path in found if method == "GET"}
        for method, path in found:
            if method != "GET" and path not in reads:
                answer = await client.get(address(path), headers={header: method}, params={"_method": method})
                assert answer.status_code in (400, 404, 405), (method, path)
        assert counted(house) == before


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
async def test_no_route_is_reached_under_a_name_that_is_not_ours(site: Opening, host: str) -> None:
    async with site as house:
        client = house.client(host=host.replace("PORT", house.host.rpartition(":")[2]))
        client.base_url = httpx.URL(house.url)
        for method, path in await routes_of(house):
            assert (await ask(client, method, path)).status_code == 421, (method, path)


# Parameters like `days=10^9`.

HUGE = ("1000000000", "99999999999999999999", "-1", "1e308", "0x10", "9" * 400, "", "null", "1e-400", "%00")


async def test_no_parameter_is_so_large_that_it_costs_or_breaks_something(site: Opening) -> None:
    async with site as house:
        client = house.client()
        for operation in OPERATIONS:
            names = (
                [name for name, _, _ in fields_of(operation)] if operation.method in ("GET", "PUT", "DELETE") else []
            )
            for name, text in product(names, HUGE):
                if operation.name == "events":
                    continue  # it has no numbers, and does not end
                query = "&".join([f"{one}={value}" for one, value in operation.example.items() if one != name])
                where = f"{path_of(operation)}?{query}&{name}={text}".replace("?&", "?")
                answer = await client.request(operation.method, where)
                assert answer.status_code < 500, f"{operation.name}: {name}={text}: {answer.text}"


async def test_no_number_in_a_body_is_so_large_that_it_costs_or_breaks_something(site: Opening) -> None:
    async with site as house:
        client = house.client()
        for operation in OPERATIONS:
            if not operation.has_body or operation.name in ("shutdown", "wait"):
                continue  # one ends the hall, the other may wait for as long as it is told to
            for (name, _, _), number in product(fields_of(operation), (10**9, 10**18, 10**400, -1, 1e308, -(2**63))):
                body = json.dumps({**operation.example, name: number})
                answer = await client.request(
                    operation.method, path_of(operation), content=body, headers={"content-type": "application/json"}
                )
                assert answer.status_code < 500, f"{operation.name}: {name}={number}: {answer.text}"


# Paths.

TRICKS = ("..", "%2e%2e", "%252e%252e", "..%2f..%2fetc%2fpasswd", "%5c..%5c", "C:%5c", "%00", "a%00", "a.", "x" * 900,
          "%c0%ae%c0%ae", "%ff", "~", "%2F", "..;", "%E2%80%AE")  # fmt: skip


async def test_no_word_of_a_path_leads_anywhere_else(site: Opening) -> None:
    async with site as house:
        before = counted(house)
        for (method, path), trick in product(await routes_of(house), TRICKS):
            if "{" not in path:
                continue
            where = re.sub(r"\{\w+\}", trick, path, count=1)
            where = re.sub(r"\{(\w+)\}", lambda found: {**WORDS, **GONE}[found[1]], where)
            head = f"{method} {where} HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer {BOSS}\r\nX-Hirehall: 1\r\n"
            heard = await house.raw(f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
            status = int(heard.split(b" ", 2)[1])
            assert status < 500, (method, where, heard)
            assert b"root:" not in heard
        assert counted(house)["submitted"] == before["submitted"]


def test_nothing_unpacks_what_somebody_sent() -> None:
    """No archive is opened by a hall or a worker, so no archive can be a trap."""
    unpackers = {"tarfile", "zipfile", "gzip", "bz2", "lzma", "zlib", "shutil.unpack_archive", "pickle", "marshal"}
    for path in Path(hirehall.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            assert not unpackers & {*names, module}, path
