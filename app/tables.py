"""The tables, one page.

Ids of callers are strings (`external_id`); inside, users and items have integers. The rows of `ratings` and
`rating_changes` name them without foreign keys: users and items are never removed before their ratings, and checking
two keys a row would halve the speed of an import (docs/decisions/).

What belongs to a user names them in a column `user_id`, by number: there an erasure finds and removes it.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    TypeDecorator,
    true,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

BIG_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers only INTEGER keys by itself
EXTERNAL_ID = String(255).with_variant(String(255, collation="C"), "postgresql")  # compared as bytes: quicker


class UtcTime(TypeDecorator[datetime]):
    """A moment, always in UTC, also where the database has no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn any aware moment into UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment with its time zone."""
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Document(TypeDecorator[Any]):
    """A JSON document: JSONB on PostgreSQL, whose part of SQLAlchemy is loaded only there."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the type of the database."""
        if dialect.name != "postgresql":
            return dialect.type_descriptor(JSON())
        from sqlalchemy.dialects.postgresql import JSONB

        return dialect.type_descriptor(JSONB())


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Declare an index of some rows, which a migration makes.

    Given as an option of PostgreSQL, the condition would load that part of SQLAlchemy into every command.
    """
    return Index(name, *columns, unique=unique, info={"where": where})


class Base(DeclarativeBase):
    """Base of every table."""

    type_annotation_map = {datetime: UtcTime, dict[str, Any]: Document, list[str]: Document}


class Counter(Base):
    """A number that only grows: `ratings` counts rating changes (the revision), `catalogue` item changes.

    `forgotten` is the latest revision of the catalogue before which its history is not kept any more.

    Whoever changes ratings locks the row first and moves it last, so revisions have no gaps and become
    visible in order: a reader that sees revision R has seen every change up to R.
    """

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


class User(Base):
    """A user who rates, numbered by whoever holds the ratings' lock. `revision` is that of the latest change."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True, autoincrement=False)
    external_id: Mapped[str] = mapped_column(EXTERNAL_ID, unique=True)
    revision: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime]


class Item(Base):
    """Something that is rated. A deleted item keeps its row, because the history names it."""

    __tablename__ = "items"

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    external_id: Mapped[str] = mapped_column(EXTERNAL_ID, unique=True)
    title: Mapped[str | None] = mapped_column(Text)
    categories: Mapped[list[str]]
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON)  # as text: JSONB would turn 1e22 into a whole number
    active: Mapped[bool]
    available_from: Mapped[datetime | None]  # recommended from then on
    available_until: Mapped[datetime | None]  # and no more from then on
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(BigInteger, index=True)  # of the counter `catalogue`


class FormerItem(Base):
    """What an item was before a change, from `revision` on until that of the change; `items` has what it is now.

    So the catalogue can be had as it was at any revision, and a new item costs nothing here.
    """

    __tablename__ = "former_items"

    until: Mapped[int] = mapped_column(BIG_ID, primary_key=True, autoincrement=False)  # no two changes have the same
    item_id: Mapped[int] = mapped_column(BigInteger)
    revision: Mapped[int] = mapped_column(BigInteger, index=True)
    title: Mapped[str | None] = mapped_column(Text)
    categories: Mapped[list[str]]
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON)
    active: Mapped[bool]
    available_from: Mapped[datetime | None]
    available_until: Mapped[datetime | None]
    deleted: Mapped[bool]
    replaced_at: Mapped[datetime]


class RulesChange(Base):
    """What is blocked, boosted and pinned for everybody from a revision of the counter `catalogue` on.

    The latest row holds now. No document: the rules were removed.
    """

    __tablename__ = "rules_changes"

    revision: Mapped[int] = mapped_column(BIG_ID, primary_key=True, autoincrement=False)
    document: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # as text, like the attributes
    changed_at: Mapped[datetime]


class ItemRemoval(Base):
    """An item that was deleted: its ratings up to a revision go with it, step by step. The latest deletion counts."""

    __tablename__ = "item_removals"

    item_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(BigInteger)  # of the ratings, when it was deleted: a later rating stays
    num_removed: Mapped[int] = mapped_column(default=0)
    finished: Mapped[bool] = mapped_column(default=False)


class Rating(Base):
    """What a user thinks of an item now. A removed rating stays as a tombstone without a value.

    Times of ratings are whole microseconds since 1970, UTC.
    """

    __tablename__ = "ratings"
    __table_args__ = {"sqlite_with_rowid": False}

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    item_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    value: Mapped[float | None]
    rated_at_us: Mapped[int] = mapped_column(BigInteger)
    revision: Mapped[int] = mapped_column(BigInteger)


class RatingChange(Base):
    """The append-only history: every change of a rating, under its revision. No value: the rating was removed.

    Its only index is by user, as it is read: a second one, by revision alone, would slow an import by a fifth.
    """

    __tablename__ = "rating_changes"
    __table_args__ = {"sqlite_with_rowid": False}

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    item_id: Mapped[int] = mapped_column(BigInteger)
    value: Mapped[float | None]
    rated_at_us: Mapped[int] = mapped_column(BigInteger)
    recorded_at_us: Mapped[int] = mapped_column(BigInteger)


class Event(Base):
    """What became of an item of an answer: an impression, a click, a rating or a purchase, each at most once.

    Rows are known by the moment of the answer first: reports read, and retention removes, a stretch of the table. The
    answer is a hash of its id, which itself is not kept. What else is here of the answer is as its id says.
    """

    __tablename__ = "events"

    answered_at_us: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    answer: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    item_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    type: Mapped[str] = mapped_column(String(10), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(BigInteger)  # None: of a guest, or of no user in particular
    list: Mapped[str] = mapped_column(String(10))  # what sort of list it was: user, guest, similar, popular, new
    version: Mapped[str | None] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(String(20))
    position: Mapped[int]  # in the whole list, from 1
    experiment: Mapped[int] = mapped_column(BigInteger)  # 0: none
    value: Mapped[float | None]
    occurred_at_us: Mapped[int] = mapped_column(BigInteger)
    recorded_at_us: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        partial_index("ix_events_user", "user_id", "occurred_at_us", where="user_id IS NOT NULL"),
        {"sqlite_with_rowid": False},
    )


class RunState(StrEnum):
    """Where a training run is; the last three are ends."""

    QUEUED = "queued"  # waits for a worker
    RUNNING = "running"  # a worker holds its lease
    SUCCEEDED = "succeeded"  # made a version, whether or not the gate activated it
    FAILED = "failed"  # `error` says why
    CANCELLED = "cancelled"  # on request


class RunCause(StrEnum):
    """Why a training run was asked for."""

    SCHEDULE = "schedule"
    CHANGES = "changes"
    MANUAL = "manual"


class TrainingRun(Base):
    """One training, from the moment it was asked for to its end."""

    __tablename__ = "training_runs"

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    state: Mapped[str] = mapped_column(String(20), index=True)
    cause: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(20))
    options: Mapped[dict[str, Any]]  # what was asked for: epochs, seed, cold ...
    requested_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    worker: Mapped[str | None] = mapped_column(String(255))
    attempts: Mapped[int] = mapped_column(default=0)  # times a worker claimed it
    takeovers: Mapped[int] = mapped_column(default=0)  # times it was claimed from a worker that had gone silent
    heartbeat_at: Mapped[datetime | None]
    lease_expires_at: Mapped[datetime | None]
    epoch: Mapped[int] = mapped_column(default=0)  # epochs finished
    epochs: Mapped[int | None]  # epochs planned
    eta: Mapped[datetime | None]
    watermark: Mapped[int | None] = mapped_column(BigInteger)  # revision of the ratings it learns
    version: Mapped[str | None] = mapped_column(String(100))
    error: Mapped[str | None] = mapped_column(Text)


class TrainingEpoch(Base):
    """The figures of one finished epoch of a run."""

    __tablename__ = "training_epochs"

    run_id: Mapped[int] = mapped_column(ForeignKey("training_runs.id", ondelete="CASCADE"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stage: Mapped[str] = mapped_column(String(50), default="fit", server_default="fit")  # what it did, in words
    loss: Mapped[float | None]
    metrics: Mapped[dict[str, Any]]  # of the validation users: ndcg@10, rmse ...
    seconds: Mapped[float]
    recorded_at: Mapped[datetime]


class ModelVersion(Base):
    """A published model: the folder of this name lies in the model store, unless `removed_at`."""

    __tablename__ = "model_versions"

    version: Mapped[str] = mapped_column(String(100), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("training_runs.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    watermark: Mapped[int] = mapped_column(BigInteger)
    num_users: Mapped[int]
    num_items: Mapped[int]
    num_ratings: Mapped[int] = mapped_column(BigInteger)
    num_bytes: Mapped[int] = mapped_column(BigInteger)
    metrics: Mapped[dict[str, Any]]
    gate: Mapped[dict[str, Any]]  # decision, reason and the figures compared
    split: Mapped[dict[str, Any] | None]  # how many users it learned from, how many were held out, and by which rule
    removed_at: Mapped[datetime | None]


class ActivationCause(StrEnum):
    """Why a version went live."""

    GATE = "gate"  # the gate let it
    MANUAL = "manual"  # chosen by a person
    FORCED = "forced"  # chosen by a person although the gate had refused it


class Activation(Base):
    """A version went live; the latest row names the live one. Rows are never changed."""

    __tablename__ = "activations"

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    version: Mapped[str] = mapped_column(ForeignKey("model_versions.version"))
    cause: Mapped[str] = mapped_column(String(20))
    activated_at: Mapped[datetime]
    actor: Mapped[str | None] = mapped_column(String(255))  # who: a key, or a user of the command line
    reason: Mapped[str | None] = mapped_column(Text)  # as it was given


class ExperimentState(StrEnum):
    """Where an experiment is."""

    RUNNING = "running"  # its versions serve; there is one at most
    STOPPED = "stopped"  # for good


class Experiment(Base):
    """Two versions served side by side. Whom which serves follows from salt and shares: nothing is stored of users."""

    __tablename__ = "experiments"
    __table_args__ = (partial_index("uq_experiments_running", "state", where="state = 'running'", unique=True),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    control: Mapped[str] = mapped_column(ForeignKey("model_versions.version"))
    treatment: Mapped[str] = mapped_column(ForeignKey("model_versions.version"))
    share: Mapped[float]  # of the users, who take part: 0 to 1
    treatment_share: Mapped[float]  # of those who take part
    salt: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[datetime]
    started_by: Mapped[str | None] = mapped_column(String(255))
    reason: Mapped[str | None] = mapped_column(Text)  # as it was given
    stopped_at: Mapped[datetime | None]
    stopped_by: Mapped[str | None] = mapped_column(String(255))
    stop_reason: Mapped[str | None] = mapped_column(Text)
    activated: Mapped[str | None] = mapped_column(String(20))  # the arm that went live at the end


class Erasure(Base):
    """The receipt of an erased user, without their id. Their number, never given again, is what versions hold."""

    __tablename__ = "erasures"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)  # random
    user_number: Mapped[int] = mapped_column(BigInteger, unique=True)
    revision: Mapped[int] = mapped_column(BigInteger, index=True)  # versions of this watermark have not seen them
    erased_at: Mapped[datetime]
    removed: Mapped[dict[str, Any]]  # rows by table
    finished: Mapped[bool] = mapped_column(default=True, server_default=true())  # False: rows are left, but no rating


class ErasureVersion(Base):
    """A version that holds an erased user: it was kept then, or made by a run that had read their ratings."""

    __tablename__ = "erasure_versions"

    erasure_id: Mapped[str] = mapped_column(ForeignKey("erasures.id"), primary_key=True)
    version: Mapped[str] = mapped_column(ForeignKey("model_versions.version"), primary_key=True, index=True)
    part: Mapped[str] = mapped_column(String(20))  # `registry.training_users.UserRole`


class KeptOut(Base):
    """An erased user's or deleted item's id, as HMAC-SHA256 under PALATE_KEEP_OUT: the id itself is not stored."""

    __tablename__ = "kept_out"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))  # `keep_out.service.Kind`
    secret_id: Mapped[str] = mapped_column(String(8))  # of the secret, so that another one is noticed
    kept_at: Mapped[datetime]


class IdempotentCall(Base):
    """A request that came with an Idempotency-Key, as hashes, and the answer to it: kept for a day."""

    __tablename__ = "idempotent_calls"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)  # of the caller's key, and whose it is
    fingerprint: Mapped[str] = mapped_column(String(64))  # of the request
    made_at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[int | None]
    location: Mapped[str | None] = mapped_column(String(255))
    body: Mapped[str | None] = mapped_column(Text)  # None: an erasure whose last step is still to come
    subject: Mapped[str | None] = mapped_column(String(32))  # the receipt of that erasure


class ServedBy(Base):
    """The newest migration of a version of Palate that can serve this schema (app/database/migrate.py)."""

    __tablename__ = "served_by"

    revision: Mapped[str] = mapped_column(String(40), primary_key=True)


class Restore(Base):
    """The database was put back to the moment of a backup: what was handed out in between no longer holds."""

    __tablename__ = "restores"

    restored_at_us: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    taken_at_us: Mapped[int] = mapped_column(BigInteger)


class ApiKey(Base):
    """A key as we know it: its SHA-256 and what it allows. The key itself is shown once and never stored."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]  # to the minute
