"""Workers and a client that need no more than HTTP, each as it stands."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import ROOT, Shell, serve

EXAMPLES = ROOT / "examples"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A newcomer in `examples` with a hall that is ready."""
    for program in ("curl", "node"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} in the PATH: install it")
    shell = Shell(tmp_path, EXAMPLES, HIREHALL_TCP="127.0.0.1:0")
    serve(shell)
    yield shell
    shell.close()


def test_the_curl_worker_does_any_payload_and_goes_on(shell: Shell) -> None:
    shell.start("./worker-curl.sh")
    for payload in ("'\"plain\"'", """'{"quote \\" and \\\\ back": [1, null, "ü"]}'""", "null"):
        status, said = shell.run(f"hirehall submit cksum {payload} --wait")
        checksum, length = said.strip().strip('"').split()
        assert (status, checksum.isdigit(), int(length) > 1) == (0, True, True)


def test_the_curl_worker_finds_the_hall_again(shell: Shell) -> None:
    shell.start("./worker-curl.sh")
    assert shell.run("hirehall submit cksum 1 --wait")[0] == 0
    shell.programs[0].kill()
    serve(shell)
    assert shell.run("hirehall submit cksum 2 --wait")[0] == 0


def test_client_and_worker_in_node_need_nothing_but_fetch(shell: Shell) -> None:
    shell.start("node node/worker.mjs")
    assert shell.run("""node node/client.mjs words '"one two three"'""") == (0, "3\n")
    assert shell.run("""node node/client.mjs words null""") == (0, "1\n")


def test_the_node_worker_says_why_a_job_failed(shell: Shell, tmp_path: Path) -> None:
    broken = (EXAMPLES / "node" / "worker.mjs").read_text().replace("String(payload)", "payload")
    (tmp_path / "worker.mjs").write_text(broken.replace("./hall.mjs", str(EXAMPLES / "node" / "hall.mjs")))
    shell.start(f"node {tmp_path}/worker.mjs")
    status, said = shell.run("hirehall submit words 5 --max-attempts 1 --wait")
    assert status != 0
    assert "is not a function" in said


def test_nothing_of_it_imports_a_package() -> None:
    for path in (EXAMPLES / "node").iterdir():
        origins = [line.rpartition(" from ")[2] for line in path.read_text().splitlines() if line.startswith("import")]
        assert all(origin.startswith(('"node:', '"./')) for origin in origins), path
