"""Recommends without a server: the same answers from the same code, to one user or to all in a stream."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Any

from fastapi.exceptions import RequestValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams

from app.database.engine import Database, open_database
from app.kit.errors import FieldProblem, InvalidRequest
from app.kit.validation import invalid_request
from app.offline.table import rows_of, writer_for
from app.recommendations.request.options import Options
from app.recommendations.request.query import RecommendationQuery
from app.recommendations.state.loader import Loader
from app.recommendations.state.repository import HotRow, read_users
from app.recommendations.state.serving import Serving
from app.recommendations.users import batch
from app.recommendations.users.router import read_options
from app.settings import Settings
from app.tables import User
from app.transfer.writing.lines import Writer

USERS_PER_STEP = 500  # read at a time, which bounds the memory
Parameters = Sequence[tuple[str, str]]  # names and values of parameters
Show = Callable[[int, int], None]  # users done, all users
notes = Console(stderr=True)


def options_of(parameters: Parameters) -> Options:
    """Read parameters as the API does.

    Raises:
        InvalidRequest: naming those that are invalid or unknown.
    """
    if unknown := [name for name, _ in parameters if name not in RecommendationQuery.model_fields]:
        detail = f"is not known: there are {', '.join(RecommendationQuery.model_fields)}"
        raise InvalidRequest(f"{unknown[0]} {detail}.", [FieldProblem(unknown[0], detail)])
    try:
        return read_options(QueryParams(list(parameters)))
    except RequestValidationError as error:
        raise invalid_request(error.errors()) from error


def recommend_one(settings: Settings, user_id: str, parameters: Parameters) -> None:
    """Show one user's recommendations."""
    (answer,) = asyncio.run(answers_of(settings, [user_id], options_of(parameters)))
    Console().print(table_of(answer))
    if answer["reason_detail"]:
        notes.print(answer["reason_detail"])


def recommend_to_file(settings: Settings, user_id: str | None, parameters: Parameters, path: Path) -> int:
    """Write recommendations to a file: of one user, or of all; return the number of users."""
    options, make_writer = options_of(parameters), writer_for(path)
    with write_atomically(path) as stream, bar() as progress:
        task = progress.add_task("users", total=0, rate=0.0)

        def show(done: int, total: int) -> None:
            elapsed = progress.tasks[task].elapsed
            progress.update(task, completed=done, total=total, rate=done / elapsed if elapsed else 0.0)

        num_users = asyncio.run(write_all(settings, user_id, options, writer=make_writer(stream), show=show))
    notes.print(f"{num_users:,} users written to {path}.")
    return num_users


async def answers_of(settings: Settings, user_ids: Sequence[str], options: Options) -> list[dict[str, Any]]:
    """Answer a few users."""
    async with open_offline(settings) as serving:
        rows = await serving.database.scan(read_users, user_ids)
        return [answer async for answer in batch.answer_rows(serving, user_ids, rows, options)]


async def write_all(settings: Settings, user_id: str | None, options: Options, *, writer: Writer, show: Show) -> int:
    """Write the answers to one user, or to all users in the order they were added; return the number of users."""
    num_users = 0
    try:
        async with open_offline(settings) as serving:
            total = 1 if user_id is not None else await serving.database.scan(count_users)
            show(0, total)
            async for user_ids, rows in steps(serving.database, user_id):
                answers = [answer async for answer in batch.answer_rows(serving, user_ids, rows, options)]
                writer.write([row for answer in answers for row in rows_of(answer)])
                num_users += len(user_ids)
                show(num_users, max(total, num_users))
    finally:
        writer.close()
    return num_users


async def steps(database: Database, user_id: str | None) -> AsyncIterator[tuple[Sequence[str], Sequence[HotRow]]]:
    """Read one user, or all of them, some at a time."""
    if user_id is not None:
        yield [user_id], await database.scan(read_users, [user_id])
        return
    last = 0
    while found := await database.scan(users_after, last):
        last, user_ids = found[-1][0], [name for _, name in found]
        yield user_ids, await database.scan(read_users, user_ids)


def users_after(session: Session, last: int) -> Sequence[Any]:
    """Select the next users: (number, id) each."""
    query = select(User.id, User.external_id).where(User.id > last).order_by(User.id).limit(USERS_PER_STEP)
    return session.execute(query).all()


def count_users(session: Session) -> int:
    """Count the users."""
    return session.scalar(select(func.count()).select_from(User)) or 0


@asynccontextmanager
async def open_offline(settings: Settings) -> AsyncIterator[Serving]:
    """Open the state that an API process answers from, with the current live version."""
    database = open_database(settings.database_url)
    serving = Serving(database, settings)
    try:
        await serving.refresh_catalogue()
        await Loader(serving, settings.model_store).poll()
        if problem := serving.status().problem:
            notes.print(f"Note: {problem}.")
        yield serving
    finally:
        serving.close()
        await database.close()


@contextmanager
def write_atomically(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that gets its name only when it is complete; `-` is standard output."""
    if str(path) == "-":
        yield sys.stdout.buffer
        return
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as stream:
            yield stream
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def bar() -> Progress:
    """Build a progress bar: users done, users per second, time left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TextColumn("{task.fields[rate]:,.0f} users/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=notes,
    )


def table_of(answer: dict[str, Any]) -> Table:
    """Lay an answer out for a terminal."""
    table = Table(title=f"{answer['user_id']}, model {answer['model_version'] or 'none'}")
    for heading in ("rank", "item_id", "title", "score", "predicted_rating", "source"):
        table.add_column(heading, justify="right" if heading in {"rank", "score", "predicted_rating"} else "left")
    for rank, item in enumerate(answer["items"], 1):
        shown = [item["title"] or "", number(item["score"]), number(item["predicted_rating"]), str(item["source"])]
        table.add_row(str(rank), item["item_id"], *shown)
    return table


def number(value: float | None) -> str:
    """Write a number, or nothing."""
    return "" if value is None else f"{value:.3f}"
