"""Every route of the API, and what it takes. The methods of both clients are made from these."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Unpack

from palate_client import answers, inputs
from palate_client.call import Sent, route, sent
from palate_client.uploads import Format

Kind = Literal["ratings", "items"]

# Ratings and users.


@route("PUT", "/v1/users/{user_id}/ratings/{item_id}", answers.RatingChanged)
def rate(user_id: str, item_id: str, value: float, *, rated_at: datetime | None = None) -> Sent:
    """Set what a user thinks of an item. The latest `rated_at` wins; without one it is now."""
    return sent(user_id, item_id, body={"value": value, "rated_at": rated_at})


@route("POST", "/v1/ratings", answers.RatingsWritten, is_repeatable=True)
def rate_many(ratings: Sequence[inputs.RatingIn]) -> Sent:
    """Store up to 1,000 ratings. Good rows are stored though others are refused; the answer tells which."""
    return sent(body=ratings)


@route("DELETE", "/v1/users/{user_id}/ratings/{item_id}", answers.RatingChanged)
def unrate(user_id: str, item_id: str) -> Sent:
    """Remove a rating."""
    return sent(user_id, item_id)


@route("GET", "/v1/users/{user_id}/ratings", answers.RatingList)
def ratings(user_id: str, *, limit: int | None = None, cursor: str | None = None) -> Sent:
    """List what a user rated, newest change first: one page."""
    return sent(user_id, limit=limit, cursor=cursor)


@route("GET", "/v1/users/{user_id}", answers.UserOut)
def user(user_id: str) -> Sent:
    """Show what is known about a user."""
    return sent(user_id)


@route("POST", "/v1/users/{user_id}/merge", answers.MergeOut, is_repeatable=True)
def merge(user_id: str, **source: Unpack[inputs.MergeRequest]) -> Sent:
    """Turn a guest's ratings into a user's: `from_user_id` moves stored ones, `ratings` posts them."""
    return sent(user_id, body=source)


# Sent again after a lost answer it would say that there is no such user, and the receipt would be lost for good.
@route("DELETE", "/v1/users/{user_id}", answers.ReceiptOut, is_repeatable=False)
def erase(user_id: str) -> Sent:
    """Erase a user for good. Keep the receipt's `erasure_id`: nothing finds it by the user any more."""
    return sent(user_id)


@route("GET", "/v1/erasures/{erasure_id}", answers.ReceiptOut)
def erasure(erasure_id: str) -> Sent:
    """Show how far the models are free of an erased user."""
    return sent(erasure_id)


@route("GET", "/v1/users/{user_id}/models", answers.HeldInList)
def user_models(user_id: str) -> Sent:
    """List the kept model versions that hold a user's ratings."""
    return sent(user_id)


# Items.


@route("PUT", "/v1/items/{item_id}", answers.ItemOut)
def put_item(item_id: str, **fields: Unpack[inputs.ItemFields]) -> Sent:
    """Say all about an item; what is left out takes its default."""
    return sent(item_id, body=fields)


@route("POST", "/v1/items", answers.ItemsWritten, is_repeatable=True)
def put_items(items: Sequence[inputs.ItemIn]) -> Sent:
    """Say all about up to 1,000 items. Good rows are stored though others are refused; the answer tells which."""
    return sent(body=items)


@route("PATCH", "/v1/items/{item_id}", answers.ItemOut)
def update_item(item_id: str, **fields: Unpack[inputs.ItemPatch]) -> Sent:
    """Change some fields of an item; what is left out stays."""
    return sent(item_id, body=fields)


@route("GET", "/v1/items/{item_id}", answers.ItemOut)
def item(item_id: str) -> Sent:
    """Show an item."""
    return sent(item_id)


@route("GET", "/v1/items", answers.ItemList)
def items(*, item_id: Sequence[str] | None = None, limit: int | None = None, cursor: str | None = None) -> Sent:
    """List the items, or those of these ids: one page."""
    return sent(item_id=item_id, limit=limit, cursor=cursor)


@route("DELETE", "/v1/items/{item_id}", answers.ItemRemoved)
def delete_item(item_id: str) -> Sent:
    """Remove an item and every rating of it."""
    return sent(item_id)


@route("GET", "/v1/items/popular", answers.PopularItems)
def popular(*, half_life_days: answers.HalfLife | None = None, **asked: Unpack[inputs.Asked]) -> Sent:
    """List items by their decayed mean rating."""
    return sent(half_life_days=half_life_days, **asked)


@route("GET", "/v1/items/new", answers.NewItems)
def new(**asked: Unpack[inputs.Asked]) -> Sent:
    """List the newest items."""
    return sent(**asked)


@route("GET", "/v1/items/{item_id}/similar", answers.SimilarItems)
def similar_items(item_id: str, **asked: Unpack[inputs.Asked]) -> Sent:
    """List items like an item."""
    return sent(item_id, **asked)


# Recommendations.


@route("GET", "/v1/users/{user_id}/recommendations", answers.Recommendations)
def recommend(user_id: str, *, cursor: str | None = None, **asked: Unpack[inputs.Asked]) -> Sent:
    """Recommend items to a user, by his ratings as of now: one page."""
    return sent(user_id, cursor=cursor, **asked)


@route("POST", "/v1/recommendations", answers.GuestRecommendations, is_repeatable=True)
def recommend_guest(**asked: Unpack[inputs.GuestRequest]) -> Sent:
    """Recommend items to somebody by `ratings`, which are not stored: one page."""
    return sent(body=asked)


@route("POST", "/v1/recommendations/batch", answers.BatchRecommendations, is_repeatable=True)
def recommend_batch(**asked: Unpack[inputs.BatchRequest]) -> Sent:
    """Recommend items to up to 1,000 `users`."""
    return sent(body=asked)


@route("GET", "/v1/users/{user_id}/similar", answers.SimilarUsers)
def similar_users(user_id: str, *, limit: int | None = None) -> Sent:
    """List users who rated the same items, and the same way."""
    return sent(user_id, limit=limit)


@route("POST", "/v1/users/{user_id}/what-if", answers.WhatIf, is_repeatable=True)
def what_if(user_id: str, **asked: Unpack[inputs.WhatIfRequest]) -> Sent:
    """Recommend as if a user had given the ratings in `set` and taken back those in `remove`; nothing is stored."""
    return sent(user_id, body=asked)


@route("GET", "/v1/users/{user_id}/predictions", answers.Predictions)
def predict(user_id: str, item_id: Sequence[str]) -> Sent:
    """Predict how a user will rate items."""
    return sent(user_id, item_id=item_id)


@route("POST", "/v1/predictions", answers.GuestPredictions, is_repeatable=True)
def predict_guest(**asked: Unpack[inputs.PredictionRequest]) -> Sent:
    """Predict how somebody of these `ratings`, which are not stored, will rate the items in `item_ids`."""
    return sent(body=asked)


@route("GET", "/v1/users/{user_id}/questions", answers.Questions)
def questions(user_id: str, **asked: Unpack[inputs.Asked]) -> Sent:
    """List the items whose rating would tell most about a user."""
    return sent(user_id, **asked)


@route("POST", "/v1/questions", answers.GuestQuestions, is_repeatable=True)
def questions_guest(**asked: Unpack[inputs.QuestionRequest]) -> Sent:
    """List them for somebody of these `ratings`, which are not stored."""
    return sent(body=asked)


# Outcomes.


@route("POST", "/v1/events", answers.EventsWritten, is_repeatable=True)
def report(events: Sequence[inputs.EventIn]) -> Sent:
    """Report up to 1,000 events: what was shown, clicked, rated, bought. The answer tells which rows were refused."""
    return sent(body=events)


@route("POST", "/v1/replays", answers.Replay, is_repeatable=True)
def replay(**asked: Unpack[inputs.ReplayRequest]) -> Sent:
    """Make an answer again: what was recommended then. A guest's needs the same `ratings`."""
    return sent(body=asked)


@route("GET", "/v1/reports", answers.Report)
def outcomes(
    *, by: Sequence[answers.By] | None = None, from_: datetime | None = None, until: datetime | None = None
) -> Sent:
    """Report rates of outcomes of the answers made from `from_` to before `until`, with intervals."""
    return sent(by=by, until=until, **{"from": from_})


# Rules for everybody.


@route("GET", "/v1/rules", answers.RulesOut)
def rules() -> Sent:
    """Show the rules that hold for everybody."""
    return sent()


@route("PUT", "/v1/rules", answers.RulesOut)
def set_rules(**rules: Unpack[inputs.RulesSet]) -> Sent:
    """Replace the rules that hold for everybody; what is left out is empty."""
    return sent(body=rules)


@route("DELETE", "/v1/rules", type(None))
def delete_rules() -> Sent:
    """Remove the rules that hold for everybody."""
    return sent()


# Training and models.


@route("POST", "/v1/training-runs", answers.Run)
def start_run(**options: Unpack[inputs.RunRequest]) -> Sent:
    """Queue a training run; without options it runs as the settings say."""
    return sent(body=options)


@route("GET", "/v1/training-runs", answers.RunList)
def runs(*, state: answers.RunState | None = None, limit: int | None = None, cursor: str | None = None) -> Sent:
    """List the training runs, newest first: one page."""
    return sent(state=state, limit=limit, cursor=cursor)


@route("GET", "/v1/training-runs/{run_id}", answers.RunDetail)
def run(run_id: int) -> Sent:
    """Show a training run and its epochs so far."""
    return sent(run_id)


@route("DELETE", "/v1/training-runs/{run_id}", answers.Run)
def cancel_run(run_id: int) -> Sent:
    """Cancel a training run."""
    return sent(run_id)


@route("GET", "/v1/training-runs/{run_id}/events", type(None))
def run_events(run_id: int) -> Sent:
    """Follow a training run until it ends: an `Epoch` for each one finished, a `Run` for each change of its state."""
    return sent(run_id)


@route("GET", "/v1/models", answers.VersionList)
def models(*, limit: int | None = None, cursor: str | None = None) -> Sent:
    """List the model versions, newest first: one page."""
    return sent(limit=limit, cursor=cursor)


@route("GET", "/v1/models/{version}", answers.Version)
def model(version: str) -> Sent:
    """Show a model version."""
    return sent(version)


@route("POST", "/v1/models/{version}/activate", answers.Version)
def activate(version: str, **wish: Unpack[inputs.Activate]) -> Sent:
    """Make a model version live."""
    return sent(version, body=wish)


# Experiments.


@route("POST", "/v1/experiments", answers.ExperimentOut, is_repeatable=False)
def start_experiment(**experiment: Unpack[inputs.NewExperiment]) -> Sent:
    """Serve two versions side by side, each to its share of the users."""
    return sent(body=experiment)


@route("GET", "/v1/experiments", answers.ExperimentList)
def experiments(*, limit: int | None = None, cursor: str | None = None) -> Sent:
    """List the experiments, newest first: one page."""
    return sent(limit=limit, cursor=cursor)


@route("GET", "/v1/experiments/{number}", answers.ExperimentOut)
def experiment(number: int) -> Sent:
    """Show an experiment."""
    return sent(number)


@route("GET", "/v1/experiments/{number}/report", answers.ExperimentReport)
def experiment_report(number: int, *, metric: str | None = None) -> Sent:
    """Compare two versions; `metric` is the one that decides: click_through, hit, conversion or buyers."""
    return sent(number, metric=metric)


@route("POST", "/v1/experiments/{number}/stop", answers.ExperimentOut, is_repeatable=False)
def stop_experiment(number: int, **wish: Unpack[inputs.StopExperiment]) -> Sent:
    """Stop an experiment, and make one of its versions live if `activate` names its arm."""
    return sent(number, body=wish)


# Any number of rows.


@route("POST", "/v1/imports", answers.ImportDone, is_repeatable=True)
def imports(kind: Kind, *, column: Mapping[str, str] | None = None, rescale: tuple[float, float] | None = None) -> Sent:
    """Import ratings or items."""
    columns = [f"{field}={name}" for field, name in (column or {}).items()]
    return sent(kind=kind, column=columns, rescale=rescale and f"{rescale[0]}:{rescale[1]}")


@route("GET", "/v1/exports/{kind}", type(None))
def exports(kind: Kind, *, format: Format = "ndjson") -> Sent:  # noqa: A002 - the parameter's name
    """Export ratings or items."""
    return sent(kind, format=format)


# Health.


@route("GET", "/health/live", answers.Live)
def live() -> Sent:
    """Tell whether the server answers."""
    return sent()


@route("GET", "/health/ready", answers.Ready)
def ready() -> Sent:
    """Tell whether the database, its tables and the live model are there."""
    return sent()
