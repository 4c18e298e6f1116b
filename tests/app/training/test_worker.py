"""The worker as a real process, on both databases: killed, suspended, stopped, and beside another."""

import json
import signal
import time
from collections import Counter
from datetime import UTC, datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.registry import service as registry
from app.registry import store
from app.tables import Counter as Revisions
from app.tables import RunState
from app.training import service
from tests.app.training.conftest import Instance

LONG = 100_000  # epochs that no test waits for
EPOCHS = 50


def epochs_said(instance: Instance, run_id: int) -> Counter[int]:
    """Count how often each epoch of a run was trained, by the workers' own word."""
    said = [json.loads(line) for line in instance.said().splitlines() if '"epoch_finished"' in line]
    return Counter(line["epoch"] for line in said if line["run"] == run_id)


def test_a_run_killed_mid_epoch_is_taken_over_from_its_last_checkpoint(instance: Instance) -> None:
    run_id, holder = instance.start_run_with_two_workers(EPOCHS)
    holder.kill()
    holder.wait()
    reached = instance.progress(run_id).run.epoch

    progress = instance.wait_for_end(run_id)

    assert progress.run.state == RunState.SUCCEEDED, progress.run.error
    assert reached < EPOCHS
    assert (progress.run.attempts, progress.run.takeovers) == (2, 1)
    assert [row.epoch for row in progress.epochs] == list(range(1, EPOCHS + 1))
    repeated = {epoch for epoch, times in epochs_said(instance, run_id).items() if times > 1}
    assert repeated <= {reached, reached + 1}, "only the epoch whose checkpoint was being written may come again"
    assert not store.run_folder(instance.settings.model_store, run_id).exists()


def test_two_workers_train_each_run_once(instance: Instance) -> None:
    run_ids = [instance.request("linear") for _ in range(6)]
    for _ in range(2):
        instance.start_worker()

    ended = [instance.wait_for_end(run_id).run for run_id in run_ids]

    assert [run.state for run in ended] == [RunState.SUCCEEDED] * 6
    assert [run.attempts for run in ended] == [1] * 6
    assert all(epochs_said(instance, run_id) == {1: 1} for run_id in run_ids)
    assert len({run.version for run in ended}) == 6


def test_a_running_run_is_cancelled_within_seconds(instance: Instance) -> None:
    run_id = instance.request(epochs=LONG)
    instance.start_worker()
    instance.wait_for_epoch(run_id, 2)

    instance.write(service.cancel_run, run_id, datetime.now(UTC))
    asked = time.monotonic()
    run = instance.wait_for_end(run_id).run

    assert time.monotonic() - asked < 3
    assert (run.state, run.version) == (RunState.CANCELLED, None)
    following = instance.request("linear")
    assert instance.wait_for_end(following).run.state == RunState.SUCCEEDED, "the worker goes on"


def test_a_run_beyond_its_timeout_fails_and_says_so(instance: Instance) -> None:
    run_id = instance.request(epochs=LONG)
    instance.start_worker(TRAIN_TIMEOUT="2")

    run = instance.wait_for_end(run_id).run

    assert run.state == RunState.FAILED
    assert run.error == "Stopped because it took longer than 0:00:02 (PALATE_TRAIN_TIMEOUT)."


def test_a_worker_told_to_stop_gives_its_run_back_and_the_next_goes_on(instance: Instance) -> None:
    run_id, holder = instance.start_run_with_two_workers(EPOCHS)
    holder.send_signal(signal.SIGTERM)

    assert holder.wait(10) == 0
    assert instance.progress(run_id).run.epoch < EPOCHS
    progress = instance.wait_for_end(run_id)

    assert progress.run.state == RunState.SUCCEEDED
    assert progress.run.takeovers == 0
    assert [row.epoch for row in progress.epochs] == list(range(1, EPOCHS + 1))
    assert "training_resumed" in instance.said()


def test_a_worker_that_slept_past_its_lease_publishes_nothing(instance: Instance) -> None:
    run_id, sleeper = instance.start_run_with_two_workers(EPOCHS)
    sleeper.send_signal(signal.SIGSTOP)

    finished = instance.wait_for_end(run_id)
    sleeper.send_signal(signal.SIGCONT)
    instance.wait_until(lambda: '"lost"' in instance.said() or "lease_lost" in instance.said())

    assert (finished.run.state, finished.run.takeovers) == (RunState.SUCCEEDED, 1)
    after = instance.progress(run_id)
    assert after.run.version == finished.run.version
    assert [row.recorded_at for row in after.epochs] == [row.recorded_at for row in finished.epochs]
    assert len(instance.read(registry.list_versions, None, 10).rows) == 1


def test_a_candidate_clearly_worse_than_the_live_model_is_kept_but_not_activated(instance: Instance) -> None:
    good = instance.request("linear")
    instance.start_worker()
    live = instance.wait_for_end(good).run.version

    poor = instance.wait_for_end(instance.request("denoising", epochs=1, learning_rate=100.0))

    assert poor.run.state == RunState.SUCCEEDED
    assert poor.gate is not None
    assert poor.gate["activated"] is False
    assert poor.gate["reason"].startswith("refused: clearly worse than the live model, NDCG@10 -")
    assert poor.gate["against_live"]["ndcg@10"]["high"] < 0
    current = instance.read(registry.live_version)
    assert current is not None
    assert current.version == live
    assert (instance.settings.model_store / str(poor.run.version) / "weights.safetensors").exists()


def test_a_damaged_live_version_counts_as_none_and_is_said_to(instance: Instance) -> None:
    instance.start_worker()
    version = instance.wait_for_end(instance.request("denoising", epochs=3)).run.version
    weights = instance.settings.model_store / str(version) / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])

    progress = instance.wait_for_end(instance.request("denoising", epochs=1))

    assert progress.run.state == RunState.SUCCEEDED
    assert progress.gate is not None
    assert progress.gate["activated"] is True
    assert "the live version cannot be compared with" in progress.gate["reason"]
    assert progress.gate["start"] == "cold"


def test_the_first_run_starts_by_itself_and_edits_count_as_changes(instance: Instance) -> None:
    instance.start_worker(TRAIN_MIN_CHANGES="1", TRAIN_CHANGES="10", TRAIN_INTERVAL="86400", MODEL_KIND="linear")
    first = instance.wait_for_end(1).run
    assert (first.state, first.cause) == (RunState.SUCCEEDED, "changes")

    instance.write(edit_one_rating_ten_times)

    assert instance.wait_until(lambda: instance.read(service.list_runs, None, None, 10)[0][1:])
    second = instance.wait_for_end(2).run
    assert (second.cause, second.watermark) == ("changes", (first.watermark or 0) + 10)


def edit_one_rating_ten_times(session: Session) -> None:
    """Move the revision as ten edits of one rating do."""
    moved = update(Revisions).where(Revisions.name == "ratings").values(value=Revisions.value + 10)
    session.execute(moved)
