from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from app.database.engine import Database
from app.kit.errors import RunAlreadyEnded, RunNotFound
from app.settings import Settings
from app.tables import RunCause, RunState, TrainingRun
from app.training import queue, service
from app.training.queue import Claim, LeaseLost
from tests.app.training.conftest import store_ratings

OnDatabase = Callable[[Callable[[Database], Awaitable[Any]]], Any]
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LEASE = timedelta(minutes=10)  # longer than a test takes
RUN_OUT = timedelta(seconds=-1)  # a lease that has run out
FIGURES: dict[str, Any] = {"loss": 1.0, "metrics": {}, "seconds": 0.1}


class Runs:
    """Runs of one database, each call a transaction."""

    def __init__(self, settings: Settings, on_database: OnDatabase) -> None:
        self.settings = settings
        self.on_database = on_database

    def write(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self.on_database(lambda database: database.write(work, *args, **kwargs))

    def request(self) -> int:
        return int(self.write(service.request_run, self.settings, RunCause.MANUAL, NOW).id)

    def claim(self, worker: str, lease: timedelta = LEASE) -> Claim | None:
        claimed: Claim | None = self.write(queue.claim, worker, lease)
        return claimed

    def get(self, run_id: int) -> TrainingRun:
        run: TrainingRun = self.write(service.get_run, run_id)
        return run


@pytest.fixture
def runs(settings: Settings, run_on_database: OnDatabase) -> Runs:
    return Runs(settings, run_on_database)


def require(claim: Claim | None) -> Claim:
    assert claim is not None
    return claim


def test_the_oldest_run_is_claimed_once(runs: Runs) -> None:
    first, second = runs.request(), runs.request()
    assert require(runs.claim("a")).run_id == first
    assert require(runs.claim("b")).run_id == second
    assert runs.claim("c") is None


def test_a_run_is_taken_over_when_its_lease_has_run_out_and_its_first_worker_writes_no_more(runs: Runs) -> None:
    run_id = runs.request()
    slow = require(runs.claim("slow"))
    assert runs.claim("quick") is None
    runs.write(queue.renew, slow, RUN_OUT)
    quick = require(runs.claim("quick"))
    assert (quick.run_id, quick.attempt) == (run_id, 2)
    late: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
        (partial(queue.record_epoch, planned=5, eta=NOW, now=NOW), (1, FIGURES)),
        (queue.renew, (LEASE,)),
        (queue.finish, (RunState.SUCCEEDED,)),
        (queue.release, ()),
        (queue.is_cancelled, ()),
    ]
    for write, arguments in late:
        with pytest.raises(LeaseLost):
            runs.write(write, slow, *arguments)
    assert runs.write(service.get_progress, run_id).epochs == []


def test_a_renewed_lease_is_not_taken_over(runs: Runs) -> None:
    runs.request()
    claim = require(runs.claim("a", RUN_OUT))
    runs.write(queue.renew, claim, LEASE)
    assert runs.claim("b") is None


def test_a_run_fails_after_three_workers_died_with_it(runs: Runs) -> None:
    run_id = runs.request()
    for n in range(3):
        assert runs.claim(f"worker-{n}", RUN_OUT)
    assert runs.claim("worker-3") is None
    run = runs.get(run_id)
    assert (run.state, run.error) == (RunState.FAILED, "3 workers in a row died while training this run.")


def test_a_released_run_does_not_count_as_a_worker_that_died(runs: Runs) -> None:
    run_id = runs.request()
    for n in range(5):
        runs.write(queue.release, require(runs.claim(f"worker-{n}")))
    assert require(runs.claim("last")).attempt == 6
    assert runs.get(run_id).takeovers == 0


def test_an_epoch_trained_again_replaces_its_first_figures(runs: Runs) -> None:
    run_id = runs.request()
    claim = require(runs.claim("a"))
    for epoch in (1, 2, 3):
        runs.write(queue.record_epoch, claim, epoch, FIGURES, planned=5, eta=NOW, now=NOW)
    runs.write(queue.resume, claim, 1, 5)
    runs.write(queue.record_epoch, claim, 2, FIGURES | {"loss": 7.0}, planned=5, eta=NOW, now=NOW)
    progress = runs.write(service.get_progress, run_id)
    assert [(row.epoch, row.loss) for row in progress.epochs] == [(1, 1.0), (2, 7.0)]
    assert progress.run.epoch == 2


def test_a_waiting_run_is_cancelled_at_once_and_a_running_one_by_its_worker(runs: Runs) -> None:
    waiting, running = runs.request(), runs.request()
    assert runs.write(service.cancel_run, waiting, NOW).state == RunState.CANCELLED
    claim = require(runs.claim("a"))
    assert claim.run_id == running
    assert runs.write(queue.is_cancelled, claim) is False
    assert runs.write(service.cancel_run, running, NOW).state == RunState.RUNNING
    assert runs.write(queue.is_cancelled, claim) is True
    with pytest.raises(RunAlreadyEnded):
        runs.write(service.cancel_run, waiting, NOW)
    with pytest.raises(RunNotFound):
        runs.write(service.cancel_run, 99, NOW)


def test_a_cancelled_run_whose_worker_died_is_not_taken_over(runs: Runs) -> None:
    run_id = runs.request()
    runs.claim("a", RUN_OUT)
    runs.write(service.cancel_run, run_id, NOW)
    assert runs.claim("b") is None
    assert runs.get(run_id).state == RunState.CANCELLED


def test_a_cancelled_run_that_its_worker_gave_back_is_not_trained_again(runs: Runs) -> None:
    run_id = runs.request()
    claim = require(runs.claim("a"))
    runs.write(service.cancel_run, run_id, NOW)
    runs.write(queue.release, claim)
    assert runs.claim("b") is None
    assert runs.get(run_id).state == RunState.CANCELLED


def test_two_workers_that_find_the_same_run_due_queue_it_once(runs: Runs) -> None:
    runs.write(store_ratings, 20)
    first = runs.write(service.start_due, runs.settings, None, NOW)
    assert first.cause == RunCause.CHANGES
    assert runs.write(service.start_due, runs.settings, None, NOW) is None
