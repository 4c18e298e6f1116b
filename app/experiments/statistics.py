"""What two arms' figures say: rates with users as the unit, their difference, whether the split is the one planned.

What one user does is not independent: who clicks clicks often, and some are shown much. So the unit is the user, who
was assigned, and a rate is a ratio of two sums over users, with the variance of the delta method: Deng et al.,
"Applying the Delta Method in Metric Analytics", KDD 2018, section 3. It needs no more than sums over users.

An interval is valid for one look. To look again until there is a result takes one that holds at all looks together:
Waudby-Smith et al., "Time-uniform central limit theory and asymptotic confidence sequences", Annals of
Statistics 2024, section 2.
"""

from dataclasses import dataclass
from math import inf, log, sqrt

from scipy.special import chdtrc, ndtr, ndtri

ALPHA = 0.05  # one minus the confidence of every interval
QUANTILE = float(ndtri(1 - ALPHA / 2))
POWER = 0.8
TUNED_FOR = 10_000  # users of both arms for whom the interval of all looks is narrowest
RHO2 = (-2 * log(ALPHA) + log(-2 * log(ALPHA) + 1)) / TUNED_FOR


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Sums over an arm's users, each of whom has y of x, e.g. y clicks of x items shown."""

    num_users: int
    x: float
    y: float
    xx: float
    yy: float
    xy: float


@dataclass(frozen=True)
class Interval:
    """A figure with its standard error, and the 95 % interval, by the normal distribution."""

    value: float
    error: float

    @property
    def low(self) -> float:
        """The lower end."""
        return self.value - QUANTILE * self.error

    @property
    def high(self) -> float:
        """The upper end."""
        return self.value + QUANTILE * self.error


def ratio(sums: Sums) -> Interval | None:
    """Estimate sum of y over sum of x; None of fewer than two users, or if x is 0.

    The variance is that of y - ratio · x over users, divided by their number and the squared mean of x.
    """
    n = sums.num_users
    if n < 2 or sums.x == 0:
        return None
    value, mean = sums.y / sums.x, sums.x / n
    squares = sums.yy - 2 * value * sums.xy + value**2 * sums.xx  # about a mean of 0, by the choice of value
    return Interval(value, sqrt(max(0.0, squares) / (n - 1) / n) / mean)


@dataclass(frozen=True)
class Difference(Interval):
    """Treatment less control, of so many users together."""

    num_users: int

    @classmethod
    def of(cls, treatment: Interval, control: Interval, num_users: int) -> "Difference":
        """Subtract two estimates that are independent of each other."""
        return cls(treatment.value - control.value, sqrt(treatment.error**2 + control.error**2), num_users)

    @property
    def p_value(self) -> float:
        """How often chance alone gives so large a difference, of either sign."""
        if self.error == 0:
            return 1.0 if self.value == 0 else 0.0
        return float(2 * ndtr(-abs(self.value) / self.error))

    @property
    def always_half_width(self) -> float:
        """Half the width of the interval that holds at all looks together."""
        grown = self.num_users * RHO2
        return self.error * sqrt((grown + 1) / grown * log((grown + 1) / ALPHA**2)) if grown else inf

    @property
    def detectable(self) -> float:
        """The true difference that would be found, at one look, in four experiments of five like this."""
        return (QUANTILE + float(ndtri(POWER))) * self.error


def split_p_value(num_control: int, num_treatment: int, treatment_share: float) -> float:
    """Return how often chance alone divides users so unevenly, by a chi-square test; 1 without users."""
    num = num_control + num_treatment
    if num == 0:
        return 1.0
    statistic = (num_treatment - num * treatment_share) ** 2 / (num * treatment_share * (1 - treatment_share))
    return float(chdtrc(1, statistic))
