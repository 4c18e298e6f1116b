"""Keeps the settings of an operator's environment out of tests, benchmarks and scripts, which have their own."""

import os

KEPT = {"PALATE_TEST_DATA"}  # no setting: where real data sets are


def forget_settings() -> None:
    """Remove every ``PALATE_*`` from this process's environment, and so from those that it starts."""
    for name in {name for name in os.environ if name.startswith("PALATE_")} - KEPT:
        del os.environ[name]
