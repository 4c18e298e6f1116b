"""The command from end to end: a tiny file, real processes, every file it writes."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app.cli import app
from tests.app.comparison.helpers import csv_of, dataset

PNG = b"\x89PNG\r\n\x1a\n"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a comparison by two protocols, and what was printed."""
    folder = tmp_path_factory.mktemp("compared")
    (folder / "camps.csv").write_text(csv_of(dataset(120, 24)) + "user 1,item 1,11,\n")
    wanted = ["--kinds", "linear,denoising", "--protocols", "unseen,ratings", "--seeds", 1, "--epochs", 3]
    small = ["--config", "denoising.num_hidden=8", "--config", "linear.num_factors=2"]
    result = run("--ratings", folder / "camps.csv", "--output", folder / "out", *wanted, *small)
    assert result.exit_code == 0, result.output
    return folder / "out", result.output


@pytest.fixture(scope="module")
def document(compared: tuple[Path, str]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((compared[0] / "results.json").read_bytes())
    return read


def test_every_test_user_has_figures_in_the_file(document: dict[str, Any]) -> None:
    assert set(document["rows"]) == {"popularity", "biases", "linear", "denoising"}
    assert document["failed"] == {}
    for protocol, tests in document["tests"].items():
        row = document["rows"]["linear"][protocol]
        assert len(row["squared_error"][0]) == len(tests[0]["users"]) == len(tests[0]["num_ratings"])
    assert set(document["tests"]) == {"unseen", "ratings"}
    assert "ndcg@10" not in document["rows"]["linear"]["ratings"]


def test_a_model_beats_popularity(document: dict[str, Any]) -> None:
    """Two camps that like opposite halves: popularity does not know whose half it is."""
    ndcg = document["figures"]["unseen"]["ndcg@10"]["rows"]
    assert ndcg["linear"]["mean"] > ndcg["popularity"]["mean"] + 0.1
    rmse = document["figures"]["ratings"]["rmse"]["rows"]
    assert rmse["linear"]["mean"] < rmse["biases"]["mean"]


def test_costs_and_epochs_are_there(document: dict[str, Any]) -> None:
    row = document["rows"]["denoising"]["unseen"]
    for metric in ("seconds", "cpu_seconds", "peak_mib", "model_bytes", "score_us", "coverage", "gini", "popularity"):
        assert row[metric][0] > 0, metric
    assert [report["epoch"] for report in document["epochs"]["denoising"]["unseen"][0]] == [1, 2, 3]


def test_predicted_ratings_select_the_epoch_with_the_lowest_error(document: dict[str, Any]) -> None:
    reports = document["epochs"]["denoising"]["ratings"][0]
    kept = [report for report in reports if report["is_best"]][-1]
    assert kept["metrics"]["rmse"] == min(report["metrics"]["rmse"] for report in reports)


def test_a_bad_row_is_refused_as_by_an_import(compared: tuple[Path, str], document: dict[str, Any]) -> None:
    assert document["data"]["refused_rows"] == 1
    refused = json.loads((compared[0] / "refused.ndjson").read_text())
    assert "value 11 is not on the scale" in refused["errors"][0]


def test_page_and_terminal_show_the_same_figures(compared: tuple[Path, str], document: dict[str, Any]) -> None:
    page = (compared[0] / "report.md").read_text()
    mean = document["figures"]["unseen"]["ndcg@10"]["rows"]["linear"]["mean"]
    shown = f"{mean:.3f}".removeprefix("0")
    for text in (page, compared[1]):
        assert shown in text
        assert "paired differences" in text
    assert "1 further rows were refused" in page


def test_every_plot_that_the_page_names_is_there(compared: tuple[Path, str]) -> None:
    page = (compared[0] / "report.md").read_text()
    plots = sorted(path.name for path in compared[0].glob("*.png"))
    wanted = {"accuracy-unseen.png", "coverage-unseen.png", "epochs-denoising.png"}
    assert wanted <= set(plots)
    for name in plots:
        assert f"]({name})" in page
        assert (compared[0] / name).read_bytes().startswith(PNG)


def refused(tmp_path: Path, text: str, *arguments: object) -> str:
    (tmp_path / "ratings.csv").write_text(text)
    result = run("--ratings", tmp_path / "ratings.csv", "--output", tmp_path / "out", *arguments)
    assert result.exit_code == 2, result.output
    assert not (tmp_path / "out" / "results.json").exists()
    return result.output


HEADER = "user_id,item_id,value,rated_at\n"


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        (HEADER + "a,b,4,\n", ["--kinds", "linear,magic"], "--kinds magic: choose all, or of linear, "),
        (HEADER + "a,b,4,\n", ["--protocols", "magic"], "--protocols magic: choose all, or of unseen, "),
        (HEADER + "a,b,4,\n", ["--config", "linear.magic=1"], "--config linear.magic=1: linear has dropout, "),
        (HEADER + "a,b,4,\n", ["--config", "magic"], "--config magic: write KIND.NAME=VALUE"),
        (HEADER + "a,b,4,\n", ["--like", "9"], "--like 9: give a rating above 1 and up to 5."),
        (HEADER + "a,b,4,\n", [], "There are ratings of 1 users and 1 items; a comparison needs at least 24 and 2."),
        (HEADER + ",b,4,\n,c,4,\n", [], "holds no rating to compare on: all 2 rows were refused"),
        ("title\nAlien\n", [], "has no column for user_id, item_id and value"),
        (HEADER + "a,b,40,\n", [], "not on this instance's scale"),
        (csv_of(dataset()), ["--baseline", "magic"], "--baseline magic: choose of popularity, biases, linear"),
    ],
)
def test_an_impossible_comparison_ends_with_a_message(
    tmp_path: Path, text: str, arguments: list[str], said: str
) -> None:
    assert said in " ".join(refused(tmp_path, text, *arguments).split())


def test_a_kind_too_large_for_training_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALATE_LINEAR_MAX_ITEMS", "10")
    (tmp_path / "ratings.csv").write_text(csv_of(dataset()))
    wanted = ["--kinds", "linear", "--protocols", "ratings", "--seeds", 1]
    result = run("--ratings", tmp_path / "ratings.csv", "--output", tmp_path / "out", *wanted)
    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "out" / "results.json").read_bytes())
    reason = "16 items, more than the 10 of PALATE_LINEAR_MAX_ITEMS"
    assert document["failed"] == {"linear": {"ratings": [reason]}}
    assert set(document["rows"]) == {"biases"}


def test_a_kind_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(csv_of(dataset()))
    wanted = ["--kinds", "linear", "--protocols", "unseen", "--seeds", 1, "--config", "linear.dropout=2"]
    result = run("--ratings", tmp_path / "ratings.csv", "--output", tmp_path / "out", *wanted)
    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "out" / "results.json").read_bytes())
    assert document["failed"] == {"linear": {"unseen": ["ValueError: dropout must lie in 0..1, 1 excluded"]}}
    assert set(document["rows"]) == {"popularity", "biases"}
    assert "dropout must lie in 0..1" in (tmp_path / "out" / "report.md").read_text()
