"""What a run survives: its worker killed, told to stop or suspended, and the database gone for a while."""

import signal
from time import sleep
from typing import Any

import pytest

from app.registry import service as registry
from app.registry import store
from app.tables import RunState
from app.training.service import Progress
from tests.app.training.conftest import QUICK, Instance
from tests.relay import relay

LEASE_S: float = QUICK["train_lease"].total_seconds()
ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SLOW: dict[str, Any] = {"epochs": 12, "batch_size": 16}  # an epoch takes long enough to be struck in


def is_whole(progress: Progress) -> bool:
    """Return whether a run succeeded with every epoch once, in order."""
    succeeded = progress.run.state == RunState.SUCCEEDED
    return succeeded and [row.epoch for row in progress.epochs] == list(range(1, SLOW["epochs"] + 1))


def lines_of(logged: list[Any], event: str) -> list[Any]:
    return [line for line in logged if line["event"] == event]


def test_a_run_killed_mid_epoch_is_taken_over_from_its_last_checkpoint(instance: Instance, logged: list[Any]) -> None:
    run_id, holder = instance.start_run_in_a_process(**SLOW)
    holder.kill()
    holder.wait()
    reached = instance.progress(run_id).run.epoch
    assert reached < SLOW["epochs"]
    instance.start_worker()

    progress = instance.wait_for_end(run_id)

    assert is_whole(progress), progress.run.error
    assert (progress.run.attempts, progress.run.takeovers) == (2, 1)
    [resumed] = lines_of(logged, "training_resumed")
    assert resumed["epoch"] in {reached - 1, reached}, "only the epoch whose checkpoint was being written comes again"
    folder = store.run_folder(instance.settings.model_store, run_id)
    instance.wait_until(lambda: not folder.exists())


@ON_SQLITE
def test_a_worker_told_to_stop_gives_its_run_back_and_the_next_goes_on(instance: Instance, logged: list[Any]) -> None:
    run_id, holder = instance.start_run_in_a_process(**SLOW)
    holder.send_signal(signal.SIGTERM)

    assert holder.wait(60) == 0
    given_back = instance.progress(run_id).run
    assert (given_back.state, given_back.worker) == (RunState.QUEUED, None)
    instance.start_worker()
    progress = instance.wait_for_end(run_id)

    assert is_whole(progress), progress.run.error
    assert (progress.run.attempts, progress.run.takeovers) == (2, 0)
    assert lines_of(logged, "training_resumed")


@ON_POSTGRES
def test_a_worker_that_slept_past_its_lease_publishes_nothing(instance: Instance) -> None:
    run_id, sleeper = instance.start_run_in_a_process(**SLOW)
    sleeper.send_signal(signal.SIGSTOP)
    instance.start_worker()

    finished = instance.wait_for_end(run_id)
    sleeper.send_signal(signal.SIGCONT)
    instance.wait_until(lambda: '"lost"' in instance.output() or '"lease_lost"' in instance.output())

    assert is_whole(finished), finished.run.error
    assert finished.run.takeovers == 1
    after = instance.progress(run_id)
    assert after.run.version == finished.run.version
    assert [row.recorded_at for row in after.epochs] == [row.recorded_at for row in finished.epochs]
    assert len(instance.read(registry.list_versions, None, 10).rows) == 1


@ON_POSTGRES
def test_a_worker_keeps_its_run_while_the_database_is_away_for_longer_than_the_lease(
    instance: Instance, logged: list[Any]
) -> None:
    with relay(instance.settings.database_url) as way:
        worker = instance.start_worker(database_url=way.url)
        run_id = instance.request(**SLOW)
        instance.wait_for_epoch(run_id, 2)
        way.cut()
        sleep(LEASE_S + 1)
        way.mend()
        progress = instance.wait_for_end(run_id)
        following = instance.wait_for_end(instance.request("linear"))
        worker.stop()

    assert lines_of(logged, "waiting_for_database")
    assert is_whole(progress), progress.run.error
    assert progress.run.attempts == 1
    assert following.run.state == RunState.SUCCEEDED


@ON_POSTGRES
def test_a_worker_gives_up_a_run_that_was_taken_over_while_it_had_no_database(
    instance: Instance, logged: list[Any]
) -> None:
    with relay(instance.settings.database_url) as way:
        cut_off = instance.start_worker(database_url=way.url)
        run_id = instance.request(**SLOW)
        instance.wait_for_epoch(run_id, 2)
        way.cut()
        instance.start_worker()
        instance.wait_until(lambda: instance.progress(run_id).run.attempts == 2)
        way.mend()
        progress = instance.wait_for_end(run_id)
        instance.wait_until(lambda: lines_of(logged, "lease_lost") or lines_of(logged, "run_stopped"))
        cut_off.stop()

    assert is_whole(progress), progress.run.error
    assert (progress.run.attempts, progress.run.takeovers) == (2, 1)
    assert lines_of(logged, "training_resumed")
    assert len(instance.read(registry.list_versions, None, 10).rows) == 1


@ON_POSTGRES
def test_a_worker_told_to_stop_while_the_database_is_away_stops(instance: Instance) -> None:
    with relay(instance.settings.database_url) as way:
        worker = instance.start_worker(database_url=way.url)
        run_id = instance.request(**SLOW)
        instance.wait_for_epoch(run_id, 1)
        way.cut()
        worker.stop()

    assert instance.progress(run_id).run.state == RunState.RUNNING, "its lease has to run out"
