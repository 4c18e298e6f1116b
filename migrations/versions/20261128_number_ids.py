"""Write stored ids that are whole numbers as their digits: "7.0" and " 7 " become "7", as every route reads them."""

import logging
import re

import sqlalchemy as sa
from alembic import op

revision = "20261128_number_ids"
down_revision = "20261128_kept_out"
branch_labels = None
depends_on = None

find_whole_number = re.compile(r" *(-?[0-9]+)(?:\.0+)? *").fullmatch
log = logging.getLogger("alembic.runtime.migration")


def upgrade() -> None:
    for name in ("users", "items"):
        rename(sa.table(name, sa.column("id"), sa.column("external_id")))


def downgrade() -> None:
    """Nobody knows how an id was written: it stays as it is, which the former code reads, too."""


def rename(table: sa.TableClause) -> None:
    """Rename what has an id that no request can name any more; of two that become one, the older gets the name."""
    connection, external_id = op.get_bind(), table.c.external_id
    doubtful = sa.or_(*(external_id.like(pattern) for pattern in (" %", "% ", "%.0%")))
    rows = connection.execute(sa.select(table).where(doubtful).order_by(table.c.id)).all()
    names = {row.id: found[1] for row in rows if (found := find_whole_number(row.external_id))}
    taken = taken_names(connection, table, sorted(set(names.values())))
    changes, left = [], 0
    for number, name in names.items():
        if name in taken:
            left += 1
        else:
            taken.add(name)
            changes.append({"number": number, "name": name})
    if changes:
        statement = sa.update(table).where(table.c.id == sa.bindparam("number"))
        connection.execute(statement.values(external_id=sa.bindparam("name")), changes)
    if left:
        log.warning(
            "%d %s are stored twice, as 7.0 and as 7: a palate export imported into a new database joins them.",
            left, table.name,
        )  # fmt: skip


def taken_names(connection: sa.Connection, table: sa.TableClause, names: list[str]) -> set[str]:
    """Return which names are used already; some at a time, as databases take so many parameters."""
    taken: set[str] = set()
    for start in range(0, len(names), 1_000):
        some = sa.select(table.c.external_id).where(table.c.external_id.in_(names[start : start + 1_000]))
        taken |= set(connection.scalars(some))
    return taken
