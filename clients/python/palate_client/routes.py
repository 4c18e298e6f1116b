"""Every route of the API, and what it takes. The methods of both clients are made from these."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, TypedDict, Unpack

from palate_client import answers, inputs
from palate_client.call import Payload, payload, route
from palate_client.uploads import Format

Kind = Literal["ratings", "items"]

# Ratings and users.


@route("PUT", "/v1/users/{user_id}/ratings/{item_id}", answers.RatingChanged)
def rate(user_id: str, item_id: str, value: float, *, rated_at: datetime | None = None) -> Payload:
    """Set what a user thinks of an item. The latest `rated_at` wins; without one it is now."""
    return payload(user_id, item_id, body={"value": value, "rated_at": rated_at})


@route("POST", "/v1/ratings", answers.RatingsWritten, is_repeatable=True)
def rate_many(ratings: Sequence[inputs.RatingIn]) -> Payload:
    """Store up to 1,000 ratings. Good rows are stored though others are refused; the answer names them."""
    return payload(body=ratings)


@route("DELETE", "/v1/users/{user_id}/ratings/{item_id}", answers.RatingRemoved)
def unrate(user_id: str, item_id: str) -> Payload:
    """Remove a rating."""
    return payload(user_id, item_id)


@route("GET", "/v1/users/{user_id}/ratings", answers.RatingList)
def ratings(user_id: str, *, limit: int | None = None, cursor: str | None = None) -> Payload:
    """List what a user rated, newest change first: one page."""
    return payload(user_id, limit=limit, cursor=cursor)


@route("GET", "/v1/users/{user_id}", answers.UserOut)
def user(user_id: str) -> Payload:
    """Show what is known about a user."""
    return payload(user_id)


@route("POST", "/v1/users/{user_id}/merge", answers.MergeOut, is_repeatable=True)
def merge(user_id: str, **source: Unpack[inputs.MergeRequest]) -> Payload:
    """Turn a guest's ratings into a user's: `from_user_id` moves stored ones, `ratings` posts them."""
    return payload(user_id, body=source)


# Payload again after a lost answer it would say that there is no such user, and the receipt would be lost for good.
@route("DELETE", "/v1/users/{user_id}", answers.ErasedOut, is_keyed=True)
def erase(user_id: str) -> Payload:
    """Erase a user for good. Keep the receipt's `erasure_id`: nothing finds it by the user any more."""
    return payload(user_id)


@route("GET", "/v1/erasures/{erasure_id}", answers.ReceiptOut)
def erasure(erasure_id: str) -> Payload:
    """Show how far the models are free of an erased user."""
    return payload(erasure_id)


@route("GET", "/v1/users/{user_id}/models", answers.HeldInList)
def user_models(user_id: str) -> Payload:
    """List the kept model versions that hold a user's ratings."""
    return payload(user_id)


# Items.


@route("PUT", "/v1/items/{item_id}", answers.ItemOut)
def put_item(item_id: str, **fields: Unpack[inputs.ItemFields]) -> Payload:
    """Store all fields of an item; what is left out takes its default."""
    return payload(item_id, body=fields)


@route("POST", "/v1/items", answers.ItemsWritten, is_repeatable=True)
def put_items(items: Sequence[inputs.ItemIn]) -> Payload:
    """Store all fields of up to 1,000 items. Good rows are stored though others are refused; the answer names them."""
    return payload(body=items)


@route("PATCH", "/v1/items/{item_id}", answers.ItemOut)
def update_item(item_id: str, **fields: Unpack[inputs.ItemPatch]) -> Payload:
    """Change some fields of an item; what is left out stays."""
    return payload(item_id, body=fields)


@route("GET", "/v1/items/{item_id}", answers.ItemOut)
def item(item_id: str) -> Payload:
    """Show an item."""
    return payload(item_id)


@route("GET", "/v1/items", answers.ItemList)
def items(*, item_id: Sequence[str] | None = None, limit: int | None = None, cursor: str | None = None) -> Payload:
    """List the items, or those of these ids: one page."""
    return payload(item_id=item_id, limit=limit, cursor=cursor)


@route("DELETE", "/v1/items/{item_id}", answers.ItemRemoved)
def delete_item(item_id: str) -> Payload:
    """Remove an item and every rating of it."""
    return payload(item_id)


@route("GET", "/v1/items/popular", answers.PopularItems)
def popular(*, half_life_days: answers.HalfLife | None = None, **asked: Unpack[inputs.Asked]) -> Payload:
    """List items by their decayed mean rating."""
    return payload(half_life_days=half_life_days, **asked)


@route("GET", "/v1/items/new", answers.NewItems)
def new(**asked: Unpack[inputs.Asked]) -> Payload:
    """List the newest items."""
    return payload(**asked)


@route("GET", "/v1/items/{item_id}/similar", answers.SimilarItems)
def similar_items(item_id: str, **asked: Unpack[inputs.Asked]) -> Payload:
    """List items like an item."""
    return payload(item_id, **asked)


# Recommendations.


@route("GET", "/v1/users/{user_id}/recommendations", answers.Recommendations)
def recommend(user_id: str, *, cursor: str | None = None, **asked: Unpack[inputs.Asked]) -> Payload:
    """Recommend items to a user, by their ratings as of now: one page."""
    return payload(user_id, cursor=cursor, **asked)


@route("POST", "/v1/recommendations", answers.GuestRecommendations, is_repeatable=True)
def recommend_guest(**asked: Unpack[inputs.GuestRequest]) -> Payload:
    """Recommend items to a guest by `ratings`, which are not stored: one page."""
    return payload(body=asked)


@route("POST", "/v1/recommendations/batch", answers.BatchRecommendations, is_repeatable=True)
def recommend_batch(**asked: Unpack[inputs.BatchRequest]) -> Payload:
    """Recommend items to up to 1,000 `users`."""
    return payload(body=asked)


@route("GET", "/v1/users/{user_id}/similar", answers.SimilarUsers)
def similar_users(user_id: str, *, limit: int | None = None) -> Payload:
    """List users who rated the same items, and the same way."""
    return payload(user_id, limit=limit)


@route("POST", "/v1/users/{user_id}/what-if", answers.WhatIf, is_repeatable=True)
def what_if(user_id: str, **asked: Unpack[inputs.WhatIfRequest]) -> Payload:
    """Recommend as if a user had given the ratings in `set` and taken back those in `remove`; nothing is stored."""
    return payload(user_id, body=asked)


@route("GET", "/v1/users/{user_id}/predictions", answers.Predictions)
def predict(user_id: str, item_id: Sequence[str]) -> Payload:
    """Predict how a user will rate items."""
    return payload(user_id, item_id=item_id)


@route("POST", "/v1/predictions", answers.GuestPredictions, is_repeatable=True)
def predict_guest(**asked: Unpack[inputs.PredictionRequest]) -> Payload:
    """Predict how a guest of these `ratings`, which are not stored, will rate the items in `item_ids`."""
    return payload(body=asked)


@route("GET", "/v1/users/{user_id}/questions", answers.Questions)
def questions(user_id: str, **asked: Unpack[inputs.Asked]) -> Payload:
    """List the items whose rating would tell most about a user."""
    return payload(user_id, **asked)


@route("POST", "/v1/questions", answers.GuestQuestions, is_repeatable=True)
def questions_guest(**asked: Unpack[inputs.QuestionRequest]) -> Payload:
    """List the items whose rating would tell most about a guest of these `ratings`, which are not stored."""
    return payload(body=asked)


# Outcomes.


@route("POST", "/v1/events", answers.EventsWritten, is_repeatable=True)
def report(events: Sequence[inputs.EventIn]) -> Payload:
    """Report up to 1,000 events of what was recommended. The answer names the rows that were refused."""
    return payload(body=events)


@route("POST", "/v1/replays", answers.Replay, is_repeatable=True)
def replay(**asked: Unpack[inputs.ReplayRequest]) -> Payload:
    """Make an answer again: what was recommended then. A guest's needs the same `ratings`."""
    return payload(body=asked)


@route("GET", "/v1/reports", answers.Report)
def outcomes(
    *, by: Sequence[answers.By] | None = None, from_: datetime | None = None, until: datetime | None = None
) -> Payload:
    """Report rates of outcomes of the answers made from `from_` to before `until`, with intervals."""
    return payload(by=by, until=until, **{"from": from_})


# Rules for everyone.


@route("GET", "/v1/rules", answers.RulesOut)
def rules() -> Payload:
    """Show the rules that hold for everyone."""
    return payload()


@route("PUT", "/v1/rules", answers.RulesOut)
def set_rules(**rules: Unpack[inputs.RulesSet]) -> Payload:
    """Replace the rules that hold for everyone; what is left out is empty."""
    return payload(body=rules)


@route("DELETE", "/v1/rules", type(None))
def delete_rules() -> Payload:
    """Remove the rules that hold for everyone."""
    return payload()


# Training and models.


@route("POST", "/v1/training-runs", answers.Run, is_keyed=True)
def start_run(**options: Unpack[inputs.RunRequest]) -> Payload:
    """Queue a training run; without options it runs as the settings say."""
    return payload(body=options)


@route("GET", "/v1/training-runs", answers.RunList)
def runs(*, state: answers.RunState | None = None, limit: int | None = None, cursor: str | None = None) -> Payload:
    """List the training runs, newest first: one page."""
    return payload(state=state, limit=limit, cursor=cursor)


@route("GET", "/v1/training-runs/{run_id}", answers.RunDetail)
def run(run_id: int) -> Payload:
    """Show a training run and its epochs so far."""
    return payload(run_id)


@route("DELETE", "/v1/training-runs/{run_id}", answers.Run)
def cancel_run(run_id: int) -> Payload:
    """Cancel a training run."""
    return payload(run_id)


@route("GET", "/v1/training-runs/{run_id}/events", type(None))
def run_events(run_id: int) -> Payload:
    """Follow a training run until it ends: an `Epoch` for each one finished, a `Run` for each change of its state."""
    return payload(run_id)


@route("GET", "/v1/models", answers.VersionList)
def models(*, limit: int | None = None, cursor: str | None = None) -> Payload:
    """List the model versions, newest first: one page."""
    return payload(limit=limit, cursor=cursor)


@route("GET", "/v1/models/{version}", answers.Version)
def model(version: str) -> Payload:
    """Show a model version."""
    return payload(version)


@route("POST", "/v1/models/{version}/activate", answers.Version)
def activate(version: str, **wish: Unpack[inputs.Activate]) -> Payload:
    """Make a model version live."""
    return payload(version, body=wish)


# Experiments.


@route("POST", "/v1/experiments", answers.ExperimentOut, is_keyed=True)
def start_experiment(**experiment: Unpack[inputs.NewExperiment]) -> Payload:
    """Serve two versions side by side, each to its share of the users."""
    return payload(body=experiment)


@route("GET", "/v1/experiments", answers.ExperimentList)
def experiments(*, limit: int | None = None, cursor: str | None = None) -> Payload:
    """List the experiments, newest first: one page."""
    return payload(limit=limit, cursor=cursor)


@route("GET", "/v1/experiments/{number}", answers.ExperimentOut)
def experiment(number: int) -> Payload:
    """Show an experiment."""
    return payload(number)


@route("GET", "/v1/experiments/{number}/report", answers.ExperimentReport)
def experiment_report(number: int, *, metric: str | None = None) -> Payload:
    """Compare two versions; `metric` is the one that decides: click_through, hit, conversion or buyers."""
    return payload(number, metric=metric)


@route("POST", "/v1/experiments/{number}/stop", answers.ExperimentOut, is_repeatable=False)
def stop_experiment(number: int, **wish: Unpack[inputs.StopExperiment]) -> Payload:
    """Stop an experiment, and make one of its versions live if `activate` names its arm."""
    return payload(number, body=wish)


# Any number of rows.


class ImportOptions(TypedDict, total=False):
    """What to say about rows that do not say it themselves; see the import guide.

    Attributes:
        column: which of the columns is which field, such as ``{"user_id": "who"}``.
        columns: the places of user, item, value and date, such as ``"1,2,3"``.
        header: whether the first line of CSV names the columns.
        user: whose ratings they are, of an export of one user.
        value: the rating that each row stands for, of rows without values.
        map: what words mean as values, such as ``{"up": 5, "down": 1}``.
        unrated: the values that mean "not rated", such as ``"0,-1"``.
        timezone: of dates without one.
        date_order: ``"dmy"``, ``"mdy"`` or ``"ymd"``, of dates such as 03/04/21.
        rescale: least and largest value of the rows, stretched over the server's own scale.
        match_titles: whether a title and year that the catalogue has stand for its item, whatever id the row has.
        max_refused: the share of rows that may be refused before it is an error.
        dry_run: whether nothing is stored.
    """

    column: Mapping[str, str]
    columns: str
    header: bool
    user: str
    value: float
    map: Mapping[str, float]
    unrated: str
    timezone: str
    date_order: Literal["dmy", "mdy", "ymd"]
    rescale: tuple[float, float]
    match_titles: bool
    max_refused: float
    dry_run: bool


@route("POST", "/v1/imports", answers.ImportDone, is_repeatable=True)
def imports(kind: Kind, **options: Unpack[ImportOptions]) -> Payload:
    """Import ratings or items."""
    column, words, rescale = options.get("column", {}), options.get("map", {}), options.get("rescale")
    written = {
        "column": [f"{field}={name}" for field, name in column.items()],
        "map": [json.dumps(dict(words))] if words else [],
        "rescale": rescale and f"{rescale[0]}:{rescale[1]}",
    }
    return payload(kind=kind, **(dict(options) | written))


@route("GET", "/v1/exports/{kind}", type(None))
def exports(kind: Kind, *, format: Format = "ndjson") -> Payload:  # noqa: A002 - the parameter's name
    """Export ratings or items."""
    return payload(kind, format=format)


# Health.


@route("GET", "/health/live", answers.Live)
def live() -> Payload:
    """Return whether the server answers."""
    return payload()


@route("GET", "/health/ready", answers.Ready)
def ready() -> Payload:
    """Return whether the database, its tables and the live model are there."""
    return payload()
