"""One run from its ratings to its version: load, fit epoch by epoch, judge, publish.

Everything that computes runs in one thread beside the event loop; between two steps of it the loop writes rows.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from app.database.engine import Database
from app.registry import store
from app.settings import Settings
from app.training import queue
from app.training.data import incremental_gram
from app.training.data.incremental_gram import StoredGram, read_past
from app.training.data.snapshot import Snapshot, load_interactions
from app.training.data.split import Split, split_users
from app.training.judge.baseline import linear_baseline
from app.training.judge.gate import Verdict, finite, judge
from app.training.queue import Claim
from app.training.run import plan, publish
from app.training.run.lease import Interruption, retry_until_available
from app.training.run.plan import Plan
from models.closed_form.gram import Gram, GramSource
from models.core.interactions import Interactions
from models.fit import EpochReport, Fit

P = ParamSpec("P")
T = TypeVar("T")
log = structlog.get_logger()


@dataclass(frozen=True)
class Job:
    """A claimed run with what it needs."""

    claim: Claim
    database: Database
    settings: Settings
    thread: ThreadPoolExecutor
    interruption: Interruption

    @property
    def folder(self) -> Path:
        """Where the run keeps what a later attempt can go on from."""
        return store.run_folder(self.settings.model_store, self.claim.run_id)

    async def run(self) -> str:
        """Train and publish; return the version.

        Raises:
            LeaseLost: if the run is no longer ours.
            TrainingImpossible: if the ratings do not suffice.
        """
        snapshot = await retry_until_available(lambda: self.database.scan(load_interactions, self.settings))
        if await retry_until_available(lambda: self.database.read(publish.must_forget, self.claim.run_id)):
            await self.in_thread(store.forget_run, self.folder)
        split = split_users(snapshot.user_ids)
        chosen = await self.plan(snapshot)
        train = await self.in_thread(snapshot.interactions.take, split.train)
        validation = snapshot.interactions.take(split.validation)
        gram = await self.gram(chosen, snapshot, snapshot.user_numbers[split.train])
        chosen = await self.in_thread(
            plan.search_if_due,
            chosen,
            self.settings,
            train,
            validation,
            folder=self.folder,
            check_cancelled=self.interruption.check_cancelled,
        )
        fit = await self.fit(chosen, train, validation, gram)
        verdict = await self.in_thread(self.judge, fit, chosen, snapshot, split)
        return await self.publish(fit, chosen, snapshot, split, verdict=verdict)

    async def plan(self, snapshot: Snapshot) -> Plan:
        """Settle kind, options and start, and note them in the run."""
        live = await retry_until_available(lambda: self.database.read(plan.read_live))
        opened = await self.in_thread(plan.open_live, self.settings.model_store, live)
        chosen = plan.make_plan(self.claim, self.settings, snapshot.interactions, opened)
        values = {"kind": chosen.kind, "watermark": snapshot.watermark}
        await retry_until_available(lambda: self.database.write(queue.change, self.claim, **values))
        log.info("training_started", run=self.claim.run_id, kind=chosen.kind, start=chosen.start, **chosen.size)
        return chosen

    async def gram(self, chosen: Plan, snapshot: Snapshot, trained: NDArray[np.int64]) -> GramSource:
        """Prepare what gives `linear` its Gram matrix: the kept one with the changes since, where that is of use."""
        folder = self.settings.model_store / store.GRAM
        kept = await self.in_thread(StoredGram.take, folder)
        if not chosen.solves_linear:
            return Gram.count
        kept = kept if not chosen.cold else None
        past = (
            await retry_until_available(lambda: self.database.scan(read_past, kept, trained))
            if kept is not None
            else None
        )
        return incremental_gram.source(folder, kept, past, snapshot, trained=trained)

    async def fit(self, chosen: Plan, train: Interactions, validation: Interactions, gram: GramSource) -> Fit:
        """Fit epoch by epoch: first the row, which only the holder of the lease can write, then the checkpoint."""
        folder = self.folder
        fit = await self.in_thread(
            plan.open_fit,
            chosen,
            train,
            validation,
            folder,
            gram=gram,
            check_cancelled=self.interruption.check_cancelled,
        )
        await retry_until_available(lambda: self.database.write(queue.resume, self.claim, len(fit.reports), fit.epochs))
        reports, seconds = iter(fit), list[float]()
        while (report := await self.in_thread(next_report, reports)) is not None:
            seconds.append(report.seconds)
            await self.record(report, sum(seconds) / len(seconds))
            await self.in_thread(fit.save_checkpoint, folder / f"attempt-{self.claim.attempt}")
        return fit

    async def record(self, report: EpochReport, mean_seconds: float) -> None:
        """Store an epoch's figures."""
        now = datetime.now(UTC)
        metrics = {name: finite(value) for name, value in report.metrics.items()}
        figures = {"stage": report.stage, "loss": finite(report.loss), "metrics": metrics, "seconds": report.seconds}
        eta = now + timedelta(seconds=mean_seconds * (report.epochs - report.epoch))
        work = partial(
            self.database.write,
            queue.record_epoch,
            self.claim,
            report.epoch,
            figures,
            planned=report.epochs,
            eta=eta,
            now=now,
        )
        await retry_until_available(work)
        log.info("epoch_finished", run=self.claim.run_id, epoch=report.epoch, epochs=report.epochs, **figures)

    def judge(self, fit: Fit, chosen: Plan, snapshot: Snapshot, split: Split) -> Verdict:
        """Let the gate compare the best weights with the live model, popularity and `linear`."""
        live, check_cancelled = chosen.live, self.interruption.check_cancelled
        gate, validation = (snapshot.interactions.take(users) for users in (split.gate, split.validation))
        max_items = self.settings.linear_max_items
        linear = linear_baseline(
            chosen.kind, fit.train, validation, gate.num_users, max_items=max_items, check_cancelled=check_cancelled
        )
        rival = (live.version, live.loaded.model, live.loaded.item_ids) if live and live.loaded else None
        return judge(
            fit.best,
            fit.train,
            gate.rows,
            rival,
            no_live=live.problem if live else "",
            linear=linear,
            check_cancelled=check_cancelled,
        )

    async def publish(self, fit: Fit, chosen: Plan, snapshot: Snapshot, split: Split, *, verdict: Verdict) -> str:
        """Folder first, row last."""
        published = await self.in_thread(
            publish.write_version,
            self.claim,
            chosen,
            snapshot,
            split,
            verdict=verdict,
            model=fit.best,
            model_store=self.settings.model_store,
        )
        try:
            await retry_until_available(lambda: self.database.write(publish.store_row, self.claim, published))
        except queue.LeaseLost:
            await asyncio.to_thread(store.delete, self.settings.model_store, published.version)
            raise
        names = {"run": self.claim.run_id, "version": published.version}
        log.info("version_published", **names, activated=verdict.activate, gate=verdict.reason)
        return published.version

    async def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Compute in the training thread."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, partial(work, *args, **kwargs))


def next_report(reports: Iterator[EpochReport]) -> EpochReport | None:
    """Train one epoch; None after the last."""
    return next(reports, None)
