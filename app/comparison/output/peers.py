"""Rows that were measured elsewhere, on the same splits: the format is docs/how-to/compare.md's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson

from app.comparison.problems import ComparisonProblem
from app.comparison.results import PerSeed, Results, read_values


def merge(results: Results, path: Path) -> None:
    """Take the rows of a file in: bare rows, or a results.json; names that are there already stay as they are.

    Raises:
        ComparisonProblem: if it is not of that form or was measured on other users.
    """
    try:
        document = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ComparisonProblem(f"{path} is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise ComparisonProblem(f"{path} must hold an object: a name, and its figures by protocol.")
    check_tests(results, document.get("tests", {}), path)
    for name, figures in document.get("rows", document).items():
        if not isinstance(figures, dict):
            raise ComparisonProblem(f"{path}: {name} must be an object of figures by protocol.")
        if name not in results.rows:
            results.rows[name] = read_row(results, name, figures, path)


def check_tests(results: Results, tests: dict[str, Any], path: Path) -> None:
    """Compare the test users, where the file says who they are."""
    for protocol in results.tests.keys() & tests.keys():
        ours = [test.user_ids for test in results.tests[protocol]]
        if ours != [test["users"] for test in tests[protocol]]:
            raise ComparisonProblem(f"{path} was measured on other test users or seeds ({protocol}).")


def read_row(results: Results, name: str, figures: dict[str, Any], path: Path) -> dict[str, dict[str, PerSeed]]:
    """Read one row: by protocol and metric, one entry a seed; other figures count for every protocol."""
    everywhere = {metric: value for metric, value in figures.items() if metric not in results.tests}
    row: dict[str, dict[str, PerSeed]] = {}
    for protocol in results.protocols:
        if protocol in figures:
            if not isinstance(figures[protocol], dict):
                raise ComparisonProblem(f"{path}: {name}.{protocol} must be an object of figures by metric.")
            metrics = {**numbers_of(everywhere, len(results.tests[protocol])), **figures[protocol]}
            row[protocol] = {m: read_seeds(results, (name, protocol, m), per, path) for m, per in metrics.items()}
    return row


def numbers_of(figures: dict[str, Any], num_seeds: int) -> dict[str, PerSeed]:
    """Keep what is a number, the same for every seed, or a number a seed."""
    spread = {m: each if isinstance(each, list) else [each] * num_seeds for m, each in figures.items()}
    return {m: each for m, each in spread.items() if all(isinstance(v, int | float | None) for v in each)}


def read_seeds(results: Results, place: tuple[str, str, str], per_seed: Any, path: Path) -> PerSeed:
    """Read a metric: one entry a seed, each a number or a value for every test user.

    Raises:
        ComparisonProblem: if there are more or fewer of them.
    """
    tests, where = results.tests[place[1]], f"{path}: {'.'.join(place)}"
    if not isinstance(per_seed, list) or len(per_seed) != len(tests):
        raise ComparisonProblem(f"{where} must have {len(tests)} entries, one a seed.")
    try:
        read = [read_values(entry) for entry in per_seed]
    except (TypeError, ValueError) as error:
        raise ComparisonProblem(f"{where} holds something that is no number.") from error
    for values, test in zip(read, tests, strict=True):
        if isinstance(values, np.ndarray) and len(values) != len(test.users):
            raise ComparisonProblem(
                f"{where} has {len(values)} values for seed {test.seed}, which has {len(test.users)} test users."
            )
    return read
