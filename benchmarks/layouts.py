"""Print a table of all layouts: a file of our own making, the command, what became of its rows, and the time.

python -m benchmarks.layouts: each file is that of the tests, imported by the real command into an empty database.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from tests.app.transfer.layouts.files import EXAMPLES, Example

COUNTS = re.compile(r"^(items|ratings): (.*)$", re.MULTILINE)
FLAGS = {"words": "--map"}


def options_of(example: Example) -> Iterator[str]:
    """Return the options that a file needs."""
    for name, value in example.options.items():
        for each in value if isinstance(value, list) else [value]:
            yield from (FLAGS.get(name, f"--{name}"), each)


def table_row(example: Example) -> str:
    """Import a file, and describe what came."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, example.name).write_text(example.content)
        command = ["import", example.name, *options_of(example)]
        begun = perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", *command],
            cwd=folder,
            env=os.environ | {"PALATE_DATABASE_URL": f"sqlite:///{folder}/palate.db"},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = perf_counter() - begun
    counts = "; ".join(f"{kind}: {found}" for kind, found in COUNTS.findall(done.stderr + done.stdout))
    line = f"`palate {shlex.join(command)}`"
    return f"| {example.layout or 'by its columns'} | {line} | {counts} | {done.returncode} | {seconds:.2f} |"


def main() -> None:
    """Print the table."""
    print("| known as | command | rows | exit code | seconds |\n|---|---|---|---|---|")
    for example in EXAMPLES:
        print(table_row(example), flush=True)


if __name__ == "__main__":
    main()
