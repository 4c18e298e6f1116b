"""Workers whose clocks differ agree on who holds a run: leases are the database's time."""

import asyncio
import sys
from datetime import datetime, timedelta, tzinfo
from typing import Self

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.tables import RunState, TrainingRun
from app.training import queue
from app.training.queue import Claim
from app.training.run.trainer import Trainer
from tests.app.training.conftest import Instance

LEASE = timedelta(minutes=10)
AHEAD = timedelta(hours=1)


class WrongClock(datetime):
    """The clock of a machine that is ahead of the database's."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) + AHEAD


@pytest.fixture
def wrong_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all of Palate in this process live an hour ahead."""
    modules = [module for name, module in sys.modules.items() if name.startswith("app.")]
    for module in modules:
        if vars(module).get("datetime") is datetime:
            monkeypatch.setattr(module, "datetime", WrongClock)


def claim(instance: Instance) -> Claim | None:
    """Claim a run as another worker would."""
    trainer = Trainer(instance.database, instance.settings.model_copy(update={"train_lease": LEASE}), asyncio.Event())
    return instance.runner.run(trainer.claim())


def let_pass(session: Session, time: timedelta) -> None:
    """Make what is stored of runs older."""
    session.execute(update(TrainingRun).values(lease_expires_at=datetime.now().astimezone() + LEASE - time))


def test_a_worker_whose_clock_is_ahead_leaves_a_healthy_run_alone_and_takes_over_a_silent_one(
    instance: Instance, request: pytest.FixtureRequest
) -> None:
    instance.request()
    healthy = claim(instance)
    assert healthy is not None
    request.getfixturevalue("wrong_clock")
    assert claim(instance) is None
    instance.write(queue.renew, healthy, LEASE)
    assert claim(instance) is None
    instance.write(let_pass, LEASE + timedelta(seconds=1))
    taken = claim(instance)
    assert taken is not None
    assert (taken.run_id, taken.attempt) == (healthy.run_id, 2)


def test_a_worker_whose_clock_is_ahead_is_not_robbed_and_its_run_ends_after_its_start(
    instance: Instance, request: pytest.FixtureRequest
) -> None:
    run_id = instance.request()
    request.getfixturevalue("wrong_clock")
    ahead = claim(instance)
    assert ahead is not None
    expires_at = instance.progress(run_id).run.lease_expires_at
    assert expires_at is not None
    assert expires_at < datetime.now().astimezone() + AHEAD  # a silent one is not waited for longer, either
    instance.write(queue.finish, ahead, RunState.FAILED)
    run = instance.progress(run_id).run
    assert run.started_at is not None
    assert run.finished_at is not None
    assert timedelta() <= run.finished_at - run.started_at < LEASE
