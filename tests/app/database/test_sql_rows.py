"""Columns as a table in SQL, on both databases."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.database.sql_rows import Columns, select_columns

VALUES = [4.5, 0.1, 3.333333, 1e-6, None, 5.0]
TEXTS = ["", '"', "\\", "a\nb", "日本 🎬", "\x01\x7f"]
MOMENTS = [0, 1, -1, 1_795_000_000_123_456, 2**53 + 1, 2**62]


@pytest.mark.parametrize("num_rows", [0, len(TEXTS)])
def test_columns_come_back_as_they_were_given(run_on_database: Callable[..., Any], num_rows: int) -> None:
    """Whole numbers and texts to the last digit and character; numbers of up to fifteen digits; nothing as None."""

    def select(session: Session) -> Columns:
        table = "CREATE TEMP TABLE kept (n bigint, value float, moment bigint, said text)"
        session.connection().exec_driver_sql(table)
        for n in range(num_rows):
            session.connection().exec_driver_sql(insert(session), (n + 1, VALUES[n], MOMENTS[n], TEXTS[n]))
        query = "SELECT {columns} FROM {rows} JOIN kept k ON k.n = q.wanted"
        columns = ("q.n", "k.value", "k.moment", "k.said")
        return select_columns(
            session, query, columns, names_and_types="wanted bigint", given=[list(range(1, num_rows + 1))]
        )

    found = run_on_database(lambda database: database.write(select))
    rows = sorted(zip(*found, strict=True))
    assert rows == list(zip(range(1, 7), VALUES, MOMENTS, TEXTS, strict=True))[:num_rows]


def insert(session: Session) -> str:
    is_sqlite = session.connection().dialect.name == "sqlite"
    return f"INSERT INTO kept VALUES ({'?, ?, ?, ?' if is_sqlite else '$1, $2, $3, $4'})"
