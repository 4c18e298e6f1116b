"""The command `palate train`."""

import os
import sys
from typing import Annotated

import typer


def train(
    kind: Annotated[str | None, typer.Option(help="Autoencoder to fit; by default PALATE_MODEL_KIND.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs at most.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Step size of the optimiser.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Users per step; 1 is online learning.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of every random choice.")] = None,
    cold: Annotated[bool, typer.Option("--cold", help="Start from new weights, not the live model's.")] = False,
) -> None:
    """Train a model now, here in the foreground, and show its epochs. Ctrl-C cancels the run."""
    from tempfile import TemporaryFile

    from pydantic import ValidationError

    from app.kit import logs
    from app.kit.exits import REFUSED, leave
    from app.settings import Settings
    from app.training.run.foreground import run_train
    from app.training.schemas import RunRequest

    settings = Settings()
    try:
        settings.model_store.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=settings.model_store).close()
    except OSError as error:
        reason = f"cannot be written ({(error.strerror or str(error)).lower()})"
        leave(f"palate: the model store {settings.model_store} {reason}: set PALATE_MODEL_STORE.", REFUSED)
    logs.configure(settings.model_copy(update={"log_level": "warning"}))
    asked = {"epochs": epochs, "learning_rate": learning_rate, "batch_size": batch_size, "seed": seed, "cold": cold}
    try:
        request = RunRequest.model_validate({"kind": kind, **asked})
    except ValidationError as error:
        raise typer.BadParameter(
            "; ".join(f"--{fault['loc'][0]}: {fault['msg']}" for fault in error.errors())
        ) from error
    status = run_train(settings, request.kind, request.options())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # a computation that cannot be interrupted must not keep a cancelled command
