"""What calls answer: written by `python -m scripts.client` from the OpenAPI document, not by hand.

What a newer server adds does no harm: an unknown field is passed over, an unknown word is kept as it is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from palate_client.inputs import Arm, BoostIn, PinIn


class Received(BaseModel):
    """What came back; it does not change."""

    model_config = ConfigDict(frozen=True)


ActivationCause = Literal["gate", "manual", "forced"] | str
"""Why a version went live."""


class ActivationOut(Received):
    """One time that a version went live."""

    # The `gate`, or somebody: `manual`, or `forced` against the gate.
    cause: ActivationCause
    activated_at: datetime
    # Who: a key, or a user of the command line. Null: the gate, or no key sent.
    actor: str | None
    # Why, as it was given.
    reason: str | None


class Answer(Received):
    """A list, as recommendations give it."""

    model_version: str | None
    personalised: bool
    # Why the list is not personal.
    reason: Reason | None
    # The reason as a sentence.
    reason_detail: str | None
    items: list[Recommendation]


class ArmDifference(Received):
    """Treatment less control, in one metric."""

    metric: Metric
    difference: float
    # Of the 95 % interval, for one look that was planned.
    low: float
    high: float
    # How often chance alone gives so large a difference, of either sign.
    p_value: float
    # Of the 95 % interval that holds at all looks together.
    always_low: float
    always_high: float
    # A true difference found in four experiments of five with so many users.
    detectable: float


class ArmReport(Received):
    """One arm: what its users were shown, and what became of it. Only what was reported as `shown` counts."""

    version: str
    # Users of it who were shown something; those erased since are not among them.
    num_users: int
    # Answers of which something was shown.
    num_answers: int
    # Items shown.
    num_shown: int
    # Items of these that were clicked.
    num_clicked: int
    # Answers of which an item shown was clicked, rated or bought.
    num_hits: int
    # Items of those shown that were bought.
    num_bought: int
    # Users who bought an item that an answer had shown them.
    num_buyers: int
    # Clicked, of shown. Null: too few users to say.
    click_through: RateEstimate | None
    # Hits, of answers.
    hit: RateEstimate | None
    # Bought, of shown.
    conversion: RateEstimate | None
    # Buyers, of users.
    buyers: RateEstimate | None


class BatchRecommendations(Received):
    """The answers to many users."""

    # One a user, in the order asked for, each as the user alone would get it.
    answers: list[Recommendations]


By = Literal["version", "source", "position", "list", "experiment"] | str
"""What a report tells apart."""


class Cause(Received):
    """A rating that moved an item: everything else as it is, what the item has with it less what it has without."""

    item_id: str
    title: str | None
    # The rating.
    value: float
    # On the predicted rating, in its units.
    effect: float
    # On the model's score, before boosts.
    score_effect: float


class Epoch(Received):
    """The figures of one finished epoch."""

    epoch: int
    # What it did: `fit`, or the stage of a kind that has several.
    stage: str
    # Mean loss of the training users; null where the kind has none.
    loss: float | None
    # Figures of the validation users: `ndcg@10`, `ndcg@100`, `recall@20`, `recall@50`, `rmse`, `mae`.
    metrics: dict[str, float | None]
    seconds: float
    recorded_at: datetime


class EventCounts(Received):
    """How many rows ended how."""

    recorded: int = 0
    unchanged: int = 0
    refused: int = 0


class EventResult(Received):
    """What became of one posted event."""

    # Place of the row in the request.
    index: int
    type: Any
    item_id: Any
    # `unchanged`: all of it was recorded before. `refused`: `errors` says why.
    status: Literal["recorded", "unchanged", "refused"] | str
    # Items of which this was not known yet.
    num_items: int = 0
    # The offending fields of a refused row.
    errors: list[dict[str, Any]] = []


class EventsWritten(Received):
    """The answer to posted events; all of it is committed."""

    counts: EventCounts
    results: list[EventResult]


class ExperimentList(Received):
    """A page of experiments, newest first."""

    experiments: list[ExperimentOut]
    # `cursor` of the next page; null on the last.
    next_cursor: str | None


class ExperimentOut(Received):
    """An experiment."""

    # Its number, which answers and their outcomes carry.
    id: int
    name: str
    state: ExperimentState
    control: str
    treatment: str
    # Share of the users who take part; the others get the live version.
    share: float
    # Share of these who get the treatment.
    treatment_share: float
    salt: str
    started_at: datetime
    # A key, or a user of the command line. Null: no key was sent.
    started_by: str | None
    reason: str | None
    stopped_at: datetime | None
    stopped_by: str | None
    stop_reason: str | None
    # The arm whose version went live when it was stopped.
    activated: Arm | None


class ExperimentReport(Received):
    """An experiment in figures."""

    experiment: ExperimentOut
    control: ArmReport
    treatment: ArmReport
    # In each metric of which something can be said.
    differences: list[ArmDifference]
    split: UserSplit
    # The metric that decides.
    metric: Metric
    # The arm that is better, as soon as that is decided.
    better: Arm | None
    # What follows, in words.
    verdict: str


ExperimentState = Literal["running", "stopped"] | str
"""Where an experiment is."""


class ExportedItem(Received):
    """An item as an export gives it."""

    item_id: str
    title: str | None
    categories: list[str]
    active: bool
    attributes: dict[str, Any]
    available_from: datetime | None
    available_until: datetime | None


class ExportedRating(Received):
    """A rating as an export gives it."""

    user_id: str
    item_id: str
    # On the declared scale.
    value: float
    rated_at: datetime


class GuestPredictions(Received):
    """Predictions by a posted list of ratings."""

    # Null for a guest.
    user_id: str | None
    # Of the user's latest rating change, which this answer has seen.
    revision: int | None
    model_version: str | None
    personalised: bool
    # Why the predictions are not personal.
    reason: Reason | None
    # The reason as a sentence.
    reason_detail: str | None
    # Root mean squared error of this version's predictions for users held out of its training, in units of the scale;
    # null where it was not measured.
    rmse: float | None
    # Mean absolute error of the same predictions.
    mae: float | None
    predictions: list[Prediction]
    # Posted ratings of items that the catalogue does not have; they are ignored.
    unknown_items: int


class GuestQuestions(Received):
    """Questions to somebody who is not stored."""

    # Null for a guest.
    user_id: str | None
    # Of the user's latest rating change, which this answer has seen.
    revision: int | None
    # Null without a model: then popular items are asked about.
    model_version: str | None
    questions: list[Question]
    # Posted ratings of items that the catalogue does not have; they are ignored.
    unknown_items: int


class GuestRecommendations(Received):
    """An answer to a posted list of ratings."""

    # Names this answer; send it with what becomes of the answer. Some 200 characters and more.
    recommendation_id: str
    # Null for a guest.
    user_id: str | None
    model_version: str | None
    # Of the user's latest rating change, which this answer has seen.
    revision: int | None
    personalised: bool
    # Why the answer is not personal.
    reason: Reason | None
    # The reason as a sentence.
    reason_detail: str | None
    items: list[Recommendation]
    # `cursor` of the next page of this list; null on the last.
    next_cursor: str | None
    # Posted ratings of items that the catalogue does not have; they are ignored.
    unknown_items: int


HalfLife = Literal[7, 30, 90, 365, 3650]
"""Days after which a rating counts half as much: a few choices, so that each is counted once for everybody."""


class HeldIn(Received):
    """A version that holds a user's ratings."""

    version: str
    live: bool
    # What they were for: `trained`; `inherited`: the version it went on from had learned them; `validated`: they
    # chose the epoch; `judged`: the gate's; `unknown`: its files do not say.
    part: Part


class HeldInList(Received):
    """The kept versions that hold a user's ratings, newest first."""

    user_id: str
    versions: list[HeldIn]


class HoldingVersion(Received):
    """A version that holds an erased user."""

    version: str
    live: bool
    # What his ratings were for: `trained`; `inherited`: the version it went on from had learned them; `validated`:
    # they chose the epoch; `judged`: the gate's; `unknown`: its files did not say.
    part: Part
    # When its files were removed; null while they are kept.
    removed_at: datetime | None


class ImportCounts(Received):
    """What became of the rows of an import; `read` is the sum of the others."""

    read: int
    created: int
    updated: int
    unchanged: int
    # A later rating or removal is known.
    stale: int
    refused: int


class ImportDone(Received):
    """The last line about an import; without it the import is not complete."""

    status: Literal["complete"] | str = "complete"
    kind: Literal["ratings", "items"] | str
    # What became of the rows of an import; `read` is the sum of the others.
    counts: ImportCounts


class ImportRefusal(Received):
    """A row of an import that was not stored."""

    # Where the row begins; the first line is 1.
    line: int
    # What the row said, as far as it could be read.
    user_id: Any | None = None
    # What the row said, as far as it could be read.
    item_id: Any | None = None
    status: Literal["refused"] | str = "refused"
    # The offending fields, each with how to mend it.
    errors: list[dict[str, Any]]


class ItemCounts(Received):
    """How many rows ended how."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0


class ItemList(Received):
    """A page of the catalogue."""

    items: list[ItemOut]
    # Give it as `cursor` for the next page; null on the last.
    next_cursor: str | None


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
    # Number of the item's latest change.
    revision: int


class ItemRemoved(Received):
    """The answer to an item removed together with its ratings."""

    item_id: str
    num_ratings_removed: int
    # Every rating change up to this number is stored.
    revision: int


class ItemResult(Received):
    """What became of one posted item."""

    index: int
    item_id: Any
    status: Literal["created", "updated", "unchanged", "refused"] | str
    # Number of the item's latest change.
    revision: int | None = None
    # The offending fields of a refused row.
    errors: list[dict[str, Any]] = []


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

    # Every change up to this number is stored.
    revision: int
    counts: RatingCounts
    results: list[RatingResult]
    user_id: str
    # Null for posted ratings.
    from_user_id: str | None
    # Ratings that the other user had and has no longer; 0 for posted ones.
    moved: int


Metric = Literal["click_through", "hit", "conversion", "buyers"] | str
"""What can be compared; each is a sum over users by another one."""


class Move(Received):
    """An item whose place changes."""

    item_id: str
    title: str | None
    # Place, the first is 1; also beyond `limit`, as far as the 200th. Null: none, or further behind.
    before: int | None
    after: int | None
    # Null where one is not known, or of another source.
    score_change: float | None
    # Of the predicted rating, likewise.
    rating_change: float | None


class NewItems(Received):
    """Items, the newest first."""

    # Names this answer; send it with what becomes of the answer. Some 200 characters and more.
    recommendation_id: str
    items: list[Recommendation]


Part = Literal["trained", "inherited", "validated", "judged", "unknown"] | str
"""What a version has to do with a user. The numbers of ratings that it is published with count all of them."""


class PopularItems(Received):
    """Items by their decayed, shrunken mean rating."""

    # Names this answer; send it with what becomes of the answer. Some 200 characters and more.
    recommendation_id: str
    half_life_days: int
    counted_at: datetime
    items: list[Recommendation]


class Prediction(Received):
    """What the model expects of one item."""

    item_id: str
    title: str | None
    # There is a prediction; else `reason` says why not.
    known: bool
    reason: Unknown | None
    # The reason as a sentence.
    reason_detail: str | None
    # On the declared scale.
    predicted_rating: float | None
    # What the user has rated it himself.
    rating: float | None
    # It may be recommended.
    active: bool


class Predictions(Received):
    """Predictions of one user's ratings, and how exact such predictions are."""

    # Null for a guest.
    user_id: str | None
    # Of the user's latest rating change, which this answer has seen.
    revision: int | None
    model_version: str | None
    personalised: bool
    # Why the predictions are not personal.
    reason: Reason | None
    # The reason as a sentence.
    reason_detail: str | None
    # Root mean squared error of this version's predictions for users held out of its training, in units of the scale;
    # null where it was not measured.
    rmse: float | None
    # Mean absolute error of the same predictions.
    mae: float | None
    predictions: list[Prediction]


class Problem(Received):
    """Problem details for an HTTP API (RFC 9457)."""

    # Kind of error: `/problems/<code>`.
    type: str
    title: str
    status: int
    detail: str
    # The offending fields, each with how to mend it.
    errors: list[dict[str, Any]] = []


class Question(Received):
    """An item to ask about."""

    item_id: str
    title: str | None
    # How much the rating would change the list, by expectation: 1 for the first. Null without a model.
    information: float | None
    # What the model expects, on the declared scale.
    predicted_rating: float | None


class Questions(Received):
    """Items whose rating would tell the model most, the most telling first."""

    # Null for a guest.
    user_id: str | None
    # Of the user's latest rating change, which this answer has seen.
    revision: int | None
    # Null without a model: then popular items are asked about.
    model_version: str | None
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
    # Lower end of the interval.
    low: float | None
    # Upper end.
    high: float | None


class RatingChanged(Received):
    """The answer to one rating put or removed."""

    user_id: str
    item_id: str
    status: Literal["created", "updated", "unchanged", "stale", "removed"] | str
    # Every change up to this number is stored.
    revision: int


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
    # Give it as `cursor` for the next page; null on the last.
    next_cursor: str | None


class RatingOut(Received):
    """A user's rating of an item."""

    item_id: str
    title: str | None
    value: float
    rated_at: datetime
    revision: int


class RatingResult(Received):
    """What became of one posted rating."""

    # Place of the row in the request.
    index: int
    user_id: Any
    item_id: Any
    # `stale`: a later rating or removal is known. `refused`: `errors` says why.
    status: Literal["created", "updated", "unchanged", "stale", "refused"] | str
    # Number of the change, if the row made one.
    revision: int | None = None
    # The offending fields of a refused row.
    errors: list[dict[str, Any]] = []


class RatingsWritten(Received):
    """The answer to posted ratings; all of it is committed."""

    # Every change up to this number is stored.
    revision: int
    counts: RatingCounts
    results: list[RatingResult]


class Ready(Received):
    """Whether calls can be answered as they should."""

    database: Literal["ok", "unreachable"] | str
    migrations: Literal["ok", "missing", "unknown"] | str
    # `degraded`: everything answers, but not from the models that should serve; `problem` says why.
    status: Literal["ok", "degraded", "unavailable"] | str
    # The model that answers.
    model_version: str | None
    # The model that should answer.
    live_version: str | None
    # What keeps the live model, or an experiment's, from answering.
    problem: str | None
    # The experiment whose versions this process serves.
    experiment: int | None


Reason = Literal["unknown_user", "no_ratings", "no_model", "no_known_items", "all_rated", "no_items"] | str
"""Why an answer is not personal."""


class ReceiptOut(Received):
    """A receipt: a user was erased. It does not say who; keep its id where you need to know."""

    erasure_id: str
    erased_at: datetime
    # `pending`: a version that serves (the live one, or one of a running experiment) holds him, or a run under way
    # may have read his ratings; `clean`: none that serves holds him; `purged`: none that is kept.
    state: State
    # Rows removed, by table; `ratings` counts those that he had removed himself.
    removed: dict[str, int]
    # The number under which versions held him. It is never given again.
    user_number: int
    # A version of this watermark or a later one has never seen him.
    revision: int
    # The versions that hold him, newest first.
    versions: list[HoldingVersion]
    live_version_holds: bool
    # Runs under way that may have read his ratings; wait for them, or cancel them.
    runs: list[int]
    # Running experiments of which a version holds him; stop them.
    experiments: list[int]
    # What was live at `clean_at`; null: nothing, or not yet.
    clean_version: str | None
    # Since when no version has served that holds him.
    clean_at: datetime | None
    # When the files of the last version that held him were removed.
    purged_at: datetime | None


class Recommendation(Received):
    """One recommended item."""

    item_id: str
    title: str | None
    # Orders the items of one source; it has no unit. Null for new items.
    score: float | None
    # On the declared scale: the model's prediction, or the mean rating of a popular item. Null for new.
    predicted_rating: float | None
    source: Source
    # Among the ratings this answer went by.
    rated: bool
    # With `explain`: the ratings that raised or lowered the score most, the largest effect first. Empty for what no
    # rating moved by itself, popular and new items among them.
    because: list[Cause] | None = None
    # With `explain`; null where nothing raised the score.
    because_together: Together | None = None


class Recommendations(Received):
    """An answer: items, and what they are made from."""

    # Names this answer; send it with what becomes of the answer. Some 200 characters and more.
    recommendation_id: str
    # Null for a guest.
    user_id: str | None
    model_version: str | None
    # Of the user's latest rating change, which this answer has seen.
    revision: int | None
    personalised: bool
    # Why the answer is not personal.
    reason: Reason | None
    # The reason as a sentence.
    reason_detail: str | None
    items: list[Recommendation]
    # `cursor` of the next page of this list; null on the last.
    next_cursor: str | None


class Replay(Received):
    """An answer made again, from the ratings, the catalogue and the model of then."""

    kind: ReplayKind
    # Null for a guest, and for somebody nobody had heard of.
    user_id: str | None
    # Of the user's latest rating change, which the answer had seen.
    revision: int | None
    catalogue_revision: int
    model_version: str | None
    answered_at: datetime
    # True: this was made again.
    replayed: bool
    # Whether items, order and sources are those that the id says the answer had.
    identical: bool
    personalised: bool
    # Why the answer was not personal.
    reason: Reason | None
    reason_detail: str | None
    items: list[Recommendation]


ReplayKind = Literal["user", "guest", "popular", "new"] | str
"""What sort of list an answer is."""


class Report(Received):
    """What became of the answers that were made in a time."""

    # `from`, as it was asked for.
    start: datetime | None
    until: datetime | None
    by: list[By]
    # In the order of `by`.
    lines: list[ReportLine]


class ReportLine(Received):
    """What became of the answers of one group. What is not asked for by `by` is not there."""

    # Null: answers without a model.
    version: str | None = None
    source: str | None = None
    # In the whole list, from 1.
    position: int | None = None
    # user, guest, similar, popular or new.
    list: str | None = None
    # 0: none.
    experiment: int | None = None
    # Answers of which at least one item was shown.
    num_answers: int
    # Of all that was bought, as reported.
    value: float
    # Items clicked of those shown.
    click_through: RateOut
    # Items rated of those shown.
    rating: RateOut
    # Items bought of those shown.
    conversion: RateOut
    # Answers with an item clicked, rated or bought, of the answers shown.
    hit: RateOut


class RulesOut(Received):
    """The rules for everybody."""

    # Items never to recommend.
    block: list[str] = []
    # Items to recommend sooner, or later.
    boost: list[BoostIn] = []
    # Items to show first, in this order, or at a position.
    pin: list[PinIn] = []
    # Of the catalogue's change that set them; null if there are none.
    revision: int | None
    updated_at: datetime | None


class Run(Received):
    """One training run."""

    id: int
    # `queued`, `running`, or an end: `succeeded`, `failed`, `cancelled`.
    state: RunState
    # Who asked for it: the `schedule`, the number of `changes`, or somebody.
    cause: RunCause
    kind: str
    # What was asked for beside the settings.
    options: dict[str, Any]
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    # Epochs at most; a run stops sooner when nothing improves.
    epochs_planned: int | None
    epochs_finished: int
    # When it ends if it uses all its epochs.
    eta: datetime | None
    # Revision of the ratings it learns.
    watermark: int | None
    cancel_requested: bool
    # The worker that holds it, or last held it.
    worker: str | None
    # Times a worker took it up.
    attempts: int
    # Last sign of life of its worker.
    heartbeat_at: datetime | None
    # The model version it made.
    version: str | None
    # Whether that version was activated, why, and the figures.
    gate: dict[str, Any] | None
    # Why it failed.
    error: str | None


RunCause = Literal["schedule", "changes", "manual"] | str
"""Why a training run was asked for."""


class RunDetail(Received):
    """A training run with its epochs."""

    id: int
    # `queued`, `running`, or an end: `succeeded`, `failed`, `cancelled`.
    state: RunState
    # Who asked for it: the `schedule`, the number of `changes`, or somebody.
    cause: RunCause
    kind: str
    # What was asked for beside the settings.
    options: dict[str, Any]
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    # Epochs at most; a run stops sooner when nothing improves.
    epochs_planned: int | None
    epochs_finished: int
    # When it ends if it uses all its epochs.
    eta: datetime | None
    # Revision of the ratings it learns.
    watermark: int | None
    cancel_requested: bool
    # The worker that holds it, or last held it.
    worker: str | None
    # Times a worker took it up.
    attempts: int
    # Last sign of life of its worker.
    heartbeat_at: datetime | None
    # The model version it made.
    version: str | None
    # Whether that version was activated, why, and the figures.
    gate: dict[str, Any] | None
    # Why it failed.
    error: str | None
    epochs: list[Epoch]


class RunList(Received):
    """A page of runs, newest first."""

    runs: list[Run]
    # `cursor` of the next page; null on the last.
    next_cursor: str | None


RunState = Literal["queued", "running", "succeeded", "failed", "cancelled"] | str
"""Where a training run is; the last three are ends."""


class SimilarItem(Received):
    """An item like another."""

    item_id: str
    title: str | None
    # Orders the list; no unit, and 1 at most where nothing is boosted. Null for an item that is not like it: one that
    # a rule pins, or that `exploration` brings.
    similarity: float | None
    # What says so, or most of it: `similar`, the same people like both; `attributes`, both say alike things about
    # themselves; or `pinned`, `new`.
    source: Source


class SimilarItems(Received):
    """Items like an item, the most alike first."""

    # Names this answer; send it with what becomes of the answer. Some 200 characters and more.
    recommendation_id: str
    item_id: str
    model_version: str | None
    items: list[SimilarItem]


class SimilarUser(Received):
    """A user like another."""

    user_id: str
    # Orders the list; below 1, and no unit.
    similarity: float
    # Number of items that both have rated.
    overlap: int


class SimilarUsers(Received):
    """Users like a user, the most alike first."""

    user_id: str
    # Of the user's latest rating change, which this answer has seen.
    revision: int
    # Number of users who could have come into the list.
    num_compared: int
    users: list[SimilarUser]


Source = Literal["personal", "popular", "new", "similar", "attributes", "pinned"] | str
"""Where an item of an answer comes from."""


State = Literal["pending", "clean", "purged"] | str
"""How far the models are free of an erased user."""


class Together(Received):
    """What all ratings named that raised an item did together: effects of ratings do not add up."""

    num_ratings: int
    # On the predicted rating, in its units.
    effect: float
    # On the model's score, before boosts.
    score_effect: float


Unknown = Literal["no_such_item", "not_learned", "no_model"] | str
"""Why there is no prediction."""


class UserOut(Received):
    """What is known about a user."""

    user_id: str
    num_ratings: int
    # Number of the user's latest change.
    revision: int
    created_at: datetime


class UserSplit(Received):
    """Whether the users are divided as planned."""

    # Of the users who were shown something; null: nobody was.
    treatment_share: float | None
    expected: float
    # How often chance alone divides so unevenly (chi-square).
    p_value: float
    # Below 0.001: one arm's users or events are lost somewhere; trust no figure.
    suspect: bool


class Version(Received):
    """A published model."""

    version: str
    kind: str
    # This is the version that should serve.
    live: bool
    # `live`; `activated`: it was live before; `refused` by the gate, never live; `removed`: no files.
    state: Literal["live", "activated", "refused", "removed"] | str
    created_at: datetime
    # When it last went live; null if it never did.
    activated_at: datetime | None
    # When its files were removed; it cannot be activated any more.
    removed_at: datetime | None
    # The training run that made it.
    run_id: int | None
    # Revision up to which it holds the ratings: those that stood then.
    watermark: int
    # Users with ratings then, those held out included.
    num_users: int
    # Items with ratings then: its vocabulary.
    num_items: int
    num_ratings: int
    # Users that it holds who were erased since: making it live brings them back.
    num_erased: int
    # Users and ratings by what they were for: `trained`, `validated` (chose the epoch), `judged` (the gate's);
    # `inherited`: users that only the version it went on from had learned from. `rule` tells whom which.
    split: dict[str, Any] | None
    num_bytes: int
    # Figures of held-out users: `ndcg@10`, `rmse` ...; `<name>_error` is the standard error.
    metrics: dict[str, Any]
    # Whether the gate let it go live, the reason, and the figures compared.
    gate: dict[str, Any]
    # Every time it went live, the latest first.
    activations: list[ActivationOut]


class VersionList(Received):
    """A page of versions, newest first."""

    versions: list[Version]
    # `cursor` of the next page; null on the last.
    next_cursor: str | None


class WhatIf(Received):
    """A user's list as it is and as it would be."""

    user_id: str
    # Of the user's latest rating change, which `before` has seen.
    revision: int | None
    # In `set`, but not in the catalogue: left out.
    unknown_items: list[str]
    # In `remove`, but not rated: nothing to take back.
    not_rated: list[str]
    before: Answer
    after: Answer
    # In the order of the new list; items that are no longer in it come last.
    moves: list[Move]
