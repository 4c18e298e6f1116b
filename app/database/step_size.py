"""How many rows a step of long work takes: as many as take some milliseconds under the lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

GOAL_S = 0.01  # more would be felt by whoever waits for the lock, less would be spent on beginning and ending
MIN_ROWS, MAX_ROWS = 50, 2_000


class StepSize:
    """Learns from each step how large the next one may be.

    Attributes:
        rows: of the next step.
    """

    def __init__(self, rows: int = 200) -> None:
        self.rows = rows

    @contextmanager
    def measure(self, num_rows: int) -> Iterator[None]:
        """Time a step, from when it has the lock."""
        started = perf_counter()
        yield
        per_row_s = (perf_counter() - started) / max(1, num_rows)
        self.rows = max(MIN_ROWS, min(MAX_ROWS, 2 * self.rows, int(GOAL_S / max(per_row_s, 1e-9))))
