"""When the database was put back to an earlier moment, so that what was handed out in between is known."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_restores"
down_revision = "20261128_served_by"
branch_labels = None
depends_on = None
contracts = False


def upgrade() -> None:
    op.create_table(
        "restores",
        sa.Column("restored_at_us", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("taken_at_us", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("restores")
