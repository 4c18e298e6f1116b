"""Count the revisions of the catalogue that are not kept any more."""

from alembic import op

revision = "20261126_forgotten"
down_revision = "20261126_events"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("INSERT INTO counters (name, value) VALUES ('forgotten', 0)")


def downgrade() -> None:
    op.execute("DELETE FROM counters WHERE name = 'forgotten'")
