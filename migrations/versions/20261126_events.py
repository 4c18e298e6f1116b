"""What became of answers."""

import sqlalchemy as sa
from alembic import op

revision = "20261126_events"
down_revision = "20261126_ab_experiments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("answered_at_us", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("answer", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("item_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("type", sa.String(length=10), primary_key=True),
        sa.Column("user_id", sa.BigInteger()),
        sa.Column("list", sa.String(length=10), nullable=False),
        sa.Column("version", sa.String(length=100)),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("experiment", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double()),
        sa.Column("occurred_at_us", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    of_users = sa.text("user_id IS NOT NULL")
    op.create_index(
        "ix_events_user", "events", ["user_id", "occurred_at_us"], postgresql_where=of_users, sqlite_where=of_users
    )


def downgrade() -> None:
    op.drop_table("events")
