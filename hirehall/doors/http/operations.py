"""The route table: what can be done over HTTP, each as one row. Handlers, the OpenAPI document, docs/http.md and the
tests of access are made from these rows; who may do it and what happens is said by the command table alone.

To add an operation: a row here, and an example in it.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from hirehall.doors.http import file_requests as up
from hirehall.service import file_commands as files
from hirehall.service.commands import COMMANDS, INTERNAL
from hirehall.service.files import UPLOADERS
from hirehall.wire import glance, replies, requests

BASE = "/api/v1"
ROWS = COMMANDS | INTERNAL


class Operation(Struct, frozen=True, kw_only=True):
    """`says` is the request that it makes of the path's words, of what is `fixed` and of the query (GET, DELETE) or the
    body; `more` are fields beside the request's own. `special` names who does it when it is more than one command."""

    name: str
    method: str
    path: str  # below BASE
    about: str
    says: type
    answers: Any
    fixed: dict[str, Any] = {}
    leaves_out: tuple[str, ...] = ()
    inside: str = ""  # the body is this field of the request
    more: tuple[tuple[str, Any, Any], ...] = ()  # name, type, default
    special: str = ""
    status: int = 200
    example: dict[str, Any] = {}
    gives_bytes: bool = False  # the answer is a file

    @property
    def takes_bytes(self) -> bool:
        """Whether the body is (a part of) a file, and not JSON."""
        return self.method == "PUT"

    @property
    def has_body(self) -> bool:
        """Whether its fields come in the body, not in the query."""
        return self.method not in ("GET", "DELETE", "PUT")

    @property
    def roles(self) -> frozenset[str]:
        """Any of these suffices; none: everyone who is known."""
        return ROWS[self.says].roles if self.says in ROWS else UPLOADERS


def _get(name: str, path: str, about: str, says: type, answers: Any, **more: Any) -> Operation:
    return Operation(name=name, method="GET", path=path, about=about, says=says, answers=answers, **more)


def _post(name: str, path: str, about: str, says: type, answers: Any, **more: Any) -> Operation:
    return Operation(name=name, method="POST", path=path, about=about, says=says, answers=answers, **more)


class _Required: ...


REQUIRED = _Required()
WORKER = (("worker", str, REQUIRED),)
ONE = ("ids", "where")
MANY = ("id",)
ID = "0ca8abc2f0400000"
HELLO = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"  # the sha256 of "hello", a line
CHANGED = replies.Judged | replies.TaskReply
FOLLOW = ("follow",)

OPERATIONS: tuple[Operation, ...] = (
    # Jobs.
    _post("submit", "/jobs", "Hand in a job, or several as `jobs`, all or none.", requests.Submit,
          replies.Submitted | replies.SubmittedMany, leaves_out=FOLLOW, status=201, special="submit",
          example={"kind": "resize", "payload": {"file": "a.png"}}),
    _get("find", "/jobs", "Jobs that fit all that is given, the newest first; `next` goes on as `before`.",
         requests.Find, replies.Jobs, example={"state": "failed", "limit": 10}),
    _get("get", "/jobs/{id}", "One job with all that is known of it.", requests.Get, replies.JobView, special="get",
         leaves_out=("ids",)),
    _post("get_many", "/jobs/get", "Several jobs by their ids.", requests.Get, replies.Jobs, example={"ids": [ID]}),
    _post("wait", "/jobs/wait", "Answer when all these jobs have ended, or the time is up.", requests.Wait,
          replies.Jobs, special="wait", example={"ids": [ID], "timeout_seconds": 0}),
    _post("cancel_many", "/jobs/cancel", "End jobs: `ids` one by one, or `where` in the background.", requests.Cancel,
          CHANGED, leaves_out=MANY, example={"where": {"queue": "images"}}),
    _post("retry_many", "/jobs/retry", "Try jobs again that failed, were cancelled or expired.", requests.Retry,
          CHANGED, leaves_out=MANY, example={"where": {"state": "failed"}}),
    _post("remove_many", "/jobs/remove", "Forget jobs that have ended.", requests.Remove, CHANGED, leaves_out=MANY,
          example={"where": {"state": "cancelled"}}),
    _post("change_many", "/jobs/change", "Set something else on jobs that have not begun.", requests.Change, CHANGED,
          leaves_out=MANY, example={"where": {"queue": "images"}, "set": {"priority": 5}}),
    _post("cancel", "/jobs/{id}/cancel", "End this job, wherever it is.", requests.Cancel, replies.Judged,
          leaves_out=ONE),
    _post("retry", "/jobs/{id}/retry", "Try it again; its attempts are forgiven.", requests.Retry, replies.Judged,
          leaves_out=ONE),
    Operation(name="change", method="PATCH", path="/jobs/{id}", about="Set something else on a job that has not begun.",
              says=requests.Change, answers=replies.Judged, inside="set", example={"priority": 5}),
    Operation(name="remove", method="DELETE", path="/jobs/{id}", about="Forget a job that has ended.",
              says=requests.Remove, answers=replies.Judged, leaves_out=ONE),
    _get("explain", "/jobs/{id}/explain", "Why it is where it is, in sentences.", requests.Explain, replies.Explained),
    _get("log_of", "/jobs/{id}/log", "An attempt's log from `offset`; as an event stream also what comes.",
         requests.LogOf, replies.LogReply, leaves_out=FOLLOW, special="log"),
    # Drafts and files. PUT takes the bytes of a file.
    _post("commit_many", "/jobs/commit", "Let drafts run whose files are there.", requests.Commit, replies.Judged,
          leaves_out=MANY, example={"ids": [ID]}),
    _post("discard_many", "/jobs/discard", "Forget drafts.", requests.Discard, replies.Judged, leaves_out=MANY,
          example={"ids": [ID]}),
    _post("commit", "/jobs/{id}/commit", "Let this draft run: its files are there.", requests.Commit,
          replies.Submitted, leaves_out=("ids",)),
    _post("discard", "/jobs/{id}/discard", "Forget this draft.", requests.Discard, replies.Judged,
          leaves_out=("ids",)),
    _get("files_of", "/jobs/{id}/files", "Its inputs; its outputs, once it has succeeded.", files.FilesOf,
         files.FileList),
    _get("download", "/jobs/{id}/files/{name}", "A file, or a range of it; an output before an input, unless"
         " `direction` says which.", files.FilesOf, replies.Reply, special="download", gives_bytes=True,
         more=(("direction", up.Way | None, None),)),
    Operation(name="put_file", method="PUT", path="/jobs/{id}/files/{name}", about="An input for a draft, in one go.",
              says=files.Attach, answers=files.Attached, leaves_out=("sha256",), special="put_file"),
    _post("attach", "/jobs/{id}/files", "A content that is here already as an input of a draft.", files.Attach,
          files.Attached, example={"name": "a.txt", "sha256": HELLO}),
    Operation(name="detach", method="DELETE", path="/jobs/{id}/files/{name}", about="Take an input from a draft.",
              says=files.Detach, answers=replies.Reply),
    Operation(name="put_output", method="PUT", path="/jobs/{id}/outputs/{name}",
              about="An output of an attempt, from its worker.", says=files.AttachOutput, answers=files.Attached,
              leaves_out=("sha256",), special="put_file", example={"worker": "w81f", "attempt": 1}),
    _post("attach_output", "/jobs/{id}/outputs", "A content that is here already as an output of an attempt.",
          files.AttachOutput, files.Attached,
          example={"worker": "w81f", "attempt": 1, "name": "a.txt", "sha256": HELLO}),
    Operation(name="put_content", method="PUT", path="/contents/{sha256}", says=up.Content, answers=up.Stored,
              about="A content on its own, in one go, for a `submit` or `attach` that names it within an hour.",
              special="put_content"),
    _post("begin_upload", "/uploads", "Begin an upload that can be broken off and gone on with.", up.Begin, up.Upload,
          status=201, special="begin_upload", example={"size": 6, "sha256": HELLO}),
    _get("upload", "/uploads/{upload}", "How much of it is here: go on from `received`.", up.Look, up.Upload,
         special="upload"),
    Operation(name="go_on", method="PUT", path="/uploads/{upload}", about="More of it, from `offset` on.",
              says=up.More, answers=up.Upload, special="go_on", example={"offset": 0}),
    _post("finish_upload", "/uploads/{upload}/finish", "All was sent: its digests.", up.Finish, up.Stored,
          special="finish_upload"),
    Operation(name="abandon_upload", method="DELETE", path="/uploads/{upload}", about="Nothing more comes.",
              says=up.Abandon, answers=replies.Reply, special="abandon_upload"),
    # Changes of many jobs, which run in the hall.
    _get("tasks", "/tasks", "Changes with `where` on their way.", requests.Task, replies.TasksReply,
         leaves_out=("id", "stop")),
    _get("task", "/tasks/{id}", "How far one of them is.", requests.Task, replies.TaskReply, leaves_out=("stop",)),
    _post("stop_task", "/tasks/{id}/stop", "End it after the step under way.", requests.Task, replies.TaskReply,
          fixed={"stop": True}),
    # What is in the hall.
    _get("events", "/events", "What happens, as server-sent events; goes on behind `Last-Event-ID`.", requests.Watch,
         replies.EventPush, leaves_out=("off",), special="events"),
    _get("overview", "/overview", "The hall at a glance.", requests.Overview, glance.OverviewReply),
    _get("counts", "/counts", "Numbers of jobs by queue, kind and state.", requests.Counts, replies.CountsReply),
    _get("queues", "/queues", "Every queue, its settings and what is in it.", requests.Queues, replies.QueuesReply),
    _get("queue", "/queues/{queue}", "One of them.", requests.Queues, replies.QueueReply, special="queue"),
    Operation(name="set_queue", method="PATCH", path="/queues/{queue}", about="Set what is given; null: the default.",
              says=requests.Queue, answers=replies.QueueReply, example={"max_running": 5}),
    _post("pause", "/queues/{queue}/pause", "Accept jobs, hand out none.", requests.Pause, replies.QueueReply),
    _post("resume", "/queues/{queue}/resume", "Accept and hand out again.", requests.Resume, replies.QueueReply),
    _post("drain", "/queues/{queue}/drain", "Hand out what is there, refuse more.", requests.Drain, replies.QueueReply),
    _get("workers", "/workers", "Every worker, what it serves and holds.", requests.Workers, replies.WorkersReply),
    _post("tell_worker", "/workers/{worker}", "Tell a worker to pause, resume, drain, stop or set its credit.",
          requests.WorkerOrder, replies.WorkersReply, example={"do": "pause"}),
    _get("kinds", "/kinds", "What the workers can run.", requests.Kinds, replies.KindsReply),
    _get("can", "/can", "Is there, now, a worker for this kind and these `requires` (JSON)?", requests.Can,
         replies.CanReply, example={"kind": "resize"}),
    _get("metrics", "/metrics", "Counters since the hall started.", requests.Metrics, replies.MetricsReply),
    _get("ping", "/ping", "Nothing but an answer.", requests.Ping, replies.Reply),
    # Who may.
    _get("tokens", "/tokens", "Every token but its secret.", requests.Token, replies.TokensReply,
         fixed={"do": "list"}, leaves_out=("name", "roles", "queues", "kinds", "expires_at", "ttl_seconds")),
    _post("create_token", "/tokens", "Make a token; only this answer tells it.", requests.Token, replies.TokenCreated,
          fixed={"do": "create"}, status=201, example={"name": "night", "roles": ["submit"]}),
    Operation(name="revoke_token", method="DELETE", path="/tokens/{name}", about="Let a token count no more, at once.",
              says=requests.Token, answers=replies.Reply, fixed={"do": "revoke"},
              leaves_out=("roles", "queues", "kinds", "expires_at", "ttl_seconds")),
    _post("link", "/link", "An address that logs a browser in once, as this token.", requests.Link, replies.LinkReply),
    _post("shutdown", "/shutdown", "End the hall; with `workers` they finish first.", requests.Shutdown, replies.Reply,
          example={"workers": False}),
    # A worker that polls.
    _post("claim", "/claim", "Up to `n` jobs for this worker, as soon as there are some.", requests.Work,
          replies.Claimed, leaves_out=("credit",), special="claim",
          more=(*WORKER, ("n", int, 1), ("wait_seconds", float, 20.0)),
          example={"worker": "w81f", "kinds": ["resize"], "wait_seconds": 0}),
    _post("beat", "/beat", "The leases named run again in full; what is lost, what to stop.", requests.Beat,
          replies.Beaten, leaves_out=("jobs",), special="beat",
          more=(*WORKER, ("jobs", list[requests.KeptJob], REQUIRED)),
          example={"worker": "w81f", "jobs": [{"id": ID, "attempt": 1}]}),
    _post("done_many", "/done", "Several results, each judged by itself.", requests.Done, replies.Judged,
          leaves_out=("id", "attempt", "result", "jobs"), special="answer",
          more=(*WORKER, ("jobs", list[requests.DoneJob], REQUIRED)),
          example={"worker": "w81f", "jobs": [{"id": ID, "attempt": 1, "result": 1}]}),
    _post("done", "/jobs/{id}/done", "The result of an attempt.", requests.Done, replies.Judged,
          leaves_out=("jobs", "attempt"), more=(*WORKER, ("attempt", int, REQUIRED)), special="answer",
          example={"worker": "w81f", "attempt": 1, "result": {"width": 100}}),
    _post("fail", "/jobs/{id}/fail", "An attempt failed; another follows while some are left and `retry` is true.",
          requests.Fail, replies.Judged, more=WORKER, special="answer",
          example={"worker": "w81f", "attempt": 1, "error": {"message": "no such file"}}),
    _post("release", "/jobs/{id}/release", "Give a job back; the attempt does not count.", requests.Release,
          replies.Judged, more=WORKER, special="answer", example={"worker": "w81f", "attempt": 1}),
    _post("progress", "/jobs/{id}/progress", "How far an attempt is.", requests.Progress, replies.Reply, more=WORKER,
          special="answer", example={"worker": "w81f", "attempt": 1, "percent": 40, "text": "page 4"}),
    _post("log", "/jobs/{id}/log", "More of an attempt's log.", requests.Log, replies.Reply, more=WORKER,
          special="answer", example={"worker": "w81f", "attempt": 1, "text": "line\n"}),
)  # fmt: skip
BY_NAME = {operation.name: operation for operation in OPERATIONS}
