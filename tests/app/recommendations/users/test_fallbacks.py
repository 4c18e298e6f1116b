"""Never empty, and always saying why it is not personal."""

from starlette.testclient import TestClient

from tests.app.recommendations.helpers import ITEMS, Publish, add_items, ids, rate, recommend, wait_for_version


def test_an_empty_catalogue_returns_an_empty_answer_with_its_reason(client: TestClient) -> None:
    answer = recommend(client, "ada")
    assert (answer["items"], answer["reason"], answer["personalised"]) == ([], "no_items", False)


def test_without_ratings_or_model_the_newest_items_come_first(client: TestClient) -> None:
    add_items(client, ["even 0", "odd 1", "even 2"])
    answer = recommend(client, "ada")
    assert ids(answer) == ["even 2", "odd 1", "even 0"]
    assert {item["source"] for item in answer["items"]} == {"new"}
    assert (answer["reason"], answer["revision"], answer["model_version"]) == ("unknown_user", None, None)


def test_without_a_model_items_that_many_rate_highly_come_first(client: TestClient) -> None:
    add_items(client, ["even 0", "odd 1", "even 2", "odd 3"])
    for user in ("a", "b", "c"):
        rate(client, user, {"even 0": 5, "odd 1": 1.5})
    for user in ("d", "e"):
        rate(client, user, {"even 2": 5})
    answer = recommend(client, "ada")
    assert ids(answer) == ["even 0", "even 2", "odd 1", "odd 3"]
    assert [item["source"] for item in answer["items"]] == ["popular"] * 3 + ["new"]
    assert [item["predicted_rating"] for item in answer["items"]] == [5, 5, 1.5, None]


def test_without_a_model_a_users_rated_items_are_left_out(client: TestClient) -> None:
    add_items(client)
    rate(client, "ada", {"even 0": 5})
    answer = recommend(client, "ada", limit=20)
    assert answer["reason"] == "no_model"
    assert "even 0" not in ids(answer)
    assert len(answer["items"]) == len(ITEMS) - 1


def test_a_user_whose_ratings_were_all_removed_has_no_ratings(client: TestClient) -> None:
    add_items(client)
    rate(client, "ada", {"even 0": 5})
    client.delete("/v1/users/ada/ratings/even%200")
    answer = recommend(client, "ada")
    assert answer["reason"] == "no_ratings"
    assert answer["revision"] == 2
    assert answer["items"]


def test_an_unknown_user_gets_the_models_popular_items(client: TestClient, publish_version: Publish) -> None:
    add_items(client)
    add_items(client, ["even 90"])
    wait_for_version(client, publish_version())
    answer = recommend(client, "nobody", limit=20)
    assert (answer["reason"], answer["model_version"], answer["personalised"]) == ("unknown_user", "v1", False)
    assert [item["source"] for item in answer["items"]] == ["popular"] * len(ITEMS) + ["new"]
    scores = [item["score"] for item in answer["items"][:-1]]
    assert scores == sorted(scores, reverse=True)


def test_ratings_of_items_the_model_does_not_know_are_not_personal_yet(
    client: TestClient, publish_version: Publish
) -> None:
    add_items(client)
    wait_for_version(client, publish_version())
    rate(client, "ada", {"never seen": 5})
    answer = recommend(client, "ada")
    assert answer["reason"] == "no_known_items"
    assert "never seen" not in ids(answer)
    assert answer["items"]
    guest = client.post("/v1/recommendations", json={"ratings": [{"item_id": "unheard of", "value": 5}]}).json()
    assert (guest["reason"], guest["unknown_items"]) == ("no_known_items", 1)


def test_a_user_who_rated_everything_gets_popular_items_marked_as_rated(
    client: TestClient, publish_version: Publish
) -> None:
    add_items(client)
    wait_for_version(client, publish_version())
    rate(client, "ada", dict.fromkeys(ITEMS, 4.0))
    answer = recommend(client, "ada")
    assert (answer["reason"], answer["personalised"]) == ("all_rated", False)
    assert len(answer["items"]) == 10
    assert all(item["rated"] and item["source"] == "popular" for item in answer["items"])


def test_every_reason_comes_with_a_sentence(client: TestClient) -> None:
    assert recommend(client, "ada")["reason_detail"].endswith(".")
    guest = client.post("/v1/recommendations", json={"ratings": []}).json()
    assert guest["reason"] == "no_items"
    add_items(client)
    guest = client.post("/v1/recommendations", json={"ratings": []}).json()
    assert guest["reason"] == "no_ratings"
    assert guest["reason_detail"]
