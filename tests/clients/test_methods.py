"""Every method of both clients, against a real server: what is sent is understood, what comes back is read."""

import inspect
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from palate_client import AsyncClient, Client, answers, routes
from palate_client._async.bulk import AsyncBulk
from palate_client._sync.bulk import Bulk
from palate_client.call import Route
from palate_client.methods import RouteMethod
from tests.clients.conftest import Caller
from tests.processes import wait_until

ALIEN, TOOTSIE, NOSFERATU = "alien-1979", "tootsie-1982", "nosferatu-1922"
GUEST = [{"item_id": ALIEN, "value": 5}]


def methods(kind: type[Client | AsyncClient]) -> set[str]:
    """Return the names of the methods that make calls."""
    bulk = {name for name in vars(Bulk if kind is Client else AsyncBulk) if not name.startswith("_")}
    return {name for name, what in vars(kind).items() if isinstance(what, RouteMethod)} | {"run_events"} | bulk


def test_every_method_of_both_clients_works(call: Caller, kind: type[Client | AsyncClient], tmp_path: Path) -> None:
    user = f"ada/{uuid4()}"
    rate_and_unrate(call, user)
    ask_for_recommendations(call, user)
    report_events(call, user)
    ask_as_guest(call, user)
    manage_items(call)
    manage_rules(call)
    import_and_export(call, user, tmp_path / "ratings.csv")
    erase(call, user)
    train(call)
    experiment(call)
    assert call("live").status == "ok"
    assert call("ready").database == "ok"
    assert call.called == methods(kind)


def rate_and_unrate(call: Caller, user: str) -> None:
    moment = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert call("rate", user, ALIEN, 4.5, rated_at=moment).status == "created"
    assert call("rate", user, ALIEN, 5).status == "updated"
    rows = [{"user_id": user, "item_id": i, "value": 2, "rated_at": moment} for i in (TOOTSIE, NOSFERATU)]
    assert call("rate_many", rows).counts.created == 2
    assert call("rate_many", rows).counts.unchanged == 2
    assert call("unrate", user, NOSFERATU).status == "removed"
    assert [each.item_id for each in call("ratings", user).ratings] == [TOOTSIE, ALIEN]
    assert call("iter_ratings", user) == call("ratings", user).ratings
    assert call("ratings", user).ratings[0].rated_at == moment
    assert call("user", user).num_ratings == 2
    guest = f"guest {uuid4()}"
    call("rate", guest, NOSFERATU, 4)
    assert call("merge", user, from_user_id=guest).moved == 1
    assert call("merge", user, ratings=GUEST).counts.refused == 0


def ask_for_recommendations(call: Caller, user: str) -> None:
    answer = call("recommend", user, limit=3, explain=True, explain_ratings=2, diversity=0.2, exploration=0.1)
    assert answer.personalised
    assert len(answer.items) == 3
    rated = {ALIEN, TOOTSIE, NOSFERATU}
    assert any({cause.item_id for cause in item.because or []} & rated for item in answer.items)
    rules = {
        "block": [answer.items[0].item_id],
        "boost": [{"factor": 2, "category": ["Horror"]}],
        "pin": [{"item_id": "the-thing-1982", "position": 2}],
    }
    filters = {
        "category": ["Horror", "Sci-Fi"],
        "exclude_category": ["Musical"],
        "attribute": [{"name": "year", "gte": 1980}, {"name": "year", "in": [1979, 1980, 1982]}],
    }
    ruled = call("recommend", user, limit=50, include_rated=True, **rules, **filters)
    assert ruled.items[1].item_id == "the-thing-1982"
    assert ruled.items[1].source == "pinned"
    assert answer.items[0].item_id not in {item.item_id for item in ruled.items}
    assert all(int(item.item_id[-4:]) >= 1980 for item in ruled.items)
    assert call("recommend_batch", users=[user], limit=3).answers[0].items == call("recommend", user, limit=3).items
    assert call("similar_users", user, limit=2).num_compared > 0
    assert call("predict", user, [NOSFERATU, "no such film"]).predictions[1].known is False
    assert call("popular", half_life_days=90, limit=2, category=["Drama"]).half_life_days == 90
    assert len(call("new", limit=2).items) == 2
    assert len(call("similar_items", ALIEN, limit=2).items) == 2
    assert call("iter_recommendations", user, limit=100, category=["Drama"])


def report_events(call: Caller, user: str) -> None:
    answer = call("recommend", user, limit=3)
    shown = {"recommendation_id": answer.recommendation_id, "type": "impression"}
    clicked = {**shown, "type": "click", "item_id": answer.items[1].item_id}
    written = call("report", [shown, clicked, {**clicked, "item_id": "no such film"}])
    assert [result.num_items for result in written.results] == [3, 1, 0]
    assert written.results[2].errors[0]["field"] == "/2/item_id"
    lines = call("outcomes", by=["list", "source"], from_=datetime(2026, 1, 1, tzinfo=UTC)).lines
    assert any(line.list == "user" and line.click_through.numerator for line in lines)


def ask_as_guest(call: Caller, user: str) -> None:
    what_if = call("what_if", user, set=[{"item_id": NOSFERATU, "value": 1}], remove=[ALIEN, "no such film"], limit=5)
    assert what_if.not_rated == ["no such film"]
    assert what_if.after.items != what_if.before.items
    assert call("recommend_guest", ratings=GUEST, limit=3).personalised
    assert call("iter_guest_recommendations", ratings=GUEST, limit=100, category=["Drama"])
    assert call("predict_guest", ratings=GUEST, item_ids=[TOOTSIE]).predictions[0].predicted_rating is not None
    questions = call("questions", user, limit=2, block=[TOOTSIE]).questions
    assert [questions[0].information, TOOTSIE in {each.item_id for each in questions}] == [1, False]
    assert len(call("questions_guest", ratings=GUEST, limit=3).questions) == 3
    answer = call("recommend_guest", ratings=GUEST, limit=3)
    again = call("replay", recommendation_id=answer.recommendation_id, ratings=GUEST)
    assert (again.identical, again.items) == (True, answer.items)


def manage_items(call: Caller) -> None:
    one, other = f"a/b?{uuid4()}", f"..{uuid4()}"
    assert call("put_item", one, title="One", categories=["x"], attributes={"year": 2026}).title == "One"
    assert call("put_items", [{"item_id": other, "available_until": datetime(2999, 1, 1, tzinfo=UTC)}]).counts.created
    assert call("update_item", one, title=None, active=False).title is None
    assert call("item", one).categories == ["x"]
    assert [item.item_id for item in call("items", item_id=[one, other]).items] == [one, other]
    assert {one, other} <= {item.item_id for item in call("iter_items", limit=1000)}
    assert [call("delete_item", each).num_ratings_removed for each in (one, other)] == [0, 0]


def manage_rules(call: Caller) -> None:
    assert call("set_rules", boost=[{"factor": 1.5, "attribute": [{"name": "year", "lte": 1950}]}]).boost
    assert call("rules").boost[0]["factor"] == 1.5
    assert call("delete_rules") is None
    assert call("rules").boost == []


def import_and_export(call: Caller, user: str, path: Path) -> None:
    ratings, items = call("export_ratings"), call("export_items")
    assert user in {row.user_id for row in ratings}
    assert call("import_ratings", ratings).counts.unchanged == len(ratings)
    assert call("import_items", items).counts.unchanged == len(items)
    call("export_to", "ratings", path)
    assert len(path.read_text().splitlines()) == 1 + len(ratings)


def erase(call: Caller, user: str) -> None:
    assert call("user_models", user).versions == []
    receipt = call("erase", user)
    assert receipt.removed["ratings"] == 3
    assert call("erasure", receipt.erasure_id).erasure_id == receipt.erasure_id


def train(call: Caller) -> None:
    run = call("start_run", kind="linear", seed=1)
    events = call("run_events", run.id)
    assert isinstance(events[-1], answers.Run)
    assert events[-1].finished_at is not None
    assert [event.epoch for event in events if isinstance(event, answers.Epoch)] == [
        epoch.epoch for epoch in call("run", run.id).epochs
    ]
    assert run.id in {each.id for each in call("runs", state="succeeded").runs}
    assert run.id in {each.id for each in call("iter_runs", limit=1)}
    version = call("model", events[-1].version)
    assert version in call("models", limit=1).versions
    assert version in call("iter_models", limit=1)
    assert call("activate", version.version, reason="a test", force=True).live
    last = call("start_run", kind="linear", cold=True)
    assert call("cancel_run", last.id).state in {"running", "cancelled"}
    call("run_events", last.id)
    wait_until(lambda: call("ready").model_version == call("ready").live_version, "other tests have one model")


def experiment(call: Caller) -> None:
    treatment, control = [each.version for each in call("models").versions][:2]
    begun = call("start_experiment", name="a test", control=control, treatment=treatment, share=0.5)
    assert call("experiment", begun.id) == begun
    assert begun in call("experiments", limit=1).experiments
    assert call("experiment_report", begun.id, metric="hit").verdict.startswith("Not decided yet: 0 users")
    assert begun in call("iter_experiments", limit=1)
    stopped = call("stop_experiment", begun.id, activate="control", force=True)
    assert (stopped.activated, stopped.stopped_at is None) == ("control", False)


def test_a_method_has_the_signature_of_its_route() -> None:
    with Client("http://127.0.0.1:1") as client:
        signature = inspect.signature(client.recommend)
        assert list(signature.parameters)[:2] == ["user_id", "cursor"]
        assert {"limit", "category", "explain"} <= signature.parameters.keys()
        assert signature.return_annotation is answers.Recommendations
        assert client.iter_items.__name__ == "iter_items"
        assert "all pages" in str(client.iter_items.__doc__)
        assert inspect.signature(client.recommend_batch).parameters["users"].default is inspect.Parameter.empty
        for name in methods(Client):
            assert inspect.getdoc(getattr(client, name)), name


def test_every_method_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/client.md").read_text()
    assert {name for name in methods(Client) if f"`{name}`" not in page} == set()


def test_both_clients_have_a_method_for_every_route() -> None:
    routed = {name for name, what in vars(routes).items() if isinstance(what, Route)}
    assert routed - methods(Client) == {"imports", "exports"}  # whose methods are named by what the rows are
    assert methods(AsyncClient) == methods(Client)
