"""Where a Chromium is, for tests, measurements and pictures of the page."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")  # the first takes half the time
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]  # in a container, as root, there is neither
MISSING = "There is no Chromium to drive the page: install one, e.g. with `apt-get install chromium`."


def find_chromium() -> str | None:
    """Return the path of an installed Chromium."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a Chromium without a window. Playwright's loop runs in this thread until the end."""
    path = find_chromium()
    if path is None:
        raise FileNotFoundError(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
