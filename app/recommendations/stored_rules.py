"""The rules that hold for everybody: one document of the catalogue, under the catalogue's revision."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app import counters
from app.recommendations.filters import RulesIn
from app.recommendations.options import NO_RULES, Rules
from app.tables import CatalogueRules

ONLY = 1  # the key of the only row


class StoredRules(NamedTuple):
    """The rules as they are stored; `revision` and `updated_at` are None if none are."""

    document: Mapping[str, Any]
    revision: int | None
    updated_at: datetime | None


def find_rules(session: Session) -> StoredRules:
    """Read the rules."""
    row = session.get(CatalogueRules, ONLY)
    return StoredRules({}, None, None) if row is None else StoredRules(row.document, row.revision, row.updated_at)


def as_recommending_takes_them(session: Session) -> Rules:
    """Read the rules, ready to use."""
    row = session.get(CatalogueRules, ONLY)
    return NO_RULES if row is None else RulesIn.model_validate(row.document).rules()


def set_rules(session: Session, document: Mapping[str, Any], moment: datetime) -> StoredRules:
    """Replace the rules; the same again keep their revision. Every process takes them up before its next answer."""
    revision = counters.lock(session, "catalogue") + 1
    stored = find_rules(session)
    if stored.revision is not None and json.dumps(stored.document, sort_keys=True) == json.dumps(
        document, sort_keys=True
    ):
        return stored
    session.merge(CatalogueRules(id=ONLY, document=dict(document), updated_at=moment, revision=revision))
    counters.move(session, "catalogue", revision)
    return StoredRules(document, revision, moment)


def remove_rules(session: Session) -> None:
    """Remove the rules, if there are any."""
    revision = counters.lock(session, "catalogue") + 1
    if session.get(CatalogueRules, ONLY) is not None:
        session.execute(delete(CatalogueRules))
        counters.move(session, "catalogue", revision)
