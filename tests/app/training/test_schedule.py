from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from app.settings import Settings
from app.tables import RunCause
from app.training.schedule import Decision, Demand, crontab, decide, next_due

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)


def settings(**changed: Any) -> Settings:
    hourly: dict[str, Any] = {"train_interval": HOUR, "train_changes": 1_000, "train_min_changes": 10}
    return Settings(_env_file=None, **(hourly | changed))


def demand(**changed: Any) -> Demand:
    usual: dict[str, Any] = {
        "pending": False,
        "changes": 50,
        "new_changes": 50,
        "erased": 0,
        "newly_erased": 0,
        "last_requested": NOON - 2 * HOUR,
        "trained_before": True,
        "num_users": 2,
        "num_items": 2,
    }
    return Demand(**(usual | changed))


def test_a_run_is_due_one_interval_after_the_last_request() -> None:
    assert next_due(settings(), NOON, NOON) == NOON + HOUR
    assert next_due(settings(), None, NOON) == NOON
    assert next_due(settings(train_interval=None), NOON, NOON) is None


@pytest.mark.parametrize(
    ("line", "due"),
    [
        ("0 3 * * *", datetime(2026, 11, 24, 3, 0, tzinfo=UTC)),
        ("0 12 * * *", datetime(2026, 11, 24, 12, 0, tzinfo=UTC)),  # strictly after the last
        ("30 4 * * 0", datetime(2026, 11, 29, 4, 30, tzinfo=UTC)),  # 0 is Sunday
        ("30 4 * * 7", datetime(2026, 11, 29, 4, 30, tzinfo=UTC)),
        ("30 4 * * 2", datetime(2026, 11, 24, 4, 30, tzinfo=UTC)),  # 2 is Tuesday
        ("30 4 * * fri-mon", datetime(2026, 11, 27, 4, 30, tzinfo=UTC)),
        ("30 4 * * fri,sat,sun,mon", datetime(2026, 11, 27, 4, 30, tzinfo=UTC)),
        ("30 4 * * FRI", datetime(2026, 11, 27, 4, 30, tzinfo=UTC)),
    ],
)
def test_a_crontab_line_is_read_as_cron_reads_it(line: str, due: datetime) -> None:
    assert next_due(settings(train_cron=line), NOON, NOON) == due


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("*", "mon,tue,wed,thu,fri,sat,sun"),
        ("1-5", "mon,tue,wed,thu,fri"),
        ("*/2", "tue,thu,sat,sun"),
        ("0,6", "sat,sun"),
        ("5-7", "fri,sat,sun"),
        ("MON-wed", "mon,tue,wed"),
        ("fri-mon", "mon,fri,sat,sun"),
        ("fri-sun", "fri,sat,sun"),
        ("5-1/2", "fri,sun"),
        ("7-1,THU", "mon,thu,sun"),
    ],
)
def test_weekdays_are_numbered_from_sunday(field: str, names: str) -> None:
    week = islice(crontab(f"0 13 * * {field}", NOON), 7)
    fired = [moment for moment in week if moment < NOON + timedelta(days=7)]
    assert ",".join(f"{moment:%a}".lower() for moment in fired) == names


def test_with_both_a_day_of_the_month_and_a_weekday_either_is_enough() -> None:
    fired = list(islice(crontab("0 3 1 * fri", NOON), 3))
    assert [moment.day for moment in fired] == [27, 1, 4]


def test_a_crontab_line_that_no_date_matches_is_never_due() -> None:
    assert next_due(settings(train_cron="0 3 */30 2 mon#5"), NOON, NOON) is None


@pytest.mark.parametrize(
    "line",
    [
        "daily",
        "0 3 * *",
        "61 3 * * *",
        "0 3 * * someday",
        "0 3 * * fri-mon-wed",
        "0 3 * * fri-mon/0",
        "0 0 3 * * *",
        "@daily",
    ],
)
def test_an_invalid_crontab_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        crontab(line, NOON)


def test_a_scheduled_run_starts_when_it_is_due_and_enough_has_changed() -> None:
    decision = decide(settings(), demand(), None, NOON)
    assert decision == Decision(RunCause.SCHEDULE, "50 changes since the last model")


def test_nothing_starts_before_it_is_due() -> None:
    assert decide(settings(), demand(last_requested=NOON - HOUR / 2), None, NOON) is None


def test_a_due_run_with_too_few_changes_is_skipped_until_the_next_interval() -> None:
    few = demand(changes=9, new_changes=9)
    decision = decide(settings(), few, None, NOON)
    assert decision == Decision(None, "9 changes since the last model, fewer than 10")
    assert decide(settings(), few, NOON, NOON + HOUR / 2) is None
    assert decide(settings(), demand(changes=10, new_changes=10), NOON, NOON + HOUR / 2) is None
    assert decide(settings(), demand(changes=10, new_changes=10), NOON, NOON + HOUR) is not None


def test_many_changes_start_a_run_before_the_schedule_does() -> None:
    decision = decide(settings(), demand(last_requested=NOON, changes=1_000, new_changes=1_000), None, NOON)
    assert decision == Decision(RunCause.CHANGES, "1000 changes since the last run")


def test_a_run_that_failed_is_not_repeated_at_once() -> None:
    """Its changes are still not learned, but none of them is newer than the run."""
    assert decide(settings(), demand(last_requested=NOON, changes=1_000, new_changes=0), None, NOON) is None


def test_nothing_starts_while_a_run_is_pending() -> None:
    assert decide(settings(), demand(pending=True, new_changes=10_000), None, NOON) is None


def test_the_first_run_starts_as_soon_as_there_is_something_to_learn() -> None:
    first: dict[str, Any] = {"last_requested": None, "trained_before": False, "changes": 10, "new_changes": 10}
    decision = decide(settings(train_interval=None), demand(**first), None, NOON)
    assert decision == Decision(RunCause.CHANGES, "there are ratings and no model yet")


def test_without_ratings_of_two_users_nothing_starts_and_the_decision_says_why() -> None:
    alone = demand(num_users=1, last_requested=None, trained_before=False, new_changes=10_000)
    decision = decide(settings(), alone, None, NOON)
    assert decision == Decision(None, "a model needs ratings of at least 2 users and 2 items")


def test_an_erased_user_of_the_live_model_makes_a_due_run_start_below_the_least_number_of_changes() -> None:
    due = decide(settings(), demand(changes=3, new_changes=3, erased=1, newly_erased=1), None, NOON)
    assert due == Decision(RunCause.SCHEDULE, "1 user of the live model erased")
    early = demand(changes=3, new_changes=3, erased=1, newly_erased=1, last_requested=NOON)
    assert decide(settings(), early, None, NOON) is None


def test_without_a_schedule_an_erased_user_starts_a_run_at_once_unless_runs_are_started_by_hand_only() -> None:
    erased = demand(changes=3, new_changes=3, erased=2, newly_erased=2)
    changes_only = settings(train_interval=None)
    assert decide(changes_only, erased, None, NOON) == Decision(RunCause.CHANGES, "2 users of the live model erased")
    assert decide(changes_only, demand(changes=3, new_changes=0, erased=2), None, NOON) is None
    assert decide(settings(train_interval=None, train_changes=None), erased, None, NOON) is None
