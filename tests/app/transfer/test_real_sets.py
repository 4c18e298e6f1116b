"""Real sets over HTTP, by the client: what is exported is what was imported."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from app.settings import Settings
from palate_client import Client
from palate_client.inputs import ItemIn, RatingIn
from tests.app.transfer.test_router import empty, listening

DATA = os.environ.get("PALATE_TEST_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="PALATE_TEST_DATA does not name a folder with the real data sets")


class RealSet(NamedTuple):
    """A real set: its folder, separator, lines before the first row, scale, and size."""

    folder: str
    files: tuple[str, str]
    separator: str
    num_header_lines: int
    scale: dict[str, float]
    num_ratings: int

    def ratings(self) -> Iterator[RatingIn]:
        """Return the ratings as the file has them."""
        for user, item, value, second in self._rows(self.files[0]):
            moment = datetime.fromtimestamp(int(second), UTC)
            yield {"user_id": user, "item_id": item, "value": float(value), "rated_at": moment}

    def items(self) -> Iterator[ItemIn]:
        """Return the items, as far as a line tells them without quotes."""
        for item, title, genres in self._rows(self.files[1]):
            yield {"item_id": item, "title": title, "categories": [genre for genre in genres.split("|") if genre]}

    def _rows(self, file: str) -> Iterator[list[str]]:
        with (Path(DATA or "") / self.folder / file).open(encoding="utf-8") as stream:
            for line in list(stream)[self.num_header_lines :]:
                row = line.rstrip("\n").split(self.separator)
                if '"' not in line:
                    yield row


SETS = [
    RealSet(
        "ml-latest-small",
        ("ratings.csv", "movies.csv"),
        ",",
        1,
        {"rating_min": 0.5, "rating_max": 5, "rating_step": 0.5},
        100_836,
    ),
    RealSet(
        "movietweetings",
        ("ratings.dat", "movies.dat"),
        "::",
        0,
        {"rating_min": 0, "rating_max": 10, "rating_step": 1},
        141_695,
    ),
]


@pytest.mark.parametrize("real", SETS, ids=lambda real: real.folder)
def test_a_real_data_set_is_exported_as_it_was_imported(
    settings: Settings, run_on_database: Callable[[Any], Any], tmp_path: Path, real: RealSet
) -> None:
    own = settings.model_copy(update=real.scale)
    names = [tmp_path / name for name in ("ratings.ndjson", "items.ndjson", "ratings.csv.gz", "items.csv")]
    with listening(own) as http, Client(str(http.base_url)) as palate:
        assert palate.import_items(real.items()).counts.refused == 0
        done = palate.import_ratings(real.ratings())
        assert (done.counts.created, done.counts.refused) == (real.num_ratings, 0)
        assert palate.import_ratings(real.ratings()).counts.unchanged == real.num_ratings
        expected = sorted(real.ratings(), key=lambda row: (row["user_id"], row["item_id"]))
        assert [row.model_dump() for row in palate.export_ratings()] == expected
        known = {row.item_id: (row.title, row.categories) for row in palate.export_items()}
        assert all(known[str(item["item_id"])] == (item["title"], item["categories"]) for item in real.items())
        for name in names:
            palate.export_to("ratings" if "ratings" in name.name else "items", name)
    run_on_database(lambda database: database.write(empty))
    with listening(own) as http, Client(str(http.base_url)) as palate:
        assert palate.import_items(names[3]).counts.created == len(known)
        assert palate.import_ratings(names[2]).counts.created == real.num_ratings
        for is_ratings, first in ((True, names[0]), (False, names[1])):
            palate.export_to("ratings" if is_ratings else "items", tmp_path / "again.ndjson")
            assert (tmp_path / "again.ndjson").read_bytes() == first.read_bytes()
