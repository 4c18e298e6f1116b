"""The worker on both databases: beside another, cancelled, out of time, and what the gate makes of its models."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from app.registry import service as registry
from app.registry import store
from app.registry.training_users import UserRole
from app.tables import Counter as Revisions
from app.tables import Rating, RunState
from app.training import service
from app.training.data.split import position
from tests.app.training.conftest import NEVER, NUM_USERS, Instance


def test_two_workers_train_each_run_once(instance: Instance, logged: list[Any]) -> None:
    run_ids = [instance.request("linear") for _ in range(4)]
    for _ in range(2):
        instance.start_worker(train_lease=timedelta(minutes=1))

    ended = [instance.wait_for_end(run_id).run for run_id in run_ids]

    assert [(run.state, run.error) for run in ended] == [(RunState.SUCCEEDED, None)] * 4
    assert [run.attempts for run in ended] == [1] * 4
    trained = Counter(line["run"] for line in logged if line["event"] == "epoch_finished")
    assert trained == dict.fromkeys(run_ids, 1)
    assert len({run.version for run in ended}) == 4


def test_a_running_run_is_cancelled_and_the_worker_goes_on(instance: Instance) -> None:
    run_id = instance.request(epochs=NEVER)
    instance.start_worker()
    instance.wait_for_epoch(run_id, 2)

    instance.write(service.cancel_run, run_id, datetime.now(UTC))
    run = instance.wait_for_end(run_id).run

    assert (run.state, run.version) == (RunState.CANCELLED, None)
    assert instance.wait_for_end(instance.request("linear")).run.state == RunState.SUCCEEDED


def test_a_run_beyond_its_timeout_fails_and_says_so(instance: Instance) -> None:
    run_id = instance.request(epochs=NEVER)
    instance.start_worker(train_timeout=timedelta(seconds=1))

    run = instance.wait_for_end(run_id).run

    assert run.state == RunState.FAILED
    assert run.error == "Stopped because it took longer than 0:00:01 (PALATE_TRAIN_TIMEOUT)."


def test_a_run_of_too_few_ratings_fails_and_says_what_is_needed(instance: Instance) -> None:
    instance.write(remove_all_ratings)
    instance.start_worker()

    run = instance.wait_for_end(instance.request("linear")).run

    assert run.state == RunState.FAILED
    assert run.error == "There are ratings of 0 users and 0 items; a model needs at least 2 and 2."


def remove_all_ratings(session: Session) -> None:
    session.connection().exec_driver_sql("DELETE FROM ratings")


def test_a_candidate_clearly_worse_than_the_live_model_is_kept_but_not_activated(instance: Instance) -> None:
    instance.start_worker()
    live = instance.wait_for_end(instance.request("linear")).run.version

    poor = instance.wait_for_end(instance.request("denoising", epochs=1, learning_rate=100.0))

    assert poor.run.state == RunState.SUCCEEDED
    assert poor.gate is not None
    assert poor.gate["reason"].startswith("refused: clearly worse than the live model, NDCG@10 -")
    assert poor.gate["activated"] is False
    assert poor.gate["against_live"]["ndcg@10"]["high"] < 0
    assert version_that_serves(instance) == live
    assert weights_of(instance, poor.run.version).exists()


def test_a_candidate_clearly_worse_than_linear_is_refused_though_the_live_model_is_no_better(
    instance: Instance,
) -> None:
    instance.start_worker()
    untrained: dict[str, Any] = {"kind": "denoising", "epochs": 1, "learning_rate": 1e-9, "cold": True}
    first = instance.wait_for_end(instance.request(**untrained))

    second = instance.wait_for_end(instance.request(**untrained))

    assert first.gate is not None
    assert second.gate is not None
    assert first.gate["reason"].startswith("activated: nothing was live; but clearly worse than linear, NDCG@10 -")
    assert second.gate["reason"].startswith("refused: clearly worse than linear, NDCG@10 -")
    assert second.gate["linear"]["ndcg@10"] > second.gate["candidate"]["ndcg@10"]
    assert second.gate["exposure"]["live"] == second.gate["exposure"]["candidate"]
    assert version_that_serves(instance) == first.run.version


def test_a_damaged_live_version_counts_as_none_and_the_gate_says_so(instance: Instance) -> None:
    instance.start_worker()
    weights = weights_of(instance, instance.wait_for_end(instance.request("denoising", epochs=1)).run.version)
    weights.write_bytes(weights.read_bytes()[:100])

    progress = instance.wait_for_end(instance.request("denoising", epochs=1))

    assert progress.gate is not None
    assert progress.gate["reason"].startswith("activated: the live version cannot be compared with")
    assert progress.gate["start"] == "cold"
    assert version_that_serves(instance) == progress.run.version


def test_the_next_run_starts_from_the_live_models_weights_unless_cold_is_requested(instance: Instance) -> None:
    instance.start_worker()
    live = instance.wait_for_end(instance.request("denoising", epochs=1)).run.version

    warm = instance.wait_for_end(instance.request("denoising", epochs=1)).gate
    cold = instance.wait_for_end(instance.request("denoising", epochs=1, cold=True)).gate

    assert warm is not None
    assert cold is not None
    assert (warm["start"], cold["start"]) == (f"warm from {live}", "cold")


def test_a_version_records_the_users_it_learned_from_including_those_of_the_version_it_started_from(
    instance: Instance,
) -> None:
    instance.start_worker()
    first = instance.wait_for_end(instance.request("denoising", epochs=1)).run.version
    contributors = store.training_users(instance.settings.model_store, str(first))
    gone = int(contributors.trained[0])
    instance.write(remove_ratings_of, gone)

    second = instance.wait_for_end(instance.request("denoising", epochs=1)).run.version
    cold = instance.wait_for_end(instance.request("denoising", epochs=1, cold=True)).run.version

    roles = [store.role_of(instance.settings.model_store, str(version), gone) for version in (first, second, cold)]
    assert roles == [UserRole.TRAINED, UserRole.INHERITED, None]
    row = instance.read(registry.get_version, str(second))
    assert row.split is not None
    assert row.split["trained"] == {
        "users": len(contributors.trained) - 1,
        "ratings": 20 * (len(contributors.trained) - 1),
    }
    assert row.split["inherited"] == {"users": 1}
    counts = [row.split[part]["users"] for part in ("trained", "validated", "judged")]
    assert (sum(counts), row.num_users, row.num_ratings) == (NUM_USERS - 1, NUM_USERS - 1, 20 * (NUM_USERS - 1))
    of_rule = [n for n in range(1, NUM_USERS + 1) if n != gone and position(f"user-{n - 1}") >= 2 * row.split["share"]]
    assert store.training_users(instance.settings.model_store, str(second)).trained.tolist() == of_rule


def remove_ratings_of(session: Session, number: int) -> None:
    session.execute(delete(Rating).where(Rating.user_id == number))


def test_the_first_run_starts_by_itself_and_edits_count_as_changes(instance: Instance) -> None:
    instance.start_worker(train_min_changes=1, train_changes=10, train_interval=timedelta(days=1), model_kind="linear")
    first = ended_run(instance, 0)
    assert (first.state, first.cause) == (RunState.SUCCEEDED, "changes")

    instance.write(edit_one_rating_ten_times)

    second = ended_run(instance, 1)
    assert (second.cause, second.watermark) == ("changes", first.watermark + 10)


def ended_run(instance: Instance, place: int) -> Any:
    """Wait until that many other runs were queued before one, and it has ended."""

    def queued() -> list[Any]:
        return instance.read(service.list_runs, None, None, 10)[0][::-1][place:]

    return instance.wait_for_end(instance.wait_until(queued)[0].id).run


def edit_one_rating_ten_times(session: Session) -> None:
    """Move the revision as ten edits of one rating do."""
    moved = update(Revisions).where(Revisions.name == "ratings").values(value=Revisions.value + 10)
    session.execute(moved)


def version_that_serves(instance: Instance) -> str | None:
    live = instance.read(registry.live_version)
    return live.version if live else None


def weights_of(instance: Instance, version: str | None) -> Path:
    return instance.settings.model_store / str(version) / "weights.safetensors"
