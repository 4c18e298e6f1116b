"""What is shown while a comparison runs: the jobs that are done, and the epochs of the one that runs."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from app.comparison.job import Job
from app.comparison.output.tables import LABELS
from app.comparison.protocols import PROTOCOLS
from models.fitting.training_loop import EpochReport


class Display:
    """Two bars and the latest epoch on a terminal; elsewhere a line for every job."""

    def __init__(self, num_jobs: int, console: Console) -> None:
        self.console = console
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self._bars = Progress(TextColumn("{task.description}"), *columns, console=console)
        self._jobs = self._bars.add_task("jobs", total=num_jobs)
        self._epochs = self._bars.add_task("epochs", total=None, visible=False)
        self._running, self._status, self._metric = "", "", ""
        self._live = Live(self, console=console, refresh_per_second=4, transient=not console.is_terminal)

    def __rich__(self) -> Group:
        """Draw the bars over what runs."""
        return Group(self._bars, Text(self._running), Text(self._status))

    def __enter__(self) -> Display:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def start(self, job: Job) -> None:
        """Show which job runs."""
        self._running, self._status, self._metric = label_of(job), "", PROTOCOLS[job.protocol].selected_by
        self._bars.remove_task(self._epochs)
        self._epochs = self._bars.add_task("epochs", total=None)

    def epoch(self, report: EpochReport) -> None:
        """Show an epoch."""
        self._bars.update(self._epochs, completed=report.epoch, total=report.epochs)
        parts = [report.stage]
        if report.loss is not None:
            parts.append(f"loss {report.loss:.4f}")
        if self._metric in report.metrics:
            parts.append(f"validation {LABELS[self._metric]} {report.metrics[self._metric]:.4f}")
        self._status = ", ".join(parts)

    def end(self, job: Job, summary: str) -> None:
        """Show that a job is done, with its summary."""
        self._bars.advance(self._jobs)
        self._bars.update(self._epochs, visible=False)
        self._running = self._status = ""
        self.console.print(f"{label_of(job)}: {summary}", markup=False, highlight=False, soft_wrap=True)


def label_of(job: Job) -> str:
    """Name a job."""
    return f"{PROTOCOLS[job.protocol].title.lower()}, seed {job.seed}, {job.name}"
