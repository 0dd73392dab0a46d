"""A hall with something to see, and a browser that looks at it: the system's Chromium, driven by Playwright."""

from __future__ import annotations

import contextlib
import itertools
import re
import shutil
import threading
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from hirehall.runners.context import Context
from hirehall.testing import HallTestServer

SIZES = {"desktop": (1360, 900), "phone": (390, 844)}
PATIENCE_MS = 10_000
TELL_OF_VIOLATIONS = """addEventListener("securitypolicyviolation", event => {
  console.error(`a violation: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});"""


class Stage:
    """A hall, and functions whose jobs run until they are let go."""

    def __init__(self, server: HallTestServer) -> None:
        self.server = server
        self.client = server.client()
        self.gate = threading.Event()
        self._numbers = itertools.count(1)

    def token(self, *roles: str) -> str:
        """A token with these roles."""
        name = "-".join((*roles, str(next(self._numbers))))
        return str(self.client.request({"cmd": "token", "do": "create", "name": name, "roles": list(roles)})["token"])

    def submit(self, kind: str, count: int = 1, **more: Any) -> None:
        """So many jobs of a kind."""
        self.client.request({"cmd": "submit", "jobs": [{"kind": kind, **more}] * count})

    def play(self) -> None:
        """Work for two workers, failures, a queue that is paused, and jobs that nobody can run."""
        gate = self.gate

        def thumbnail(n: Any) -> Any:
            return n

        def report(n: Any) -> Any:
            gate.wait(PATIENCE_MS / 1000)
            return n

        def crash(edges: dict[str, Any], context: Context) -> None:
            context.log(f"reading {edges['file']}")
            context.log("\x1b[32mread\x1b[0m 1,204 edges, \x1b[1m98\x1b[0m of them on the border")
            context.log("\x1b[33mwarning:\x1b[0m edges 12 and 40 are closer than the tolerance")
            context.progress(30, "checking crossings")
            raise ValueError("edge 12 crosses edge 40")

        self.server.worker(thumbnail, crash, queues=["images", "mail"], concurrency=4, offers={"gpu": 1})
        self.server.worker(report, queues=["reports"], concurrency=2, offers={"mesher": ["netgen", "triangle"]})
        self.submit("thumbnail", 400, queue="images")
        self.submit("thumbnail", 30, queue="mail")
        at_once = {"kind": "constant", "base_seconds": 0}
        edges = {"file": "wing.edges", "tolerance": 0.01, "layers": [1, 2, 5]}
        self.submit("crash", 3, queue="images", payload=edges, max_attempts=2, backoff=at_once, tags=["wing"])
        self.submit("report", 12, queue="reports")
        self.submit("mesh2d", 14, queue="meshes", requires={"mesher": "tetgen"})
        self.submit("mesh2d", 1, queue="meshes", draft=True)
        self.client.request({"cmd": "pause", "queue": "nightly"})
        self.submit("backup", 2, queue="nightly")
        self.client.request({"cmd": "queue", "queue": "reports", "max_running": 2, "max_waiting": 1000})

    def end(self) -> None:
        self.gate.set()


@contextlib.contextmanager
def opened() -> Iterator[Stage]:
    """A stage, torn down at its end."""
    with HallTestServer() as server:
        stage = Stage(server)
        try:
            yield stage
        finally:
            stage.end()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of this machine."""
    program = shutil.which("chromium")
    assert program is not None, "there is no Chromium here: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


class Visitor:
    """Somebody with a browser of their own. What its console said, and what failed to load, is kept."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.url = url
        self.complaints: list[str] = []
        self.expected = "nothing"  # of them: a pattern
        self.context: BrowserContext = browser.new_context(base_url=url, **options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.add_init_script(TELL_OF_VIOLATIONS)
        self.page = self.open()

    def open(self) -> Page:
        """A new tab."""
        page = self.context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location})")

    @property
    def unexpected(self) -> list[str]:
        """The complaints that no test has provoked."""
        return [said for said in self.complaints if not re.match(self.expected, said)]

    def log_in(self, token: str) -> None:
        """By the form."""
        self.page.goto("/login")
        self.page.get_by_label("Token").fill(token)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(lambda url: "/login" not in url)

    def see(self, path: str) -> None:
        """Go there, and wait until it is live."""
        self.page.goto(path)
        self.page.get_by_text("Live", exact=True).wait_for(state="attached")

    def close(self) -> None:
        self.context.close()
