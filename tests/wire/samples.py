"""One full line for every command, and what its fields must decode to."""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from hirehall.model import Backoff, PartialSpec
from hirehall.wire import requests

ID = "01890a5d2c400001"
REF = Raw(b'"r1"')

FILTER: dict[str, Any] = {
    "queue": "images",
    "kind": "resize",
    "state": "ready",
    "tag": "night",
    "key": "a.png@v3",
    "worker": "render-01",
    "created_after": "2030-01-31T12:00:00Z",
    "created_before": 1_900_000_000.5,
}
CHOICE: dict[str, Any] = {"ids": [ID], "id": ID, "where": requests.Filter(**FILTER)}
EDIT = requests.Edit(
    queue="sounds",
    priority=7,
    requires={"gpu": 1},
    share="team",
    run_at=None,
    delay_seconds=1.5,
    expires_at="2030-01-31T12:00:00Z",
    ttl_seconds=3.0,
    timeout_seconds=None,
    max_attempts=3,
    keep_seconds=60.0,
    tags=["day"],
    meta={"trace": "żółć"},
)

SAMPLES: dict[type, dict[str, Any]] = {
    requests.Hello: {"protocol": 1, "token": "secret", "name": "render-01", "worker": "w81f"},
    requests.Bye: {},
    requests.Ping: {},
    requests.Submit: {
        "kind": "resize",
        "payload": Raw(b'{"file":"a.png","n":[1,2.5,null,true]}'),
        "queue": "images",
        "key": "a.png@v3",
        "priority": -5,
        "share": "team",
        "requires": {"gpu": 1, "mesher": "tetgen", "fast": True, "ram": 1.5},
        "run_at": "2030-01-31T12:00:00Z",
        "delay_seconds": 1.5,
        "expires_at": 1_900_000_000.5,
        "ttl_seconds": 3.0,
        "timeout_seconds": 60.0,
        "max_attempts": 3,
        "backoff": Backoff("linear", 2.0, 10.0, 0.5),
        "keep_seconds": 60.0,
        "lock": "scanner-2",
        "after": [ID],
        "tags": ["night", "żółć"],
        "meta": {"trace": "żółć"},
        "follow": True,
        "jobs": [PartialSpec(), PartialSpec(kind="scan", payload=Raw(b"2"), key=None)],
    },
    requests.Get: {"ids": [ID]},
    requests.Wait: {"ids": [ID, ID], "timeout_seconds": 10.0},
    requests.Cancel: CHOICE,
    requests.Retry: CHOICE,
    requests.Remove: CHOICE,
    requests.Change: {**CHOICE, "set": EDIT},
    requests.Task: {"id": "t1", "stop": True},
    requests.Find: {**FILTER, "limit": 7, "before": ID},
    requests.Watch: {
        "since": "19f-7",
        "ids": [ID],
        "queues": ["images"],
        "kinds": ["resize"],
        "events": ["submit", "succeed"],
        "off": True,
    },
    requests.Counts: {"queue": "images", "kind": "resize"},
    requests.Queues: {},
    requests.Workers: {},
    requests.Explain: {"id": ID},
    requests.LogOf: {"id": ID, "attempt": 2, "offset": 4096, "follow": True},
    requests.Queue: {
        "queue": "images",
        "state": "paused",
        "max_running": 5,
        "max_per_second": 0.5,
        "max_waiting": None,
        "lock_limit": 2,
        "max_attempts": 3,
        "backoff": Backoff("constant", 2.0, 10.0, 0.0),
        "keep_seconds": 60.0,
    },
    requests.Pause: {"queue": "images"},
    requests.Resume: {"queue": "images"},
    requests.Drain: {"queue": "images"},
    requests.WorkerOrder: {"worker": "w81f", "do": "set", "credit": 3},
    requests.Shutdown: {"workers": True},
    requests.Token: {
        "do": "create",
        "name": "night",
        "roles": ["work", "read"],
        "queues": ["images"],
        "kinds": ["resize"],
        "expires_at": "2030-01-31T12:00:00Z",
        "ttl_seconds": 60.0,
    },
    requests.Can: {"kind": "resize", "queue": "images", "requires": {"gpu": 2}},
    requests.Kinds: {},
    requests.Work: {
        "queues": ("images", "default"),
        "kinds": ("resize", "*"),
        "offers": {"gpu": 1, "models": ["a", "b"]},
        "credit": 4,
        "lease_seconds": 0.5,
    },
    requests.Credit: {"credit": 0},
    requests.Progress: {"id": ID, "attempt": 1, "percent": 40.0, "text": "page 4 of 10"},
    requests.Log: {"id": ID, "attempt": 1, "stream": "stderr", "text": "żółć\n"},
    requests.Done: {
        "id": ID,
        "attempt": 2,
        "result": Raw(b'{"width":100}'),
        "jobs": [requests.DoneJob(ID, 1, Raw(b"[]"))],
    },
    requests.Fail: {
        "id": ID,
        "attempt": 1,
        "error": requests.WireFault("ValueError", "no", "line 1\nline 2"),
        "retry": False,
        "delay_seconds": 0.25,
    },
    requests.Release: {"id": ID, "attempt": 1, "delay_seconds": 60.0, "begun": True},
    requests.Beat: {},
    requests.Keep: {"jobs": [requests.KeptJob(ID, 1)]},
    requests.Metrics: {},
    requests.CanDo: {"types": ["resize", "mail"]},
    requests.Do: {"id": Raw(b'"job-1"'), "type": "resize", "arg": Raw(b'{"w":100}')},
    requests.Did: {"id": Raw(b"17"), "res": Raw(b'"ok"')},
}
