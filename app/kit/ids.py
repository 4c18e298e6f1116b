"""Ids of callers: any text that both databases can store."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema

from app.settings import MAX_ID_LENGTH

WHOLE_NUMBER = r"^ *(-?[0-9]+)(?:\.0+)? *$"  # as pandas, Excel and JSON write one
EXACT_BELOW = 2**53  # a larger number without a fraction may have been another
find_whole_number = re.compile(WHOLE_NUMBER.replace("$", r"\Z")).match


def normalize_id(value: Any) -> Any:
    """Write an id that is a whole number as its digits: 7, 7.0, "7", "7.0" and " 7 " are one id.

    Other text is left alone, spaces and zeros in front included, and so is what is no id.
    """
    if isinstance(value, str):
        found = find_whole_number(value)
        return found[1] if found else value
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT_BELOW:
        return str(int(value))
    return str(value) if type(value) is int else value


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
    str,
    StringConstraints(strict=True, min_length=1, max_length=MAX_ID_LENGTH),
    AfterValidator(storable),
    BeforeValidator(normalize_id),  # comes first; written first, lengths would be said to be numbers of items
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1, "maxLength": MAX_ID_LENGTH}, {"type": "integer"}]}),
]
