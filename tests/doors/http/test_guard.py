"""What comes from other sites' pages, under other names, or as something that is no clear request, changes nothing and
is told so in the one shape. test_matrix has what holds for each route."""

from __future__ import annotations

import pytest

from tests.doors.http.house import BOSS, Opening, Site, error_of

FOREIGN = {
    "cross-site": {"sec-fetch-site": "cross-site"},
    "same-site": {"sec-fetch-site": "same-site"},
    "another origin": {"origin": "http://evil.example"},
    "no origin": {"origin": "null"},
    "our name, another port": {"origin": "http://127.0.0.1:1"},
    "our name, another scheme": {"origin": "https://HOST"},
    "an origin that begins like ours": {"origin": "http://HOST.evil.example"},
    "ours and cross-site": {"origin": "http://HOST", "sec-fetch-site": "cross-site"},
}
OTHER_TYPES = {
    "text": "text/plain",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data; boundary=x",
    "almost": "application/json-patch+json",
    "two": "text/plain; application/json",
    "another charset": "application/json; charset=utf-7",
}


def counted(house: Site) -> dict[str, int]:
    """What would tell that something had happened."""
    return dict(house.hall.metrics.counts)


async def test_our_own_pages_and_programs_are_let_in(site: Opening) -> None:
    async with site as house:
        ours = {"origin": house.url, "sec-fetch-site": "same-origin"}
        for headers in (ours, {"sec-fetch-site": "none"}, {}):
            answer = await house.client().post("/jobs", json={"kind": "saw"}, headers=headers)
            assert answer.status_code == 201


@pytest.mark.parametrize("header", ["x-http-method-override", "x-http-method", "x-method-override"])
async def test_no_header_makes_another_method_of_a_request(site: Opening, header: str) -> None:
    async with site as house:
        client = house.client()
        await client.post("/tokens", json={"name": "night", "roles": ["read"]})
        for method in ("GET", "POST"):
            await client.request(method, "/tokens/night", headers={header: "DELETE"}, params={"_method": "DELETE"})
        assert "night" in (await client.get("/tokens")).text


async def test_nothing_says_that_other_origins_may_read(site: Opening) -> None:
    async with site as house:
        client = house.client(origin="http://evil.example")
        for answer in (
            await client.get("/counts"),
            await client.options("/jobs", headers={"access-control-request-method": "POST"}),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control")]


HOSTS = {
    "foreign": "evil.example",
    "rebound": "evil.example:PORT",
    "ours as a part": "127.0.0.1.evil.example:PORT",
    "user part": "127.0.0.1:PORT@evil.example",
    "another port": "127.0.0.1:1",
    "no port": "127.0.0.1",
    "any": "0.0.0.0:PORT",
    "another loopback": "127.0.0.2:PORT",
    "IPv6": "[::1]:PORT",
    "as a number": "2130706433:PORT",
    "nothing": "",
    "with a dot": "localhost.:PORT",
}


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
async def test_a_name_that_is_not_ours_reaches_nothing(site: Opening, host: str) -> None:
    async with site as house:
        client = house.client(host=host.replace("PORT", house.host.rpartition(":")[2]))
        for path in ("/counts", f"{house.url}/login", "/nothing"):
            answer = await client.get(path)
            assert (answer.status_code, error_of(answer)[:9]) == (421, "forbidden")


async def test_a_proxys_words_about_others_do_not_count(site: Opening) -> None:
    async with site as house:
        headers = {"host": "evil.example", "x-forwarded-host": house.host, "forwarded": f"host={house.host}"}
        assert (await house.client(**headers).get("/counts")).status_code == 421
        for _ in range(11):
            wrong = await house.client("wrong", **{"x-forwarded-for": "10.0.0.9"}).get("/ping")
        assert wrong.status_code == 429, "it is counted for who really came"


async def test_the_address_and_its_name_are_ours(site: Opening) -> None:
    async with site as house:
        port = house.host.rpartition(":")[2]
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}"):
            assert (await house.client(host=host).get("/counts")).status_code == 200


BAD_BODIES = {
    "no JSON": b"{kind: saw}",
    "half": b'{"kind":"saw"',
    "two": b'{"kind":"saw"}{"kind":"saw"}',
    "a list": b'[{"kind":"saw"}]',
    "a wrong type": b'{"kind":5}',
    "a missing field": b"{}",
    "nothing": b"",
    "an unknown field": b'{"kind":"saw","colour":"red"}',
    "a command": b'{"cmd":"submit","kind":"saw"}',
    "a ref": b'{"kind":"saw","ref":1}',
    "a follower": b'{"kind":"saw","follow":true}',
    "over-long names": b'{"kind":"%s"}' % (b"x" * 200),
    "too deep": b'{"kind":"saw","payload":%s1%s}' % (b"[" * 70, b"]" * 70),
    "far too deep": b'{"kind":"saw","payload":%s}' % (b"[" * 100_000),
    "NaN": b'{"kind":"saw","payload":NaN}',
    "a number out of range": b'{"kind":"saw","payload":1e999}',
    "priority out of range": b'{"kind":"saw","priority":1e30}',
    "a NUL": b'{"kind":"sa\\u0000w"}',
    "a raw NUL": b'{"kind":"sa\x00w"}',
    "half a character": b'{"kind":"saw","payload":"\\ud800"}',
    "no UTF-8": b'{"kind":"saw","payload":"\xff"}',
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
async def test_a_bad_body_gets_a_clear_answer_and_changes_nothing(site: Opening, body: bytes) -> None:
    async with site as house:
        answer = await house.client().post("/jobs", content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, error_of(answer)[:11]) == (400, "bad_request")
        assert house.hall.metrics.counts["submitted"] == 0


BAD_QUERIES = ["limit=many", "limit=1e9", "limit=-1", "limit=99999999999999999999", "limit=5&limit=6", "colour=red",
               "limit", "state=%FF", "kind=%00", "before=%zz", "limit=10&&", f"kind={'x' * 9_000}"]  # fmt: skip


@pytest.mark.parametrize("query", BAD_QUERIES)
async def test_a_bad_query_gets_a_clear_answer(site: Opening, query: str) -> None:
    async with site as house:
        answer = await house.client().get(f"/jobs?{query}")
        assert 400 <= answer.status_code < 500, answer.text
        assert error_of(answer).split(":")[0] in ("bad_request", "too_large")


async def test_what_is_not_there_or_not_for_this_method_is_said_in_the_same_shape(site: Opening) -> None:
    async with site as house:
        client = house.client()
        missing = await client.get("/nothing")
        assert (missing.status_code, error_of(missing)[:9]) == (404, "not_found")
        other = await client.patch("/jobs", json={})
        assert (other.status_code, error_of(other)[:11]) == (405, "bad_request")
        assert {"GET", "POST"} <= set(other.headers["allow"].replace(" ", "").split(","))
        large = await client.post("/jobs", json={"kind": "saw", "payload": "x" * (1 << 20)})
        assert (large.status_code, error_of(large)[:9]) == (413, "too_large")
        with_body = await client.request("GET", "/counts", content=b"{}")
        assert with_body.status_code == 400
        lost = await client.post("/jobs?kind=saw", json={"kind": "saw"})
        assert lost.status_code == 400
        head = await client.head("/counts")
        assert (head.status_code, head.content) == (200, b"")


async def test_every_answer_makes_browsers_careful(site: Opening) -> None:
    async with site as house:
        client = house.client()
        for answer in (
            await client.get("/counts"),
            await client.get("/nothing"),
            await client.get(f"{house.url}/login"),
        ):
            assert "script-src 'self'" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["cache-control"] == "no-store"


# Bytes that two readers could read in two ways.

HEAD = b"POST /api/v1/jobs HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n" % (
    BOSS.encode()
)
JOB = b'{"kind":"saw"}'
SMUGGLED = {
    "length and chunks": HEAD + b"Content-Length: 14\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + JOB,
    "chunks and length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 14\r\n\r\n0\r\n\r\n" + JOB,
    "two lengths": HEAD + b"Content-Length: 14\r\nContent-Length: 14\r\n\r\n" + JOB,
    "two other lengths": HEAD + b"Content-Length: 14\r\nContent-Length: 5\r\n\r\n" + JOB,
    "a length with a sign": HEAD + b"Content-Length: +14\r\n\r\n" + JOB,
    "a length with a list": HEAD + b"Content-Length: 14, 14\r\n\r\n" + JOB,
    "chunks that are none": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + JOB,
    "chunks not last": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n" + JOB,
    "chunks of old": HEAD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "another protocol": HEAD.replace(b"1.1", b"1.2") + b"Content-Length: 14\r\n\r\n" + JOB,
    "a negative chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n" + JOB,
    "a folded header": HEAD + b"X-Long: a\r\n b\r\nContent-Length: 14\r\n\r\n" + JOB,
    "a space before the colon": HEAD + b"Content-Length : 14\r\n\r\n" + JOB,
    "bare line feeds": HEAD.replace(b"\r\n", b"\n") + b"Content-Length: 14\n\n" + JOB,
    "a bare carriage return": HEAD + b"X-A: a\rX-B: b\r\nContent-Length: 14\r\n\r\n" + JOB,
    "a NUL in a header": HEAD + b"X-A: \x00\r\nContent-Length: 14\r\n\r\n" + JOB,
    "an absolute address": HEAD.replace(b" /api", b" http://HOST/api") + b"Content-Length: 14\r\n\r\n" + JOB,
    "another absolute address": HEAD.replace(b" /api", b" http://evil/api") + b"Content-Length: 14\r\n\r\n" + JOB,
    "two hosts": HEAD + b"Host: evil.example\r\nContent-Length: 14\r\n\r\n" + JOB,
    "no host": HEAD.replace(b"Host: HOST\r\n", b"") + b"Content-Length: 14\r\n\r\n" + JOB,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a tunnel": b"CONNECT evil.example:80 HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "no HTTP": b'{"cmd":"submit","kind":"saw"}\n',
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500,
    "a huge header": HEAD + b"X-A: " + b"a" * 70_000 + b"\r\n\r\n",
    "many headers": HEAD + b"X-A: a\r\n" * 1_000 + b"\r\n",
    "a header without end": HEAD + b"X-A: " + b"a" * 40_000,
}  # fmt: skip


@pytest.mark.parametrize("sent", SMUGGLED.values(), ids=SMUGGLED)
async def test_what_can_be_read_in_two_ways_is_refused_and_ends_the_connection(site: Opening, sent: bytes) -> None:
    async with site as house:
        ask = b"GET /api/v1/ping HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"
        heard = await house.raw(sent, ask)
        status = heard.partition(b" ")[2][:3]
        assert status in (b"400", b"421", b"431"), heard
        assert b'{"error":{"code":"' in heard
        assert house.hall.metrics.counts["submitted"] == 0


async def test_a_request_that_does_not_come_to_its_end_is_not_waited_for(
    site: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hirehall.doors.unfinished.LINE_SECONDS", 1)
    monkeypatch.setattr("hirehall.doors.unfinished.LOOK_SECONDS", 0.01)
    async with site as house:
        for sent in (HEAD, HEAD + b"Content-Length: 14\r\n\r\n{", HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{"):
            heard = await house.raw(sent)
            assert heard.startswith(b"HTTP/1.1 408 "), heard
        assert await house.raw() == b""
        assert house.hall.metrics.counts["submitted"] == 0


async def test_several_requests_in_one_packet_are_answered_in_their_order(site: Opening) -> None:
    async with site as house:
        ask = HEAD + b"Content-Length: 14\r\n\r\n" + JOB
        last = b"GET /api/v1/counts HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n"
        heard = await house.raw(ask * 5 + last % BOSS.encode())
        assert heard.count(b"HTTP/1.1 201 Created") == 5
        assert b'"jobs":5' in heard
