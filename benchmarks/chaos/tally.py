"""What happened in a trial: operations, faults, and whatever is wrong."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

MAX_KEPT = 50  # findings of a kind in words; the others are only counted
NO_FAULT = "none"


class Wrong(StrEnum):
    """What must never happen."""

    LOST = "acknowledged writes lost"
    SERVER_ERROR = "5xx other than 503"
    ANSWER = "wrong answers"


class Finding(NamedTuple):
    """Something wrong."""

    kind: Wrong
    text: str
    fault: str  # under way at that moment


@dataclass
class Tally:
    """Counts of one trial."""

    operations: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    faults: Counter[str] = field(default_factory=Counter)
    slowest_s: dict[str, float] = field(default_factory=dict)  # by fault
    wrong: Counter[Wrong] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    fault: str = NO_FAULT

    @contextmanager
    def during(self, fault: str) -> Iterator[None]:
        """Note that a fault is under way."""
        self.faults[fault] += 1
        self.fault = fault
        try:
            yield
        finally:
            self.fault = NO_FAULT

    def count(self, operation: str, result: str, seconds: float, fault: str) -> None:
        """Count an operation that began under a fault."""
        self.operations[operation][result] += 1
        self.slowest_s[fault] = max(seconds, self.slowest_s.get(fault, 0.0))

    def find(self, kind: Wrong, text: str) -> None:
        """Note something wrong."""
        self.wrong[kind] += 1
        if self.wrong[kind] <= MAX_KEPT:
            self.findings.append(Finding(kind, text, self.fault))

    @property
    def num_operations(self) -> int:
        """Count all operations."""
        return sum(each.total() for each in self.operations.values())
