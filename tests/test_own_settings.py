"""Tests, benchmarks and scripts have settings of their own, whatever the operator's environment says."""

import ast
import os
import subprocess
import sys

import pytest

from tests.own_settings import forget_settings
from tests.processes import ROOT

FILES = [path for name in ("benchmarks", "scripts", "tests") for path in sorted((ROOT / name).rglob("*.py"))]


def test_settings_of_the_environment_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALATE_RATING_STEP", "0.3")
    monkeypatch.setenv("PALATE_TEST_DATA", "/data")
    forget_settings()
    assert {name for name in os.environ if name.startswith("PALATE_")} == {"PALATE_TEST_DATA"}


@pytest.mark.parametrize("package", ["benchmarks", "scripts.client", "scripts.docs", "scripts.screenshots", "tests"])
def test_a_package_that_starts_palate_forgets_them_when_it_is_loaded(package: str) -> None:
    program = f"import {package}, os; print(os.environ.get('PALATE_RATING_STEP'))"
    environment = os.environ | {"PALATE_RATING_STEP": "0.3"}
    run = subprocess.run([sys.executable, "-c", program], env=environment, cwd=ROOT, capture_output=True, check=True)
    assert run.stdout == b"None\n"


def test_none_reads_the_file_with_an_operators_settings() -> None:
    nodes = [(path, node) for path in FILES for node in ast.walk(ast.parse(path.read_text()))]
    calls = [
        (path, node) for path, node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == "Settings"
    ]
    assert len(calls) > 20
    assert [(path.name, call.lineno) for path, call in calls if "_env_file" not in {k.arg for k in call.keywords}] == []
