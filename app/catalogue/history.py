"""What the catalogue was: for how long it is kept."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.database import counters
from app.tables import FormerItem, RulesChange

FORGOTTEN = "forgotten"  # counts the revisions of the catalogue that cannot be had any more


def forget(session: Session, moment: datetime) -> None:
    """Remove what was replaced before a moment; the catalogue can be had as it was from then on."""
    forgotten = session.scalar(select(func.max(FormerItem.until)).where(FormerItem.replaced_at < moment))
    if forgotten is None:
        return
    counters.lock(session, FORGOTTEN)
    session.execute(delete(FormerItem).where(FormerItem.until <= forgotten))
    held = select(func.max(RulesChange.revision)).where(RulesChange.revision <= forgotten).scalar_subquery()
    session.execute(delete(RulesChange).where(RulesChange.revision < held))
    counters.move(session, FORGOTTEN, forgotten)
