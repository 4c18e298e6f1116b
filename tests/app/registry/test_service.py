import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy.orm import Session

from app.kit.errors import UserNotFound, VersionNotFound, VersionRefused, VersionUnusable
from app.registry import service, store
from app.registry.schemas import Version
from app.registry.service import ActivationRequest
from app.registry.training_users import FILE, TrainingUsers, UserRole
from app.settings import Settings
from app.tables import User
from models import checkpoint
from models.core.model import Model
from tests.app.registry.conftest import ITEMS, NOW, OnDatabase


class Registry:
    """The registry of one database, each call a transaction."""

    def __init__(self, on_database: OnDatabase) -> None:
        self.on_database = on_database

    def __call__(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self.on_database(lambda database: database.write(work, *args, **kwargs))

    def publish(self, version: str, minute: int, *, activate: bool = True) -> None:
        figures = {"watermark": 1, "num_users": 1, "num_items": 1, "num_ratings": 1, "num_bytes": 1}
        gate = {"activated": activate, "reason": "let it pass" if activate else "refused: clearly worse"}
        row: dict[str, Any] = {"version": version, "kind": "linear", "metrics": {}, "gate": gate, **figures}
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
    registry(service.activate, "one", ActivationRequest(), NOW)
    assert registry.live() == "one"


def test_activating_the_live_version_again_changes_nothing(registry: Registry) -> None:
    registry.publish("one", 1)
    again = registry(service.activate, "one", ActivationRequest(), NOW + timedelta(hours=1))
    assert [row.activated_at for row in again.activations["one"]] == [NOW + timedelta(minutes=1)]


def test_a_refused_version_goes_live_only_by_force_which_is_recorded_with_actor_and_reason(registry: Registry) -> None:
    registry.publish("one", 1)
    registry.publish("refused", 2, activate=False)
    with pytest.raises(VersionRefused, match="'refused' was refused: clearly worse"):
        registry(service.activate, "refused", ActivationRequest(reason="I like it"), NOW)
    assert registry.live() == "one"

    forced = registry(
        service.activate, "refused", ActivationRequest(actor="key 1 (ops)", reason="I like it", force=True), NOW
    )

    assert registry.live() == "refused"
    (row,) = forced.activations["refused"]
    assert (row.cause, row.actor, row.reason, row.activated_at) == ("forced", "key 1 (ops)", "I like it", NOW)


def test_going_back_to_a_version_that_was_live_needs_no_force(registry: Registry) -> None:
    registry.publish("one", 1)
    registry.publish("refused", 2, activate=False)
    registry(service.activate, "refused", ActivationRequest(force=True), NOW)
    registry(service.activate, "one", ActivationRequest(force=True), NOW)  # there was nothing to force
    back = registry(service.activate, "refused", ActivationRequest(), NOW)
    assert [row.cause for row in back.activations["refused"]] == ["manual", "forced"]
    assert [row.cause for row in registry(service.show_version, "one").activations["one"]] == ["manual", "gate"]


def test_every_version_has_a_state(registry: Registry) -> None:
    for n, activate in enumerate([False, True, True, False, True]):
        registry.publish(f"version-{n}", n, activate=activate)
    registry(service.remove_old, 2, NOW)
    shown = Version.all_of(registry(service.list_versions, None, 10))
    assert [version.state for version in shown] == ["live", "refused", "activated", "removed", "removed"]


def test_old_versions_are_removed_but_never_the_live_one_nor_the_one_before_it(registry: Registry) -> None:
    for n in range(6):
        registry.publish(f"version-{n}", n, activate=n < 2)
    assert registry.live() == "version-1"
    assert registry(service.remove_old, 2, NOW) == ["version-3", "version-2"]
    assert registry(service.remove_old, 2, NOW) == []
    with pytest.raises(VersionUnusable, match="were removed"):
        registry(service.activate, "version-2", ActivationRequest(), NOW)
    with pytest.raises(VersionNotFound):
        registry(service.activate, "version-9", ActivationRequest(), NOW)


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


def test_a_name_taken_by_another_worker_is_replaced_by_the_next(tmp_path: Path, model: Model) -> None:
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


def numbers(*users: int) -> Any:
    return np.array(users, np.int64)


def test_a_version_has_the_roles_of_its_users(registry: Registry, settings: Settings, model: Model) -> None:
    before = TrainingUsers.of(numbers(1, 2), numbers(), numbers(), None)
    users = TrainingUsers.of(numbers(2, 3), numbers(4), numbers(5), before)
    checkpoint.save(settings.model_store / "one", model, ITEMS, {}, beside={FILE: users.tensors()})
    checkpoint.save(settings.model_store / "old", model, ITEMS, {})
    for minute, version in enumerate(("old", "one", "gone")):
        registry.publish(version, minute)
    registry(add_users, 6)

    def roles(user_id: str) -> dict[str, UserRole | None]:
        number, listing = registry(service.versions_of_user, user_id)
        return store.roles_of(settings.model_store, [row.version for row in listing.rows], number)

    found = [roles(f"user {n}")["one"] for n in range(1, 7)]

    assert found == [UserRole.INHERITED, UserRole.TRAINED, UserRole.TRAINED, UserRole.VALIDATED, UserRole.JUDGED, None]
    assert roles("user 1")["old"] == UserRole.UNKNOWN
    assert roles("user 1")["gone"] == UserRole.UNKNOWN
    registry(service.remove_old, 1, NOW)  # spares the live one and the one before
    assert "old" not in roles("user 1")
    with pytest.raises(UserNotFound):
        roles("unknown")


def add_users(session: Session, num_users: int) -> None:
    for n in range(1, num_users + 1):
        session.add(User(id=n, external_id=f"user {n}", revision=0, created_at=NOW))


def test_learned_users_stay_learned_in_every_version_that_resumes() -> None:
    first = TrainingUsers.of(numbers(1, 2), numbers(), numbers(), None)
    second = TrainingUsers.of(numbers(2, 3), numbers(), numbers(), first)
    third = TrainingUsers.of(numbers(3), numbers(1), numbers(), second)
    assert third.inherited.tolist() == [1, 2]
    assert third.role_of(1) == UserRole.INHERITED


@pytest.mark.parametrize("file", [FILE, "model.json"])
def test_a_damaged_file_of_users_is_detected(tmp_path: Path, model: Model, file: str) -> None:
    users = TrainingUsers.of(numbers(1), numbers(), numbers(), None)
    checkpoint.save(tmp_path / "version", model, ITEMS, {}, beside={FILE: users.tensors()})
    path = tmp_path / "version" / file
    path.write_bytes(path.read_bytes()[:-1])
    assert store.role_of(tmp_path, "version", 1) == UserRole.UNKNOWN
    with pytest.raises(VersionUnusable, match=file):
        store.verify(tmp_path, "version")


def test_only_leftovers_of_crashes_are_removed(tmp_path: Path, model: Model) -> None:
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
