"""Ratings posted while their user is erased either land before and are deleted, or after, under a new number."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.settings import Settings
from app.tables import Counter, Rating, RatingChange, User
from tests.app.erasure.conftest import ADA, ADA_URL
from tests.app.training.conftest import Instance
from tests.processes import server

NUM_ERASURES = 15
NUM_POSTERS = 3


def post(base_url: str, poster: int, stop: Event) -> int:
    """Rate one item after the other; count the ratings that were created."""
    created = 0
    with httpx2.Client(base_url=base_url, timeout=30) as client:
        for n in range(100_000):
            rows = [{"user_id": ADA, "item_id": f"{poster}-{n}-{i}", "value": 4} for i in range(3)]
            answer = client.post("/v1/ratings", json=rows)
            assert answer.status_code == 200, answer.text
            created += answer.json()["counts"]["created"]
            if stop.is_set():
                break
    return created


def erase_repeatedly(client: httpx2.Client) -> list[dict[str, Any]]:
    receipts: list[dict[str, Any]] = []
    while len(receipts) < NUM_ERASURES:
        answer = client.delete(ADA_URL)
        assert answer.status_code in {200, 404}, answer.text
        if answer.is_success:
            receipts.append(answer.json())
    return receipts


def left(session: Session) -> tuple[int, int, int, int]:
    """Count users, ratings without a user and changes without a user, and return the revision."""
    users = session.scalars(select(func.count()).select_from(User)).one()
    orphans = [
        session.scalars(select(func.count()).where(column.not_in(select(User.id)))).one()
        for column in (Rating.user_id, RatingChange.user_id)
    ]
    revision = session.scalars(select(Counter.value).where(Counter.name == "ratings")).one()
    return users, orphans[0], orphans[1], revision


def test_no_rating_outlives_its_user(settings: Settings, tmp_path: Path, empty: Instance) -> None:
    stop = Event()
    with (
        server(settings, tmp_path / "one.log") as one,
        server(settings, tmp_path / "two.log") as two,
        ThreadPoolExecutor(NUM_POSTERS) as pool,
    ):
        urls = [str(client.base_url) for client in (one, two)]
        posting = [pool.submit(post, urls[poster % 2], poster, stop) for poster in range(NUM_POSTERS)]
        try:
            receipts = erase_repeatedly(two)
        finally:
            stop.set()
        created = sum(future.result() for future in posting)
        last = two.delete(ADA_URL)
    receipts += [last.json()] if last.is_success else []

    removed = [receipt["removed"] for receipt in receipts]
    assert sum(rows["ratings"] for rows in removed) == created
    assert sum(rows["rating_changes"] for rows in removed) == created
    assert [rows["users"] for rows in removed] == [1] * len(removed)
    numbers = [receipt["user_number"] for receipt in receipts]
    assert numbers == list(range(1, len(numbers) + 1))
    assert empty.read(left) == (0, 0, 0, 2 * created)
