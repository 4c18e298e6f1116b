"""Events that servers of 0.1.0 recorded beside newer ones. It loads little: every `palate migrate` runs it."""

from sqlalchemy import text
from sqlalchemy.orm import Session

TYPES_OF_0_1 = {"shown": "impression", "clicked": "click", "rated": "rating", "bought": "purchase"}
FIND = "SELECT 1 FROM events WHERE type IN ('" + "', '".join(TYPES_OF_0_1) + "') LIMIT 1"  # noqa: S608 - our own names
REMOVE_TWINS = """
    DELETE FROM events WHERE type = :old AND EXISTS (
        SELECT 1 FROM events AS twin WHERE twin.answered_at_us = events.answered_at_us AND twin.answer = events.answer
        AND twin.item_id = events.item_id AND twin.type = :new
    )
"""  # one that a newer server recorded, too


def rename_old_types(session: Session) -> bool:
    """Rename what servers of 0.1.0 recorded beside newer ones during an upgrade; return whether there was any.

    The types themselves were renamed by a migration, before those servers ended.
    """
    if not session.scalar(text(FIND)):
        return False
    for old, new in TYPES_OF_0_1.items():
        names = {"old": old, "new": new}
        session.execute(text(REMOVE_TWINS), names)
        session.execute(text("UPDATE events SET type = :new WHERE type = :old"), names)
    return True
