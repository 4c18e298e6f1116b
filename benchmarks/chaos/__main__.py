"""`make chaos`: clients check every answer while processes are killed and frozen, networks cut and disks filled.

Exit status 1 if an acknowledged write is lost, an answer is wrong, or a 5xx is none of 503.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks.chaos import report
from benchmarks.chaos.tally import Tally
from benchmarks.chaos.trial import left_out, run_trial
from benchmarks.chaos.world import start_world


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database", nargs="?", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1, help="of what clients do, and of the faults")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--only", nargs="+", default=[], metavar="FAULT", help='such as "API killed"')
    parser.add_argument("--pace", type=float, default=1, help="what pauses are multiplied by")
    parser.add_argument("--report", type=Path, default=Path("build/chaos/report.md"), help="written as .md and .json")
    parser.add_argument("--logs", type=Path, help="keep what the processes log, and the models, in this new folder")
    return parser.parse_args()


def main() -> int:
    """Run a trial and report."""
    options, tally = arguments(), Tally()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that nothing stays behind
    with tempfile.TemporaryDirectory(prefix="palate-chaos-") as name:
        folder = options.logs or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        Path(name).chmod(0o755)
        with start_world(options.database, folder.absolute()) as world:
            missing = left_out(world)
            asyncio.run(run_trial(world, tally, options))
    setup = report.Setup(options.database, options.seed, options.minutes, options.clients, missing)
    report.write(options.report, setup, tally)
    print(f"\n{report.markdown(setup, tally)}")
    return 1 if tally.wrong.total() else 0


if __name__ == "__main__":
    sys.exit(main())
