"""Every page in light and dark, on a desk and on a phone: `python -m tests.browser.screenshots DIRECTORY`."""

from __future__ import annotations

import sys
from pathlib import Path

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


def shoot(browser: Browser, stage: Stage, directory: Path) -> list[Path]:
    """The files."""
    directory.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for theme in ("light", "dark"):
        for size, (width, height) in SIZES.items():
            screen = {"width": width, "height": height}
            visitor = Visitor(browser, stage.server.http, color_scheme=theme, viewport=screen)
            visitor.page.goto("/login")
            made.append(_shot(visitor, directory / f"login-{theme}-{size}.png"))
            visitor.log_in(stage.server.token)
            for name, path in PAGES.items():
                if name == "missing":
                    visitor.page.goto(path)
                else:
                    visitor.see(path)
                made.append(_shot(visitor, directory / f"{name}-{theme}-{size}.png"))
            visitor.see("/jobs?kind=crash")
            visitor.see(visitor.page.locator("#job-rows a").first.get_attribute("href") or "")
            made.append(_shot(visitor, directory / f"job-{theme}-{size}.png"))
            visitor.close()
            assert [said for said in visitor.complaints if "404" not in said] == []
    return made


def _shot(visitor: Visitor, path: Path) -> Path:
    visitor.page.screenshot(path=path, full_page=True)
    return path


def main(directory: Path) -> None:
    """Make them all."""
    with opened() as stage, chromium() as browser:
        stage.play()
        for path in shoot(browser, stage, directory):
            print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
