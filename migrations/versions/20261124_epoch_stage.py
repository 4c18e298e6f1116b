"""What an epoch did: a fit can have stages, such as pre-training and fine-tuning."""

import sqlalchemy as sa
from alembic import op

revision = "20261124_epoch_stage"
down_revision = "20261123_initial"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("training_epochs", sa.Column("stage", sa.String(length=50), nullable=False, server_default="fit"))


def downgrade() -> None:
    op.drop_column("training_epochs", "stage")
