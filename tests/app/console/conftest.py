"""A real server with the sample and a model, and a real Chromium in front of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from app.settings import Settings
from tests.processes import environment, server

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
NewContext = Callable[..., BrowserContext]


def palate(settings: Settings, *command: str) -> str:
    """Run a command of ours to its end; another process, because Playwright's loop runs in this one."""
    ended = subprocess.run(
        [sys.executable, "-m", "app.cli", *command],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="session")
def sample_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of an instance with the sample and a first model."""
    folder = tmp_path_factory.mktemp("console")
    settings = Settings(_env_file=None, database_url=f"sqlite:///{folder}/palate.db", model_store=folder / "models")
    for command in ("migrate", "sample", "train --kind linear"):
        palate(settings, *command.split())
    return settings


@pytest.fixture(scope="session")
def api(sample_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A client of the real server."""
    with server(sample_settings, tmp_path_factory.mktemp("server") / "log") as client:
        yield client


def chromium() -> str:
    """Find a Chromium; CI must have one."""
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found is None:
        missing = "There is no Chromium to drive the page: install one, e.g. with `apt-get install chromium`."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium. Playwright's loop ends with the module: other tests run loops of their own."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Watched:
    """What a page must not do: complain, fail, or call another server than its own."""

    def __init__(self, page: Page, origin: str) -> None:
        self.origin = urlsplit(origin).netloc
        self.problems: list[str] = []
        page.on("console", self.on_console)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", self.on_request)

    def on_console(self, message: ConsoleMessage) -> None:
        """Note what the browser complains about."""
        if message.type in {"error", "warning"}:
            self.problems.append(f"{message.text} {message.location}")

    def on_request(self, request: Request) -> None:
        """Note calls of others."""
        if urlsplit(request.url).netloc != self.origin:
            self.problems.append(request.url)


@pytest.fixture
def new_page(browser: Browser, api: httpx2.Client) -> Iterator[Callable[..., Page]]:
    """Make pages of the sample server; each must behave until the end, but for what `allowed` is part of."""
    opened: list[tuple[BrowserContext, Watched, str | None]] = []

    def make(origin: str = str(api.base_url), allowed: str | None = None, **options: object) -> Page:
        context = browser.new_context(base_url=origin, **{"reduced_motion": "reduce"} | options)  # type: ignore[arg-type]
        page = context.new_page()
        page.set_default_timeout(10_000)
        opened.append((context, Watched(page, origin), allowed))
        return page

    yield make
    for context, watched, allowed in opened:
        context.close()
        assert [each for each in watched.problems if allowed is None or allowed not in each] == []


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """The page, opened by a guest who has just come."""
    page = new_page()
    page.goto("/")
    page.locator(".picks > li").first.wait_for()
    page.locator(".cards > li").first.wait_for()
    return page


@pytest.fixture
def log_folder(tmp_path: Path) -> Path:
    """Where servers of one test write."""
    return tmp_path
