"""`python -m benchmarks.ab`: A/B experiments of which the truth is known.

First 10,000 users of a real server, over HTTP: how many get which version, whether anybody changes over a restart, and
the report beside the truth. Then thousands of experiments judged by the report's rules: how often the 95 % interval
holds the truth, how often a difference is found that is none, and one that is.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.ab.audience import Audience
from benchmarks.ab.repeats import repeat
from benchmarks.ab.served import measure

CONTROL, TREATMENT = Audience(0.10), Audience(0.115)
KINDS = {"no difference": (CONTROL, CONTROL), "a difference": (CONTROL, TREATMENT)}


def show_served(found: dict[str, Any]) -> None:
    """Print what the server did."""
    report, truth = found["report"], {"control": CONTROL.ctr, "treatment": TREATMENT.ctr}
    print(f"assigned {found['assigned']}, expected each {found['expected']} (99.9 %)")
    print(f"other version after the restart: {found['moved']} users; a GET took {found['get_ms']} ms, client and all")
    print(f"{found['num_events']:,} events posted, report in {found['report_s']} s")
    for arm in ("control", "treatment"):
        ctr = report[arm]["click_through"]
        print(f"{arm:<10} CTR {ctr['value']:.4f}  {ctr['low']:.4f} to {ctr['high']:.4f}  truth {truth[arm]:.4f}")
    difference = next(each for each in report["differences"] if each["metric"] == "click_through")
    low, high, true = difference["low"], difference["high"], truth["treatment"] - truth["control"]
    print(f"difference {difference['difference']:+.4f}  {low:+.4f} to {high:+.4f}  truth {true:+.4f}")
    print(report["verdict"])


def main() -> None:
    """Measure and print tables and JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=2_000)
    parser.add_argument("--users-each", type=int, default=2_000, help="of each repeated experiment")
    options = parser.parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        results["served"] = measure(Path(folder), options.users, (CONTROL, TREATMENT))
    show_served(results["served"])
    for seed, (kind, audiences) in enumerate(KINDS.items()):
        results[kind] = repeat(audiences, options.users_each, options.repeats, seed)
    print(f"\nshare of {options.repeats:,} experiments of {options.users_each:,} users   {'   '.join(KINDS)}")
    for name in results["a difference"]:
        print(f"{name:<44} {results['no difference'][name]:>13.1%} {results['a difference'][name]:>14.1%}")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
