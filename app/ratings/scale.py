"""The declared scale, and how late a rating may be dated."""

from dataclasses import dataclass

from app.kit.errors import FieldProblem
from app.settings import Settings

MAX_AHEAD_US = 5 * 60 * 1_000_000  # clocks differ; a date far in the future would win for ever
DIGITS = 10  # a step such as 0.1 has no exact float: multiples are rounded to the decimal that was meant


@dataclass(frozen=True)
class Scale:
    """The ratings that an instance takes: ``minimum`` to ``maximum`` in steps."""

    minimum: float
    maximum: float
    step: float

    @classmethod
    def of(cls, settings: Settings) -> "Scale":
        """Return the scale that the settings declare."""
        return cls(settings.rating_min, settings.rating_max, settings.rating_step)

    def __str__(self) -> str:
        return f"{self.minimum:g} to {self.maximum:g} in steps of {self.step:g}"

    def snap(self, value: float) -> float | None:
        """Return the value of the scale that is meant, None if there is none."""
        steps = (value - self.minimum) / self.step
        if not self.minimum - 1e-9 <= value <= self.maximum + 1e-9 or abs(steps - round(steps)) > 1e-6:
            return None
        return round(self.minimum + round(steps) * self.step, DIGITS)

    def problem(self, value: float, pointer: str) -> FieldProblem:
        """Describe what is wrong with a value that is not on the scale."""
        shown = repr(value).removesuffix(".0")
        return FieldProblem(pointer, f"{shown} is not on the scale: give {self}")


def date_problem(pointer: str) -> FieldProblem:
    """Describe what is wrong with a date in the future, or before the year 1."""
    return FieldProblem(
        pointer, "is over 5 minutes in the future, or before the year 1: give the rating's time, or none"
    )
