"""The way of a GET of recommendations through our files, from the router to the bytes, is short and as documented."""

import asyncio
import re
import sys
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.app.recommendations.helpers import Publish, add_items, rate, wait_for_version

ROOT = Path(__file__).parents[4]
PAGE = ROOT / "docs/explanation/architecture.md"
ENDPOINT = "recommend_for_user"
MAX_FILES, MAX_RETURNS = 14, 8


@pytest.fixture
def trained(client: TestClient, publish_version: Publish) -> TestClient:
    """An app whose model folds users in together with others, as `auto` does, and a user with ratings."""
    add_items(client)
    publish_version()
    wait_for_version(client, "v1")
    rate(client, "ada", {"even 0": 5})
    client.app.state.serving.live.is_quick = False  # type: ignore[attr-defined]
    return client


class Recorder:
    """The functions of ours that one request calls, in their order, from its endpoint on.

    What a model does inside, what runs in other tasks (a pass that many requests share), properties, the clock, and
    methods that Python calls by itself, such as constructors, are not counted.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self._frames: set[FrameType] = set()
        self._task: asyncio.Task[Any] | None = None

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """Record a call."""
        name, path = frame.f_code.co_name, Path(frame.f_code.co_filename)
        if event != "call" or not is_ours(path) or frame in self._frames:
            return
        self._frames.add(frame)  # a coroutine that goes on is no call
        if name == ENDPOINT:
            self._task = asyncio.current_task()
        if self._task is None or self._task is not current_task() or name.startswith(("<", "__", "now_us")):
            return
        if is_property(frame) or (is_model(path) and is_model(caller_of(frame))):
            return
        self.calls.append((path.relative_to(ROOT).as_posix(), name))

    def stays(self) -> list[tuple[str, list[str]]]:
        """Return the files in the order they are entered, with the functions called there."""
        begin = [name for _, name in self.calls].index(ENDPOINT)
        # What comes behind is the middleware's.
        end = max(
            place for place, (path, _) in enumerate(self.calls) if path.endswith("users/response.py")
        )  # the rest is the middleware's
        return [
            (path, [name for _, name in calls])
            for path, calls in groupby(self.calls[begin : end + 1], key=lambda call: call[0])
        ]


def current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # a thread without an event loop
        return None


def is_ours(path: Path) -> bool:
    return path.is_relative_to(ROOT / "app") or is_model(path)


def is_model(path: Path) -> bool:
    return path.is_relative_to(ROOT / "models")


def caller_of(frame: FrameType) -> Path:
    return Path(frame.f_back.f_code.co_filename) if frame.f_back else Path()


def is_property(frame: FrameType) -> bool:
    owner = type(frame.f_locals.get("self"))
    return isinstance(getattr(owner, frame.f_code.co_name, None), property)


def record(client: TestClient, path: str) -> Recorder:
    """Record the calls of one GET, after one that fills what is cached."""
    client.get(path)
    recorder, before = Recorder(), sys.getprofile()
    assert client.portal is not None
    client.portal.call(set_profile, recorder)
    assert client.get(path).status_code == 200
    client.portal.call(set_profile, before)
    return recorder


async def set_profile(profile: Any) -> None:
    sys.setprofile(profile)


def test_a_get_goes_through_few_files_and_returns_to_few(trained: TestClient) -> None:
    stays = record(trained, "/v1/users/ada/recommendations").stays()
    files = list(dict.fromkeys(path for path, _ in stays))
    way = "\n".join(f"{path}: {', '.join(names)}" for path, names in stays)
    assert len(files) <= MAX_FILES, way
    assert len(stays) - len(files) <= MAX_RETURNS, way


def test_the_documentation_lists_the_files_in_their_order(trained: TestClient) -> None:
    stays = record(trained, "/v1/users/ada/recommendations").stays()
    section = PAGE.read_text().split("## The path of a GET")[1].split("\n## ")[0]
    documented = re.findall(r"^\d+\. `([\w/]+\.py)`", section, re.MULTILINE)
    database = {"app/database/postgresql/hot.py": "app/database/sqlite.py"}
    assert documented == [database.get(path, path) for path in dict.fromkeys(path for path, _ in stays)]
