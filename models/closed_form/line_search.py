"""The search for the best of a few values in a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def climbed(ascending: Sequence[float], start: float, worth: Callable[[float], float]) -> float:
    """Find the best of some values from one of them on: uphill until it goes down, as it does on both sides."""
    place, best = ascending.index(start), worth(start)
    for step in (1, -1):
        before = place
        while 0 <= place + step < len(ascending) and (next_best := worth(ascending[place + step])) > best:
            place, best = place + step, next_best
        if place != before:
            break
    return ascending[place]
