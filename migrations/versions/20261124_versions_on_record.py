"""Say of an activation who made it and why, and of a version how its users were split."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261124_versions_on_record"
down_revision = "20261124_epoch_stage"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("activations", sa.Column("actor", sa.String(length=255), nullable=True))
    op.add_column("activations", sa.Column("reason", sa.Text(), nullable=True))
    op.add_column("model_versions", sa.Column("split", DOCUMENT, nullable=True))


def downgrade() -> None:
    op.drop_column("model_versions", "split")
    op.drop_column("activations", "reason")
    op.drop_column("activations", "actor")
