"""What the plots draw."""

from pathlib import Path

import numpy as np
import pytest

from app.comparison.output import plots
from app.comparison.results import Results
from models.fitting.training_loop import EpochReport
from tests.app.comparison.helpers import results


def report(epoch: int, loss: float | None, stage: str = "fit", ndcg: float | None = 0.2) -> EpochReport:
    metrics = {} if ndcg is None else {"ndcg@10": ndcg, "ndcg@100": ndcg + 0.1, "rmse": 1 - ndcg}
    return EpochReport(
        epoch=epoch,
        epochs=9,
        loss=loss,
        metrics=metrics,
        seconds=1.0,
        is_best=True,
        stage=stage,
        is_preparing=ndcg is None,
    )


STAGED = [
    *(report(1 + n, 900 * 0.8**n, "layer 1", None) for n in range(5)),
    *(report(6 + n, 60 * 0.9**n, "layer 2", None) for n in range(5)),
    *(report(11 + n, 3 * 0.97**n, "fine-tuning", 0.3 - 0.1 * 0.8**n) for n in range(10)),
]


def test_each_stage_has_a_line_of_its_own_that_starts_at_one() -> None:
    figure = plots.epochs("deep", "unseen", [STAGED])
    left, right = figure.axes
    lines = [line for line in left.lines if len(np.asarray(line.get_xdata()))]
    assert [np.asarray(line.get_xdata()).tolist()[0] for line in lines] == [1, 6, 11]
    assert [np.asarray(line.get_ydata()).tolist()[0] for line in lines] == [1, 1, 1]
    legend = left.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["layer 1", "layer 2", "fine-tuning"]
    judged = [line for line in right.lines if len(np.asarray(line.get_xdata())) > 1]
    assert [np.asarray(line.get_xdata()).tolist() for line in judged] == [list(range(11, 21))]
    legend = right.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["fine-tuning"]


def test_a_members_figures_are_not_joined_with_the_next_ones() -> None:
    run = [report(1, None, "linear"), report(2, 3.0, "denoising"), report(3, 2.0, "denoising", 0.3)]
    left, right = plots.epochs("hybrid", "unseen", [run]).axes
    assert left.get_title("left") == "hybrid: loss"
    drawn = [np.asarray(line.get_xdata()).tolist() for line in right.lines]
    assert [xs for xs in drawn if xs] == [[1], [2, 3], [3]]


def test_a_fit_without_a_loss_has_the_validation_panel_alone() -> None:
    assert len(plots.epochs("lowrank", "unseen", [[report(1, None), report(2, None)]]).axes) == 1


def test_predicted_ratings_are_drawn_by_their_error() -> None:
    figure = plots.epochs("denoising", "ratings", [[report(1, 2.0), report(2, 1.0)]])
    legend = figure.axes[1].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["RMSE"]


def many(num_rows: int) -> Results:
    """Rows with figures of all sizes, one of them without a known time."""
    generator = np.random.default_rng(0)
    rows = {
        f"kind {n}": {
            "ndcg@10": [generator.random(3).tolist()],
            "ndcg@100": [generator.random(3).tolist()],
            "seconds": [10.0 ** generator.uniform(-1, 3) if n else None],
            "coverage": [generator.random()],
            "gini": [generator.random()],
            "popularity": [generator.random()],
        }
        for n in range(num_rows)
    }
    return results(rows)


def test_every_row_has_a_look_of_its_own() -> None:
    made = many(20)
    looks = [plots.style_of(made, name) for name in made.rows]
    assert len({(look["color"], look["marker"]) for look in looks}) == 20


@pytest.mark.parametrize("num_rows", [1, 16])
def test_the_legend_names_every_row_best_first(num_rows: int, tmp_path: Path) -> None:
    made = many(num_rows) if num_rows > 1 else results({"a": {"ndcg@10": [[0.1, 0.2, 0.3]], "seconds": [0.5]}})
    drawn = dict(plots.draw(made, tmp_path))
    assert (tmp_path / "accuracy-unseen.png").exists()
    assert ("coverage-unseen.png" in drawn) == (num_rows > 1)
    figure = plots.accuracy(made, "unseen")
    (legend,) = figure.legends
    means = {name: np.mean(made.values(name, "unseen", "ndcg@10")[0]) for name in made.rows}
    assert [text.get_text() for text in legend.get_texts()] == sorted(means, key=lambda name: -means[name])
