"""Training after an erasure: runs in progress, checkpoints, the kept matrix of `linear`, the schedule."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from app.registry import store
from app.tables import RunCause, RunState
from app.training import service
from app.training.data.snapshot import load_interactions
from app.training.data.split import split_users
from models.fit import Fit, FitOptions
from tests.app.erasure.conftest import rate
from tests.app.erasure.test_service import erase, follow, train
from tests.app.training.conftest import QUICK, Instance

LONG: dict[str, Any] = {"kind": "denoising", "epochs": 30, "batch_size": 8}


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What the workers of this process log."""
    with capture_logs() as lines:
        yield lines


def test_a_run_that_had_read_the_ratings_is_listed_and_so_is_its_version(
    instance: Instance, client: TestClient
) -> None:
    rate(client)
    run_id = instance.request(**LONG)
    instance.start_worker()
    instance.wait_for_epoch(run_id, 1)

    receipt = erase(client)

    assert (receipt["state"], receipt["runs"], receipt["versions"]) == ("pending", [run_id], [])
    version = instance.wait_for_end(run_id).run.version
    now = follow(client, receipt)
    assert (now["state"], now["runs"], now["live_version_holds"]) == ("pending", [], True)
    assert [(row["version"], row["part"], row["live"]) for row in now["versions"]] == [(version, "trained", True)]


def test_an_attempt_does_not_resume_a_checkpoint_that_learned_from_the_user(
    instance: Instance, client: TestClient, logged: list[Any]
) -> None:
    rate(client)
    run_id = instance.request(**LONG)
    first = instance.start_worker()
    instance.wait_for_epoch(run_id, 3)
    first.stop()
    assert instance.progress(run_id).run.state == RunState.QUEUED
    folder = store.run_folder(instance.settings.model_store, run_id)
    assert list(folder.iterdir())

    receipt = erase(client)
    instance.start_worker()
    progress = instance.wait_for_end(run_id)

    assert progress.run.state == RunState.SUCCEEDED
    assert (progress.run.attempts, len(progress.epochs)) == (2, LONG["epochs"])
    assert "training_resumed" not in [line["event"] for line in logged]
    now = follow(client, receipt)
    assert (now["state"], now["versions"], now["clean_version"]) == ("purged", [], progress.run.version)


def test_after_an_erasure_linear_equals_a_fit_without_the_user(instance: Instance, client: TestClient) -> None:
    rate(client)
    instance.start_worker()
    train(instance, "linear")
    erase(client)

    version = train(instance, "linear")

    model = store.load(instance.settings.model_store, version).model
    snapshot = instance.read(load_interactions, instance.settings)
    split, table = split_users(snapshot.user_ids), snapshot.interactions
    fit = Fit("linear", table.take(split.train), table.take(split.validation), FitOptions())
    list(fit)
    assert model.config == fit.best.config  # hyper-parameters too
    np.testing.assert_allclose(model.preference(table.rows), fit.best.preference(table.rows), atol=1e-4)
    np.testing.assert_allclose(model.rating(table.rows), fit.best.rating(table.rows), atol=1e-4)


def test_one_erasure_makes_a_run_due_where_a_few_changes_do_not(instance: Instance, client: TestClient) -> None:
    rate(client)
    rate(client, "grace")
    worker = instance.start_worker()
    train(instance, "linear")
    worker.stop()
    settings = instance.settings.model_copy(update=QUICK | {"train_interval": None})
    now = datetime.now(UTC)
    assert client.delete("/v1/users/grace/ratings/item-1").is_success
    assert instance.read(service.poll, settings, None, now) is None

    erase(client)
    run = instance.write(service.start_due, settings, None, now)

    assert run is not None
    assert run.cause == RunCause.CHANGES
    instance.write(service.cancel_run, run.id, now)
    assert instance.read(service.poll, settings, None, now) is None  # not repeated at once
