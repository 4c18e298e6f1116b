"""The catalogue can be had as it was at every revision that ever was visible, in whatever order one asks."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.catalogue import service
from app.catalogue.repository import ensure_items
from app.catalogue.service import ItemChange
from app.database.engine import Database
from app.kit.errors import ItemNotFound, ReplayUnavailable
from app.kit.times import to_us
from app.recommendations.catalogue.index import Catalogue
from app.recommendations.request.attribute_values import AttributeValue
from app.recommendations.request.options import Filter, OneOf
from app.recommendations.rules.repository import remove_rules, set_rules
from app.recommendations.state.serving import catalogue_changes
from app.replay.past import PastCatalogue

NAMES = [f"item {number}" for number in range(12)]
START = datetime(2026, 11, 1, tzinfo=UTC)
RunOnDatabase = Callable[[Callable[[Database], Any]], Any]


def change(session: Session, random: Random, moment: datetime) -> None:
    """Change something, in one of the ways in which items and rules change."""
    names = random.sample(NAMES, random.randint(1, 4))
    match random.randrange(6):
        case 0 | 1:
            service.set_items(session, [ItemChange(name, fields(random)) for name in [*names, names[0]]], moment)
        case 2:
            with suppress(ItemNotFound):
                service.mark_deleted(session, names[0], moment)
        case 3:
            ensure_items(session, names, moment)
        case 4:
            set_rules(session, {"block": names, "pin": [{"item_id": names[0]}]}, moment)
        case 5:
            remove_rules(session, moment)


def fields(random: Random) -> dict[str, Any]:
    """Say some things about an item."""
    said = {
        "title": random.choice([None, "One", "Two"]),
        "categories": random.sample(["a", "b", "c"], random.randint(0, 3)),
        "attributes": random.choice([{}, {"year": 1990}, {"year": 2000, "of": ["x"]}]),
        "active": random.random() < 0.7,
        "available_from": START + timedelta(days=random.randint(0, 2)),
        "available_until": random.choice([None, START + timedelta(days=random.randint(3, 5))]),
    }
    return {name: said[name] for name in random.sample(sorted(said), random.randint(1, 6))}


def state(catalogue: Catalogue) -> dict[str, Any]:
    """Write out all that answers take from a catalogue."""
    asked = [Filter(categories=("a",)), Filter(conditions=(OneOf("year", (AttributeValue.of(1990),)),))]
    return {
        "ids": list(catalogue.slot_of_id),
        "names": list(catalogue.external_ids),
        "slots": (dict(catalogue.slot_of_id), dict(catalogue.slot_of_external_id)),
        "said": list(zip(catalogue.titles, catalogue.categories, catalogue.attributes, strict=True)),
        "deleted": catalogue.deleted.tolist(),
        "revisions": catalogue.revisions.tolist(),
        "open": catalogue.allowed().tolist(),
        "filtered": [catalogue.allowed(each).tolist() for each in asked],
        "rules": catalogue.rules,
    }


@pytest.mark.parametrize("seed", range(4))
def test_every_state_comes_back(seed: int, run_on_database: RunOnDatabase) -> None:
    random = Random(seed)

    async def there_and_back(database: Database) -> None:
        moment = START + timedelta(days=2)

        def clock() -> int:
            return to_us(moment)

        serving, past, seen = Catalogue(clock), PastCatalogue(), {}
        for _ in range(40):
            moment += timedelta(hours=1)
            await database.write(change, random, moment)
            rows, serving.rules, revision, _ = await database.read(catalogue_changes, serving.revision)
            serving.apply(rows, revision)
            seen[revision] = (clock(), state(serving))
        assert len(seen) > 20
        for revision in [*random.choices(list(seen), k=60), *seen, *reversed(seen)]:
            moment_us, then = seen[revision]
            await past.move(database, revision, moment_us)
            assert state(past) == then, revision
        with pytest.raises(ReplayUnavailable):
            await past.move(database, max(seen) + 1, 0)

    run_on_database(there_and_back)


def test_a_new_item_costs_the_history_nothing(run_on_database: RunOnDatabase) -> None:
    def rows(session: Session) -> int:
        return len(session.connection().exec_driver_sql("SELECT until FROM former_items").all())

    async def counted(database: Database) -> None:
        await database.write(service.set_items, [ItemChange(name, {"title": name}) for name in NAMES], START)
        await database.write(ensure_items, ["bare"], START)
        assert await database.read(rows) == 0
        await database.write(service.set_items, [ItemChange("bare", {"title": "x"}), ItemChange(NAMES[0], {})], START)
        assert await database.read(rows) == 1

    run_on_database(counted)
