"""`palate train` looks at what it needs before it trains."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app


def test_a_model_store_that_cannot_be_written_is_named_before_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PALATE_MODEL_STORE", str(tmp_path / "file"))
    ended = CliRunner().invoke(app, ["train"])
    assert (ended.exit_code, "set PALATE_MODEL_STORE" in ended.stderr) == (2, True)
