"""A share of a count, with an interval that says how far chance may have moved it."""

import math
from typing import NamedTuple

from scipy.special import ndtri

Z_95 = float(ndtri(0.975))


class Rate(NamedTuple):
    """A share, and a 95 % interval for what it would be in the long run."""

    numerator: int
    denominator: int
    rate: float | None
    low: float | None
    high: float | None


def rate_of(numerator: int, denominator: int) -> Rate:
    """Return a share with Wilson's score interval; without a denominator there is none.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927; it keeps near its
    95 % for small counts and rare events, where the normal one does not: Brown, Cai and DasGupta, "Interval estimation
    for a binomial proportion", Statistical Science 2001.
    """
    if not denominator:
        return Rate(numerator, denominator, None, None, None)
    share, square = numerator / denominator, Z_95**2
    middle = share + square / (2 * denominator)
    half = Z_95 * math.sqrt(share * (1 - share) / denominator + square / (4 * denominator**2))
    width = 1 + square / denominator
    low, high = max(0.0, (middle - half) / width), min(1.0, (middle + half) / width)
    return Rate(numerator, denominator, share, 0.0 if not numerator else low, 1.0 if numerator == denominator else high)
