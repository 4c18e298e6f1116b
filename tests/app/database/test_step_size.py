"""Steps of long work hold the lock for some milliseconds, however much a row costs."""

from itertools import pairwise
from time import sleep

import pytest

from app.database.step_size import GOAL_S, MAX_ROWS, MIN_ROWS, StepSize

pytestmark = pytest.mark.unit


def test_steps_of_costly_rows_become_smaller_down_to_a_bound() -> None:
    size = StepSize(1_000)
    with size.measure(1_000):
        sleep(4 * GOAL_S)
    assert MIN_ROWS <= size.rows <= 250
    with size.measure(1):
        sleep(GOAL_S)
    assert size.rows == MIN_ROWS


def test_steps_of_cheap_rows_double_up_to_a_bound() -> None:
    size, seen = StepSize(200), [200]
    for _ in range(100):  # a busy machine may let one of them look costly
        with size.measure(size.rows):
            pass
        seen.append(size.rows)
    assert max(seen) == MAX_ROWS
    assert all(later <= 2 * earlier for earlier, later in pairwise(seen))
