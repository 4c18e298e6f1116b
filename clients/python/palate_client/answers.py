# Generated from the OpenAPI document by `python -m scripts.client`; do not edit.
"""What calls answer.

What a newer server adds does no harm: an unknown field is passed over, an unknown word is kept as it is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from typing_extensions import TypeAliasType

from palate_client.inputs import Arm, BoostIn, PinIn
from palate_client.received import Received

ActivationCause = TypeAliasType("ActivationCause", Literal["gate", "manual", "forced"] | str)
"""Why a version went live."""


class ActivationOut(Received):
    """An activation of a version."""

    cause: ActivationCause
    """What activated it: the `gate`, or a person: `manual`, or `forced` against the gate."""

    activated_at: datetime
    actor: str | None
    """The key, or the user of the command line. Null: the gate, or no key was sent."""

    reason: str | None
    """The reason that was given."""


class Answer(Received):
    """A list, as it is recommended."""

    model_version: str | None
    personalised: bool
    reason: Reason | None
    """Why the list is not personal."""

    reason_detail: str | None
    """The reason as a sentence."""

    items: list[Recommendation]


class ArmDifference(Received):
    """Treatment less control, in one metric."""

    metric: Metric
    difference: float
    low: float
    """Of the 95 % interval, for one look that was planned."""

    high: float
    p_value: float
    """How often chance alone gives so large a difference, of either sign."""

    always_low: float
    """Of the 95 % interval that holds at all looks together."""

    always_high: float
    detectable: float
    """A true difference found in four experiments of five with so many users."""


class ArmReport(Received):
    """One arm: what its users were shown, and their feedback. Only items with an `impression` count."""

    version: str
    num_users: int
    """Users of it who were shown something; those erased since are not among them."""

    num_answers: int
    """Answers of which something was shown."""

    num_shown: int
    """Items shown."""

    num_clicked: int
    """Items of these that were clicked."""

    num_hits: int
    """Answers of which an item shown was clicked, rated or bought."""

    num_bought: int
    """Items of those shown that were bought."""

    num_buyers: int
    """Users who bought an item that an answer had shown them."""

    click_through: RateEstimate | None
    """Clicked, of shown. Null: too few users to say."""

    hit: RateEstimate | None
    """Hits, of answers."""

    conversion: RateEstimate | None
    """Bought, of shown."""

    buyers: RateEstimate | None
    """Buyers, of users."""


class BatchRecommendations(Received):
    """Recommendations for many users."""

    answers: list[Recommendations]
    """One for each user, in the order of the request, each as the user's own request would return it."""


By = TypeAliasType("By", Literal["version", "source", "position", "list", "experiment"] | str)
"""What a report groups by."""


class Cause(Received):
    """A rating that moved an item; effects are the item's figures with the rating less those without it."""

    item_id: str
    title: str | None
    value: float
    """The rating."""

    effect: float
    """On the predicted rating, in its units."""

    score_effect: float
    """On the model's score, before boosts."""


class Epoch(Received):
    """The figures of one finished epoch."""

    epoch: int
    stage: str
    """What it did: `fit`, or the stage of a kind that has several."""

    loss: float | None
    """Mean loss of the training users; null where the kind has none."""

    metrics: dict[str, float | None]
    """Figures of the validation users: `ndcg@10`, `ndcg@100`, `recall@20`, `recall@50`, `rmse`, `mae`."""

    seconds: float
    recorded_at: datetime


class ErasedOut(Received):
    """The receipt of a user who was just erased."""

    erasure_id: str
    erased_at: datetime
    state: State
    """`pending`: a version that serves (live, or in a running experiment) holds the user, or a run in progress may have read their ratings; `clean`: no version that serves does; `purged`: no kept version does."""

    removed: dict[str, int]
    """Rows deleted, by table; `ratings` includes those that were deleted before."""

    user_number: int
    """The user's number in the versions. It is never used again."""

    revision: int
    """A version of this watermark or a later one does not hold the user."""

    versions: list[HoldingVersion]
    """The versions that hold the user, newest first."""

    live_version_holds: bool
    runs: list[int]
    """Runs in progress that may have read the ratings; wait for them, or cancel them."""

    experiments: list[int]
    """Running experiments with a version that holds the user; stop them."""

    clean_version: str | None
    """The version that was live at `clean_at`; null: none, or not clean yet."""

    clean_at: datetime | None
    """Since when no version that serves has held the user."""

    purged_at: datetime | None
    """When the files of the last version that held the user were removed."""

    later: str
    """What becomes of a rating or an import with the user's id that comes later."""


class EventCounts(Received):
    """The number of rows by result."""

    recorded: int = 0
    unchanged: int = 0
    refused: int = 0


class EventResult(Received):
    """The result of one posted event."""

    index: int
    """Index of the row in the request."""

    type: Any
    item_id: Any
    status: Literal["recorded", "unchanged", "refused"] | str
    """`unchanged`: all of it was recorded before. `refused`: `errors` says why."""

    num_items: int = 0
    """Items for which the event is new."""

    errors: list[dict[str, Any]] = []
    """The offending fields of a refused row."""


class EventsWritten(Received):
    """The response to posted events; all of it is committed."""

    counts: EventCounts
    results: list[EventResult]


class ExperimentList(Received):
    """A page of experiments, newest first."""

    experiments: list[ExperimentOut]
    next_cursor: str | None
    """`cursor` of the next page; null on the last."""


class ExperimentOut(Received):
    """An experiment."""

    id: int
    """Its number, which its answers and their events carry."""

    name: str
    state: ExperimentState
    control: str
    treatment: str
    share: float
    """Share of the users who take part; the others get the live version."""

    treatment_share: float
    """Share of these who get the treatment."""

    salt: str
    started_at: datetime
    started_by: str | None
    """A key, or a user of the command line. Null: no key was sent."""

    reason: str | None
    stopped_at: datetime | None
    stopped_by: str | None
    stop_reason: str | None
    activated: Arm | None
    """The arm whose version went live when it was stopped."""


class ExperimentReport(Received):
    """An experiment in figures."""

    experiment: ExperimentOut
    control: ArmReport
    treatment: ArmReport
    differences: list[ArmDifference]
    """In each metric of which something can be said."""

    split: UserSplit
    metric: Metric
    """The metric that decides."""

    better: Arm | None
    """The arm that is better, as soon as that is decided."""

    verdict: str
    """What follows, in words."""


ExperimentState = TypeAliasType("ExperimentState", Literal["running", "stopped"] | str)
"""Where an experiment is."""


class ExportedItem(Received):
    """An item as an export holds it."""

    item_id: str
    title: str | None
    categories: list[str]
    active: bool
    attributes: dict[str, Any]
    available_from: datetime | None
    available_until: datetime | None


class ExportedRating(Received):
    """A rating as an export holds it."""

    user_id: str
    item_id: str
    value: float
    """On the declared scale."""

    rated_at: datetime


class GuestPredictions(Received):
    """Predictions by a posted list of ratings."""

    user_id: str | None
    """Null for a guest."""

    revision: int | None
    """Of the user's latest rating change, which this answer has seen."""

    model_version: str | None
    personalised: bool
    reason: Reason | None
    """Why the predictions are not personal."""

    reason_detail: str | None
    """The reason as a sentence."""

    rmse: float | None
    """Root mean squared error of this version's predictions for users held out of its training, in units of the scale; null where it was not measured."""

    mae: float | None
    """Mean absolute error of the same predictions."""

    predictions: list[Prediction]
    unknown_items: int
    """Posted ratings of items that the catalogue does not have; they are ignored."""


class GuestQuestions(Received):
    """Questions to a guest, who is not stored."""

    user_id: str | None
    """Null for a guest."""

    revision: int | None
    """Of the user's latest rating change, which this answer has seen."""

    model_version: str | None
    """Null without a model: then popular items are asked about."""

    questions: list[Question]
    unknown_items: int
    """Posted ratings of items that the catalogue does not have; they are ignored."""


class GuestRecommendations(Received):
    """Recommendations by a posted list of ratings."""

    recommendation_id: str
    """Names this answer; send it with events about the answer. Some 150 characters or more."""

    user_id: str | None
    """Null for a guest."""

    model_version: str | None
    revision: int | None
    """Of the user's latest rating change, which this answer has seen."""

    personalised: bool
    reason: Reason | None
    """Why the answer is not personal."""

    reason_detail: str | None
    """The reason as a sentence."""

    items: list[Recommendation]
    next_cursor: str | None
    """`cursor` of the next page of this list; null on the last."""

    unknown_items: int
    """Posted ratings of items that the catalogue does not have; they are ignored."""


HalfLife = TypeAliasType("HalfLife", Literal[7, 30, 90, 365, 3650])
"""Days after which a rating counts half as much: a few choices, so that each is counted once for all."""


class HeldIn(Received):
    """A version that holds a user's ratings."""

    version: str
    live: bool
    part: UserRole
    """The role of the ratings: `trained`; `inherited`: a version it started from learned from them; `validated`: chose the epoch; `judged`: compared by the gate; `unknown`: its files do not say."""


class HeldInList(Received):
    """The kept versions that hold a user's ratings, newest first."""

    user_id: str
    versions: list[HeldIn]


class HoldingVersion(Received):
    """A version that holds an erased user."""

    version: str
    live: bool
    part: UserRole
    """The role of the ratings: `trained`; `inherited`: a version it started from learned from them; `validated`: chose the epoch; `judged`: compared by the gate; `unknown`: its files did not say."""

    removed_at: datetime | None
    """When its files were removed; null while they are kept."""


class ImportCounts(Received):
    """What became of the rows of an import; `read` is the sum of the others."""

    read: int
    created: int
    updated: int
    unchanged: int
    stale: int
    """A later rating or removal is known."""

    refused: int
    taken: int = 0
    """Of a dry run: rows that would be stored."""

    unrated: int = 0
    """Rows of items that were not rated; left out if none are."""


class ImportDone(Received):
    """The last line about an import; without it the import is not complete."""

    status: Literal["complete", "dry-run"] | str = "complete"
    kind: Literal["ratings", "items"] | str
    counts: ImportCounts
    notes: list[str] = []
    """The layout, the columns that are not used, how dates are read."""

    columns: dict[str, str] = {}
    """Of a dry run: where each field comes from."""

    rows: list[dict[str, Any]] = []
    """Of a dry run: the first rows as they would be stored."""


class ImportRefusal(Received):
    """A row of an import that was not stored."""

    line: int
    """Where the row begins; the first line is 1."""

    user_id: Any | None = None
    """What the row said, as far as it could be read."""

    item_id: Any | None = None
    """What the row said, as far as it could be read."""

    status: Literal["refused"] | str = "refused"
    errors: list[dict[str, Any]]
    """The offending fields, each with how to mend it."""


class ItemCounts(Received):
    """How many rows ended how."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0


class ItemList(Received):
    """A page of the catalogue."""

    items: list[ItemOut]
    next_cursor: str | None
    """Give it as `cursor` for the next page; null on the last."""


class ItemOut(Received):
    """An item as it is stored."""

    item_id: str
    title: str | None
    categories: list[str]
    active: bool
    attributes: dict[str, Any]
    available_from: datetime | None
    available_until: datetime | None
    created_at: datetime
    updated_at: datetime
    revision: int
    """Number of the item's latest change."""


class ItemRemoved(Received):
    """The answer to an item removed together with its ratings."""

    item_id: str
    num_ratings_removed: int
    revision: int
    """Every rating change up to this number is stored."""

    later: str
    """What becomes of a rating or an import of this item that comes later."""


class ItemResult(Received):
    """What became of one posted item."""

    index: int
    item_id: Any
    status: Literal["created", "updated", "unchanged", "refused"] | str
    revision: int | None = None
    """Number of the item's latest change."""

    errors: list[dict[str, Any]] = []
    """The offending fields of a refused row."""


class ItemsWritten(Received):
    """The answer to posted items; all of it is committed."""

    revision: int
    counts: ItemCounts
    results: list[ItemResult]


class Live(Received):
    """The process answers."""

    status: Literal["ok"] | str = "ok"


class MergeOut(Received):
    """The answer to a merge; all of it is committed."""

    revision: int
    """Every change up to this number is stored."""

    counts: RatingCounts
    results: list[RatingResult]
    user_id: str
    from_user_id: str | None
    """Null for posted ratings."""

    moved: int
    """Ratings that the other user had and has no longer; 0 for posted ones."""


Metric = TypeAliasType("Metric", Literal["click_through", "hit", "conversion", "buyers"] | str)
"""A metric to compare; each is the ratio of two sums over users."""


class Move(Received):
    """An item whose place changes."""

    item_id: str
    title: str | None
    before: int | None
    """Place, the first is 1; also beyond `limit`, up to the 200th. Null: none, or further down."""

    after: int | None
    score_change: float | None
    """Null where either is unknown, or of another source."""

    rating_change: float | None
    """Of the predicted rating; null likewise."""


class NewItems(Received):
    """Items, the newest first."""

    recommendation_id: str
    """Names this answer; send it with events about the answer. Some 150 characters or more."""

    items: list[Recommendation]


class PopularItems(Received):
    """Items by their decayed, shrunken mean rating."""

    recommendation_id: str
    """Names this answer; send it with events about the answer. Some 150 characters or more."""

    half_life_days: int
    counted_at: datetime
    items: list[Recommendation]


class Prediction(Received):
    """What the model expects of one item."""

    item_id: str
    title: str | None
    known: bool
    """Whether there is a prediction; `reason` says why not."""

    reason: Unknown | None
    reason_detail: str | None
    """The reason as a sentence."""

    predicted_rating: float | None
    """On the declared scale."""

    rating: float | None
    """The user's own rating of it."""

    active: bool
    """It may be recommended."""


class Predictions(Received):
    """Predictions of one user's ratings, and the measured error of such predictions."""

    user_id: str | None
    """Null for a guest."""

    revision: int | None
    """Of the user's latest rating change, which this answer has seen."""

    model_version: str | None
    personalised: bool
    reason: Reason | None
    """Why the predictions are not personal."""

    reason_detail: str | None
    """The reason as a sentence."""

    rmse: float | None
    """Root mean squared error of this version's predictions for users held out of its training, in units of the scale; null where it was not measured."""

    mae: float | None
    """Mean absolute error of the same predictions."""

    predictions: list[Prediction]


class Problem(Received):
    """Problem details for an HTTP API (RFC 9457)."""

    type: str
    """Kind of error: `/problems/<code>`."""

    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] = []
    """The offending fields, each with how to mend it."""


class Question(Received):
    """An item to ask about."""

    item_id: str
    title: str | None
    information: float | None
    """How much the rating would change the list, by expectation: 1 for the first. Null without a model."""

    predicted_rating: float | None
    """What the model expects, on the declared scale."""


class Questions(Received):
    """Items whose rating would tell the model most, the most informative first."""

    user_id: str | None
    """Null for a guest."""

    revision: int | None
    """Of the user's latest rating change, which this answer has seen."""

    model_version: str | None
    """Null without a model: then popular items are asked about."""

    questions: list[Question]


class RateEstimate(Received):
    """A rate with its 95 % interval; users are the unit."""

    value: float
    low: float
    high: float


class RateOut(Received):
    """A share with its 95 % interval (Wilson's score interval). Null where nothing was counted."""

    numerator: int
    denominator: int
    rate: float | None
    low: float | None
    """Lower end of the interval."""

    high: float | None
    """Upper end."""


class RatingChanged(Received):
    """The answer to one rating put or removed."""

    user_id: str
    item_id: str
    status: Literal["created", "updated", "unchanged", "stale", "removed"] | str
    revision: int
    """Every change up to this number is stored."""


class RatingCounts(Received):
    """How many rows ended how."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    refused: int = 0


class RatingList(Received):
    """A page of a user's ratings, newest change first."""

    user_id: str
    revision: int
    ratings: list[RatingOut]
    next_cursor: str | None
    """Give it as `cursor` for the next page; null on the last."""


class RatingOut(Received):
    """A user's rating of an item."""

    item_id: str
    title: str | None
    value: float
    rated_at: datetime
    revision: int


class RatingRemoved(Received):
    """The answer to one rating removed."""

    user_id: str
    item_id: str
    status: Literal["created", "updated", "unchanged", "stale", "removed"] | str
    revision: int
    """Every change up to this number is stored."""

    later: str
    """What becomes of a rating that comes later."""


class RatingResult(Received):
    """What became of one posted rating."""

    index: int
    """Place of the row in the request."""

    user_id: Any
    item_id: Any
    status: Literal["created", "updated", "unchanged", "stale", "refused"] | str
    """`stale`: a later rating or removal is known. `refused`: `errors` says why."""

    revision: int | None = None
    """Number of the change, if the row made one."""

    errors: list[dict[str, Any]] = []
    """The offending fields of a refused row."""


class RatingsWritten(Received):
    """The answer to posted ratings; all of it is committed."""

    revision: int
    """Every change up to this number is stored."""

    counts: RatingCounts
    results: list[RatingResult]


class Ready(Received):
    """Whether calls can be answered as they should."""

    database: Literal["ok", "slow", "unreachable"] | str
    """`slow`: it is there, but something is locked or it does not answer in time; `unreachable`: no connection can be had."""

    migrations: Literal["ok", "missing", "newer", "too_new", "unknown"] | str
    """`newer`: a later version has migrated the database, and this one can serve it; `too_new`: it cannot; `missing`: `palate migrate` has not run."""

    status: Literal["ok", "degraded", "unavailable"] | str
    """`degraded`: everything answers, but not from the models that should serve; `unavailable`: the database is missing, or the models are still being loaded; `problem` says why."""

    model_version: str | None
    """The model that answers."""

    live_version: str | None
    """The model that should answer."""

    problem: str | None
    """What keeps the live model, or an experiment's, from answering, or the server from being ready."""

    experiment: int | None
    """The experiment whose versions this process serves."""


Reason = TypeAliasType(
    "Reason", Literal["unknown_user", "no_ratings", "no_model", "no_known_items", "all_rated", "no_items"] | str
)
"""Why an answer is not personal."""


class ReceiptOut(Received):
    """The receipt of an erasure. It does not say whose; keep its id where you need to know."""

    erasure_id: str
    erased_at: datetime
    state: State
    """`pending`: a version that serves (live, or in a running experiment) holds the user, or a run in progress may have read their ratings; `clean`: no version that serves does; `purged`: no kept version does."""

    removed: dict[str, int]
    """Rows deleted, by table; `ratings` includes those that were deleted before."""

    user_number: int
    """The user's number in the versions. It is never used again."""

    revision: int
    """A version of this watermark or a later one does not hold the user."""

    versions: list[HoldingVersion]
    """The versions that hold the user, newest first."""

    live_version_holds: bool
    runs: list[int]
    """Runs in progress that may have read the ratings; wait for them, or cancel them."""

    experiments: list[int]
    """Running experiments with a version that holds the user; stop them."""

    clean_version: str | None
    """The version that was live at `clean_at`; null: none, or not clean yet."""

    clean_at: datetime | None
    """Since when no version that serves has held the user."""

    purged_at: datetime | None
    """When the files of the last version that held the user were removed."""


class Recommendation(Received):
    """One recommended item."""

    item_id: str
    title: str | None
    score: float | None
    """Orders the items of one source; it has no unit. Null for new items."""

    predicted_rating: float | None
    """On the declared scale: the model's prediction, or the mean rating of a popular item. Null for new."""

    source: Source
    rated: bool
    """Whether it is among the ratings this answer is based on."""

    because: list[Cause] | None = None
    """With `explain`: the ratings that raised or lowered the score most, the largest effect first. Empty for an item that no single rating moved, such as a popular or a new one."""

    because_together: Together | None = None
    """With `explain`; null if no rating raised the score."""


class Recommendations(Received):
    """A list of recommended items, and what it was made from."""

    recommendation_id: str
    """Names this answer; send it with events about the answer. Some 150 characters or more."""

    user_id: str | None
    """Null for a guest."""

    model_version: str | None
    revision: int | None
    """Of the user's latest rating change, which this answer has seen."""

    personalised: bool
    reason: Reason | None
    """Why the answer is not personal."""

    reason_detail: str | None
    """The reason as a sentence."""

    items: list[Recommendation]
    next_cursor: str | None
    """`cursor` of the next page of this list; null on the last."""


class Replay(Received):
    """An answer made again, from the ratings, the catalogue and the model of then."""

    kind: ReplayKind
    user_id: str | None
    """Null for a guest and for an unknown user."""

    revision: int | None
    """Of the user's latest rating change, which the answer had seen."""

    catalogue_revision: int
    model_version: str | None
    answered_at: datetime
    replayed: bool
    """True: this was made again."""

    identical: bool
    """Whether items, order and sources are those that the id says the answer had."""

    personalised: bool
    reason: Reason | None
    """Why the answer was not personal."""

    reason_detail: str | None
    items: list[Recommendation]


ReplayKind = TypeAliasType("ReplayKind", Literal["user", "guest", "popular", "new"] | str)
"""What sort of list an answer is."""


class Report(Received):
    """The feedback on the answers made in a period."""

    start: datetime | None
    """`from` of the request."""

    until: datetime | None
    by: list[By]
    lines: list[ReportLine]
    """In the order of `by`."""


class ReportLine(Received):
    """The feedback on the answers of one group; only the fields of `by` are present."""

    version: str | None = None
    """Null: answers without a model."""

    source: str | None = None
    position: int | None = None
    """In the whole list, from 1."""

    list: str | None = None
    """user, guest, similar, popular or new."""

    experiment: int | None = None
    """0: none."""

    num_answers: int
    """Answers of which at least one item was shown."""

    value: float
    """Sum of the reported values of purchases."""

    click_through: RateOut
    """Items clicked of those shown."""

    rating: RateOut
    """Items rated of those shown."""

    conversion: RateOut
    """Items bought of those shown."""

    hit: RateOut
    """Answers with an item clicked, rated or bought, of the answers shown."""


class RulesOut(Received):
    """The rules for every answer."""

    block: list[str | int] = []
    """Items never to recommend."""

    boost: list[BoostIn] = []
    """Items to recommend sooner, or later."""

    pin: list[PinIn] = []
    """Items to show first, in this order, or at a position."""

    revision: int | None
    """Of the catalogue's change that set them; null if there are none."""

    updated_at: datetime | None


class Run(Received):
    """One training run."""

    id: int
    state: RunState
    """`queued`, `running`, or an end: `succeeded`, `failed`, `cancelled`."""

    cause: RunCause
    """Who asked for it: the `schedule`, the number of `changes`, or a user."""

    kind: str
    options: dict[str, Any]
    """What was asked for beside the settings."""

    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    epochs_planned: int | None
    """Epochs at most; a run stops sooner when nothing improves."""

    epochs_finished: int
    eta: datetime | None
    """When it ends if it uses all its epochs."""

    watermark: int | None
    """Revision of the ratings it learns."""

    cancel_requested: bool
    worker: str | None
    """The worker that holds it, or last held it."""

    attempts: int
    """Times a worker took it up."""

    heartbeat_at: datetime | None
    """Last sign of life of its worker."""

    version: str | None
    """The model version it made."""

    gate: dict[str, Any] | None
    """Whether that version was activated, why, and the figures."""

    error: str | None
    """Why it failed."""


RunCause = TypeAliasType("RunCause", Literal["schedule", "changes", "manual"] | str)
"""Why a training run was asked for."""


class RunDetail(Received):
    """A training run with its epochs."""

    id: int
    state: RunState
    """`queued`, `running`, or an end: `succeeded`, `failed`, `cancelled`."""

    cause: RunCause
    """Who asked for it: the `schedule`, the number of `changes`, or a user."""

    kind: str
    options: dict[str, Any]
    """What was asked for beside the settings."""

    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    epochs_planned: int | None
    """Epochs at most; a run stops sooner when nothing improves."""

    epochs_finished: int
    eta: datetime | None
    """When it ends if it uses all its epochs."""

    watermark: int | None
    """Revision of the ratings it learns."""

    cancel_requested: bool
    worker: str | None
    """The worker that holds it, or last held it."""

    attempts: int
    """Times a worker took it up."""

    heartbeat_at: datetime | None
    """Last sign of life of its worker."""

    version: str | None
    """The model version it made."""

    gate: dict[str, Any] | None
    """Whether that version was activated, why, and the figures."""

    error: str | None
    """Why it failed."""

    epochs: list[Epoch]


class RunList(Received):
    """A page of runs, newest first."""

    runs: list[Run]
    next_cursor: str | None
    """`cursor` of the next page; null on the last."""


RunState = TypeAliasType("RunState", Literal["queued", "running", "succeeded", "failed", "cancelled"] | str)
"""Where a training run is; the last three are ends."""


class SimilarItem(Received):
    """An item similar to another."""

    item_id: str
    title: str | None
    similarity: float | None
    """Orders the list; no unit, and 1 at most where nothing is boosted. Null for an item that is not similar: one that a rule pins, or that `exploration` adds."""

    source: Source
    """Where most of the similarity comes from: `similar`, the same people like both; `attributes`, their content is alike; or `pinned`, `new`."""


class SimilarItems(Received):
    """Items similar to an item, the most similar first."""

    recommendation_id: str
    """Names this answer; send it with events about the answer. Some 150 characters or more."""

    item_id: str
    model_version: str | None
    items: list[SimilarItem]


class SimilarUser(Received):
    """A user similar to another."""

    user_id: str
    similarity: float
    """Orders the list; below 1, and no unit."""

    overlap: int
    """Number of items that both have rated."""


class SimilarUsers(Received):
    """Users similar to a user, the most similar first."""

    user_id: str
    revision: int
    """Of the user's latest rating change, which this answer has seen."""

    num_compared: int
    """Number of users who could have come into the list."""

    users: list[SimilarUser]


Source = TypeAliasType("Source", Literal["personal", "popular", "new", "similar", "attributes", "pinned"] | str)
"""Where an item of an answer comes from."""


State = TypeAliasType("State", Literal["pending", "clean", "purged"] | str)
"""How far the models are free of an erased user."""


class Together(Received):
    """The joint effect of all named ratings that raised an item: single effects do not add up."""

    num_ratings: int
    effect: float
    """On the predicted rating, in its units."""

    score_effect: float
    """On the model's score, before boosts."""


Unknown = TypeAliasType("Unknown", Literal["no_such_item", "not_learned", "no_model"] | str)
"""Why there is no prediction."""


class UserOut(Received):
    """What is known about a user."""

    user_id: str
    num_ratings: int
    revision: int
    """Number of the user's latest change."""

    created_at: datetime


UserRole = TypeAliasType("UserRole", Literal["trained", "inherited", "validated", "judged", "unknown"] | str)
"""What a user's ratings were used for in a version. Its published numbers of ratings count all roles."""


class UserSplit(Received):
    """Whether the users are divided as planned."""

    treatment_share: float | None
    """Of the users who were shown something; null: no user was."""

    expected: float
    p_value: float
    """How often chance alone divides so unevenly (chi-square)."""

    suspect: bool
    """Below 0.001: one arm's users or events are lost somewhere; trust no figure."""


class Version(Received):
    """A published model."""

    version: str
    kind: str
    live: bool
    """Whether this is the version that should serve."""

    state: Literal["live", "activated", "refused", "removed"] | str
    """`live`; `activated`: it was live before; `refused` by the gate, never live; `removed`: no files."""

    created_at: datetime
    activated_at: datetime | None
    """When it last went live; null if it never did."""

    removed_at: datetime | None
    """When its files were removed; it cannot be activated any more."""

    run_id: int | None
    """The training run that published it."""

    watermark: int
    """Revision of the ratings that it was trained on."""

    num_users: int
    """Users with ratings at that revision, including those held out."""

    num_items: int
    """Items with ratings at that revision: its vocabulary."""

    num_ratings: int
    num_erased: int
    """Users in it who have been erased since: activating it would bring their ratings back."""

    split: dict[str, Any] | None
    """Users and ratings by role: `trained`; `validated`: chose the epoch; `judged`: by the gate; `inherited`: only a version it started from learned from them. `rule` describes the division."""

    num_bytes: int
    metrics: dict[str, Any]
    """Metrics on held-out users: `ndcg@10`, `rmse` ...; `<name>_error` is the standard error."""

    gate: dict[str, Any]
    """Whether the gate let it go live, the reason, and the figures compared."""

    activations: list[ActivationOut]
    """All its activations, latest first."""


class VersionList(Received):
    """A page of versions, newest first."""

    versions: list[Version]
    next_cursor: str | None
    """`cursor` of the next page; null on the last."""


class WhatIf(Received):
    """A user's list as it is and as it would be."""

    user_id: str
    revision: int | None
    """Of the user's latest rating change, which `before` has seen."""

    unknown_items: list[str]
    """In `set`, but not in the catalogue: left out."""

    not_rated: list[str]
    """In `remove`, but not rated: nothing to remove."""

    before: Answer
    after: Answer
    moves: list[Move]
    """In the order of the new list; items no longer in it come last."""
