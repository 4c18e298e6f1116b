"""A real server with the sample and a model, and a real Chromium in front of it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from app.launch.prepare import sample
from app.settings import Settings
from tests.app.console.serving import Serving, in_thread
from tests.chromium import MISSING, chromium, find_chromium
from tests.conftest import prepare
from tests.processes import run

PATIENCE_MS = 20_000  # a busy machine is no defect
expect.set_options(timeout=PATIENCE_MS)
FILMS = [{"item_id": f"film-{place}", "title": f"Film {place}", "attributes": {"year": 1980}} for place in range(12)]


def instance(folder: Path, **more: Any) -> Settings:
    """Settings of an instance in a folder, quick to notice new models and keys."""
    database = f"sqlite:///{folder}/palate.db"
    return Settings(_env_file=None, database_url=database, model_store=folder / "models", poll_interval=0.1, **more)


@pytest.fixture(scope="session")
def sample_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server with the sample and a first model."""
    settings = instance(tmp_path_factory.mktemp("console"))
    in_thread(prepare(settings))
    in_thread(sample(settings))
    assert run(settings, "train", "--kind", "linear").returncode == 0
    serving = Serving(settings)
    yield serving
    serving.stop()


@pytest.fixture
def api(sample_server: Serving) -> Iterator[httpx2.Client]:
    """A client of the server with the sample."""
    with httpx2.Client(base_url=sample_server.url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium, which CI must have. Its loop ends with the module: other tests run loops of their own."""
    if find_chromium() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    with chromium() as browser:
        yield browser


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
def new_page(browser: Browser, sample_server: Serving) -> Iterator[Callable[..., Page]]:
    """Make pages of the sample server; each must behave until the end, but for what `allowed` is part of."""
    opened: list[tuple[BrowserContext, Watched, str | None]] = []

    def make(origin: str = sample_server.url, allowed: str | None = None, **options: object) -> Page:
        context = browser.new_context(base_url=origin, **{"reduced_motion": "reduce"} | options)  # type: ignore[arg-type]
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
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
def new_server(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    """Start a server without a model, on a scale: with a dozen rated films or, not migrated, without tables."""
    started: list[Serving] = []

    def start(is_migrated: bool = True, **scale: float) -> Serving:
        settings = instance(tmp_path, **scale)
        if is_migrated:
            in_thread(prepare(settings))
        started.append(Serving(settings))
        if is_migrated:
            rows = [{"user_id": "eve", "item_id": film["item_id"], "value": settings.rating_max} for film in FILMS]
            assert httpx2.post(f"{started[-1].url}/v1/items", json=FILMS).is_success
            assert httpx2.post(f"{started[-1].url}/v1/ratings", json=rows).is_success
        return started[-1]

    yield start
    for serving in started:
        serving.stop()
