"""Ratings of a file are those that an import of it would leave in the database."""

from pathlib import Path

import numpy as np
import pytest

from app.comparison.dataset import UNDATED, Dataset
from app.comparison.problems import ComparisonProblem
from app.comparison.sources import read
from app.settings import Settings
from app.transfer.run_import import import_path
from tests.app.comparison.helpers import csv_of, dataset

TRICKY = """user_id,item_id,value,rated_at
b,z,1,100
b,z,2,300
b,z,3,200
é,y,1,100
é,y,2,100
é,y,1,100
a,z,5,
a,z,4,100
a,x,4,100
a,x,2,
c,x,3,
c,x,4,
c,x,3,
d,x,9,100
d,y,3.5,2001-01-01T00:00:00Z
d,y,3,1
"""


def triples(data: Dataset) -> list[tuple[str, str, float]]:
    rows, items = data.interactions.rows, data.interactions.item_ids
    users = (data.user_ids[user] for user in rows.row_of_entry)
    return list(zip(users, (items[item] for item in rows.columns), rows.values.tolist(), strict=True))


def of_file(settings: Settings, path: Path) -> Dataset:
    return read(settings, path, [], rescale=None, refused=path.parent / "out" / "refused.ndjson")


def test_the_last_write_wins_as_in_an_import(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "tricky.csv"
    path.write_text(TRICKY)
    import_path(settings, path, refused=tmp_path / "refused.ndjson")
    found, stored = of_file(settings, path), read(settings, None, [], rescale=None, refused=tmp_path / "refused.ndjson")
    expected = [("a", "x", 2), ("a", "z", 5), ("b", "z", 2), ("c", "x", 3), ("d", "y", 3.5), ("é", "y", 2)]
    assert triples(found) == triples(stored) == expected
    assert found.num_refused == 1
    dated = found.rated_at_us != UNDATED
    assert dated.tolist() == [False, False, True, False, True, True]
    np.testing.assert_array_equal(found.rated_at_us[dated], stored.rated_at_us[dated])


def test_file_and_database_of_the_same_ratings_are_the_same(settings: Settings, tmp_path: Path) -> None:
    path, data = tmp_path / "camps.csv", dataset()
    lines = csv_of(data).splitlines(keepends=True)
    path.write_text(lines[0] + "".join(reversed(lines[1:])))
    import_path(settings, path, refused=tmp_path / "refused.ndjson")
    for found in (of_file(settings, path), read(settings, None, [], rescale=None, refused=tmp_path / "refused.ndjson")):
        assert found.user_ids == data.user_ids
        assert found.interactions.item_ids == data.interactions.item_ids
        np.testing.assert_array_equal(found.interactions.rows.columns, data.interactions.rows.columns)
        np.testing.assert_array_equal(found.interactions.rows.values, data.interactions.rows.values)
        np.testing.assert_array_equal(found.rated_at_us, data.rated_at_us)


def test_an_empty_database_says_what_to_do(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ComparisonProblem, match="The database holds no ratings: import some, or name a file"):
        read(settings, None, [], rescale=None, refused=tmp_path / "refused.ndjson")


def test_columns_are_named_and_scales_stretched_as_in_an_import(tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("who,what,value\na,x,10\na,y,0\n")
    settings = Settings(_env_file=None)
    data = read(
        settings,
        tmp_path / "odd.csv",
        ["user_id=who", "item_id=what"],
        rescale="0:10",
        refused=tmp_path / "refused.ndjson",
    )
    assert triples(data) == [("a", "x", 5), ("a", "y", 1)]


def test_a_saved_dataset_is_read_back_whole(tmp_path: Path) -> None:
    data = dataset()
    data.save(tmp_path / "data.npz")
    read_back = Dataset.load(tmp_path / "data.npz")
    assert triples(read_back) == triples(data)
    assert read_back.interactions.scale == data.interactions.scale
    assert (read_back.name, read_back.user_ids) == (data.name, data.user_ids)
    np.testing.assert_array_equal(read_back.rated_at_us, data.rated_at_us)
