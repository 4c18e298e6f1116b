"""When a training run is due: pure functions of clocks and counts, in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from app.settings import Settings
from app.tables import RunCause

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
WEEKDAY_RANGE = re.compile(r"(sun|mon|tue|wed|thu|fri|sat|[0-7])-(sun|mon|tue|wed|thu|fri|sat|[0-7])(?:/([1-9]\d*))?")
MIN_USERS = 2
MIN_ITEMS = 2


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What the database says about the need for a run.

    Attributes:
        pending: a run is queued or running already.
        changes: ratings set, edited or removed since the ratings that the latest version has learned.
        new_changes: those of them that came after the latest run was asked for, so that a run that failed or was
            cancelled is not repeated at once.
        erased: users in the live version who were erased since the ratings that the latest version has learned.
        newly_erased: those of them who were erased after the latest run was asked for.
        last_requested: when the latest run was asked for; None before the first.
        trained_before: a version was made.
        num_users: users with ratings, counted up to `MIN_USERS`.
        num_items: items with ratings, counted up to `MIN_ITEMS`.
    """

    pending: bool
    changes: int
    new_changes: int
    erased: int
    newly_erased: int
    last_requested: datetime | None
    trained_before: bool
    num_users: int
    num_items: int


@dataclass(frozen=True)
class Decision:
    """Whether to start a run, and why (not). No cause: none is started."""

    cause: RunCause | None
    reason: str


def next_due(settings: Settings, since: datetime | None, now: datetime) -> datetime | None:
    """Return when the schedule is due next: the first fire time after ``since``; None without a schedule.

    Args:
        settings: `train_cron`, else `train_interval`.
        since: the last time a run was asked for or the schedule was polled; None: never, so that it is due now.
        now: the present moment.
    """
    if settings.train_cron is None and settings.train_interval is None:
        return None
    if since is None:
        return now
    if settings.train_cron is not None:
        return next(crontab(settings.train_cron, since), None)
    return since + settings.train_interval if settings.train_interval is not None else None


def decide(settings: Settings, demand: Demand, polled_at: datetime | None, now: datetime) -> Decision | None:
    """Decide whether to start a run; None where nothing is due, so nothing is worth a log line."""
    if demand.pending:
        return None
    enough = demand.num_users >= MIN_USERS and demand.num_items >= MIN_ITEMS
    first = not demand.trained_before and demand.last_requested is None
    if enough and first and demand.changes >= settings.train_min_changes:
        return Decision(RunCause.CHANGES, "there are ratings and no model yet")
    if enough and settings.train_changes is not None and demand.new_changes >= settings.train_changes:
        return Decision(RunCause.CHANGES, f"{demand.new_changes} changes since the last run")
    scheduled = settings.train_cron is not None or settings.train_interval is not None
    if enough and settings.train_changes is not None and not scheduled and demand.newly_erased:
        return Decision(RunCause.CHANGES, describe_erased(demand.newly_erased))
    due = next_due(settings, latest(demand.last_requested, polled_at), now)
    if due is None or due > now:
        return None
    if not enough:
        return Decision(None, f"a model needs ratings of at least {MIN_USERS} users and {MIN_ITEMS} items")
    if demand.changes < settings.train_min_changes and demand.erased:
        return Decision(RunCause.SCHEDULE, describe_erased(demand.erased))
    if demand.changes < settings.train_min_changes:
        return Decision(None, f"{demand.changes} changes since the last model, fewer than {settings.train_min_changes}")
    return Decision(RunCause.SCHEDULE, f"{demand.changes} changes since the last model")


def describe_erased(num_users: int) -> str:
    """Describe that the live model has to be replaced by one that never saw the users who were erased."""
    return f"{num_users} {'user' if num_users == 1 else 'users'} of the live model erased"


def latest(*moments: datetime | None) -> datetime | None:
    """Return the latest of the moments that are known."""
    return max((moment for moment in moments if moment is not None), default=None)


def crontab(line: str, since: datetime) -> CronSim:
    """Read a crontab line, whose moments after ``since`` follow.

    Raises:
        ValueError: if the line is not a crontab line.
    """
    fields = line.split()
    if len(fields) != 5:  # with six, cronsim reads seconds too
        raise ValueError(f"{line!r} is not a crontab line: minute hour day month weekday")
    try:
        return CronSim(" ".join([*fields[:4], unwrap_weekdays(fields[4])]), since.astimezone(UTC))
    except CronSimError as error:
        raise ValueError(f"{line!r} is not a crontab line: {str(error).lower()}") from error


def unwrap_weekdays(field: str) -> str:
    """Spell out the weekday ranges that go past Saturday, which cronsim refuses, e.g. ``fri-mon`` as ``5,6,0,1``."""
    return ",".join(unwrap_range(part) for part in field.lower().split(","))


def unwrap_range(part: str) -> str:
    """Spell out one part of the weekday field if it is a range that wraps; return any other as it is."""
    found = WEEKDAY_RANGE.fullmatch(part)
    if found is None:
        return part
    first, last = (int(day) if day.isdigit() else WEEKDAYS.index(day) for day in found.group(1, 2))
    if first <= last:
        return part
    return ",".join(str(day % 7) for day in range(first, last + 8, int(found[3] or 1)))
