"""Write the page's pictures to docs/pictures/: wide in light, narrow in dark, three ratings given."""

import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from app.settings import Settings
from tests.chromium import chromium
from tests.processes import environment, server

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
COMMANDS = ("migrate", "sample", "train")
HEIGHT, NUM_COLOURS = 860, 128
SHARES = (1, 0.25, 0.9)  # of the scale: what the ratings are
PAUSE_MS = 600  # until rows lie still and the next questions are there


def open_page(browser: Browser, url: str, width: int, scheme: str) -> Page:
    """Open the page and rate three films."""
    page = browser.new_page(viewport={"width": width, "height": HEIGHT}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(url)
    for place, share in enumerate(SHARES):
        steps = page.locator(".cards > li").nth(place).locator(".step")
        steps.first.wait_for()
        steps.nth(round((steps.count() - 1) * share)).click()
        page.wait_for_timeout(PAUSE_MS)
    page.evaluate("document.getElementById('toast').hidden = true")
    return page


def main() -> None:
    """Make an instance with the sample, and take the pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(_env_file=None, database_url=f"sqlite:///{folder}/palate.db", model_store=folder / "models")
        for command in COMMANDS:
            subprocess.run([sys.executable, "-m", "app.cli", command], env=environment(settings), check=True)  # noqa: S603
        with server(settings, folder / "log") as api, chromium() as browser:
            url = str(api.base_url)
            for name, width, scheme in (("page-light", 1180, "light"), ("page-dark", 390, "dark")):
                drawn = open_page(browser, url, width, scheme).screenshot()
                few = Image.open(BytesIO(drawn)).convert("RGB").quantize(NUM_COLOURS, dither=Image.Dither.NONE)
                few.save(FOLDER / f"{name}.png", optimize=True)


main()
