"""The report of an experiment: counts over users who were shown something, and the verdict."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.database.engine import Database
from app.experiments.assignment import Arm
from app.experiments.figures import ArmFigures, Metric
from app.experiments.report import Report
from app.experiments.statistics import Sums, ratio
from app.kit.times import to_us
from app.registry import service
from app.tables import Event, Experiment, ExperimentState, User
from tests.app.recommendations.helpers import row_values

OnDatabase = Callable[[Callable[[Database], Awaitable[Any]]], Any]
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Shown:
    """An answer: its user, its version, and how many of its items were shown, clicked, bought, rated."""

    user: int | None
    version: str
    shown: int
    clicked: int = 0
    bought: int = 0
    rated: int = 0
    experiment: int = 1


def event_rows(answers: list[Shown], started_at: datetime = NOW) -> Iterator[Event]:
    """Write answers as the rows that reporting them leaves."""
    for number, answer in enumerate(answers):
        num = {"impression": answer.shown, "click": answer.clicked, "purchase": answer.bought, "rating": answer.rated}
        moment = to_us(started_at) + number
        for kind, item in [(kind, item) for kind, most in num.items() for item in range(most)]:
            yield Event(
                answered_at_us=moment,
                answer=number,
                item_id=item,
                type=kind,
                user_id=answer.user,
                list="user",
                version=answer.version,
                source="personal",
                position=item + 1,
                experiment=answer.experiment,
                value=None,
                occurred_at_us=moment,
                recorded_at_us=moment,
            )


@pytest.fixture
def store(run_on_database: OnDatabase) -> Callable[[list[Shown]], None]:
    """Store an experiment, its users and what became of their answers."""

    def stored(answers: list[Shown]) -> None:
        def write(session: Session) -> None:
            for version in ("old", "new"):
                service.publish(session, activate=True, now=NOW, **row_values(version))
            shares = {"share": 1.0, "treatment_share": 0.5, "salt": "s", "state": ExperimentState.RUNNING}
            session.add(Experiment(id=1, name="x", control="old", treatment="new", started_at=NOW, **shares))
            numbers = {answer.user for answer in answers} - {None}
            session.add_all(User(id=number, external_id=f"user {number}", created_at=NOW) for number in numbers)
            session.add_all(event_rows(answers))

        run_on_database(lambda database: database.write(write))

    return stored


def ask(client: TestClient, **parameters: str) -> dict[str, Any]:
    answer = client.get("/v1/experiments/1/report", params=parameters)
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


def test_counts_of_impressions_to_known_users_match_those_by_hand(client: TestClient, store: Any) -> None:
    store(
        [
            Shown(1, "old", shown=4, clicked=1),
            Shown(1, "old", shown=4),
            Shown(2, "old", shown=2, clicked=2, bought=1),
            Shown(3, "new", shown=10, bought=3),
            Shown(3, "new", shown=10, rated=1),
            Shown(4, "new", shown=10),
            Shown(3, "new", shown=0, clicked=5, bought=5),  # no impression was reported
            Shown(None, "new", shown=10, clicked=10),  # of an erased user, or of a guest
            Shown(5, "old", shown=10, clicked=10, experiment=0),
            Shown(5, "old", shown=10, clicked=10, experiment=2),
        ]
    )
    report = ask(client)
    counts = ("num_users", "num_answers", "num_shown", "num_clicked", "num_hits", "num_bought", "num_buyers")
    assert [report["control"][name] for name in counts] == [2, 3, 10, 3, 2, 1, 1]
    assert [report["treatment"][name] for name in counts] == [2, 3, 30, 0, 2, 3, 1]
    rates = [report[arm][metric]["value"] for arm in ("control", "treatment") for metric in Metric]
    assert rates == pytest.approx([0.3, 2 / 3, 0.1, 0.5, 0, 2 / 3, 0.1, 0.5])
    differences = {each["metric"]: each["difference"] for each in report["differences"]}
    assert differences == pytest.approx({"click_through": -0.3, "hit": 0, "conversion": 0, "buyers": 0})
    assert report["split"] == {"treatment_share": 0.5, "expected": 0.5, "p_value": 1, "suspect": False}
    assert (report["better"], report["metric"]) == (None, "click_through")
    assert report["verdict"].startswith("Not decided yet: 2 users of control and 2 of treatment")


def test_the_sums_of_the_database_match_those_of_the_events(client: TestClient, store: Any) -> None:
    generator = np.random.default_rng(0)
    answers = []
    for user in range(1, 121):
        version = "new" if user % 2 else "old"
        for _ in range(generator.integers(1, 5)):
            shown = int(generator.integers(1, 9))
            answers.append(Shown(user, version, shown, int(generator.binomial(shown, 0.2)), int(user % 7 == 0)))
    store(answers)
    report = ask(client)
    for arm, version in (("control", "old"), ("treatment", "new")):
        users = [[each for each in answers if (each.user, each.version) == (user, version)] for user in range(1, 121)]
        users = [each for each in users if each]
        of = {
            "click_through": [(sum(a.shown for a in each), sum(a.clicked for a in each)) for each in users],
            "hit": [(len(each), sum(a.clicked + a.bought > 0 for a in each)) for each in users],
            "conversion": [(sum(a.shown for a in each), sum(a.bought for a in each)) for each in users],
            "buyers": [(1, any(a.bought for a in each)) for each in users],
        }
        for metric, pairs in of.items():
            x, y = np.array(pairs, float).T
            squares = {"xx": x @ x, "yy": y @ y, "xy": x @ y}
            estimate = ratio(Sums(num_users=len(x), x=x.sum(), y=y.sum(), **squares))
            assert estimate is not None
            assert report[arm][metric] == pytest.approx(
                {"value": estimate.value, "low": max(0, estimate.low), "high": estimate.high}
            )


def test_an_experiment_without_users_says_so(client: TestClient, store: Any) -> None:
    store([])
    report = ask(client, metric="conversion")
    assert (report["differences"], report["split"]["treatment_share"]) == ([], None)
    assert report["verdict"].startswith("Not decided yet: 0 users")
    unknown = client.get("/v1/experiments/2/report")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/experiment-not-found")
    assert client.get("/v1/experiments/1/report?metric=luck").status_code == 422


def figures(version: str, num_users: int, rate: float) -> ArmFigures:
    """Make up an arm whose users were each shown one item and are alike."""
    clicked = num_users * rate
    sums = Sums(num_users=num_users, x=num_users, y=clicked, xx=num_users, yy=clicked, xy=clicked)
    return ArmFigures(version, {"users": num_users}, dict.fromkeys(Metric, sums))


def report_of(control: tuple[int, float], treatment: tuple[int, float]) -> Report:
    shares = {"share": 1.0, "treatment_share": 0.5, "salt": "s", "state": ExperimentState.RUNNING}
    experiment = Experiment(id=1, name="x", control="old", treatment="new", started_at=NOW, **shares)
    return Report(experiment, figures("old", *control), figures("new", *treatment), Metric.CLICK_THROUGH)


@pytest.mark.parametrize(
    ("control", "treatment", "better", "verdict"),
    [
        ((5_000, 0.10), (5_000, 0.14), Arm.TREATMENT, "Decided: treatment is better. The treatment's click-through rate"
         " is 4.00 points higher (95 % interval +2.73 to +5.27, p = 7e-10)."),
        ((5_000, 0.14), (5_000, 0.10), Arm.CONTROL, "Decided: control is better. The treatment's click-through rate is"
         " 4.00 points lower"),
        ((5_000, 0.10), (5_000, 0.115), None, "That counts if this is the one look you had planned;"),
        ((5_000, 0.10), (5_000, 0.101), None, "a true difference of 1.68 points would be found in four"),
        ((99, 0.10), (99, 0.90), None, "Not decided yet: 99 users of control and 99 of treatment were shown something"),
        ((5_000, 0.10), (4_000, 0.90), None, "Do not go by this: 5,000 users of control and 4,000 of treatment"),
    ],
)  # fmt: skip
def test_the_verdict_says_what_follows(
    control: tuple[int, float], treatment: tuple[int, float], better: Arm | None, verdict: str
) -> None:
    report = report_of(control, treatment)
    assert report.better is better
    assert verdict in report.verdict
    assert report.verdict.startswith("Decided") == (better is not None)
