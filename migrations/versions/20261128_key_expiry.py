"""When a key expires, and when it was last used."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_key_expiry"
down_revision = "20261128_idempotent_calls"
branch_labels = None
depends_on = None
contracts = False


def upgrade() -> None:
    for name in ("expires_at", "last_used_at"):
        op.add_column("api_keys", sa.Column(name, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for name in ("last_used_at", "expires_at"):
        op.drop_column("api_keys", name)
