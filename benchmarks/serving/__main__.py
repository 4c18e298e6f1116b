"""`make bench`: the serving benchmark on both databases, with a small and a large catalogue.

On PostgreSQL every kind of request, on SQLite plain answers and POSTs: what they cost beside them is the same there.

Arguments are passed on to each run. Real ratings are used where PALATE_TEST_DATA names a folder with ml-latest-small.
"""

import os
import subprocess
import sys
from pathlib import Path


def real_ratings() -> list[str]:
    """Name the MovieLens folder if there is one."""
    folder = Path(os.environ.get("PALATE_TEST_DATA", "")) / "ml-latest-small"
    return ["--ratings", str(folder)] if (folder / "ratings.csv").is_file() else []


def main() -> int:
    """Run all four; each in its own process, so that none measures what another left."""
    for items in ("ml", "50000"):
        for database in ("sqlite", "postgresql"):
            requests = ["--requests", "all" if database == "postgresql" else "core"]
            options = ["--database", database, "--items", items, *requests, *real_ratings(), *sys.argv[1:]]
            code = subprocess.run([sys.executable, "-m", "benchmarks.serve", *options], check=False).returncode
            if code:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
