"""10,000 users of a real server: whom it gives which version, before and after a restart, and what the report says."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from scipy.stats import binom
from sqlalchemy.orm import Session

from app.database import migrate
from app.database.engine import open_database
from app.registry.service import publish
from app.settings import Settings
from benchmarks.ab.audience import Audience
from models import checkpoint
from models.core.interactions import Interactions, RatingScale
from models.fit import Fit, FitOptions
from tests.processes import server, wait_until

NUM_ITEMS = 200
AT_ONCE = 1_000  # rows of a request
SCALE = RatingScale(minimum=1, maximum=5, step=0.5, like_threshold=4)
ITEMS = [f"item {number}" for number in range(NUM_ITEMS)]
VERSIONS = {"control": 100.0, "treatment": 1.0}  # with the penalty that each is fitted with


def prepare(settings: Settings) -> None:
    """Make the tables, and publish two quick versions."""
    generator = np.random.default_rng(0)
    users, items = np.nonzero(generator.random((500, NUM_ITEMS)) < 0.1)
    values = generator.integers(2, 11, len(users)) / 2
    data = Interactions.from_arrays(users, items, values, ITEMS, scale=SCALE, num_users=500)
    for version, penalty in VERSIONS.items():
        fit = Fit("linear", data, data.take(np.arange(0)), FitOptions(epochs=1), config={"regularisation": penalty})
        assert len(list(fit)) == 1
        checkpoint.save(settings.model_store / version, fit.best, data.item_ids, {})

    def rows(session: Session) -> None:
        numbers = dict.fromkeys(("watermark", "num_users", "num_items", "num_ratings", "num_bytes"), 0)
        for version in VERSIONS:
            row: dict[str, Any] = {"kind": "linear", "run_id": None, "metrics": {}, "gate": {}, **numbers}
            publish(session, activate=version == "control", now=datetime.now(UTC), version=version, **row)

    async def write() -> None:
        database = open_database(settings.database_url)
        await database.write(migrate.upgrade)
        await database.write(rows)
        await database.close()

    asyncio.run(write())


def post(client: httpx2.Client, path: str, body: Any) -> Any:
    """Send a call that must go well."""
    answer = client.post(path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


def parts(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Cut rows into requests."""
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))


def fill(client: httpx2.Client, users: Sequence[str]) -> None:
    """Store items, and two ratings of every user."""
    post(client, "/v1/items", [{"item_id": item} for item in ITEMS])
    numbered = list(enumerate(users))
    rows = [{"user_id": u, "item_id": ITEMS[(n * k + k) % NUM_ITEMS], "value": 4} for n, u in numbered for k in (1, 7)]
    for part in parts(rows):
        post(client, "/v1/ratings", part)


def batch(client: httpx2.Client, users: Sequence[str]) -> list[dict[str, Any]]:
    """Ask for the recommendations of many users."""
    answers = [post(client, "/v1/recommendations/batch", {"users": part})["answers"] for part in parts(users)]
    return [answer for part in answers for answer in part]


def wait_for_experiment(client: httpx2.Client, number: int) -> None:
    """Wait until the server serves it."""
    wait_until(lambda: client.get("/health/ready").json()["experiment"] == number, "the experiment is served")


def events_of(answer: dict[str, Any], clicked: Sequence[bool]) -> Iterator[dict[str, Any]]:
    """Report an answer as shown, and the items of it that are clicked."""
    named = {"recommendation_id": answer["recommendation_id"]}
    yield named | {"type": "impression"}
    for item, was in zip(answer["items"], clicked, strict=True):
        if was:
            yield named | {"type": "click", "item_id": item["item_id"]}


def measure(folder: Path, num_users: int, audiences: tuple[Audience, Audience]) -> dict[str, Any]:
    """Run one experiment from end to end."""
    settings = Settings(_env_file=None, database_url=f"sqlite:///{folder}/palate.db", model_store=folder / "models")
    prepare(settings)
    users = [f"user {number}" for number in range(num_users)]
    with server(settings, folder / "before.log", fresh=True) as client:
        fill(client, users)
        asked = {"name": "benchmark", "control": "control", "treatment": "treatment", "salt": "benchmark"}
        number = post(client, "/v1/experiments", asked)["id"]
        wait_for_experiment(client, number)
        started = time.perf_counter()
        alone = [client.get(f"/v1/users/{user}/recommendations").json() for user in users]
        milliseconds = 1_000 * (time.perf_counter() - started) / num_users
    with server(settings, folder / "after.log", fresh=True) as client:
        wait_for_experiment(client, number)
        again = batch(client, users)
        arms = [answer["model_version"] for answer in alone]
        moved = sum(answer["model_version"] != arm for answer, arm in zip(again, arms, strict=True))
        num_events = click(client, users, arms, alone, audiences)
        started = time.perf_counter()
        report = client.get(f"/v1/experiments/{number}/report").raise_for_status().json()
        seconds = time.perf_counter() - started
    low, high = binom.ppf([0.0005, 0.9995], num_users, 0.5)
    return {
        "assigned": dict(Counter(arms)),
        "expected": [int(low), int(high)],
        "moved": moved,
        "get_ms": round(milliseconds, 2),
        "num_events": num_events,
        "report_s": round(seconds, 2),
        "report": report,
    }


def click(
    client: httpx2.Client,
    users: Sequence[str],
    arms: Sequence[str],
    alone: Sequence[dict[str, Any]],
    audiences: tuple[Audience, Audience],
) -> int:
    """Let the users click in the answers they got, and come again; give the number of events."""
    generator = np.random.default_rng(1)
    audience = dict(zip(VERSIONS, audiences, strict=True))
    tastes = np.array([audience[arm].tastes(generator, 1)[0] for arm in arms])
    visits = audiences[0].visits(generator, tastes)
    num_events, answers = 0, dict(enumerate(alone))
    for visit in range(1, visits.max() + 1):
        events = [
            event
            for place, answer in answers.items()
            for event in events_of(answer, (generator.random(len(answer["items"])) < tastes[place]).tolist())
        ]
        for part in parts(events):
            counts = post(client, "/v1/events", part)["counts"]
            assert counts["refused"] == 0, counts
        num_events += len(events)
        places = np.flatnonzero(visits > visit).tolist()
        answers = dict(zip(places, batch(client, [users[place] for place in places]), strict=True)) if places else {}
    return num_events
