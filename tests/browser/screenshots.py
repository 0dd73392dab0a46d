"""Every page in light and dark, on a desk and on a phone: `python -m tests.browser.screenshots DIRECTORY`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser

from tests.browser.stage import SIZES, Stage, Visitor, chromium, opened

PAGES = {
    "overview": "/",
    "jobs": "/jobs",
    "jobs-failed": "/jobs?state=failed",
    "submit": "/submit",
    "queues": "/queues",
    "queue": "/queues/reports",
    "workers": "/workers",
    "missing": "/nothing",
}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
JOBS = {"job": "/jobs?kind=crash", "job-running": "/jobs?state=running", "job-draft": "/jobs?state=draft"}  # the first


def shoot(browser: Browser, stage: Stage, directory: Path) -> list[Path]:
    """The files."""
    directory.mkdir(parents=True, exist_ok=True)
    visitor = Visitor(browser, stage.server.http)
    visitor.page.goto("/login")
    made = _shots(visitor, directory, "login")
    visitor.log_in(stage.server.token)
    for name, path in PAGES.items():
        if name == "missing":
            visitor.page.goto(path)
        else:
            visitor.see(path)
        made += _shots(visitor, directory, name)
    for name, path in JOBS.items():
        visitor.see(path)
        visitor.see(visitor.page.locator("#job-rows a").first.get_attribute("href") or "")
        made += _shots(visitor, directory, name)
    visitor.close()
    assert [said for said in visitor.complaints if "404" not in said] == []
    return made


def _shots(visitor: Visitor, directory: Path, name: str) -> list[Path]:
    """What is there, as each theme and each screen show it; it is loaded once."""
    made: list[Path] = []
    for theme in THEMES:
        visitor.page.emulate_media(color_scheme=theme)
        for size, (width, height) in SIZES.items():
            visitor.page.set_viewport_size({"width": width, "height": height})
            visitor.page.evaluate(PAINTED)
            made.append(directory / f"{name}-{theme}-{size}.png")
            visitor.page.screenshot(path=made[-1], full_page=True)
    return made


def main(directory: Path) -> None:
    """Make them all."""
    with opened() as stage, chromium() as browser:
        stage.play()
        for path in shoot(browser, stage, directory):
            print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
