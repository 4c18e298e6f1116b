"""The results so far and their file: every test user's values, so that others can be merged in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from app.comparison.dataset import Dataset, Whole
from app.comparison.job import Job, Measurement
from app.comparison.protocols import Split
from models.fitting.training_loop import EpochReport

FORMAT = 1
DECIMALS = 6

PerSeed = list[Any]  # one entry a seed, None where nothing was measured


@dataclass(frozen=True)
class Test:
    """The users who are judged in one split.

    Attributes:
        seed: of the split.
        users: int64 (N,), rows of the data.
        user_ids: the callers' ids of those rows.
        num_ratings: int64 (N,), held-out ratings of each.
        sizes: users and ratings that are trained on, and users that choose.
    """

    seed: int
    users: Whole
    user_ids: list[str]
    num_ratings: Whole
    sizes: dict[str, int]

    @classmethod
    def of(cls, dataset: Dataset, seed: int, split: Split) -> Test:
        """Describe a split."""
        sizes = {
            "train_users": split.train.num_users,
            "train_ratings": split.train.rows.num_ratings,
            "validation_users": split.validation.num_users,
        }
        ids = [dataset.user_ids[user] for user in split.users.tolist()]
        return cls(seed, split.users, ids, split.targets.counts, sizes)

    def as_dict(self) -> dict[str, object]:
        """Return the split for the file."""
        held_out = {"users": self.user_ids, "num_ratings": self.num_ratings.tolist()}
        return {"seed": self.seed, **self.sizes, **held_out}


@dataclass
class Results:
    """Figures by row (a kind, a baseline or a peer), protocol, metric and seed.

    Attributes:
        about: what was compared, on what, how.
        num_users: users of the data.
        tests: by protocol, one test a seed.
        rows: by name, protocol and metric, one entry a seed: an array over the test users, or a number. In the order
            of the tables.
        epochs: by name and protocol, one list of reports a seed.
        failed: by name and protocol, one reason a seed.
    """

    about: dict[str, Any]
    num_users: int
    tests: dict[str, list[Test]]
    rows: dict[str, dict[str, dict[str, PerSeed]]] = field(default_factory=dict)
    epochs: dict[str, dict[str, PerSeed]] = field(default_factory=dict)
    failed: dict[str, dict[str, PerSeed]] = field(default_factory=dict)

    @property
    def protocols(self) -> Sequence[str]:
        """Name the protocols."""
        return list(self.tests)

    def add(self, job: Job, measured: Measurement) -> None:
        """Add the result of a job."""
        values: dict[str, Any] = {**measured.per_user, **measured.figures}
        for metric, value in values.items():
            self._place(self.rows.setdefault(job.name, {}).setdefault(job.protocol, {}), metric, job, value)
        if measured.reports:
            self._place(self.epochs.setdefault(job.name, {}), job.protocol, job, measured.reports)

    def fail(self, job: Job, reason: str) -> None:
        """Record that a job failed."""
        self._place(self.failed.setdefault(job.name, {}), job.protocol, job, reason)

    def _place(self, where: dict[str, PerSeed], name: str, job: Job, value: Any) -> None:
        tests = self.tests[job.protocol]
        place = [test.seed for test in tests].index(job.seed)
        where.setdefault(name, [None] * len(tests))[place] = value

    def names(self, protocol: str, metric: str) -> list[str]:
        """Name the rows that have a metric, in the order they came."""
        known = (name for name in self.rows if any(each is not None for each in self.values(name, protocol, metric)))
        return list(known)

    def values(self, name: str, protocol: str, metric: str) -> PerSeed:
        """Return a metric's entry for every seed, None where there is none."""
        found = self.rows.get(name, {}).get(protocol, {}).get(metric)
        return found if found is not None else [None] * len(self.tests[protocol])

    def number(self, name: str, protocol: str, metric: str) -> float | None:
        """Return the mean over the seeds of a figure that is one number."""
        known = [value for value in self.values(name, protocol, metric) if value is not None]
        return float(np.mean(known)) if known else None

    def reports(self, name: str, protocol: str) -> list[list[EpochReport]]:
        """Return the epochs of every seed that has any."""
        return [reports for reports in self.epochs.get(name, {}).get(protocol, []) if reports]

    def write(self, path: Path, figures: dict[str, Any]) -> None:
        """Write everything, with the ``figures`` that were made of it; what stood there is replaced in one step."""
        document = {
            "format": FORMAT,
            **self.about,
            **figures,
            "tests": {protocol: [test.as_dict() for test in tests] for protocol, tests in self.tests.items()},
            "rows": {name: row for name, row in self.rows.items() if row},
            "epochs": self.epochs,
            "failed": self.failed,
        }
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_bytes(orjson.dumps(document, default=plain, option=orjson.OPT_SERIALIZE_NUMPY))
        temporary.replace(path)


def plain(value: Any) -> Any:
    """Write arrays as lists, null for NaN, and reports as objects."""
    if isinstance(value, EpochReport):
        return asdict(value)
    if isinstance(value, np.ndarray):
        return [None if np.isnan(each) else round(each, DECIMALS) for each in value.tolist()]
    raise TypeError(f"cannot write {type(value)}")


def read_values(entry: Any) -> NDArray[np.float64] | float | None:
    """Read what `plain` wrote of one seed.

    Raises:
        TypeError, ValueError: if something in it is no number.
    """
    if isinstance(entry, list):
        return np.array(entry, np.float64)
    return None if entry is None else float(entry)
