"""What a run leaves: the version's folder, then its row and the end of the run in one transaction."""

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as library_version
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.erasure import repository as erasures
from app.erasure import service as erasure
from app.registry import service as registry
from app.registry import store
from app.registry.training_users import FILE, TrainingUsers, UserRole
from app.tables import RunState
from app.training import queue, repository
from app.training.data.snapshot import Snapshot
from app.training.data.split import RULE, Split
from app.training.judge.gate import Verdict
from app.training.queue import Claim
from app.training.run.plan import Plan
from models import checkpoint
from models.core.interactions import Interactions
from models.core.model import Model

LIBRARIES = ("palate", "torch", "numpy", "scipy", "safetensors")


@dataclass(frozen=True)
class Published:
    """A version on its way: its folder, whose ratings it holds, its row's values, whether it goes live."""

    folder: Path
    training_users: TrainingUsers
    activate: bool
    created_at: datetime
    values: dict[str, Any]

    @property
    def version(self) -> str:
        """Name of the version."""
        return self.folder.name


def write_version(
    claim: Claim, chosen: Plan, snapshot: Snapshot, split: Split, *, verdict: Verdict, model: Model, model_store: Path
) -> Published:
    """Write a new version's folder, and return what its row will hold."""
    now, interactions = datetime.now(UTC), snapshot.interactions
    training_users = training_users_of(chosen, snapshot, split, model_store)
    values = {
        "kind": chosen.kind,
        "run_id": claim.run_id,
        "watermark": snapshot.watermark,
        "num_users": interactions.num_users,
        "num_items": interactions.num_items,
        "num_ratings": interactions.rows.num_ratings,
        "split": describe(split, snapshot, training_users),
        "metrics": verdict.metrics,
        "gate": verdict.document() | {"start": chosen.start, "search": chosen.search},
    }
    manifest = values | {
        "created_at": now.isoformat(),
        "libraries": {name: library_version(name) for name in LIBRARIES},
        "item_statistics": item_statistics(interactions),
    }
    beside = {FILE: training_users.tensors()}
    folder = store.write_new(
        model_store,
        chosen.kind,
        now,
        lambda name: checkpoint.save(name, model, interactions.item_ids, manifest, beside=beside),
    )
    return Published(folder, training_users, verdict.activate, now, values | {"num_bytes": store.num_bytes(folder)})


def training_users_of(chosen: Plan, snapshot: Snapshot, split: Split, model_store: Path) -> TrainingUsers:
    """Number the users that a version holds; one that went on from another has learned what that one had."""
    numbers = snapshot.user_numbers
    before = store.training_users(model_store, chosen.live.version) if chosen.warm and chosen.live else None
    return TrainingUsers.of(numbers[split.train], numbers[split.validation], numbers[split.gate], before)


def describe(split: Split, snapshot: Snapshot, training_users: TrainingUsers) -> dict[str, Any]:
    """Count users and ratings by what they were for, and name the rule."""
    counts = snapshot.interactions.rows.counts
    parts = {UserRole.TRAINED: split.train, UserRole.VALIDATED: split.validation, UserRole.JUDGED: split.gate}
    return {
        **{part: {"users": len(users), "ratings": int(counts[users].sum())} for part, users in parts.items()},
        UserRole.INHERITED: {"users": len(training_users.inherited)},
        "share": split.share,
        "rule": RULE,
    }


def item_statistics(interactions: Interactions) -> dict[str, list[float]]:
    """Count and add up the ratings of each item: what is popular, as of this version."""
    columns, num_items = interactions.rows.columns, interactions.num_items
    sums = np.bincount(columns, interactions.rows.values.astype(np.float64), num_items)
    return {"counts": np.bincount(columns, minlength=num_items).tolist(), "sums": sums.tolist()}


def must_forget(session: Session, run_id: int) -> bool:
    """Return whether a user was erased since an earlier attempt read the ratings: its checkpoints hold them."""
    run = repository.find_run(session, run_id)
    return run is not None and bool(erasures.erased_since(session, run.watermark or 0))


def store_row(session: Session, claim: Claim, published: Published) -> None:
    """End the run and store (and activate) its version, all or nothing. Does nothing if it was done already.

    Raises:
        LeaseLost: if the run is no longer ours; then nothing is stored and the folder has to go.
    """
    run = repository.lock_run(session, claim.run_id)
    if run is not None and run.state == RunState.SUCCEEDED and run.version == published.version:
        return  # the commit got through, only its answer was lost
    queue.finish(session, claim, RunState.SUCCEEDED, version=published.version)
    registry.publish(
        session,
        activate=published.activate,
        now=published.created_at,
        version=published.version,
        **published.values,
    )
    erasure.add_published(session, published.version, published.values["watermark"], published.training_users)
