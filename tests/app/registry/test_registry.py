import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.db import Database
from app.errors import VersionNotFound, VersionUnusable
from app.registry import service, store
from app.settings import Settings
from models import checkpoint
from models.base import Model
from models.fit import Fit, FitOptions
from models.interactions import Interactions, RatingScale

OnDatabase = Callable[[Callable[[Database], Awaitable[Any]]], Any]
NOW = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
SCALE = RatingScale(minimum=1, maximum=5, step=0.5, like_threshold=4)
ITEMS = ["a", "b", "c"]


@pytest.fixture(scope="module")
def model() -> Model:
    cells = np.array([[0, 0, 5], [0, 1, 1], [1, 1, 5], [1, 2, 4], [2, 0, 3]])
    ratings = Interactions.from_arrays(cells[:, 0], cells[:, 1], cells[:, 2].astype(float), ITEMS, SCALE)
    fit = Fit("linear", ratings, ratings.take(np.arange(0)), FitOptions(epochs=1))
    assert len(list(fit)) == 1
    return fit.best


class Registry:
    """The registry of one database, each call a transaction."""

    def __init__(self, on_database: OnDatabase) -> None:
        self.on_database = on_database

    def __call__(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self.on_database(lambda database: database.write(work, *args, **kwargs))

    def publish(self, version: str, minute: int, *, activate: bool = True) -> None:
        figures = {"watermark": 1, "num_users": 1, "num_items": 1, "num_ratings": 1, "num_bytes": 1}
        row: dict[str, Any] = {"version": version, "kind": "linear", "metrics": {}, "gate": {}, **figures}
        self(service.publish, activate=activate, now=NOW + timedelta(minutes=minute), **row)

    def live(self) -> str | None:
        row = self(service.live_version)
        return row.version if row else None


@pytest.fixture
def registry(settings: Settings, run_on_database: OnDatabase) -> Registry:
    return Registry(run_on_database)


def test_the_latest_activation_is_live_and_a_refused_version_is_not(registry: Registry) -> None:
    assert registry.live() is None
    registry.publish("one", 1)
    registry.publish("two", 2)
    registry.publish("refused", 3, activate=False)
    assert registry.live() == "two"
    registry(service.activate, "one", "manual", NOW)
    assert registry.live() == "one"


def test_activating_the_live_version_again_changes_nothing(registry: Registry) -> None:
    registry.publish("one", 1)
    before = registry(service.show_version, "one").activated
    assert registry(service.activate, "one", "manual", NOW + timedelta(hours=1)).activated == before


def test_old_versions_are_removed_but_never_the_live_one_nor_the_one_before_it(registry: Registry) -> None:
    for n in range(6):
        registry.publish(f"version-{n}", n, activate=n < 2)
    assert registry.live() == "version-1"
    assert registry(service.remove_old, 2, NOW) == ["version-3", "version-2"]
    assert registry(service.remove_old, 2, NOW) == []
    with pytest.raises(VersionUnusable, match="were removed"):
        registry(service.activate, "version-2", "manual", NOW)
    with pytest.raises(VersionNotFound):
        registry(service.activate, "version-9", "manual", NOW)


def test_versions_are_listed_newest_first_page_by_page(registry: Registry) -> None:
    for n in range(3):
        registry.publish(f"version-{n}", n)
    page = registry(service.list_versions, None, 2).rows
    assert [row.version for row in page] == ["version-2", "version-1"]
    following = registry(service.list_versions, page[-1].created_at, 2).rows
    assert [row.version for row in following] == ["version-0"]


def test_names_sort_by_time_and_never_collide(tmp_path: Path) -> None:
    assert store.new_name(tmp_path, "linear", NOW) == "2026-11-23T10-15-00Z-linear"
    (tmp_path / "2026-11-23T10-15-00Z-linear").mkdir()
    assert store.new_name(tmp_path, "linear", NOW) == "2026-11-23T10-15-00Z-linear-2"


def test_a_name_that_another_worker_takes_meanwhile_gives_way_to_the_next(tmp_path: Path, model: Model) -> None:
    def save(folder: Path) -> None:
        if folder.name == "2026-11-23T10-15-00Z-linear":
            checkpoint.save(folder, model, ITEMS, {"of": "the other"})
        checkpoint.save(folder, model, ITEMS, {"of": "this one"})

    folder = store.write_new(tmp_path, "linear", NOW, save)

    assert folder.name == "2026-11-23T10-15-00Z-linear-2"
    assert store.load(tmp_path, folder.name).manifest == {"of": "this one"}
    assert store.load(tmp_path, "2026-11-23T10-15-00Z-linear").manifest == {"of": "the other"}


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        store.write_new(tmp_path, "linear", NOW, fail)


@pytest.mark.parametrize("file", ["weights.safetensors", "model.json"])
@pytest.mark.parametrize("damage", ["cut short", "altered", "removed"])
def test_a_damaged_version_is_refused_with_the_reason(tmp_path: Path, model: Model, file: str, damage: str) -> None:
    checkpoint.save(tmp_path / "version", model, ITEMS, {})
    store.verify(tmp_path, "version")
    path = tmp_path / "version" / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(content if damage == "altered" else content[: len(content) // 2])
    with pytest.raises(VersionUnusable, match=file):
        store.verify(tmp_path, "version")


def test_what_crashes_left_is_removed_and_nothing_else(tmp_path: Path, model: Model) -> None:
    for name in ("known", "orphan", "fresh"):
        checkpoint.save(tmp_path / name, model, ITEMS, {})
    for name in (".half.0123.tmp", ".runs/1/attempt-1", ".runs/2/attempt-1", "not-ours"):
        (tmp_path / name).mkdir(parents=True)
    hours_ago = NOW.timestamp()
    for name in ("known", "orphan", ".half.0123.tmp", ".runs/1", ".runs/2", "not-ours", ".runs"):
        os.utime(tmp_path / name, (hours_ago - 1e8, hours_ago - 1e8))

    removed = store.clear_leftovers(tmp_path, {"known"}, {2})

    assert sorted(removed) == [".half.0123.tmp", "1", "orphan"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".runs", "fresh", "known", "not-ours"]
    assert [path.name for path in (tmp_path / ".runs").iterdir()] == ["2"]
