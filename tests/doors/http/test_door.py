"""The door itself: its sockets, its places, its certificate, its end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hirehall.doors.http.door import HttpDoor
from hirehall.doors.places import Places
from hirehall.errors import Unavailable
from tests.doors.house import HERE, certificates, until
from tests.doors.http.house import BOSS, Opening, open_site


async def test_a_port_that_is_taken_is_an_error_where_it_was_asked_for_and_another_one_will_do_else(
    site: Opening,
) -> None:
    async with site as house:
        port = int(house.host.rpartition(":")[2])
        with pytest.raises(Unavailable, match=f"cannot listen on {HERE}:{port}.* name another with --http"):
            await HttpDoor(house.hall, host=HERE, port=port).open()
        beside = HttpDoor(house.hall, host=HERE, port=port, or_any=True)
        assert not (await beside.open()).endswith(f":{port}")
        await beside.close()


async def test_connections_are_counted_by_door(tmp_path: Path) -> None:
    async with open_site(tmp_path, places=Places(1)) as house:
        metrics = house.hall.metrics
        assert (metrics.taken, metrics.inside, metrics.refused) == ({"http": 0}, {"http": 0}, {"http": 0})
        client = house.client()
        text = (await client.get(f"{house.url}/metrics")).text
        assert 'hirehall_connections{door="http"} 1' in text
        await house.raw(b"GET /healthz HTTP/1.1\r\nHost: HOST\r\n\r\n")
        assert (metrics.taken["http"], metrics.refused["http"]) == (1, 1)
        await client.aclose()
        await until(lambda: metrics.inside["http"] == 0)


async def test_connections_take_places_and_give_them_back(tmp_path: Path) -> None:
    places = Places(2)
    async with open_site(tmp_path, places=places) as house:
        inside = [house.client(), house.client()]
        for client in inside:
            assert (await client.get("/ping")).status_code == 200
        heard = await house.raw(b"GET /api/v1/ping HTTP/1.1\r\nHost: HOST\r\n\r\n")
        assert heard.startswith(b"HTTP/1.1 429 ")
        assert b'{"error":{"code":"busy"' in heard
        await inside[0].aclose()
        await until(lambda: places.taken == 1)
        assert (await house.client().get("/ping")).status_code == 200


async def test_strangers_have_few_places_until_they_say_who_they_are(tmp_path: Path) -> None:
    places = Places(10)
    async with open_site(tmp_path, places=places, remote=True) as house:
        client = house.client()
        await client.get("/ping")
        assert (places.taken, sum(places._strangers.values())) == (1, 0)
        stranger = house.client("wrong")
        await stranger.get("/ping")
        assert (places.taken, sum(places._strangers.values())) == (2, 1)


async def test_over_tls_the_cookie_is_for_this_host_alone(tmp_path: Path) -> None:
    async with open_site(tmp_path, tls=certificates().context) as house:
        assert house.url.startswith("https://")
        client = house.client()
        assert (await client.get("/ping")).status_code == 200
        entered = await client.post(f"{house.url}/login", json={"token": BOSS})
        cookie = entered.headers["set-cookie"]
        assert cookie.startswith("__Host-hirehall=")
        assert "; Secure" in cookie
        assert "; Path=/;" in cookie
        with_origin = await client.post("/jobs", json={"kind": "saw"}, headers={"origin": house.url})
        assert with_origin.status_code == 201


async def test_another_name_is_known_when_the_hall_was_told_of_it(tmp_path: Path) -> None:
    async with open_site(tmp_path, names=["hall.example"]) as house:
        assert (await house.client(host="hall.example").get("/ping")).status_code == 200
        assert (await house.client(host="hall.example:8443").get("/ping")).status_code == 200
        assert (await house.client(host="other.example").get("/ping")).status_code == 421
        assert (await house.client().post("/link")).json()["link"].startswith("http://hall.example:")


async def test_what_waits_is_answered_when_the_hall_ends(site: Opening) -> None:
    async with site as house:
        client = house.client()
        job = (await client.post("/jobs", json={"kind": "saw"})).json()["id"]
        waiting = asyncio.create_task(client.post("/jobs/wait", json={"ids": [job]}))
        claiming = asyncio.create_task(house.client().post("/claim", json={"worker": "w", "kinds": ["plane"]}))
        await until(lambda: bool(house.hall.waits._by_job) and bool(house.hall.core.hallway.crews))
        await house.hall.finish()
        late = await house.client().post("/jobs", json={"kind": "saw"})
        assert (late.status_code, late.json()["error"]["code"]) == (503, "unavailable")
        await house.door.close()
        assert [(await answer).status_code for answer in (waiting, claiming)] == [503, 503]
