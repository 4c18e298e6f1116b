"""The Gram matrix of `linear` from run to run: kept in the model store, brought up to date with the users who changed.

The history knows what their ratings were, so no row of anybody is kept beside the database. There is one matrix, the
newest run's, whichever version is live: it depends on ratings and on how they are coded, on nothing else.
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import structlog
from numpy.typing import NDArray
from safetensors import SafetensorError
from sqlalchemy.orm import Session
from torch import Tensor, from_numpy

from app.erasure import repository as erasures
from app.ratings.repository import ratings_at
from app.training import repository
from app.training.data.snapshot import Snapshot
from models.checkpoint import DamagedModel
from models.closed_form.encoding import Encoding
from models.closed_form.gram import EXACT, Gram, GramSource, PackedGram, triangle_size
from models.core.interactions import Interactions, RatingScale, Rows
from models.resume import read_tensors, write_checkpoint

MAX_BYTES = 2**30  # of a kept matrix; a larger one is counted anew every time
MAX_CHANGED = 10_000  # users whose histories are read; beyond, and beyond the share below, counting is as quick
MAX_CHANGED_SHARE = 0.2

log = structlog.get_logger()
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class StoredGram:
    """A matrix with what it was counted from.

    Attributes:
        gram: the matrix.
        items: int64 (I,), the number of each item of its vocabulary.
        users: int64, the numbers of the users in it.
        watermark: the revision of their ratings.
    """

    gram: PackedGram
    items: Numbers
    users: Numbers
    watermark: int

    def save(self, folder: Path) -> None:
        """Keep it for the next run, in place of any other; if the disk does not let us, the next run counts anew."""
        arrays = {"inputs": self.gram.inputs, "items": self.items, "users": self.users}
        tensors = {name: from_numpy(array) for name, array in arrays.items()} | {"triangle": self.gram.triangle}
        mine = beside(folder)
        try:
            write_checkpoint(mine, tensors, {"watermark": self.watermark, "coding": asdict(self.gram.encoding)})
            shutil.rmtree(folder, ignore_errors=True)
            mine.rename(folder)  # fails if another worker has just put one there: as good as this one
        except (OSError, SafetensorError) as error:
            log.warning("gram_not_kept", error=str(error))
            shutil.rmtree(mine, ignore_errors=True)

    @classmethod
    def take(cls, folder: Path) -> "StoredGram | None":
        """Read the one that is kept, and remove it; None if there is none, or it is damaged.

        So none ever stays that no run keeps up to date, with a user in it who has been erased since.
        """
        mine = beside(folder)
        try:
            folder.rename(mine)
            found = read_tensors(mine)
        except FileNotFoundError:
            return None
        except DamagedModel as error:
            log.warning("kept_gram_unusable", error=str(error))
            found = None
        shutil.rmtree(mine, ignore_errors=True)
        return cls.of(*found) if found is not None and "coding" in found[1] else None  # else: of an earlier Palate

    @classmethod
    def of(cls, tensors: dict[str, Tensor], document: dict[str, Any]) -> "StoredGram":
        """Build from what `save` wrote."""
        inputs, items, users = (tensors[name].numpy() for name in ("inputs", "items", "users"))
        encoding = Encoding(**document["coding"] | {"scale": RatingScale(**document["coding"]["scale"])})
        return cls(PackedGram(encoding, inputs, tensors["triangle"]), items, users, int(document["watermark"]))


def beside(folder: Path) -> Path:
    """Name a folder that no other process uses; what a crash leaves there is cleared up as any half-written one."""
    return folder.with_name(f"{folder.name}-{uuid4().hex}.tmp")


@dataclass(frozen=True)
class PastRatings:
    """What the users who changed had rated at the kept revision.

    Attributes:
        changed: numbers, ascending, of everybody to take out, to put in, or both.
        users: int64 (E,), the user of each rating; of those only who are in the kept matrix.
        items: int64 (E,), its item's number.
        values: float64 (E,).
    """

    changed: Numbers
    users: Numbers
    items: Numbers
    values: NDArray[np.float64]


def read_past(session: Session, kept: StoredGram, trained: Numbers) -> PastRatings | None:
    """Read who changed since the kept revision, and what they had rated; None if they are too many.

    None too if a user in the matrix was erased: it is not known any more what to subtract. Changed are also those who
    are held out now and were not, or the other way round: the share moves with their number.
    """
    erased = [erasure.user_number for erasure in erasures.erased_since(session, kept.watermark)]
    if np.isin(erased, kept.users).any():
        log.info("gram_not_updated", erased_users=len(erased))
        return None
    edited = np.array(repository.users_changed_since(session, kept.watermark), np.int64)
    moved = np.setxor1d(kept.users, trained)
    changed = np.union1d(moved, edited[np.isin(edited, trained)])
    if len(changed) > min(MAX_CHANGED, MAX_CHANGED_SHARE * len(kept.users)):
        log.info("gram_not_updated", changed_users=len(changed))
        return None
    ratings = ratings_at(session, np.intersect1d(changed, kept.users).tolist(), kept.watermark)
    rows = [(user, item, value) for user, rated in ratings.items() for item, value in rated.items()]
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    return PastRatings(
        changed, np.array(columns[0], np.int64), np.array(columns[1], np.int64), np.array(columns[2], float)
    )


def source(
    folder: Path, kept: StoredGram | None, past: PastRatings | None, snapshot: Snapshot, *, trained: Numbers
) -> GramSource:
    """Return what brings the kept matrix up to date, or counts a new one, and keeps that in turn."""

    def give(train: Interactions, encoding: Encoding, check_cancelled: Callable[[], None]) -> Gram:
        gram = None
        if kept is not None and past is not None and replace(kept.gram.encoding, num_items=train.num_items) == encoding:
            gram = updated(kept, past, snapshot, train, trained=trained)
        gram = gram if gram is not None else Gram.count(train, encoding, check_cancelled)
        if gram.num_updated is not None:
            log.info("gram_updated", users=gram.num_updated)
        keep(folder, gram, snapshot, trained)
        return gram

    return give


def updated(
    kept: StoredGram, past: PastRatings, snapshot: Snapshot, train: Interactions, *, trained: Numbers
) -> Gram | None:
    """Bring the matrix up to date; None if that does not give what the training users' ratings add up to."""
    places = np.searchsorted(snapshot.item_numbers, kept.items)
    places[places == len(snapshot.item_numbers)] = 0
    column_of = np.where(snapshot.item_numbers[places] == kept.items, places, -1)
    gone = rows_of(past, np.intersect1d(past.changed, kept.users), snapshot.item_numbers, train)
    come = np.flatnonzero(np.isin(trained, past.changed))
    gram = kept.gram.update(column_of, gone, train, come)
    if not gram.matches(train):
        log.warning("gram_not_updated", reason="the history does not give the ratings that were counted")
        return None
    return gram


def rows_of(past: PastRatings, users: Numbers, item_numbers: Numbers, train: Interactions) -> Rows:
    """Lay past ratings out in rows of the present vocabulary; items it lacks are left out."""
    known = np.isin(past.items, item_numbers)
    rows, columns = np.searchsorted(users, past.users[known]), np.searchsorted(item_numbers, past.items[known])
    laid = Interactions.from_arrays(
        rows, columns, past.values[known], train.item_ids, scale=train.scale, num_users=len(users)
    )
    return laid.rows


def keep(folder: Path, gram: Gram, snapshot: Snapshot, trained: Numbers) -> None:
    """Keep a matrix for the next run, unless it is too large, or its entries are too large to be exact."""
    if triangle_size(len(gram.inputs)) > MAX_BYTES or gram.largest > EXACT:
        return
    packed = PackedGram.of(gram)
    if packed.triangle.nbytes <= MAX_BYTES:
        StoredGram(packed, snapshot.item_numbers, trained, snapshot.watermark).save(folder)
