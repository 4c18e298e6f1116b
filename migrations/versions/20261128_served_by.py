"""Which versions of Palate can serve this schema, by their newest migrations, so that an older one knows."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_served_by"
down_revision = "20261128_number_ids"
branch_labels = None
depends_on = None
contracts = False


def upgrade() -> None:
    op.create_table("served_by", sa.Column("revision", sa.String(40), primary_key=True))


def downgrade() -> None:
    op.drop_table("served_by")
