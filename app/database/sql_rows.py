"""Columns of Python values as a table in SQL, so that a thousand rows are one statement on both databases."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy.orm import Session

Columns = Sequence[Sequence[Any]]
ROWS_A_STATEMENT = 100  # of an INSERT on SQLite: more are no quicker, and ten columns must fit its parameters
ONE_TEXT = {"external_id text"}  # goes to PostgreSQL as JSON: asyncpg takes 2 us to encode an element of an array


@lru_cache
def rows_from(dialect: str, names_and_types: str) -> str:
    """Write the FROM item of the columns, e.g. of "user_id bigint, value float8"; its `n` numbers the rows from 1."""
    pairs = [column.split() for column in names_and_types.split(", ")]
    if dialect == "postgresql" and names_and_types in ONE_TEXT:
        return f"json_array_elements_text($1::json) WITH ORDINALITY AS q({pairs[0][0]}, n)"
    if dialect == "postgresql":
        arrays = ", ".join(f"${place}::{kind}[]" for place, (_, kind) in enumerate(pairs, 1))
        names = ", ".join(name for name, _ in pairs)
        return f"unnest({arrays}) WITH ORDINALITY AS q({names}, n)"
    values = ", ".join(f"value ->> {place} AS {name}" for place, (name, _) in enumerate(pairs))
    return f"(SELECT {values}, key + 1 AS n FROM json_each(?)) AS q"  # noqa: S608 - names of our own


def select_with(session: Session, sql: str, names_and_types: str, columns: Columns) -> Sequence[Any]:
    """Run a SELECT whose `{rows}` stands for the columns. Times and numbers that are not whole do not belong here."""
    connection = session.connection()
    dialect = connection.dialect.name
    if dialect == "postgresql" and names_and_types in ONE_TEXT:
        args: tuple[Any, ...] = (orjson.dumps(list(columns[0])).decode(),)
    else:
        args = tuple(map(list, columns)) if dialect == "postgresql" else (json_rows(columns),)
    return connection.exec_driver_sql(sql.replace("{rows}", rows_from(dialect, names_and_types)), args).all()


def select_columns(
    session: Session, sql: str, columns: Sequence[str], *, names_and_types: str, given: Columns
) -> Columns:
    """Run a SELECT whose `{columns}` and `{rows}` stand for what is wanted and what is given; return columns.

    On SQLite they come as one row of JSON lists: the driver gives up the interpreter for every row it fetches, and with
    ten thousand of them a thread and the event loop wait for each other for a third of a second.
    """
    is_sqlite = session.connection().dialect.name == "sqlite"
    wanted = ", ".join(f"json_group_array({column})" if is_sqlite else column for column in columns)
    rows = select_with(session, sql.replace("{columns}", wanted), names_and_types, given)
    if is_sqlite:
        return [orjson.loads(column) for column in rows[0]]
    return list(zip(*rows, strict=True)) or [()] * len(columns)


def json_rows(columns: Columns) -> str:
    """Write columns as a JSON list of rows."""
    return orjson.dumps(list(zip(*columns, strict=True))).decode()


def execute(session: Session, sql: dict[str, str], columns: Columns) -> None:
    """Run a writing statement, given for each database: on PostgreSQL once for all rows, on SQLite row by row in C."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(sql["postgresql"], tuple(map(list, columns)))
    elif columns[0]:
        connection.exec_driver_sql(sql["sqlite"], list(zip(*columns, strict=True)))


def insert_rows(session: Session, sql: str, columns: Columns) -> None:
    """Run an INSERT of one row for all rows, on SQLite: a hundred at a time take half the time of one by one."""
    num_rows, width = len(columns[0]), len(columns)
    values: list[Any] = [None] * (num_rows * width)
    for place, column in enumerate(columns):
        values[place::width] = column
    into, row = sql.split("VALUES")
    full = num_rows - num_rows % ROWS_A_STATEMENT
    for rows_each, start, end in ((ROWS_A_STATEMENT, 0, full), (1, full, num_rows)):
        places = range(start * width, end * width, rows_each * width)
        rows = [tuple(values[place : place + places.step]) for place in places]
        if rows:
            session.connection().exec_driver_sql(f"{into}VALUES{', '.join([row] * rows_each)}", rows)
