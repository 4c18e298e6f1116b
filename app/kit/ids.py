"""Ids of callers: any text that both databases can store."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from app.settings import MAX_ID_LENGTH


def storable(text: str) -> str:
    """Return the text if both databases can store it.

    Raises:
        ValueError: if it holds a NUL or half of a surrogate pair.
    """
    if "\x00" in text:
        raise ValueError("must not hold the character NUL (U+0000)")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("must not hold half of a surrogate pair (U+D800 to U+DFFF)") from None
    return text


def check_id(text: str) -> str:
    """Return an id if it is valid.

    Raises:
        ValueError: saying what to change.
    """
    if not text:
        raise ValueError("must not be empty")
    if len(text) > MAX_ID_LENGTH:
        raise ValueError(f"has {len(text)} characters: at most {MAX_ID_LENGTH} are allowed")
    return storable(text)


Text = Annotated[str, StringConstraints(strict=True), AfterValidator(storable)]
ExternalId = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=MAX_ID_LENGTH), AfterValidator(storable)
]
