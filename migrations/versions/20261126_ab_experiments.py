"""Serve two versions side by side: experiments, one at a time."""

import sqlalchemy as sa
from alembic import op

revision = "20261126_ab_experiments"
down_revision = "20261126_catalogue_history"
branch_labels = None
depends_on = None

RUNNING = sa.text("state = 'running'")


def upgrade() -> None:
    big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "experiments",
        sa.Column("id", big_id, primary_key=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("control", sa.String(length=100), sa.ForeignKey("model_versions.version"), nullable=False),
        sa.Column("treatment", sa.String(length=100), sa.ForeignKey("model_versions.version"), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("treatment_share", sa.Double(), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_by", sa.String(length=255), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_by", sa.String(length=255), nullable=True),
        sa.Column("stop_reason", sa.Text(), nullable=True),
        sa.Column("activated", sa.String(length=20), nullable=True),
    )
    op.create_index(
        "uq_experiments_running",
        "experiments",
        ["state"],
        unique=True,
        sqlite_where=RUNNING,
        postgresql_where=RUNNING,
    )


def downgrade() -> None:
    op.drop_table("experiments")
