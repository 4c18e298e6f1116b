"""Which methods an address has."""

from fastapi.testclient import TestClient

ITEM = "/v1/items/{item_id}"


def test_a_wrong_method_is_answered_with_all_those_of_the_address(plain: TestClient) -> None:
    paths = plain.get("/openapi.json").json()["paths"]
    for path in paths:
        refused = plain.request("BREW", path)
        methods = {method.upper() for method in paths[path]}
        if path in {"/v1/items/popular", "/v1/items/new"}:  # an item may have these names
            methods |= {method.upper() for method in paths[ITEM]}
        if "GET" in methods:
            methods.add("HEAD")
        assert refused.status_code == 405
        assert set(refused.headers["allow"].split(", ")) == methods, path
