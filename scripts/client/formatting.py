"""How every generated file begins, and how it is formatted."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "clients/python/palate_client"
HEADER = "# Generated from {source} by `python -m scripts.client`; do not edit.\n"
FIXED = "F401,I,UP028"  # imports that nothing needs any more, their order, loops that only yield


def format_file(name: str, text: str) -> str:
    """Return the text of a file of the package as our linter and formatter leave it."""
    stdin = ["--stdin-filename", str(PACKAGE / name), "-"]
    return ruff(["format", *stdin], ruff(["check", "--fix-only", "--unsafe-fixes", "--select", FIXED, *stdin], text))


def ruff(arguments: list[str], text: str) -> str:
    """Run ruff over a text and return what comes out."""
    command = [sys.executable, "-m", "ruff", "--quiet", *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout  # noqa: S603
