"""The report of a trial: a Markdown page, and the same as JSON beside it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.chaos.tally import NO_FAULT, Tally, Wrong


@dataclass(frozen=True)
class Setup:
    """What a trial was run with."""

    database: str
    seed: int
    minutes: float
    clients: int
    left_out: list[str]


def figures(setup: Setup, tally: Tally) -> dict[str, Any]:
    """Return everything as JSON."""
    return {
        **vars(setup),
        "operations": {name: dict(results) for name, results in sorted(tally.operations.items())},
        "faults": dict(tally.faults),
        "slowest_s": {name: round(seconds, 3) for name, seconds in tally.slowest_s.items()},
        "wrong": {str(kind): tally.wrong[kind] for kind in Wrong},
        "findings": [finding._asdict() for finding in tally.findings],
    }


def markdown(setup: Setup, tally: Tally) -> str:
    """Write the page."""
    said = f"{setup.database}, seed {setup.seed}, {setup.minutes:g} minutes, {setup.clients} clients"
    totals = {"operations": tally.num_operations, "faults": tally.faults.total()}
    totals |= {str(kind): tally.wrong[kind] for kind in Wrong}
    results = sorted({result for each in tally.operations.values() for result in each})
    operations = [[name, *(each[result] for result in results)] for name, each in sorted(tally.operations.items())]
    faults = [[name, tally.faults[name], seconds(tally, name)] for name in [NO_FAULT, *sorted(tally.faults)]]
    parts = [
        f"# Trial under faults: {said}",
        table(["what", "number"], [list(row) for row in totals.items()]),
        table(["fault", "times", "slowest answer, s"], faults),
        table(["operation", *results], operations),
    ]
    if setup.left_out:
        parts.append(f"Left out: {'; '.join(setup.left_out)}.")
    if tally.findings:
        parts.append("\n".join(f"- {kind}, during {fault}: {text}" for kind, text, fault in tally.findings))
    return "\n\n".join(parts) + "\n"


def seconds(tally: Tally, fault: str) -> str:
    """Return the slowest answer beside a fault."""
    return f"{tally.slowest_s[fault]:.2f}" if fault in tally.slowest_s else ""


def table(head: list[str], rows: list[list[Any]]) -> str:
    """Write a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def write(path: Path, setup: Setup, tally: Tally) -> None:
    """Write the page to a file, and the figures beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".md").write_text(markdown(setup, tally))
    path.with_suffix(".json").write_text(json.dumps(figures(setup, tally), indent=2) + "\n")
