"""The Python API: which objects are public. mkdocstrings writes out their docstrings when the site is built."""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

import palate_client
from models import checkpoint
from models.core.interactions import Interactions, RatingScale, Rows
from models.core.model import Config, FoldIn, Model
from models.evaluation.exposure import Exposure, exposure
from models.evaluation.ranking import (
    Difference,
    Evaluation,
    RatingError,
    evaluate,
    holdout,
    mean_and_error,
    paired_difference,
    rating_error,
)
from models.evaluation.split import hide_tenth, split_users
from models.fit import Fit
from models.fitting.fitter import FitOptions
from models.fitting.training_loop import EpochReport
from models.inference.top_k import top_k
from models.kinds.registry import KINDS
from models.resume import Checkpoint
from scripts.docs import client_methods

MODELS: Mapping[str, Iterable[Any]] = {
    "Data": (RatingScale, Rows, Interactions, holdout, split_users, hide_tenth),
    "Fitting": (Fit, FitOptions, EpochReport, Checkpoint),
    "A model": (Model, FoldIn, Config, top_k),
    "Storing and loading": (checkpoint.save, checkpoint.load, checkpoint.Loaded, checkpoint.DamagedModel),
    "Judging": (
        evaluate,
        Evaluation,
        rating_error,
        RatingError,
        paired_difference,
        Difference,
        mean_and_error,
        exposure,
        Exposure,
    ),
}


def models() -> str:
    """Return the page of the package `models`."""
    return "\n\n".join(f"## {heading}\n\n{entries(objects)}" for heading, objects in MODELS.items())


def kinds() -> str:
    """Return the page of the kinds: where each comes from, and what its config holds."""
    return "\n\n".join(f"## `{name}`\n\n{config_entry(kind.config)}" for name, kind in KINDS.items())


def config_entry(config: type[object]) -> str:
    """Return the docstring of a kind's module, which names its source, and the fields of its config."""
    options = "members: false\n      show_root_heading: false\n      show_root_toc_entry: false"
    fields = re.split(r"\n\n    (?:@|def )", inspect.getsource(config))[0]  # without its methods
    return f"::: {config.__module__}\n    options:\n      {options}\n\n```python\n{fields.rstrip()}\n```"


def client() -> str:
    """Return the page of the client: how one is made, its methods, and what else `palate_client` exports."""
    exported = [getattr(palate_client, name) for name in palate_client.__all__]
    errors = [each for each in exported if issubclass(each, Exception)]
    clients = [palate_client.Client, palate_client.AsyncClient]
    others = [each for each in exported if each not in [*errors, *clients]]
    constructors = "\n\n".join(f"{entries([each])}\n    options:\n      members: false" for each in clients)
    return "\n\n".join(
        [
            f"## Clients\n\n{constructors}",
            f"## Methods\n\n{client_methods.sections()}",
            f"## Options and answers\n\n{entries(others)}",
            f"## Errors\n\n{entries(errors)}",
        ]
    )


def entries(objects: Iterable[Any]) -> str:
    """Return the lines that mkdocstrings replaces by the documentation of these objects."""
    return "\n\n".join(f"::: {inspect.unwrap(each).__module__}.{each.__qualname__}" for each in objects)
