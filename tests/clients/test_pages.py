"""Pages come one after another, each when it is wanted, and together they are the whole list."""

import asyncio
from itertools import islice

from palate_client import AsyncClient, Client
from tests.clients.conftest import FILMS, Caller


def test_the_pages_together_are_the_whole_list(call: Caller) -> None:
    for film in FILMS[:7]:
        call("rate", "many", film.item_id, 4)
    assert call("iter_ratings", "many", limit=2) == call("ratings", "many").ratings
    assert len(call("ratings", "many", limit=2).ratings) == 2

    whole = call("recommend", "many", limit=100, category=["Drama", "Comedy"], diversity=0.4)
    assert len(whole.items) > 10
    assert call("iter_recommendations", "many", limit=3, category=["Drama", "Comedy"], diversity=0.4) == whole.items

    guest = [{"item_id": film.item_id, "value": 5} for film in FILMS[::9]]
    assert (
        call("iter_guest_recommendations", ratings=guest, limit=5)
        == call("recommend_guest", ratings=guest, limit=100).items
    )
    assert call("iter_items", limit=4) == call("items", limit=1000).items
    # Other tests' runs may be going on.
    assert [run.id for run in call("iter_runs", limit=1)] == [run.id for run in call("runs", limit=100).runs]
    versions = [each.version for each in call("models", limit=100).versions]
    assert [each.version for each in call("iter_models", limit=1)] == versions


def test_a_page_is_fetched_when_it_is_wanted(url: str) -> None:
    with Client(url) as client:
        sent = list[str]()
        client.http.event_hooks = {"request": [lambda request: sent.append(request.url.path)]}
        pages = client.iter_items(limit=5)
        assert len(sent) == 0
        assert len(list(islice(pages, 6))) == 6
        assert len(sent) == 2


def test_answers_may_be_awaited_side_by_side(url: str) -> None:
    async def both() -> list[str | None]:
        async with AsyncClient(url) as client:
            answers = await asyncio.gather(*(client.recommend(f"user {u}", limit=3) for u in range(8)))
            return [answer.user_id for answer in answers]

    assert asyncio.run(both()) == [f"user {u}" for u in range(8)]
