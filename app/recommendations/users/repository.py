"""What a list reads of its user beside their ratings."""

from collections.abc import Sequence

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from app.recommendations.ranking.rotation import MAX_IMPRESSIONS
from app.tables import Event, Rating


def recent_impressions(session: Session, numbers: Sequence[int], since_us: int) -> dict[int, list[tuple[int, int]]]:
    """Read what users were shown after a moment and have not rated since: (primary key, moment), the last first."""
    rated_since = (
        exists()
        .where(Rating.user_id == Event.user_id, Rating.item_id == Event.item_id, Rating.value.is_not(None))
        .where(Rating.rated_at_us >= Event.occurred_at_us)
    )
    last = func.max(Event.occurred_at_us)
    query = (
        select(Event.user_id, Event.item_id, last)
        .where(Event.user_id.in_(numbers), Event.occurred_at_us > since_us, Event.type == "impression", ~rated_since)
        .group_by(Event.user_id, Event.item_id)
        .order_by(last.desc(), Event.item_id)
    )
    shown: dict[int, list[tuple[int, int]]] = {number: [] for number in numbers}
    for user, item, moment in session.execute(query):
        if user is not None and len(shown[user]) < MAX_IMPRESSIONS:
            shown[user].append((item, moment))
    return shown
