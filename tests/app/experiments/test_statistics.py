"""Rates with users as the unit: right by hand, right against scipy, right as often as they promise."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, chisquare, norm

from app.experiments.statistics import ALPHA, Difference, Interval, Sums, ratio, split_p_value

Numbers = NDArray[np.float64]
REPEATS = 1_000


def sums_of(x: Numbers, y: Numbers) -> Sums:
    squares = {"xx": (x * x).sum(), "yy": (y * y).sum(), "xy": (x * y).sum()}
    return Sums(num_users=len(x), x=x.sum(), y=y.sum(), **squares)


def users(generator: np.random.Generator, num: int, rate: float) -> tuple[Numbers, Numbers]:
    """Draw each user's own click rate, a number of items shown, and the clicks on them.

    Users who click readily are shown more, so that clicks per item shown is not the mean of the users' rates.
    """
    tastes = generator.beta(2, 2 / rate - 2, num)
    shown = 1 + generator.poisson(20 * tastes + 5)
    return shown.astype(float), generator.binomial(shown, tastes).astype(float)


def true_rate(rate: float) -> float:
    """Return E[clicks] / E[shown] of `users`."""
    a, b = 2.0, 2 / rate - 2
    square = rate**2 + a * b / ((a + b) ** 2 * (a + b + 1))
    return (20 * square + 6 * rate) / (20 * rate + 6)


def test_a_rate_and_its_error_by_hand() -> None:
    estimate = ratio(sums_of(np.array([2.0, 4.0]), np.array([1.0, 1.0])))
    assert estimate is not None
    assert estimate.value == pytest.approx(1 / 3)  # 2 clicks of 6; y - x/3 is 1/3 and -1/3, the mean of x is 3
    assert estimate.error == pytest.approx(np.sqrt((1 / 9 + 1 / 9) / 1 / 2) / 3)
    assert estimate.high - estimate.value == pytest.approx(norm.ppf(0.975) * estimate.error)


def test_with_one_item_per_user_the_error_is_that_of_a_mean() -> None:
    clicks = np.array([1.0, 0, 0, 1, 0, 0, 0, 1])
    estimate = ratio(sums_of(np.ones(8), clicks))
    assert estimate is not None
    assert estimate.error == pytest.approx(clicks.std(ddof=1) / np.sqrt(8))


def test_there_is_no_rate_of_one_user_or_of_nothing() -> None:
    assert ratio(sums_of(np.ones(1), np.ones(1))) is None
    assert ratio(sums_of(np.zeros(5), np.zeros(5))) is None


def test_an_interval_covers_the_truth_as_often_as_stated_and_one_with_clicks_as_units_does_not() -> None:
    generator, truth = np.random.default_rng(1), true_rate(0.1)
    held, naive = 0, 0
    for _ in range(REPEATS):
        x, y = users(generator, 400, 0.1)
        estimate = ratio(sums_of(x, y))
        assert estimate is not None
        held += estimate.low <= truth <= estimate.high
        value = y.sum() / x.sum()
        naive += abs(value - truth) <= norm.ppf(0.975) * np.sqrt(value * (1 - value) / x.sum())
    low, high = binom.ppf([1e-4, 1 - 1e-4], REPEATS, 1 - ALPHA)
    assert low <= held <= high
    assert naive < low


def test_without_a_difference_one_experiment_in_twenty_finds_one_and_with_one_as_many_as_planned() -> None:
    generator = np.random.default_rng(2)
    none, some, unit = 0, 0, differ(generator, 0.1, 0.1)
    for _ in range(REPEATS):
        none += differ(generator, 0.1, 0.1).p_value < ALPHA
        some += differ(generator, true_lift(unit), 0.1).p_value < ALPHA
    assert binom.ppf(1e-4, REPEATS, ALPHA) <= none <= binom.ppf(1 - 1e-4, REPEATS, ALPHA)
    assert 0.7 < some / REPEATS < 0.9


def differ(generator: np.random.Generator, treatment: float, control: float) -> Difference:
    arms = [ratio(sums_of(*users(generator, 300, rate))) for rate in (treatment, control)]
    assert arms[0] is not None
    assert arms[1] is not None
    return Difference.of(arms[0], arms[1], 600)


def true_lift(unit: Difference) -> float:
    """Find the users' mean taste at which the true difference is the one that four of five find."""
    rates = np.linspace(0.1, 0.3, 2_001)
    lifts = np.array([true_rate(rate) for rate in rates]) - true_rate(0.1)
    return float(rates[np.searchsorted(lifts, unit.detectable)])


def test_repeated_looks_are_rarely_misled_by_the_interval_of_all_looks() -> None:
    generator = np.random.default_rng(3)
    once, always, repeats = 0, 0, 300
    for _ in range(repeats):
        arms = [users(generator, 2_000, 0.1) for _ in range(2)]
        looks = [look(arms, num) for num in range(100, 2_001, 50)]
        once += any(each.p_value < ALPHA for each in looks)
        always += any(abs(each.value) > each.always_half_width for each in looks)
    assert once / repeats > 0.15
    assert always <= binom.ppf(1 - 1e-4, repeats, ALPHA)


def look(arms: list[tuple[Numbers, Numbers]], num: int) -> Difference:
    one, other = (ratio(sums_of(x[:num], y[:num])) for x, y in arms)
    assert one is not None
    assert other is not None
    return Difference.of(one, other, 2 * num)


def test_a_difference_without_variance_is_certain() -> None:
    assert Difference(0.0, 0.0, 10).p_value == 1
    assert Difference(0.1, 0.0, 10).p_value == 0


def test_errors_of_two_arms_add_up_as_squares() -> None:
    difference = Difference.of(Interval(0.3, 0.03), Interval(0.1, 0.04), 10)
    assert difference.value == pytest.approx(0.2)
    assert difference.error == pytest.approx(0.05)


@pytest.mark.parametrize(("control", "treatment", "share"), [(500, 500, 0.5), (520, 480, 0.5), (850, 150, 0.1)])
def test_the_split_is_judged_by_a_chi_square_test(control: int, treatment: int, share: float) -> None:
    expected = [1_000 * (1 - share), 1_000 * share]
    assert split_p_value(control, treatment, share) == pytest.approx(chisquare([control, treatment], expected).pvalue)


def test_a_split_without_users_is_not_suspect() -> None:
    assert split_p_value(0, 0, 0.5) == 1
