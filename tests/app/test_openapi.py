"""What the document says of every call: its key and its errors."""

from collections.abc import Iterator
from typing import Any

from app.keys.scopes import required_scope
from app.main import create_app
from app.settings import Settings
from app.web.problem import MEDIA_TYPE

DOCUMENT: dict[str, Any] = create_app(Settings(_env_file=None)).openapi()
PATHS: dict[str, Any] = DOCUMENT["paths"]
READY = ("GET", "/health/ready", "503")  # answers its checks when they fail, too


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in PATHS.items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_every_call_names_the_key_that_it_needs_and_the_open_ones_name_none() -> None:
    assert DOCUMENT["components"]["securitySchemes"]["key"]["name"] == "X-API-Key"
    for method, path, operation in operations():
        scope = required_scope(method, path)
        wanted = [{"key": [scope]}, {"bearer": [scope]}] if scope else []
        assert operation["security"] == wanted, f"{method} {path}"
        assert (f"a key with the scope `{scope}`" if scope else "Needs no key.") in operation["description"]
        assert ("401" in operation["responses"]) == bool(scope), f"{method} {path}"


def test_every_error_is_declared_as_a_problem() -> None:
    for method, path, operation in operations():
        for status, response in operation["responses"].items():
            if int(status) >= 400 and (method, path, status) != READY:
                assert response["content"].keys() == {MEDIA_TYPE}, f"{method} {path} {status}"
                assert response["content"][MEDIA_TYPE]["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert "HTTPValidationError" not in DOCUMENT["components"]["schemas"]


def test_a_call_with_a_body_declares_what_may_be_wrong_with_it() -> None:
    for method, path, operation in operations():
        if "requestBody" in operation:
            assert {"413", "415", "422"} <= operation["responses"].keys(), f"{method} {path}"
