"""Every query about what was: the catalogue, a user's ratings and all ratings, as of a revision."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.catalogue.repository import FORGOTTEN
from app.database import counters
from app.kit.errors import ReplayUnavailable
from app.recommendations.catalogue.index import CatalogueRow
from app.recommendations.request.options import Rules
from app.recommendations.rules.repository import load_rules
from app.recommendations.state.repository import CATALOGUE_COLUMNS, catalogue_columns, sum_decayed_ratings, sum_ratings
from app.tables import Erasure, FormerItem, Item, RatingChange, User

FORMER_COLUMNS = catalogue_columns(FormerItem, FormerItem.item_id, FormerItem.deleted)


class Step(NamedTuple):
    """From the catalogue at one revision to that at another.

    Attributes:
        rows: the items that differ, as they are there, by their primary keys.
        num_items: how many there are.
        rules: for everybody.
    """

    rows: list[CatalogueRow]
    num_items: int
    rules: Rules


def step(session: Session, start: int, end: int) -> Step:
    """Read what leads from the catalogue at the revision ``start``, -1 for nothing, to that at ``end``.

    Raises:
        ReplayUnavailable: if there is no such revision, or what was then is not kept any more.
    """
    if end > counters.read(session, "catalogue"):
        raise ReplayUnavailable("This answer was made from another database, or this one was restored since.")
    if end < counters.read(session, FORGOTTEN):
        raise ReplayUnavailable("What the catalogue was then is not kept any more.")
    if start <= end:
        rows = present(session, Item.revision > start, Item.revision <= end)
        rows += former(session, FormerItem.revision > start, FormerItem.revision <= end, FormerItem.until > end)
    else:
        rows = former(session, FormerItem.revision <= end, FormerItem.until > end, FormerItem.until <= start)
    return Step(sorted(rows), num_items(session, end), load_rules(session, end))


def present(session: Session, *where: ColumnElement[bool]) -> list[CatalogueRow]:
    """Select items as they are now."""
    return [CatalogueRow(*row) for row in session.execute(select(*CATALOGUE_COLUMNS).where(*where))]


def former(session: Session, *where: ColumnElement[bool]) -> list[CatalogueRow]:
    """Select items as they were."""
    query = select(*FORMER_COLUMNS).join(Item, Item.id == FormerItem.item_id).where(*where)
    return [CatalogueRow(*row) for row in session.execute(query)]


def num_items(session: Session, revision: int) -> int:
    """Count the items that there were at a revision, deleted ones included."""
    changed = select(func.count()).select_from(Item).where(Item.revision > revision)
    were_there = select(func.count()).where(FormerItem.revision <= revision, FormerItem.until > revision)
    everything = select(func.count()).select_from(Item)
    return sum(sign * session.scalars(query).one() for sign, query in ((1, everything), (-1, changed), (1, were_there)))


def totals_at(session: Session, revision: int, half_life_us: int | None = None) -> Sequence[Any]:
    """Sum up all ratings as they were at a revision, weighed by their age if there is a half-life."""
    until = func.lead(RatingChange.revision).over(
        partition_by=(RatingChange.user_id, RatingChange.item_id), order_by=RatingChange.revision
    )
    columns = (RatingChange.item_id, RatingChange.value, RatingChange.rated_at_us, until.label("until"))
    leaving = select(Erasure.user_number).where(Erasure.finished.is_(False))  # their history is being deleted
    known = select(*columns).where(RatingChange.revision <= revision, RatingChange.user_id.not_in(leaving)).subquery().c
    standing = select(known.item_id, known.value, known.rated_at_us)
    standing = standing.where(known.until.is_(None), known.value.is_not(None))
    if half_life_us is None:
        return sum_ratings(session, standing.subquery())
    return sum_decayed_ratings(session, standing.subquery(), half_life_us)


def is_somebody_gone(session: Session, revision: int) -> bool:
    """Return whether anybody who may have rated by a revision was erased since."""
    return session.scalar(select(Erasure.id).where(Erasure.revision > revision).limit(1)) is not None


def user_of(session: Session, number: int) -> str | None:
    """Return the caller's id of the user of a number."""
    return session.scalar(select(User.external_id).where(User.id == number))
