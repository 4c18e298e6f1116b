"""Every command with its arguments and options, as typer documents it."""

import html
import subprocess
import sys

FIRST = "\n## "  # what stands above the first command is the list of them


def sections() -> str:
    """Return a section for each command."""
    typer = [sys.executable, "-m", "typer", "app.cli", "utils", "docs", "--name", "palate"]
    document = subprocess.run(typer, check=True, capture_output=True, text=True).stdout  # noqa: S603
    _, heading, commands = html.unescape(document).partition(FIRST)
    return heading + commands
