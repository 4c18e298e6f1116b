"""A job in a process of its own, so that its peak memory is its own and its end takes everything with it."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import structlog

from app.comparison.dataset import Dataset
from app.comparison.job import Job, Measurement, measure
from models.fitting.training_loop import EpochReport


class JobFailed(Exception):
    """The job has no result; the message says why."""


@dataclass(frozen=True)
class Failure:
    """Why a job failed."""

    reason: str


def measure_alone(job: Job, data: Path, on_epoch: Callable[[EpochReport], None]) -> Measurement:
    """Run a job on a saved `Dataset`; ``on_epoch`` is called with every epoch.

    Raises:
        JobFailed: if it ends without a result.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])  # the libraries are loaded once, not for every job
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(theirs, job, data), daemon=True)
    process.start()
    theirs.close()
    try:
        while isinstance(message := ours.recv(), EpochReport):
            on_epoch(message)
    except EOFError:
        process.join()
        raise JobFailed(f"its process ended with status {process.exitcode}; was there enough memory?") from None
    finally:
        process.terminate()
        process.join()
        ours.close()
    if isinstance(message, Failure):
        raise JobFailed(message.reason)
    measured: Measurement = message
    return measured


def work(connection: Connection, job: Job, data: Path) -> None:
    """Run a job and send its result. Ctrl-C is left to the parent, which ends this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # epochs are displayed
    with contextlib.suppress(ConnectionError):  # the parent has ended
        connection.send(outcome(job, data, connection))


def outcome(job: Job, data: Path, connection: Connection) -> Measurement | Failure:
    """Run a job, sending every epoch; return its result or why it failed."""
    try:
        return measure(job, Dataset.load(data), connection.send)
    except ConnectionError:
        raise
    except Exception as error:  # whatever it is, the other kinds are still compared
        return Failure(f"{type(error).__name__}: {error}")
