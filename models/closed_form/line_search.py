"""Line search over a few ascending values."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def hill_climb(ascending: Sequence[float], start: float, objective: Callable[[float], float]) -> float:
    """Return the best value, searching from ``start`` in each direction until the objective falls; it has one peak."""
    place, best = ascending.index(start), objective(start)
    for step in (1, -1):
        before = place
        while 0 <= place + step < len(ascending) and (next_best := objective(ascending[place + step])) > best:
            place, best = place + step, next_best
        if place != before:
            break
    return ascending[place]
