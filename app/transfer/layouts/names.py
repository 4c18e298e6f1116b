"""Names of columns that are in use, and the fields that they mean."""

from collections.abc import Sequence

from app.transfer.problems import TransferProblem

SYNONYMS = {  # of several that are there, the first one counts
    "user_id": (
        "user", "uid", "userid", "username", "customerid", "customer", "memberid", "accountid", "profileid",
        "visitorid", "reviewerid", "reviewer", "useridentifier",
    ),
    "item_id": (
        "item", "iid", "itemid", "movieid", "productid", "bookid", "isbn", "asin", "songid", "trackid",
        "albumid", "releaseid", "artistid", "gameid", "appid", "showid", "animeid", "businessid", "videoid",
        "articleid", "contentid", "recipeid", "product", "movie", "book", "song", "track", "album", "release",
        "artist", "game", "imdbid", "tmdbid", "sku",
    ),
    "value": ("yourrating", "myrating", "userrating", "rating", "score", "stars", "ratings", "rate", "overall"),
    "rated_at": (
        "timestamp", "time", "ts", "datetime", "ratedat", "ratedon", "ratingdate", "ratingtime", "daterated",
        "rateddate", "date", "createdat", "ratingtimestamp", "reviewdate", "unixreviewtime", "watcheddate",
        "listenedat", "uts", "orderdate", "updatedat", "dateadded", "entrydate", "created", "watchedat", "datum",
    ),
    "title": ("name", "itemname", "movietitle", "itemtitle"),
    "categories": ("genres", "category", "genre", "class"),
    "active": (),
    "attributes": (),
    "available_from": (),
    "available_until": (),
}  # fmt: skip


def plain_atomic(name: str) -> str:
    """Return a column's name without the type that RecBole adds to it."""
    stem, _, kind = name.rpartition(":")
    return stem if stem and kind in {"token", "token_seq", "float", "float_seq"} else name


def plain(name: str) -> str:
    """Write a name without case, separators and the type that RecBole adds."""
    return "".join(character for character in plain_atomic(name).lower() if character.isalnum())


def parse_renames(pairs: Sequence[str]) -> dict[str, str]:
    """Read `--column user=uid` options: our field to the file's column.

    Raises:
        TransferProblem: if one is not of that form or names no field of ours.
    """
    renames = {}
    for pair in pairs:
        ours, separator, theirs = pair.partition("=")
        field = field_of(ours)
        if not separator or not theirs or field is None:
            known = ", ".join(SYNONYMS)
            raise TransferProblem(f"column {pair}: write FIELD=COLUMN, where FIELD is one of {known}.", "column")
        renames[field] = theirs
    return renames


MEANT = {name: field for field, others in SYNONYMS.items() for name in (plain(field), *others)}


def field_of(name: str) -> str | None:
    """Return the field that a column's name means."""
    return MEANT.get(plain(name))
