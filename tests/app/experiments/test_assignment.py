"""The assignment of users to arms: in the requested shares, and always the same."""

import subprocess
import sys

import pytest
from scipy.stats import binom, chi2_contingency

from app.experiments.assignment import Arm, Assignment, uniform

USERS = [f"user-{number}" for number in range(10_000)]
ONE_IN_A_MILLION = 1e-6  # chance that a right assignment fails a bound


def num_in(arm: Arm | None, assignment: Assignment) -> int:
    return sum(assignment.arm_of(user) is arm for user in USERS)


@pytest.mark.parametrize(("share", "treatment_share"), [(1.0, 0.5), (0.2, 0.5), (0.5, 0.1), (1.0, 0.9)])
def test_the_arms_have_the_shares_asked_for(share: float, treatment_share: float) -> None:
    assignment = Assignment("some salt", share, treatment_share)
    expected = {
        Arm.TREATMENT: share * treatment_share,
        Arm.CONTROL: share * (1 - treatment_share),
        None: 1 - share,
    }
    for arm, probability in expected.items():
        low, high = binom.ppf([ONE_IN_A_MILLION, 1 - ONE_IN_A_MILLION], len(USERS), probability)
        assert low <= num_in(arm, assignment) <= high


def test_two_salts_divide_the_users_independently() -> None:
    one, other = Assignment("one", 1.0, 0.5), Assignment("other", 1.0, 0.5)
    table = [[0, 0], [0, 0]]
    for user in USERS:
        table[one.arm_of(user) is Arm.TREATMENT][other.arm_of(user) is Arm.TREATMENT] += 1
    assert chi2_contingency(table).pvalue > ONE_IN_A_MILLION


def test_users_are_evenly_spread_below_1() -> None:
    places = sorted(uniform("salt", user) for user in USERS)
    assert 0 <= places[0] < places[-1] < 1
    largest_gap = max(abs(place - rank / len(USERS)) for rank, place in enumerate(places))
    assert largest_gap < 0.025  # Kolmogorov-Smirnov: exceeded by one salt in 100,000


def test_the_place_of_a_user_never_changes() -> None:
    """Written down, so that an upgrade cannot move users from one arm to the other in the middle of an experiment."""
    assert [uniform("salt", user) for user in ("ada", "née@example.org")] == [0.9649825196081536, 0.3800395986211377]


def test_another_process_gives_the_same_arms() -> None:
    code = """
from app.experiments.assignment import Assignment
assignment = Assignment("salt", 0.6, 0.3)
print(*(assignment.arm_of(f"user-{number}") for number in range(500)))
"""
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": "7"})
    assignment = Assignment("salt", 0.6, 0.3)
    assert told.stdout.split() == [str(assignment.arm_of(user)) for user in USERS[:500]]
