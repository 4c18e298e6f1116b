"""Rows that were measured elsewhere."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.comparison.output import figures, peers
from app.comparison.output.report import markdown
from app.comparison.problems import ComparisonProblem
from tests.app.comparison.helpers import results

OURS = {"linear": {"ndcg@10": [[0.2, 0.4, 0.6]], "squared_error": [[4.0, 1.0, 1.0]], "absolute_error": [[2.0, 1, 1]]}}
SCALE = {"minimum": 1.0, "maximum": 5.0, "step": 0.5, "like_threshold": 4.0}
ABOUT = {
    "data": {"name": "d", "users": 3, "items": 2, "ratings": 6, "refused_rows": 0, "scale": SCALE},
    "options": {"epochs": 1, "batch_size": 1, "learning_rate": 0.1, "patience": 1},
}


def write(folder: Path, document: Any) -> Path:
    path = folder / "peers.json"
    path.write_text(json.dumps(document))
    return path


def test_a_peer_is_a_row_like_any_other(tmp_path: Path) -> None:
    made = results(OURS)
    unseen = {"ndcg@10": [[0.3, None, 0.7]], "squared_error": [[9, 9, 9]], "absolute_error": [[3, 3, 3]]}
    peers.merge(made, write(tmp_path, {"iALS": {"unseen": unseen, "seconds": 2.5, "comment": "tuned"}}))
    found = figures.overall(made, "iALS", "unseen", "ndcg@10")
    assert found is not None
    assert found.mean == pytest.approx(0.5)
    rmse = figures.overall(made, "iALS", "unseen", "rmse")
    assert rmse is not None
    assert rmse.mean == pytest.approx(3)
    assert made.number("iALS", "unseen", "seconds") == 2.5
    made.about = ABOUT
    assert "| `iALS` | **.500 ± .200** |" in markdown(made, None, [])


def test_the_rows_of_a_results_file_are_read_back_as_they_were(tmp_path: Path) -> None:
    made, other = results(OURS), results({"a": {"ndcg@10": [[0.9, 0.9, 0.9]]}})
    made.write(tmp_path / "results.json", {})
    peers.merge(other, tmp_path / "results.json")
    for metric in ("ndcg@10", "rmse", "mae"):
        before, after = (figures.overall(each, "linear", "unseen", metric) for each in (made, other))
        assert before is not None
        assert after is not None
        assert (after.mean, after.error) == (before.mean, before.error)


def test_what_is_measured_here_is_not_replaced(tmp_path: Path) -> None:
    made = results(OURS)
    peers.merge(made, write(tmp_path, {"linear": {"unseen": {"ndcg@10": [[1, 1, 1]]}}}))
    assert made.values("linear", "unseen", "ndcg@10")[0].tolist() == [0.2, 0.4, 0.6]


def test_results_of_other_users_are_refused(tmp_path: Path) -> None:
    results(OURS, users=((0, 1, 3),)).write(tmp_path / "results.json", {})
    with pytest.raises(ComparisonProblem, match="other test users or seeds"):
        peers.merge(results(OURS), tmp_path / "results.json")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"iALS": {"unseen": {"ndcg@10": [[0.3, 0.7]]}}}, "has 2 values for seed 0, which has 3 test users"),
        ({"iALS": {"unseen": {"ndcg@10": [[0.3, 0.7, 0.1]] * 2}}}, r"iALS.unseen.ndcg@10 must have 1 entries"),
        ({"iALS": {"unseen": {"ndcg@10": 0.3}}}, "must have 1 entries, one a seed"),
        ({"iALS": {"unseen": {"ndcg@10": [["a", "b", "c"]]}}}, "holds something that is no number"),
        ({"iALS": {"unseen": 3}}, "must be an object of figures by metric"),
        ({"iALS": 3}, "must be an object of figures by protocol"),
        ([1], "must hold an object"),
    ],
)
def test_a_file_of_another_form_is_refused_with_the_place(tmp_path: Path, document: Any, said: str) -> None:
    with pytest.raises(ComparisonProblem, match=said):
        peers.merge(results(OURS), write(tmp_path, document))


def test_what_is_not_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "peers.json").write_text("name,ndcg")
    with pytest.raises(ComparisonProblem, match="is not JSON"):
        peers.merge(results(OURS), tmp_path / "peers.json")
