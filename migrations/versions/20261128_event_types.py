"""Name the types of events as the field does: impression, click, rating, purchase."""

from alembic import op

revision = "20261128_event_types"
down_revision = "20261126_forgotten"
branch_labels = None
depends_on = None

OLD_TO_NEW = {"shown": "impression", "clicked": "click", "rated": "rating", "bought": "purchase"}


def upgrade() -> None:
    rename(OLD_TO_NEW)


def downgrade() -> None:
    rename({new: old for old, new in OLD_TO_NEW.items()})


def rename(names: dict[str, str]) -> None:
    """Give every event its type's other name, in one pass over the table."""
    cases = " ".join(f"WHEN '{name}' THEN '{other}'" for name, other in names.items())
    op.execute(f"UPDATE events SET type = CASE type {cases} ELSE type END")  # noqa: S608 - names of our own
