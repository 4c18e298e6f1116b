"""PostgreSQL behind a pooler."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.pooler import MISSING, Pooler, is_installed, pooler


@pytest.fixture(scope="session")
def bouncer(postgres_server: str) -> Iterator[Pooler]:
    """A PgBouncer before the PostgreSQL of this test process."""
    if not is_installed():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    folder = Path(mkdtemp(prefix="palate-pooler-"))  # not below pytest's own folder, which is closed to other users
    try:
        with pooler(postgres_server, folder) as started:
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)
