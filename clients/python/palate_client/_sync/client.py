# Generated from _async/client.py by `python -m scripts.client`; do not edit.
"""The client, with a method for every route."""

import contextlib
from collections.abc import Iterator
from typing import Self, TypeVar

import httpx2

from palate_client import routes
from palate_client._sync.bulk import Bulk
from palate_client._sync.methods import Method, Pages
from palate_client.answers import Epoch, Run
from palate_client.call import Call
from palate_client.events import ENDED_EARLY, RunFollower
from palate_client.response import parse
from palate_client.retry import Outcome, Retry
from palate_client.waiting import sleep

T = TypeVar("T")


class Client(Bulk):
    """Calls a Palate server. Close it, or use it as a context manager.

    Threads may share a `Client`, tasks an `AsyncClient`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        timeout_s: float = 30.0,
        retry: Retry | None = None,
        http: httpx2.Client | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            base_url: where the server is, such as ``http://127.0.0.1:8000``.
            api_key: sent as `X-API-Key`.
            timeout_s: for connecting, and for each silence of the server, in seconds.
            retry: when to try again; `Retry(tries=1)`: never.
            http: one of your own, with proxies or certificates; its time-outs hold then.
        """
        super().__init__(base_url, api_key, retry or Retry(), http or httpx2.Client(timeout=timeout_s))

    rate = Method(routes.rate)
    rate_many = Method(routes.rate_many)
    unrate = Method(routes.unrate)
    ratings = Method(routes.ratings)
    user = Method(routes.user)
    merge = Method(routes.merge)
    erase = Method(routes.erase)
    erasure = Method(routes.erasure)
    user_models = Method(routes.user_models)
    put_item = Method(routes.put_item)
    put_items = Method(routes.put_items)
    update_item = Method(routes.update_item)
    item = Method(routes.item)
    items = Method(routes.items)
    delete_item = Method(routes.delete_item)
    popular = Method(routes.popular)
    new = Method(routes.new)
    similar_items = Method(routes.similar_items)
    recommend = Method(routes.recommend)
    recommend_guest = Method(routes.recommend_guest)
    recommend_batch = Method(routes.recommend_batch)
    similar_users = Method(routes.similar_users)
    what_if = Method(routes.what_if)
    predict = Method(routes.predict)
    predict_guest = Method(routes.predict_guest)
    questions = Method(routes.questions)
    questions_guest = Method(routes.questions_guest)
    report = Method(routes.report)
    replay = Method(routes.replay)
    outcomes = Method(routes.outcomes)
    rules = Method(routes.rules)
    set_rules = Method(routes.set_rules)
    delete_rules = Method(routes.delete_rules)
    start_run = Method(routes.start_run)
    runs = Method(routes.runs)
    run = Method(routes.run)
    cancel_run = Method(routes.cancel_run)
    models = Method(routes.models)
    model = Method(routes.model)
    activate = Method(routes.activate)
    start_experiment = Method(routes.start_experiment)
    experiments = Method(routes.experiments)
    experiment = Method(routes.experiment)
    experiment_report = Method(routes.experiment_report)
    stop_experiment = Method(routes.stop_experiment)
    live = Method(routes.live)
    ready = Method(routes.ready)

    iter_ratings = Pages(routes.ratings, lambda page: page.ratings)
    iter_items = Pages(routes.items, lambda page: page.items)
    iter_recommendations = Pages(routes.recommend, lambda page: page.items)
    iter_guest_recommendations = Pages(routes.recommend_guest, lambda page: page.items)
    iter_runs = Pages(routes.runs, lambda page: page.runs)
    iter_models = Pages(routes.models, lambda page: page.versions)
    iter_experiments = Pages(routes.experiments, lambda page: page.experiments)

    def send(self, call: Call[T], /) -> T:
        """Send a call, again where that may help and does no harm, and return its answer."""
        request, num_tries = self.request(call), 1
        outcome = self.outcome(request)
        while (pause_s := self.pause_s(call, num_tries, outcome)) is not None:
            sleep(pause_s)
            outcome, num_tries = self.outcome(request), num_tries + 1
        return parse(call, request, outcome)

    def outcome(self, request: httpx2.Request) -> Outcome:
        """Send a request once."""
        try:
            return self.http.send(request)
        except httpx2.RequestError as error:
            return error

    def run_events(self, run_id: int) -> Iterator[Epoch | Run]:
        """Follow a training run to its end: an `Epoch` for each one finished, a `Run` for each change of its state."""
        follower = RunFollower(self.request(routes.run_events(run_id)), self.retry)
        while not follower.has_ended:
            outcome: Outcome = ENDED_EARLY
            try:
                response = self.http.send(follower.request, stream=True)
                with contextlib.closing(response):
                    if response.is_success:
                        for event in httpx2.EventSource(response):
                            yield follower.read_event(event)
                    else:
                        response.read()
                        outcome = response
            except httpx2.RequestError as error:
                outcome = error
            if not follower.has_ended:
                sleep(follower.pause_s(outcome))

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
