"""What is shown while a comparison runs: the jobs that are done, and the epochs of the one that runs."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from app.comparison.job import Job
from app.comparison.protocols import PROTOCOLS
from app.comparison.tables import LABELS
from models.resume import EpochReport


class Display:
    """Two bars on a terminal; elsewhere a line for every job."""

    def __init__(self, num_jobs: int, console: Console) -> None:
        self.console = console
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[said]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._jobs = self._bars.add_task("comparison", total=num_jobs, unit="jobs", said="")
        self._epochs = self._bars.add_task("", total=None, unit="epochs", said="", visible=False)
        self._metric = ""

    def __enter__(self) -> Display:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def start(self, job: Job) -> None:
        """Show which job runs."""
        self._metric = PROTOCOLS[job.protocol].selected_by
        self._bars.reset(self._epochs, total=None, description=described(job), said="", visible=True)

    def epoch(self, report: EpochReport) -> None:
        """Show an epoch."""
        self._bars.update(self._epochs, completed=report.epoch, total=report.epochs, said=self._said(report))

    def _said(self, report: EpochReport) -> str:
        said = [report.stage]
        if report.loss is not None:
            said.append(f"loss {report.loss:.4f}")
        if self._metric in report.metrics:
            said.append(f"validation {LABELS[self._metric]} {report.metrics[self._metric]:.4f}")
        return ", ".join(said)

    def end(self, job: Job, said: str) -> None:
        """Show that a job is done, and what it came to."""
        self._bars.advance(self._jobs)
        self._bars.update(self._epochs, visible=False)
        self.console.print(f"{described(job)}: {said}", markup=False, highlight=False)


def described(job: Job) -> str:
    """Name a job."""
    return f"{PROTOCOLS[job.protocol].title.lower()}, seed {job.seed}, {job.name}"
