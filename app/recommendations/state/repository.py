"""What recommending reads: one row a request, the catalogue's changes, the popularity of items."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Subquery, case, func, select
from sqlalchemy.orm import Session

from app.database import counters
from app.database.engine import Database
from app.database.sql_rows import select_with
from app.recommendations.catalogue.index import CatalogueRow
from app.tables import Counter, FormerItem, Item, Rating, User

# One statement, so one snapshot: revision, catalogue and ratings belong together.
HOT_READ = {
    "postgresql": """
        SELECT c.value, u.id, u.revision, r.items, r.values
        FROM counters c LEFT JOIN users u ON u.external_id = $1
        LEFT JOIN LATERAL (
            SELECT array_agg(item_id) AS items, array_agg(value) AS values
            FROM ratings WHERE user_id = u.id AND value IS NOT NULL
        ) r ON true
        WHERE c.name = 'catalogue'""",
    "sqlite": """
        SELECT c.value, u.id, u.revision, (
            SELECT json_group_array(item_id) || json_group_array(value)
            FROM ratings WHERE user_id = u.id AND value IS NOT NULL
        )
        FROM counters c LEFT JOIN users u ON u.external_id = ?
        WHERE c.name = 'catalogue'""",
}
MAX_HALVINGS = 60.0  # an older rating weighs as little as one of this age
READ_USERS = {
    "postgresql": """
        SELECT q.n, c.value, u.id, u.revision, r.items, r.values
        FROM {rows} JOIN counters c ON c.name = 'catalogue' LEFT JOIN users u ON u.external_id = q.external_id
        LEFT JOIN LATERAL (
            SELECT array_agg(item_id) AS items, array_agg(value) AS values
            FROM ratings WHERE user_id = u.id AND value IS NOT NULL
        ) r ON true
        ORDER BY q.n""",
    "sqlite": """
        SELECT q.n, c.value, u.id, u.revision, (
            SELECT json_group_array(item_id) || json_group_array(value)
            FROM ratings WHERE user_id = u.id AND value IS NOT NULL
        )
        FROM {rows} JOIN counters c ON c.name = 'catalogue' LEFT JOIN users u ON u.external_id = q.external_id
        ORDER BY q.n""",
}


def catalogue_columns(source: type[Item] | type[FormerItem], number: Any, deleted: Any) -> tuple[Any, ...]:
    """List the columns of a `CatalogueRow`, in its order."""
    content = (source.title, source.categories, source.active, source.attributes)
    return number, Item.external_id, *content, source.available_from, source.available_until, deleted, source.revision


CATALOGUE_COLUMNS = catalogue_columns(Item, Item.id, Item.deleted_at.is_not(None))


class HotRow(NamedTuple):
    """A user as of now. `revision` is None for an unknown user."""

    catalogue_revision: int
    revision: int | None
    item_ids: Sequence[int]
    values: Sequence[float]
    number: int = 0  # `users.id`


async def read_user(database: Database, user_id: str) -> HotRow:
    """Read a user's ratings, the revision of their latest change and the catalogue's, in one row."""
    row = await database.fetch_row(HOT_READ[database.dialect], user_id)
    return HotRow(0, None, (), ()) if row is None else hot_row(row, database.dialect)


def read_users(session: Session, user_ids: Sequence[str]) -> list[HotRow]:
    """Read users in the order named, all as of one moment."""
    dialect = session.connection().dialect.name
    found = select_with(session, READ_USERS[dialect], "external_id text", [user_ids])
    return [hot_row(row[1:], dialect) for row in found]


def hot_row(row: Sequence[Any], dialect: str) -> HotRow:
    """Unpack what was read of a user."""
    if row[1] is None:
        return HotRow(row[0], None, (), ())
    items, values = row[3:] if dialect == "postgresql" else two_arrays(row[3])
    return HotRow(row[0], row[2], items or (), values or (), row[1])


def two_arrays(text: str) -> Any:
    """Parse two JSON arrays that stand side by side: one aggregate over the rows is quicker than two."""
    return orjson.loads("[" + text.replace("][", "],[") + "]")


def catalogue_revision(session: Session) -> int:
    """Read the counter of item changes."""
    return session.scalar(select(Counter.value).where(Counter.name == "catalogue")) or 0


def catalogue_rows(session: Session, revision: int) -> list[CatalogueRow]:
    """Select the items that changed after ``revision``, in the order of their primary keys."""
    statement = select(*CATALOGUE_COLUMNS).where(Item.revision > revision).order_by(Item.id)
    return [CatalogueRow(*row) for row in session.execute(statement)]


def deleted_items(session: Session, item_ids: Sequence[str]) -> set[str]:
    """Return which of the named items are deleted."""
    statement = select(Item.external_id).where(Item.external_id.in_(item_ids), Item.deleted_at.is_not(None))
    return set(session.scalars(statement))


class Totals(NamedTuple):
    """Sums of ratings, item by item.

    Attributes:
        rows: (item's primary key, number or weight, sum) each.
        revision: of the ratings.
        catalogue_revision: of the catalogue then.
    """

    rows: Sequence[Any]
    revision: int
    catalogue_revision: int

    @classmethod
    def now(cls, session: Session, rows: Sequence[Any]) -> "Totals":
        """Add to rows read just now the revisions as of which they are."""
        return cls(rows, counters.read(session, "ratings"), counters.read(session, "catalogue"))


STANDING = select(Rating.item_id, Rating.value, Rating.rated_at_us).where(Rating.value.is_not(None)).subquery()


def rating_totals(session: Session) -> Totals:
    """Select number and sum of every rated item's ratings."""
    return Totals.now(session, sum_ratings(session, STANDING))


def sum_ratings(session: Session, standing: Subquery) -> Sequence[Any]:
    """Select number and sum of every item's ratings: rows of (item's primary key, number, sum)."""
    rated = standing.c
    return session.execute(select(rated.item_id, func.count(), func.sum(rated.value)).group_by(rated.item_id)).all()


def decayed_totals(session: Session, half_life_us: int) -> Totals:
    """Weigh every rating by its age, and sum up the weights and the weighted ratings."""
    return Totals.now(session, sum_decayed_ratings(session, STANDING, half_life_us))


def sum_decayed_ratings(session: Session, standing: Subquery, half_life_us: int) -> Sequence[Any]:
    """Weigh ratings by their age: rows of (item's primary key, sum of the weights, weighted sum of the ratings).

    A rating weighs 1 if it is the newest of all, half as much for every half-life it is older. Age counts from the
    newest rating, not from now, so that a quiet month forgets nothing.
    """
    rated = standing.c
    newest = select(func.max(rated.rated_at_us)).scalar_subquery()
    halvings = (rated.rated_at_us - newest) / float(half_life_us)
    weight = case((halvings < -MAX_HALVINGS, 2.0**-MAX_HALVINGS), else_=func.pow(2.0, halvings))  # no underflow
    columns = (rated.item_id, func.sum(weight), func.sum(weight * rated.value))
    return session.execute(select(*columns).group_by(rated.item_id)).all()


def sample_users(session: Session, max_users: int) -> tuple[Sequence[str], list[HotRow]]:
    """Read every n-th user, so that they are about ``max_users`` and never more: ids and ratings."""
    newest = session.scalar(select(func.max(User.id))) or 0
    step = max(1, -(-newest // max_users))
    user_ids = session.scalars(select(User.external_id).where(User.id % step == 0).order_by(User.id)).all()
    return user_ids, read_users(session, user_ids)


def revisions_of(session: Session, user_ids: Sequence[str]) -> dict[str, int]:
    """Look up the revision of each named user's latest change; those who do not exist are left out."""
    found = session.execute(select(User.external_id, User.revision).where(User.external_id.in_(user_ids)))
    return {user_id: revision for user_id, revision in found}  # noqa: C416 - rows are no pairs to mypy
