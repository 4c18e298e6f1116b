"""Every query about items that are removed together with their ratings."""

from collections.abc import Sequence

import orjson
from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session

from app.tables import Item, ItemRemoval, Rating

BEGIN = text("""
    INSERT INTO item_removals (item_id, revision, num_removed, finished) VALUES (:item, :revision, 0, false)
    ON CONFLICT (item_id) DO UPDATE SET revision = excluded.revision, finished = false,
    num_removed = CASE WHEN item_removals.finished THEN 0 ELSE item_removals.num_removed END
""")


def find_item(session: Session, item_id: str) -> int | None:
    """Return the number of an item, deleted or not."""
    return session.scalar(select(Item.id).where(Item.external_id == item_id))


def begin(session: Session, item: int, revision: int) -> None:
    """Note that an item is deleted, and its ratings up to a revision go; what an unfinished removal counted stays."""
    session.execute(BEGIN, {"item": item, "revision": revision})


def find(session: Session, item: int) -> ItemRemoval:
    """Read how far a removal is. The ratings' lock is held, or nothing is changed."""
    return session.scalars(select(ItemRemoval).where(ItemRemoval.item_id == item)).one()


def unfinished(session: Session) -> Sequence[int]:
    """Return the numbers of the items whose ratings are not all removed."""
    return session.scalars(select(ItemRemoval.item_id).where(ItemRemoval.finished.is_(False))).all()


def has_unfinished(session: Session, item: int | None) -> bool:
    """Return whether ratings of a deleted item are left."""
    query = select(ItemRemoval.item_id).where(ItemRemoval.item_id == item, ItemRemoval.finished.is_(False))
    return session.scalar(query) is not None


def users_left(session: Session, item: int) -> list[int]:
    """Return the numbers of the users whose rating goes with an item. There is no index: it reads all ratings."""
    removal = select(ItemRemoval.revision).where(ItemRemoval.item_id == item).scalar_subquery()
    query = select(Rating.user_id).where(Rating.item_id == item, Rating.value.is_not(None), Rating.revision <= removal)
    if session.get_bind().dialect.name == "postgresql":
        return list(session.scalars(query.order_by(Rating.user_id)))
    listed = select(func.json_group_array(query.subquery().c.user_id))  # one row: see `select_columns`
    return sorted(orjson.loads(session.scalars(listed).one()))


def ratings_left(session: Session, removal: ItemRemoval, users: Sequence[int]) -> Sequence[Row[int, int]]:
    """Return which of these users' ratings still go with an item: (user, rated_at_us) each."""
    query = select(Rating.user_id, Rating.rated_at_us).where(
        Rating.user_id.in_(users), Rating.item_id == removal.item_id, Rating.value.is_not(None)
    )
    return session.execute(query.where(Rating.revision <= removal.revision)).all()
