"""`hirehall demo`: every sort of file is a result or a failure with its reason, and nobody is left behind."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from msgspec import Raw

from hirehall.cli.demo.crew import SCRIPT
from hirehall.cli.demo.files import list_files
from hirehall.cli.demo.tasks import count
from hirehall.cli.demo.work import payload
from hirehall.runners.context import Context
from hirehall.runners.steer import Fail
from hirehall.wire.replies import Delivery
from tests.cli.program import Program, Shell

ODD_NAMES = [
    *(b"two words", b"line\nbreak", b"break at the end\n", b"tab\t", b"-dash", b'quote"and\\back'),
    *(b"$(touch pwned)`id`;'", b"not utf-8 \xff\xfe", "\xfcn\xef-\u65e5\u672c".encode(), b"\x1b[31mred"),
    *(b"[bold]markup", b'x","path_base64":"QUFB"'),
]
CONTENT = b"one two\nthree"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One of everything that a folder may hold."""
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    for name in ODD_NAMES:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(CONTENT)
    (folder / "sub" / "empty").touch()
    (folder / "binary").write_bytes(bytes(range(256)))
    (folder / "link").symlink_to("binary")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").touch()
    return folder


def demo(shell: Shell, folder: Path, *options: str) -> tuple[int, Any]:
    """One demo, by its JSON."""
    status, said = shell.run(f"hirehall demo {folder} --json {' '.join(options)}", within=60)
    return status, json.loads(said.splitlines()[-1])


def test_every_name_and_content_is_a_result(shell: Shell, folder: Path) -> None:
    status, run = demo(shell, folder)
    assert (status, run["failed"]) == (0, 0)
    assert run["jobs"] == 2 * (len(ODD_NAMES) + 2)
    rows = {row["file"]: row["results"] for row in run["files"]}
    assert rows.pop("binary")["count"] == {"bytes": 256, "binary": True}
    assert rows.pop("sub/empty")["count"] == {"bytes": 0, "lines": 0, "words": 0}
    for results in rows.values():
        assert results["count"] == {"bytes": len(CONTENT), "lines": 1, "words": 3}
        assert results["checksum"] == {"sha256": hashlib.sha256(CONTENT).hexdigest()}
    assert not (folder / "pwned").exists()


def test_a_person_sees_a_table_the_rate_and_how_to_go_on(shell: Shell, folder: Path) -> None:
    status, said = shell.run(f"hirehall demo {folder} --limit 5 --all", within=60)
    assert status == 0
    for words in ("left out: ", "links (2)", "pipes, sockets and devices (1)", "files beyond --limit (9)", "jobs/s",
                  "none failed", "one attempt each", "hirehall work", "--wait"):  # fmt: skip
        assert words in said, said
    assert "\x1b" not in said


def test_a_file_that_cannot_be_read_fails_with_its_reason_and_the_demo_with_it(shell: Shell, tmp_path: Path) -> None:
    secret = tmp_path / "only" / "secret"
    secret.parent.mkdir()
    secret.write_text("x")
    secret.chmod(0)
    found = as_nobody_special(["hirehall", "demo", str(secret.parent)], shell.env)
    assert found.returncode == 1, found
    assert found.stdout.count("cannot read the file: Permission denied") == 2
    assert "2 failed" in found.stdout


def as_nobody_special(argv: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program that file modes hold for, even when the tests are run by root."""
    return subprocess.run(
        argv, env=env, capture_output=True, text=True, timeout=60, check=False, preexec_fn=give_up_roots_rights
    )


def give_up_roots_rights() -> None:
    """Root reads everything; without these two capabilities it is like everybody else."""
    drop, override, search = 24, 1, 2  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    for capability in (override, search):
        ctypes.CDLL(None).prctl(drop, capability, 0, 0, 0)


def test_a_folder_without_files_is_no_failure(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    status, said = shell.run(f"hirehall demo {tmp_path / 'empty'}")
    assert (status, "0 files" in said) == (0, True)


def test_what_is_no_folder_is_a_usage_error(shell: Shell) -> None:
    assert shell.run("hirehall demo /no/such/folder")[0] == 2


def test_data_that_are_to_be_kept_are_kept(shell: Shell, folder: Path) -> None:
    status, said = shell.run(f"hirehall demo {folder} --limit 1 --data kept", within=60)
    assert status == 0
    assert "hirehall jobs --data kept" in said
    assert (shell.cwd / "kept" / "hall.db").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_no_process_and_no_file(
    shell: Shell, tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "many").mkdir()
    for name in range(1000):
        (tmp_path / "many" / str(name)).touch()
    (tmp_path / "tmp").mkdir()
    shell.env["TMPDIR"] = str(tmp_path / "tmp")
    running = shell.start(f"hirehall demo {tmp_path / 'many'}")
    running.says("one shell-script worker")
    children = psutil.Process(running.pid).children(recursive=True)
    assert len(children) >= 3
    os.kill(running.pid, number)
    assert running.ends()[0] == 130
    psutil.wait_procs(children, timeout=10)
    assert not [child for child in children if child.is_running()]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_worker_that_dies_ends_the_demo_with_its_last_words(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    for name in range(1000):
        (tmp_path / "many" / str(name)).touch()
    running = shell.start(f"hirehall demo {tmp_path / 'many'}")
    running.says("one shell-script worker")
    script = next(child for child in psutil.Process(running.pid).children() if "--script" in child.cmdline())
    script.kill()
    status, said = running.ends(within=60)
    assert status == 3
    assert "the script worker ended with status -9" in said


def test_tool_folders_are_left_out_by_name(tmp_path: Path) -> None:
    for name in (".git", ".venv", "__pycache__", ".mypy_cache", "src", ".github"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    assert [str(path) for path in list_files(tmp_path, 99).files] == [".github/file", "src/file"]


# What happens to a file between its listing and its job.


@pytest.fixture(params=["vanished", "a folder", "a pipe", "unreadable"])
def gone(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """A path, and what is wrong with it."""
    path = tmp_path / "gone"
    if request.param == "a folder":
        path.mkdir()
    elif request.param == "a pipe":
        os.mkfifo(path)
    elif request.param == "unreadable":
        path.touch(mode=0)
    return path, request.param


def test_the_python_worker_fails_with_a_reason_and_never_waits(
    gone: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, what = gone
    if what == "unreadable":  # also for root
        monkeypatch.setattr(os, "open", lambda *_: raise_error(PermissionError(13, "Permission denied")))
    job = Delivery("0" * 16, 1, "count", "default", Raw(b"null"), 30.0)
    with pytest.raises(Fail) as failed:
        count(payload(path.parent, Path(path.name)), Context(job, lambda _percent, _text: None, lambda _text: None))
    reasons = {"vanished": "cannot read the file: No such file or directory", **UNREADABLE}
    assert failed.value.message == reasons.get(what, "this is not a regular file")


def raise_error(error: Exception) -> None:
    raise error


UNREADABLE = {"unreadable": "cannot read the file: Permission denied"}


def test_the_script_fails_with_a_reason_and_never_waits(gone: tuple[Path, str], tmp_path: Path) -> None:
    path, what = gone
    (tmp_path / "payload").write_text(json.dumps(payload(path.parent, Path(path.name))))
    env = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(tmp_path),
        "HALL_PAYLOAD": str(tmp_path / "payload"),
        "HALL_RESULT": str(tmp_path / "result"),
    }
    found = as_nobody_special(["sh", str(SCRIPT)], env)
    reasons = {"vanished": "there is no such file any more", **UNREADABLE}
    assert (found.returncode, found.stderr.strip()) == (1, reasons.get(what, "this is not a regular file"))
    assert not (tmp_path / "result").exists()


def test_words_are_counted_across_the_pieces_in_which_a_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hirehall.cli.demo.tasks.CHUNK_BYTES", 3)
    (tmp_path / "file").write_bytes(b" ab  cdefgh\n\ni jk\n l")
    job = Delivery("0" * 16, 1, "count", "default", Raw(b"null"), 30.0)
    counted = count(payload(tmp_path, Path("file")), Context(job, lambda _percent, _text: None, lambda _text: None))
    assert counted == {"bytes": 20, "lines": 3, "words": 5}


def test_a_progress_bar_is_drawn_on_a_terminal(shell: Shell, folder: Path) -> None:
    line = f'"{sys.executable}" -c \'import pty; pty.spawn(["hirehall", "demo", "{folder}"])\''
    drawn: Program = shell.start(line)
    status, said = drawn.ends(within=60)
    assert status == 0
    assert "a Python function" in said
    assert "14/14" in said
