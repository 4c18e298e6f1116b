"""What can stand in the way of a comparison."""


class ComparisonProblem(Exception):
    """There is nothing to compare, or not as it was asked for; the message says what to do."""
