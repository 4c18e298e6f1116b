"""The package works without the server, and the scripts of its README run."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "clients/python"
SERVER = {"app", "models", "torch", "sqlalchemy", "numpy", "fastapi", "starlette", "pyarrow"}
SCRIPTS = re.findall(r"```python\n(.*?)```", (PACKAGE / "README.md").read_text(), flags=re.DOTALL)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is installed, alone."""
    folder = tmp_path_factory.mktemp("package")
    shutil.copytree(PACKAGE, folder / "source", ignore=shutil.ignore_patterns("*.egg-info", "build"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    options = ["--no-build-isolation", "--no-index", "--target", str(folder / "site"), str(folder / "source")]
    subprocess.run([*pip, *options], check=True)
    return folder / "site"


def run(script: str, installed: Path) -> str:
    """Run a script beside the installed package, far from the repository."""
    command = [sys.executable, "-W", "error", "-c", script]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=installed, env=environment).stdout


def test_it_imports_nothing_of_the_server(installed: Path) -> None:
    output = run("import sys, palate_client; print(palate_client.__file__); print(*sys.modules)", installed)
    place, modules = output.splitlines()
    assert place.startswith(str(installed))
    assert {name.partition(".")[0] for name in modules.split()} & SERVER == set()


def test_it_is_typed_and_asks_for_three_libraries(installed: Path) -> None:
    assert (installed / "palate_client/py.typed").exists()
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=]", each)[0] for each in project["dependencies"]}
    assert names == {"httpx2", "pydantic", "typing-extensions"}


@pytest.mark.parametrize("script", SCRIPTS, ids=["plain", "async", "bulk"])
def test_the_scripts_of_the_readme_run(script: str, installed: Path, url: str) -> None:
    output = run(script.replace("http://127.0.0.1:8000", url), installed)
    assert output.strip()


def test_the_first_script_rates_recommends_and_explains_in_15_lines(installed: Path, url: str) -> None:
    assert len(SCRIPTS[0].splitlines()) <= 15
    output = run(SCRIPTS[0].replace("http://127.0.0.1:8000", url), installed)
    assert len(re.findall(r"^\S.*, personal, predicted \d", output, flags=re.MULTILINE)) == 5
    assert re.search(r"^    [+-]\d\.\d\d for your (5|1\.5) ?.* of (Alien|Tootsie)$", output, flags=re.MULTILINE)
