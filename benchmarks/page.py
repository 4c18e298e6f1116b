"""From a click on a star to the new list on screen: `python -m benchmarks.page --ratings FOLDER [--kind linear auto]`.

For each kind a database of its own gets the ratings, a model is trained, and a real Chromium opens the page as a new
user, who rates what they are asked. A click begins with the event's own time stamp; it ends in the task after the frame
in which the list holds its new rows, each in its final place (motion is reduced; else they glide there in 320 ms). In
between lie the PUT of the rating, the GET of ten recommendations with their reasons, and the browser's own work.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

from app.settings import Settings
from tests.chromium import chromium
from tests.processes import environment, server

SCALE = {"PALATE_RATING_MIN": "0.5"}
PAUSE_MS = 400  # between two clicks: the next questions have come
SHARES = (1, 0.5, 0.8, 0.25, 0.9)  # of the scale, in turn
# Resolves with the milliseconds from the next click to the frame in which the list has changed.
NEXT_CLICK = """() => { globalThis.measured = new Promise(resolve => {
  addEventListener("click", event => {
    const observer = new MutationObserver(() => {
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - event.timeStamp)));
    });
    observer.observe(document.querySelector(".picks"), { childList: true });
  }, { capture: true, once: true });
}); }"""


def run(settings: Settings, *command: str) -> None:
    """Run a command of ours."""
    subprocess.run([sys.executable, "-m", "app.cli", *command], env=environment(settings) | SCALE, check=True)


def measure(page: Page, num_clicks: int) -> list[float]:
    """Rate one card after the other; gives the milliseconds of each click."""
    page.evaluate("sessionStorage.setItem('palate-user', 'benchmark')")
    page.reload()
    times = []
    for click in range(num_clicks):
        card = page.locator(".cards > li").nth(click % 4)
        card.wait_for()
        steps = card.locator(".step")
        page.wait_for_timeout(PAUSE_MS)
        page.evaluate(NEXT_CLICK)
        steps.nth(round((steps.count() - 1) * SHARES[click % len(SHARES)])).click()
        times.append(float(page.evaluate("globalThis.measured")))
    return times


def measure_kind(kind: str, ratings: Path, num_clicks: int) -> list[float]:
    """Train and serve a model of one kind, and click."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = f"sqlite:///{folder}/palate.db"
        settings = Settings(_env_file=None, database_url=database, model_store=folder / "models")
        for command in (["migrate"], ["import", str(ratings.resolve())], ["train", "--kind", kind]):
            run(settings, *command)
        with server(settings, folder / "log", fresh=True, **SCALE) as api, chromium() as browser:
            page = browser.new_page(reduced_motion="reduce")
            page.goto(str(api.base_url))
            return measure(page, num_clicks)


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--ratings", type=Path, required=True, help="A folder of MovieLens, as `palate import` takes it."
    )
    parser.add_argument("--kind", nargs="+", default=["linear", "auto"])
    parser.add_argument("--clicks", type=int, default=40)
    given = parser.parse_args()
    for kind in given.kind:
        times = np.array(measure_kind(kind, given.ratings, given.clicks))
        median, p95 = np.median(times), np.quantile(times, 0.95)
        print(
            f"{kind}: {len(times)} clicks, median {median:.0f} ms, p95 {p95:.0f} ms, slowest {times.max():.0f} ms",
            flush=True,
        )


if __name__ == "__main__":
    main()
