"""The client, with a method for every route."""

import contextlib
from collections.abc import AsyncIterator
from typing import Self, TypeVar

import httpx2

from palate_client import routes
from palate_client._async.bulk import AsyncBulk
from palate_client._async.methods import AsyncMethod, AsyncPages
from palate_client.answers import Epoch, Run
from palate_client.call import Call
from palate_client.events import ENDED_EARLY, RunFollower
from palate_client.response import parse
from palate_client.retry import Outcome, Retry
from palate_client.waiting import async_sleep

T = TypeVar("T")


class AsyncClient(AsyncBulk):
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
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            base_url: where the server is, such as ``http://127.0.0.1:8000``.
            api_key: sent as `X-API-Key`.
            timeout_s: for connecting, and for each silence of the server, in seconds.
            retry: when to try again; `Retry(tries=1)`: never.
            http: one of your own, with proxies or certificates; its time-outs hold then.
        """
        super().__init__(base_url, api_key, retry or Retry(), http or httpx2.AsyncClient(timeout=timeout_s))

    rate = AsyncMethod(routes.rate)
    rate_many = AsyncMethod(routes.rate_many)
    unrate = AsyncMethod(routes.unrate)
    ratings = AsyncMethod(routes.ratings)
    user = AsyncMethod(routes.user)
    merge = AsyncMethod(routes.merge)
    erase = AsyncMethod(routes.erase)
    erasure = AsyncMethod(routes.erasure)
    user_models = AsyncMethod(routes.user_models)
    put_item = AsyncMethod(routes.put_item)
    put_items = AsyncMethod(routes.put_items)
    update_item = AsyncMethod(routes.update_item)
    item = AsyncMethod(routes.item)
    items = AsyncMethod(routes.items)
    delete_item = AsyncMethod(routes.delete_item)
    popular = AsyncMethod(routes.popular)
    new = AsyncMethod(routes.new)
    similar_items = AsyncMethod(routes.similar_items)
    recommend = AsyncMethod(routes.recommend)
    recommend_guest = AsyncMethod(routes.recommend_guest)
    recommend_batch = AsyncMethod(routes.recommend_batch)
    similar_users = AsyncMethod(routes.similar_users)
    what_if = AsyncMethod(routes.what_if)
    predict = AsyncMethod(routes.predict)
    predict_guest = AsyncMethod(routes.predict_guest)
    questions = AsyncMethod(routes.questions)
    questions_guest = AsyncMethod(routes.questions_guest)
    report = AsyncMethod(routes.report)
    replay = AsyncMethod(routes.replay)
    outcomes = AsyncMethod(routes.outcomes)
    rules = AsyncMethod(routes.rules)
    set_rules = AsyncMethod(routes.set_rules)
    delete_rules = AsyncMethod(routes.delete_rules)
    start_run = AsyncMethod(routes.start_run)
    runs = AsyncMethod(routes.runs)
    run = AsyncMethod(routes.run)
    cancel_run = AsyncMethod(routes.cancel_run)
    models = AsyncMethod(routes.models)
    model = AsyncMethod(routes.model)
    activate = AsyncMethod(routes.activate)
    start_experiment = AsyncMethod(routes.start_experiment)
    experiments = AsyncMethod(routes.experiments)
    experiment = AsyncMethod(routes.experiment)
    experiment_report = AsyncMethod(routes.experiment_report)
    stop_experiment = AsyncMethod(routes.stop_experiment)
    live = AsyncMethod(routes.live)
    ready = AsyncMethod(routes.ready)

    iter_ratings = AsyncPages(routes.ratings, lambda page: page.ratings)
    iter_items = AsyncPages(routes.items, lambda page: page.items)
    iter_recommendations = AsyncPages(routes.recommend, lambda page: page.items)
    iter_guest_recommendations = AsyncPages(routes.recommend_guest, lambda page: page.items)
    iter_runs = AsyncPages(routes.runs, lambda page: page.runs)
    iter_models = AsyncPages(routes.models, lambda page: page.versions)
    iter_experiments = AsyncPages(routes.experiments, lambda page: page.experiments)

    async def send(self, call: Call[T], /) -> T:
        """Send a call, again where that may help and does no harm, and return its answer."""
        request, num_tries = self.request(call), 1
        outcome = await self.outcome(request)
        while (pause_s := self.pause_s(call, num_tries, outcome)) is not None:
            await async_sleep(pause_s)
            outcome, num_tries = await self.outcome(request), num_tries + 1
        return parse(call, request, outcome)

    async def outcome(self, request: httpx2.Request) -> Outcome:
        """Send a request once."""
        try:
            return await self.http.send(request)
        except httpx2.RequestError as error:
            return error

    async def run_events(self, run_id: int) -> AsyncIterator[Epoch | Run]:
        """Follow a training run to its end: an `Epoch` for each one finished, a `Run` for each change of its state."""
        follower = RunFollower(self.request(routes.run_events(run_id)), self.retry)
        while not follower.has_ended:
            outcome: Outcome = ENDED_EARLY
            try:
                response = await self.http.send(follower.request, stream=True)
                async with contextlib.aclosing(response):
                    if response.is_success:
                        async for event in httpx2.EventSource(response):
                            yield follower.read_event(event)
                    else:
                        await response.aread()
                        outcome = response
            except httpx2.RequestError as error:
                outcome = error
            if not follower.has_ended:
                await async_sleep(follower.pause_s(outcome))

    async def close(self) -> None:
        """Close the connections."""
        await self.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
