"""The rules of keeping out: ids of erased users and deleted items are known by a keyed hash, and refused.

The key is the setting PALATE_KEEP_OUT, so that neither the database nor a copy of it says whether an id is among them.
Each kind of id is hashed apart. Who writes asks within the transaction that writes, under the lock that erasing and
deleting take too.
"""

import hmac
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from sqlalchemy.orm import Session

from app.keep_out import repository
from app.kit.errors import FieldProblem, KeepOutDisabled, KeptOut
from app.settings import Settings


class Kind(StrEnum):
    """What is kept out."""

    USER = "user"
    ITEM = "item"


WORDS = {Kind.USER: "was erased", Kind.ITEM: "was deleted"}
NO_IDS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class KeptOutIds:
    """Which ids of a batch are kept out."""

    users: Collection[str] = NO_IDS
    items: Collection[str] = NO_IDS

    def field_of(self, user_id: str, item_id: str) -> str | None:
        """Name the field of a rating whose id is kept out; None: neither is."""
        if user_id in self.users:
            return "user_id"
        return "item_id" if item_id in self.items else None


NOTHING = KeptOutIds()


@dataclass(frozen=True)
class KeepOut:
    """What keeps out. Without a secret it is off: nothing is noted or refused, and nothing is asked of the database."""

    secret: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> "KeepOut":
        """Return what the settings say."""
        return cls(settings.keep_out)

    @cached_property
    def secret_id(self) -> str:
        """Name the secret without saying what it is."""
        return self._digest("secret", "")[:8]

    def _digest(self, kind: str, external_id: str) -> str:
        if self.secret is None:
            raise KeepOutDisabled
        return hmac.digest(self.secret.encode(), f"{kind}\0{external_id}".encode(), "sha256").hex()

    def find(self, session: Session, users: Iterable[str] = (), items: Iterable[str] = ()) -> KeptOutIds:
        """Return which of these ids are kept out: one look-up in an index for all of them."""
        if self.secret is None:
            return NOTHING
        digests = {self._digest(Kind.USER, user): (Kind.USER, user) for user in set(users)}
        digests |= {self._digest(Kind.ITEM, item): (Kind.ITEM, item) for item in set(items)}
        found = [digests[digest] for digest in repository.find(session, list(digests))] if digests else []
        return KeptOutIds(
            {name for kind, name in found if kind is Kind.USER}, {name for kind, name in found if kind is Kind.ITEM}
        )

    def note(self, session: Session, kind: Kind, external_id: str, now: datetime) -> None:
        """Note that an id was removed on purpose, if that is wanted."""
        if self.secret is not None:
            self.add(session, kind, external_id, now)

    def add(self, session: Session, kind: Kind, external_id: str, now: datetime) -> bool:
        """Keep an id out from now on; return whether it was not already.

        Raises:
            KeepOutDisabled: if there is no secret.
        """
        return repository.add(session, kind, self._digest(kind, external_id), self.secret_id, now=now)

    def lift(self, session: Session, kind: Kind, external_id: str) -> bool:
        """Keep an id out no more; return whether it was.

        Raises:
            KeepOutDisabled: if there is no secret.
        """
        return repository.remove(session, self._digest(kind, external_id))

    def check(self, session: Session, users: Iterable[str] = (), items: Iterable[str] = ()) -> None:
        """Raise `KeptOut` if one of these ids is kept out."""
        kept = self.find(session, users, items)
        for kind, ids in ((Kind.USER, kept.users), (Kind.ITEM, kept.items)):
            for external_id in ids:
                raise KeptOut(f"The {kind} {external_id!r} {describe(kind)}.")

    def later(self, kind: Kind) -> str:
        """Describe what becomes of a removed id that comes again."""
        if self.secret is not None:
            return (
                f"Later ratings, imports and other writes with this id are refused (PALATE_KEEP_OUT), until `palate "
                f"keep-out lift {kind} ID` allows them."
            )
        back = "a new user" if kind is Kind.USER else "the item again, without its title and categories"
        return f"A later rating or import with this id makes {back}; PALATE_KEEP_OUT refuses that."


OFF = KeepOut()


def describe(kind: Kind) -> str:
    """Describe why an id is refused, and what allows it."""
    return f"{WORDS[kind]} and is kept out: `palate keep-out lift {kind} ID` allows it again"


def describe_field(field: str) -> str:
    """Describe why a row is refused for the id in a field."""
    return describe(Kind.USER if field == "user_id" else Kind.ITEM)


def field_problem(field: str, pointer: str) -> FieldProblem:
    """Describe a row's field whose id is kept out."""
    return FieldProblem(pointer, describe_field(field))
