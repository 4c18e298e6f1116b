"""How a run will train: kind, options, and where it starts from (a checkpoint, the live model, or nothing)."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.orm import Session

from app.erasure import repository as erasures
from app.kit.errors import VersionUnusable
from app.registry import service as registry
from app.registry import store
from app.settings import Settings
from app.training import repository
from app.training.auto import AUTO, FITTED, members
from app.training.queue import Claim
from app.training.schedule import MIN_ITEMS, MIN_USERS
from app.training.search import Found, search
from models.checkpoint import DamagedModel, Loaded, read_document, write_document
from models.closed_form.gram import GramSource
from models.core.interactions import Interactions
from models.fit import Fit, FitOptions
from models.fitting.fitter import CheckCancelled
from models.kinds.registry import KINDS

MAX_GROWTH = 0.1  # of the ratings, from version to version; beyond, hyper-parameters are chosen anew
log = structlog.get_logger()
SEARCH = "search.json"  # beside the checkpoints of a run


class TrainingImpossible(Exception):
    """The ratings do not suffice to train on."""


@dataclass(frozen=True)
class Live:
    """The live version as a run finds it; not loaded if its files are damaged or gone, and then why.

    ``holds_erased``: a user is in it who was erased. It is compared with, and nothing of it is taken over.
    """

    version: str
    kind: str
    loaded: Loaded | None = None
    problem: str = ""
    holds_erased: bool = False

    @property
    def says_who(self) -> bool:
        """Whether its files say whose ratings it has learned."""
        return self.loaded is not None and "split" in self.loaded.manifest


@dataclass(frozen=True)
class Plan:
    """How a run will train."""

    kind: str
    options: FitOptions
    start: str  # "cold" (and why), "warm from VERSION", "hyper-parameters of VERSION"
    live: Live | None
    warm: Loaded | None
    carried: dict[str, Any]  # hyper-parameters that the live version had chosen, or that were searched
    cold: bool
    size: dict[str, int]
    searches: bool = False  # whether hyper-parameters are searched before the fit
    search: dict[str, Any] | None = None  # what the search came to

    @property
    def solves_linear(self) -> bool:
        """Whether `linear` is fitted, by itself or as a member."""
        return "linear" in (self.kind, *self.members)

    @property
    def members(self) -> list[str]:
        """The kinds that are blended, if any are."""
        config = self.warm.model.config if self.warm is not None else None
        return list(getattr(config, "members", None) or self.carried.get("members", []))


def read_live(session: Session) -> tuple[Live | None, int]:
    """Read which version is live and how many runs have succeeded so far."""
    row = registry.live_version(session)
    num_succeeded = repository.num_succeeded(session)
    if row is None:
        return None, num_succeeded
    return Live(row.version, row.kind, holds_erased=erasures.holds_erased(session, row.version)), num_succeeded


def open_live(model_store: Path, found: tuple[Live | None, int]) -> tuple[Live | None, int]:
    """Load the live version; a damaged one counts as none, and it is said."""
    live, num_succeeded = found
    if live is None:
        return None, num_succeeded
    try:
        return replace(live, loaded=store.load(model_store, live.version)), num_succeeded
    except VersionUnusable as error:
        log.warning("live_version_unusable", version=live.version, error=error.detail)
        return replace(live, problem=f"the live version cannot be compared with. {error.detail}"), num_succeeded


def make_plan(claim: Claim, settings: Settings, ratings: Interactions, found: tuple[Live | None, int]) -> Plan:
    """Settle how to train.

    Raises:
        TrainingImpossible: if there are too few ratings.
    """
    if ratings.num_users < MIN_USERS or ratings.num_items < MIN_ITEMS:
        raise TrainingImpossible(
            f"There are ratings of {ratings.num_users} users and {ratings.num_items} items; a model needs at least "
            f"{MIN_USERS} and {MIN_ITEMS}."
        )
    live, num_succeeded = found
    kind = fitting_kind(claim.kind, settings, ratings.num_items)
    cold = bool(claim.options.get("cold")) or num_succeeded % settings.train_cold_every == 0
    source = live if live is not None and not live.holds_erased else None
    warm, carried = warm_start(kind, source, cold), carried_over(kind, source, ratings.rows.num_ratings, cold)
    if kind == FITTED:
        carried = {"members": members(ratings.num_items, settings.linear_max_items)}
        warm = warm if warm is not None and blends_only(warm, carried["members"]) else None
        carried = {} if warm is not None else carried
    searches = claim.kind == AUTO and warm is None
    start = f"warm from {live.version}" if warm and live else cold_start(live)
    start = f"hyper-parameters of {live.version}" if carried and live and kind != FITTED else start
    size = {"users": ratings.num_users, "items": ratings.num_items, "ratings": ratings.rows.num_ratings}
    return Plan(kind, fit_options(claim.options, settings), start, live, warm, carried, cold, size, searches)


def cold_start(live: Live | None) -> str:
    """Describe that a run starts cold, and why if a user was erased."""
    return f"cold, because {live.version} holds a user who was erased" if live and live.holds_erased else "cold"


def fitting_kind(kind: str, settings: Settings, num_items: int) -> str:
    """Return the kind to fit: `lowrank` for a `linear` whose catalogue is too large, and what `auto` stands for."""
    if kind == AUTO:
        return FITTED
    if kind == "linear" and num_items > settings.linear_max_items:
        log.warning("linear_gives_way", items=num_items, linear_max_items=settings.linear_max_items, to="lowrank")
        return "lowrank"
    return kind


def blends_only(warm: Loaded, kinds: list[str]) -> bool:
    """Return whether a blend is of these kinds, some of which may have been dropped."""
    return set(getattr(warm.model.config, "members", ())) <= set(kinds)


def warm_start(kind: str, live: Live | None, cold: bool) -> Loaded | None:
    """Return which model to go on from: the live one, if it is of the same kind and new weights are not due.

    Nothing goes on from a model that does not say whose ratings it has learned.
    """
    if cold or not KINDS[kind].starts_warm or live is None or live.kind != kind or not live.says_who:
        return None
    return live.loaded


def carried_over(kind: str, live: Live | None, num_ratings: int, cold: bool) -> dict[str, Any]:
    """Return the hyper-parameters the live model chose, if it is of the same kind and of nearly as many ratings."""
    if cold or live is None or live.kind != kind or live.loaded is None:
        return {}
    chosen_at = live.loaded.manifest.get("num_ratings", 0)
    if abs(num_ratings - chosen_at) > MAX_GROWTH * chosen_at:
        return {}
    return {name: getattr(live.loaded.model.config, name) for name in KINDS[kind].fitter.chooses}


def fit_options(asked: dict[str, Any], settings: Settings) -> FitOptions:
    """Take what was asked for, and the settings for the rest."""
    return FitOptions(
        epochs=asked.get("epochs", settings.train_epochs),
        learning_rate=asked.get("learning_rate", settings.train_learning_rate),
        batch_size=asked.get("batch_size", settings.train_batch_size),
        patience=settings.train_patience,
        seed=asked.get("seed", settings.train_seed),
        device=settings.device,
    )


def search_if_due(
    chosen: Plan,
    settings: Settings,
    train: Interactions,
    validation: Interactions,
    *,
    folder: Path,
    check_cancelled: CheckCancelled,
) -> Plan:
    """Search hyper-parameters if that is due, or take what an earlier attempt of the run found."""
    if not chosen.searches:
        return chosen
    log.info("search_started", kinds=chosen.members, budget_s=settings.tune_budget.total_seconds())
    found = earlier(folder / SEARCH) or search(
        train,
        validation,
        chosen.members,
        settings.tune_budget,
        seed=chosen.options.seed,
        before=found_before(chosen.live),
        check_cancelled=check_cancelled,
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_document(folder / SEARCH, asdict(found))
    log.info("search_finished", seconds=found.document["seconds"], config=found.config)
    return replace(chosen, carried=found.config, search=found.document)


def earlier(path: Path) -> Found | None:
    """Read what a search of the same run found; None if there is none or it is damaged."""
    try:
        document = read_document(path)
    except DamagedModel:
        return None
    return Found(document["config"], document["document"])


def found_before(live: Live | None) -> dict[str, dict[str, Any]]:
    """Return the hyper-parameters of the live blend's members by kind; none if a user in it was erased."""
    loaded = live.loaded if live is not None and not live.holds_erased else None
    config = loaded.model.config if loaded is not None else None
    return dict(getattr(config, "configs", {}))


def open_fit(
    chosen: Plan,
    train: Interactions,
    validation: Interactions,
    folder: Path,
    *,
    gram: GramSource,
    check_cancelled: CheckCancelled,
) -> Fit:
    """Begin the fit, or go on from the newest checkpoint that an earlier attempt left in ``folder``."""
    attempts = (each for each in store.entries(folder) if each.is_dir())
    for checkpoint in sorted(attempts, key=attempt_number, reverse=True):
        try:
            fit = start_fit(chosen, train, validation, gram, check_cancelled=check_cancelled, checkpoint=checkpoint)
        except DamagedModel as error:
            log.warning("checkpoint_unusable", checkpoint=str(checkpoint), error=str(error))
            continue
        if fit.reports:
            log.info("training_resumed", checkpoint=checkpoint.name, epoch=len(fit.reports))
            return fit
    return start_fit(chosen, train, validation, gram, check_cancelled=check_cancelled, checkpoint=None)


def start_fit(
    chosen: Plan,
    train: Interactions,
    validation: Interactions,
    gram: GramSource,
    *,
    check_cancelled: CheckCancelled,
    checkpoint: Path | None,
) -> Fit:
    """Build the fit."""
    return Fit(
        chosen.kind,
        train,
        validation,
        chosen.options,
        config=chosen.carried,
        warm=chosen.warm,
        gram=gram,
        checkpoint=checkpoint,
        check_cancelled=check_cancelled,
    )


def attempt_number(folder: Path) -> int:
    """Read the number of an attempt's folder."""
    number = folder.name.rpartition("-")[2]
    return int(number) if number.isdigit() else 0
