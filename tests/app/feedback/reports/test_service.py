"""Reports are what anybody counts from the same events by hand, and the interval is Wilson's."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sqlalchemy import delete
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.database.engine import Database
from app.feedback.parse import EventRow
from app.feedback.reports.rates import Z_95, rate_of
from app.feedback.reports.service import By, Line, report
from app.feedback.service import record
from app.tables import Event
from tests.app.feedback.conftest import report as post_events
from tests.app.recommendations.helpers import ids, recommend

TYPES = ["impression", "click", "rating", "purchase"]

events = st.builds(
    lambda answer, item, kind, place: EventRow(
        1_000 + answer,
        answer,
        item,
        kind,
        None,
        "user",
        [None, "v1", "v2"][answer % 3],
        ["personal", "new"][item % 2],
        place,
        0,
        1.5 if kind == "purchase" else None,
        5_000,
    ),
    st.integers(0, 5),
    st.integers(0, 3),
    st.sampled_from(TYPES),
    st.just(0),
).map(lambda row: row._replace(position=row.item + 1))


def counted(rows: list[EventRow], by: list[By], start: int, end: int) -> dict[tuple[Any, ...], list[int]]:
    """Count by hand: answers, shown, clicked, rated, bought, hits of each group."""
    of: dict[tuple[int, int], set[str]] = {}
    facts: dict[tuple[int, int], EventRow] = {}
    for row in rows:
        if start <= row.answered_at_us < end:
            of.setdefault((row.answer, row.item), set()).add(row.type)
            facts[row.answer, row.item] = row
    groups: dict[tuple[Any, ...], dict[int, list[set[str]]]] = {}
    for key, kinds in of.items():
        if "impression" in kinds:
            group = tuple(getattr(facts[key], each) for each in by)
            groups.setdefault(group, {}).setdefault(key[0], []).append(kinds)
    return {
        group: [
            len(answers),
            *(sum(kind in kinds for each in answers.values() for kinds in each) for kind in TYPES),
            sum(any(len(kinds) > 1 for kinds in each) for each in answers.values()),
        ]
        for group, answers in groups.items()
    }


def sums(line: Line) -> list[int]:
    rates = (line.click_through, line.rating, line.conversion)
    assert {rate.denominator for rate in rates} == {line.click_through.denominator}
    assert line.hit.denominator == line.num_answers
    shown = line.click_through.denominator
    return [line.num_answers, shown, *(rate.numerator for rate in rates), line.hit.numerator]


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(events, max_size=60), st.lists(st.sampled_from([By.VERSION, By.SOURCE, By.POSITION]), unique=True))
def test_a_report_matches_counts_by_hand(
    run_on_database: Callable[..., Any], rows: list[EventRow], by: list[By]
) -> None:
    def store_and_report(session: Session) -> list[Line]:
        session.execute(delete(Event))
        if rows:
            record(session, rows, 6_000)
        return report(session, by, 1_001, 1_005)

    async def work(database: Database) -> list[Line]:
        return await database.write(store_and_report)

    found = {tuple(line.group.values()): sums(line) for line in run_on_database(work)}
    assert found == counted(rows, by, 1_001, 1_005)


@pytest.mark.parametrize(
    ("numerator", "denominator", "low", "high"),
    [(0, 10, 0.0, 0.2775), (1, 10, 0.0179, 0.4042), (10, 10, 0.7225, 1.0), (50, 100, 0.4038, 0.5962)],
)
def test_intervals_are_those_of_the_tables(numerator: int, denominator: int, low: float, high: float) -> None:
    """Newcombe, "Two-sided confidence intervals for the single proportion", 1998, method 3."""
    rate = rate_of(numerator, denominator)
    assert rate.low == pytest.approx(low, abs=5e-5)
    assert rate.high == pytest.approx(high, abs=5e-5)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_ends_of_an_interval_solve_the_score_equation(counts: tuple[int, int]) -> None:
    """At either end p the share lies as many standard errors of p away as the level says."""
    numerator, denominator = counts
    rate = rate_of(numerator, denominator)
    assert rate.rate is not None
    assert rate.low is not None
    assert rate.high is not None
    assert 0 <= rate.low <= rate.rate <= rate.high <= 1
    for end in (rate.low, rate.high):
        if 0 < end < 1:
            away = (rate.rate - end) ** 2 * denominator
            assert away == pytest.approx(Z_95**2 * end * (1 - end), rel=1e-3, abs=1e-9)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_the_one_that_scipy_computes(counts: tuple[int, int]) -> None:
    rate = rate_of(*counts)
    expected = binomtest(*counts).proportion_ci(method="wilson")
    assert (rate.low, rate.high) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)


def test_without_impressions_there_is_no_rate() -> None:
    assert rate_of(0, 0) == (0, 0, None, None, None)


def test_a_report_over_http_groups_by_version_source_and_position(trained: TestClient) -> None:
    first, second = (recommend(trained, "ada", limit=3) for _ in range(2))
    shown = [{"recommendation_id": each["recommendation_id"], "type": "impression"} for each in (first, second)]
    clicked = {**shown[0], "type": "click", "item_id": ids(first)[1]}
    bought = {**clicked, "type": "purchase", "value": 9.5}
    unseen = recommend(trained, "ada", limit=1)
    never_shown = {**clicked, "recommendation_id": unseen["recommendation_id"], "item_id": ids(unseen)[0]}
    post_events(trained, *shown, clicked, bought, never_shown)
    whole = trained.get("/v1/reports").json()
    (line,) = whole["lines"]
    assert (whole["by"], whole["start"], whole["until"]) == ([], None, None)
    assert (line["num_answers"], line["value"]) == (2, 9.5)
    rates = {
        name: (line[name]["numerator"], line[name]["denominator"]) for name in ("click_through", "conversion", "hit")
    }
    assert rates == {"click_through": (1, 6), "conversion": (1, 6), "hit": (1, 2)}
    assert line["click_through"]["low"] < line["click_through"]["rate"] == 1 / 6 < line["click_through"]["high"]
    lines = trained.get("/v1/reports?by=version&by=position").json()["lines"]
    assert [(each["version"], each["position"], each["click_through"]["numerator"]) for each in lines] == [
        ("v1", 1, 0),
        ("v1", 2, 1),
        ("v1", 3, 0),
    ]
    assert "source" not in lines[0]


def test_a_report_is_of_answers_made_in_its_time(trained: TestClient) -> None:
    answer = recommend(trained, "ada", limit=2)
    post_events(trained, {"recommendation_id": answer["recommendation_id"], "type": "impression"})
    for query, num_lines in product(["until=2026-01-01T00:00:00Z", "from=2090-01-01T00:00:00Z"], [0]):
        assert len(trained.get(f"/v1/reports?{query}").json()["lines"]) == num_lines
    assert len(trained.get("/v1/reports?from=2026-01-01T00:00:00Z&until=2090-01-01T00:00:00Z").json()["lines"]) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("by=user", "by.0"),
        ("from=yesterday", "from"),
        ("until=7", "until"),
        ("from=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z", "from"),
    ],
)
def test_an_invalid_report_names_the_field(client: TestClient, query: str, field: str) -> None:
    response = client.get(f"/v1/reports?{query}")
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
