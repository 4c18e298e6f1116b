"""The rules for every answer: one document, with the catalogue's revision, and its earlier versions."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import counters
from app.recommendations.request.filter_schemas import RulesIn
from app.recommendations.request.options import NO_RULES, Rules
from app.tables import RulesChange


class StoredRules(NamedTuple):
    """The rules as they are stored; `revision` and `updated_at` are None if there are none."""

    document: Mapping[str, Any]
    revision: int | None
    updated_at: datetime | None


NO_STORED_RULES = StoredRules({}, None, None)


def find_rules(session: Session, revision: int | None = None) -> StoredRules:
    """Read the rules as they are, or as they were at a revision."""
    query = select(RulesChange).order_by(RulesChange.revision.desc()).limit(1)
    row = session.scalar(query if revision is None else query.where(RulesChange.revision <= revision))
    if row is None or row.document is None:
        return NO_STORED_RULES
    return StoredRules(row.document, row.revision, row.changed_at)


def load_rules(session: Session, revision: int | None = None) -> Rules:
    """Read the rules as they are, or as they were at a revision, in the form that the ranking applies."""
    stored = find_rules(session, revision)
    return NO_RULES if stored.revision is None else RulesIn.model_validate(stored.document).rules()


def set_rules(session: Session, document: Mapping[str, Any], moment: datetime) -> StoredRules:
    """Replace the rules; equal rules keep their revision. Every process applies them from its next answer on."""
    revision = counters.lock(session, "catalogue") + 1
    stored = find_rules(session)
    if stored.revision is not None and json.dumps(stored.document, sort_keys=True) == json.dumps(
        document, sort_keys=True
    ):
        return stored
    add_change(session, RulesChange(revision=revision, document=dict(document), changed_at=moment))
    return StoredRules(document, revision, moment)


def remove_rules(session: Session, moment: datetime) -> None:
    """Remove the rules, if there are any."""
    revision = counters.lock(session, "catalogue") + 1
    if find_rules(session).revision is not None:
        add_change(session, RulesChange(revision=revision, document=None, changed_at=moment))


def add_change(session: Session, change: RulesChange) -> None:
    """Write a change, while the catalogue's lock is held."""
    session.add(change)
    session.flush()
    counters.move(session, "catalogue", change.revision)
