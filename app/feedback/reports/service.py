"""The feedback on the answers of a period, by version, source, position, list or experiment.

The period is that of the answers, not of the events: a click counts with the answer that it came from, however late,
so that every numerator is part of its denominator. Only items with an impression count.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.feedback.reports.rates import Rate, rate_of


class By(StrEnum):
    """What a report groups by."""

    VERSION = "version"
    SOURCE = "source"
    POSITION = "position"
    LIST = "list"
    EXPERIMENT = "experiment"


class Line(NamedTuple):
    """The feedback on the answers of one group."""

    group: dict[str, Any]
    num_answers: int
    value: float
    click_through: Rate
    rating: Rate
    conversion: Rate
    hit: Rate


# From the inside: feedback by item of an answer; by answer; by group.
REPORT = """
    SELECT {outer}count(*) AS num_answers, sum(impressions) AS impressions, sum(clicks) AS clicks,
        sum(ratings) AS ratings, sum(purchases) AS purchases, sum(hit) AS hits, sum(value) AS value
    FROM (
        SELECT {middle}sum(impression) AS impressions, sum(click) AS clicks, sum(rating) AS ratings,
            sum(purchase) AS purchases, max(CASE WHEN click + rating + purchase > 0 THEN 1 ELSE 0 END) AS hit,
            sum(value) AS value
        FROM (
            SELECT {inner}answered_at_us, answer,
                max(CASE WHEN type = 'impression' THEN 1 ELSE 0 END) AS impression,
                max(CASE WHEN type = 'click' THEN 1 ELSE 0 END) AS click,
                max(CASE WHEN type = 'rating' THEN 1 ELSE 0 END) AS rating,
                max(CASE WHEN type = 'purchase' THEN 1 ELSE 0 END) AS purchase,
                max(CASE WHEN type = 'purchase' THEN coalesce(value, 0) ELSE 0 END) AS value
            FROM events WHERE answered_at_us >= :start AND answered_at_us < :end
            GROUP BY answered_at_us, answer, item_id
        ) AS items WHERE impression = 1
        GROUP BY {middle}answered_at_us, answer
    ) AS answers {group} {order}
"""
COLUMN = {by: f'"{by}"' for by in By}


def report(session: Session, by: Sequence[By], start_us: int, end_us: int) -> list[Line]:
    """Add up the feedback on the answers made from a start to before an end."""
    columns = [COLUMN[each] for each in by]
    inner = "".join(f"min({column}) AS {column}, " for column in columns)
    named = "".join(f"{column}, " for column in columns)
    together = ", ".join(columns)
    sql = REPORT.format(
        inner=inner,
        middle=named,
        outer=named,
        group=f"GROUP BY {together}" if by else "HAVING count(*) > 0",
        order=f"ORDER BY {together}" if by else "",
    )
    found = session.execute(text(sql), {"start": start_us, "end": end_us}).mappings()
    return [line(by, dict(row)) for row in found]


def line(by: Sequence[By], row: dict[str, Any]) -> Line:
    """Turn sums into rates."""
    impressions, answers = int(row["impressions"]), int(row["num_answers"])
    return Line(
        {each.value: row[each.value] for each in by},
        answers,
        float(row["value"]),
        rate_of(int(row["clicks"]), impressions),
        rate_of(int(row["ratings"]), impressions),
        rate_of(int(row["purchases"]), impressions),
        rate_of(int(row["hits"]), answers),
    )
