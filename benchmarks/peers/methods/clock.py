"""A budget of processor seconds, counted over all threads of this process."""

from __future__ import annotations

import time


class Clock:
    """Counts from when it is made."""

    def __init__(self, budget_seconds: float) -> None:
        self.budget_seconds = budget_seconds
        self._started = time.process_time()

    @property
    def used_seconds(self) -> float:
        """Processor seconds since the start."""
        return time.process_time() - self._started

    @property
    def left_seconds(self) -> float:
        """What is left of the budget; below 0 when it is overdrawn."""
        return self.budget_seconds - self.used_seconds
