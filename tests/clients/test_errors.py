"""The errors of a real server are raised with all their fields."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.keys import service
from app.keys.scopes import Scope
from app.keys.service import NewKey
from app.kit.errors import PalateError
from app.main import create_app
from app.settings import Settings
from palate_client import Client, Conflict, FieldError, Forbidden, Invalid, NotFound, Unauthorized
from palate_client.errors import BY_STATUS
from tests.clients.conftest import Caller


def test_an_invalid_call_names_the_fields(call: Caller) -> None:
    with pytest.raises(Invalid) as raised:
        call("rate_many", [{"user_id": "ada", "item_id": "alien-1979", "value": 99}])
    error = raised.value
    assert (error.status, error.code) == (422, "invalid-request")
    assert [each.field for each in error.errors] == ["/0/value"]
    assert error.errors[0].detail in error.detail
    assert error.title
    assert error.retry_after_s is None
    assert len(error.request_id) == 32
    assert error.request_id in str(error)
    with pytest.raises(Invalid) as raised:
        call("recommend", "ada", limit=0)
    assert raised.value.errors == [FieldError("limit", raised.value.errors[0].detail)]


def test_what_is_not_there_is_not_found(call: Caller) -> None:
    for method, *ids in [("item", "no such"), ("user", ".."), ("unrate", "ada", "a/b"), ("run", 99999), ("model", "x")]:
        with pytest.raises(NotFound) as raised:
            call(str(method), *ids)
        assert raised.value.code.endswith("-not-found")
        assert raised.value.code != "route-not-found"


def test_what_cannot_be_done_now_is_a_conflict(call: Caller) -> None:
    run = call("start_run", kind="linear")
    call("run_events", run.id)
    with pytest.raises(Conflict) as raised:
        call("cancel_run", run.id)
    assert raised.value.code == "run-already-ended"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_keys_are_sent_and_a_missing_scope_raises_forbidden(
    settings: Settings, run_on_database: Callable[..., NewKey]
) -> None:
    key = run_on_database(lambda database: database.write(service.create, "test", [Scope.READ]))
    with TestClient(create_app(settings), base_url="http://localhost") as http:
        without_key = Client("http://localhost", http=http)
        with pytest.raises(Unauthorized, match="key-missing"):
            without_key.popular()
        reader = Client("http://localhost", http=http, api_key=key.secret)
        assert reader.popular().items == []
        with pytest.raises(Forbidden, match="scope-missing"):
            reader.rate("ada", "alien-1979", 5)


def test_only_the_statuses_of_proxies_have_an_exception_that_the_server_never_sends() -> None:
    statuses = {error.status for error in all_subclasses(PalateError)}
    assert BY_STATUS.keys() - statuses == {502, 504}


def all_subclasses(error: type[PalateError]) -> set[type[PalateError]]:
    """Return an error class and all its subclasses."""
    return {error}.union(*(all_subclasses(kind) for kind in error.__subclasses__()))
