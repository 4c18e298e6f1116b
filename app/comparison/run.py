"""Run a comparison for a terminal: job by job, with the files written anew after each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from app.comparison.dataset import Dataset
from app.comparison.job import Job, Measurement
from app.comparison.output import figures, peers, report
from app.comparison.output.display import Display
from app.comparison.output.plots import draw
from app.comparison.output.tables import LABELS, share
from app.comparison.problems import ComparisonProblem
from app.comparison.process import JobFailed, measure_alone
from app.comparison.protocols import PROTOCOLS
from app.comparison.request import Request
from app.comparison.results import Results, Test
from app.settings import Settings
from app.training.auto import AUTO
from app.training.run.plan import fitting_kind

INTERRUPTED = 130  # exit status of a command that Ctrl-C ended
WIDTH = 100  # of tables where there is no terminal
MIN_USERS, MIN_ITEMS = 24, 2


def compare(
    settings: Settings, request: Request, dataset: Dataset, *, output: Path, peer_files: Sequence[Path] = ()
) -> int:
    """Compare, print the tables and write results.json, report.md and the plots; return the exit status.

    Raises:
        ComparisonProblem: if the ratings do not suffice, or a file of peers does not fit.
    """
    results = begin(request, dataset)
    for path in peer_files:
        peers.merge(results, path)
    check_baseline(request, results)
    output.mkdir(parents=True, exist_ok=True)
    status = 0
    try:
        run_jobs(settings, request, dataset, results=results, output=output)
    except KeyboardInterrupt:
        status = INTERRUPTED
    console = Console()
    finish(results, request, output, console if console.is_terminal else Console(width=WIDTH))
    return status


def begin(request: Request, dataset: Dataset) -> Results:
    """Draw the splits.

    Raises:
        ComparisonProblem: if there is too little to split, or no user to judge on.
    """
    data = dataset.interactions
    if data.num_users < MIN_USERS or data.num_items < MIN_ITEMS:
        raise ComparisonProblem(
            f"There are ratings of {data.num_users} users and {data.num_items} items; a comparison needs at least"
            f" {MIN_USERS} and {MIN_ITEMS}."
        )
    tests: dict[str, list[Test]] = {}
    for protocol in request.protocols:
        splits = [PROTOCOLS[protocol].split(dataset, seed) for seed in request.seeds]
        if not any((split.targets.values >= data.scale.like_threshold).any() for split in splits):
            raise ComparisonProblem(
                f"No test user has a rating of {data.scale.like_threshold:g} or more to find: lower --like."
            )
        tests[protocol] = [Test.of(dataset, s, split) for s, split in zip(request.seeds, splits, strict=True)]
    about = {"data": dataset.describe(), "options": asdict(request.options), "configs": request.configs}
    names = dict.fromkeys(job.name for job in request.jobs())
    return Results(about, data.num_users, tests, {name: {} for name in names})


def check_baseline(request: Request, results: Results) -> None:
    """Check that the row to compare with exists.

    Raises:
        ComparisonProblem: if it does not.
    """
    if request.baseline is not None and request.baseline not in results.rows:
        raise ComparisonProblem(f"--baseline {request.baseline}: choose of {', '.join(results.rows)}.")


def run_jobs(settings: Settings, request: Request, dataset: Dataset, *, results: Results, output: Path) -> None:
    """Run all jobs, each in a process of its own; write the results after each."""
    jobs = list(request.jobs())
    with TemporaryDirectory() as folder, Display(len(jobs), Console(stderr=True)) as display:
        saved = Path(folder) / "ratings.npz"
        dataset.save(saved)
        for job in jobs:
            display.start(job)
            try:
                check_size(settings, job, dataset)
                measured = measure_alone(job, saved, display.epoch)
            except JobFailed as error:
                results.fail(job, str(error))
                display.end(job, str(error))
            else:
                results.add(job, measured)
                display.end(job, summarize(job, results, measured))
            results.write(output / "results.json", figures.summary(results, request.baseline))


def check_size(settings: Settings, job: Job, dataset: Dataset) -> None:
    """Leave out a kind that training would not choose for so many items.

    Raises:
        JobFailed: if it is one.
    """
    num_items = dataset.interactions.num_items
    if job.name != AUTO and fitting_kind(job.name, settings, num_items) != job.name:
        raise JobFailed(f"{num_items:,} items, more than the {settings.linear_max_items:,} of PALATE_LINEAR_MAX_ITEMS")


def summarize(job: Job, results: Results, measured: Measurement) -> str:
    """Summarize a job: the first metric of its protocol that it has, and its time."""
    place = [test.seed for test in results.tests[job.protocol]].index(job.seed)
    for metric in PROTOCOLS[job.protocol].metrics:
        if figures.ERROR_SUMS.get(metric, metric) in measured.per_user:
            found = figures.estimate(results, job.name, job.protocol, metric, seeds=[place])
            seconds = f", {measured.figures['seconds']:.1f} s" if "seconds" in measured.figures else ""
            return (
                f"{LABELS[metric]} {share(found.mean)} ± {share(found.error)}{seconds}" if found else "no user to judge"
            )
    return "nothing to judge"


def finish(results: Results, request: Request, output: Path, console: Console) -> None:
    """Print and write the results."""
    results.write(output / "results.json", figures.summary(results, request.baseline))
    plots = draw(results, output)
    (output / "report.md").write_text(report.markdown(results, request.baseline, plots), encoding="utf-8")
    report.show(results, console, request.baseline)
    names = ", ".join(["results.json", "report.md", *(file for file, _ in plots)])
    console.print(f"{output}: {names}", markup=False, highlight=False, soft_wrap=True)
