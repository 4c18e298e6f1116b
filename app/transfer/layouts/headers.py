"""Layouts that are known by the names of their columns, the more specific ones first."""

from collections.abc import Iterable

from app.transfer.layouts.layout import Layout
from app.transfer.layouts.names import plain_atomic

ZERO = frozenset({"0", ""})
COUNTS = "it holds counts, not ratings: --value NUMBER takes each row as that rating"
AMAZON = {"user_id": "reviewerID", "item_id": "asin", "value": "overall", "rated_at": "unixReviewTime"}
GOODREADS = {"user_id": "user_id", "item_id": "book_id", "value": "rating"}
ANIME = {"user_id": "user_id", "item_id": "anime_id", "value": "rating"}
PLAYS = {"user_id": "userID", "item_id": "artistID"}


def trakt(what: str) -> Layout:
    """Describe one of Trakt's files of ratings. Seasons, and many episodes, have no id of IMDb's."""
    source = "imdb" if what in {"movie", "show"} else "trakt"
    item = f"{what}.ids.{source}"
    note = f"ids are IMDb's; for Trakt's own: --column item_id={what}.ids.trakt" if source == "imdb" else ""
    fields = {"item_id": item, "value": "rating", "rated_at": "rated_at"}
    if what != "season":
        fields["title"] = f"{what}.title"
    return Layout(
        name=f"Trakt ratings of {what}s", columns=(*fields.values(),), fields=fields, is_of_one_user=True, note=note
    )


def mal(what: str, item: str, title: str) -> Layout:
    """Describe one of MyAnimeList's own exports."""
    return Layout(
        name=f"MyAnimeList export of {what}", columns=(item, title, "my_score"),
        fields={"item_id": item, "value": "my_score", "title": title},
        is_of_one_user=True, unrated=ZERO, note="0 is not rated",
    )  # fmt: skip


# fmt: off
HEADERS = (
    Layout(
        name="Letterboxd diary", columns=("Date", "Name", "Letterboxd URI", "Rewatch", "Watched Date"),
        advice="its links are those of diary entries, not of films: import ratings.csv of the same export",
    ),
    Layout(
        name="Letterboxd ratings", columns=("Date", "Name", "Year", "Letterboxd URI", "Rating"),
        fields={"item_id": "Letterboxd URI", "value": "Rating", "rated_at": "Date", "title": "Name"},
        is_of_one_user=True, unrated=frozenset({""}),
    ),
    Layout(
        name="IMDb ratings", columns=("Const", "Your Rating", "Date Rated", "Title"),
        fields={"item_id": "Const", "value": "Your Rating", "rated_at": "Date Rated", "title": "Title",
                "categories": "Genres"},
        is_of_one_user=True, unrated=frozenset({""}), list_separator=", ",
    ),
    Layout(
        name="Goodreads library", columns=("Book Id", "Title", "My Rating", "Date Added"),
        fields={"item_id": "Book Id", "value": "My Rating", "rated_at": "Date Added", "title": "Title"},
        is_of_one_user=True, unrated=ZERO, note="0 is not rated; dates are those of adding the book",
    ),
    Layout(
        name="BookWyrm library", columns=("title", "author_text", "remote_id", "rating"),
        fields={"item_id": "remote_id", "value": "rating", "title": "title"},
        is_of_one_user=True, unrated=frozenset({""}), note="books without a rating are left out",
    ),
    Layout(
        name="Discogs collection", columns=("Artist", "Title", "Rating", "release_id", "Date Added"),
        fields={"item_id": "release_id", "value": "Rating", "rated_at": "Date Added", "title": "Title"},
        is_of_one_user=True, unrated=ZERO, note="releases without a rating are left out; dates are those of adding",
    ),
    Layout(
        name="movielens.org ratings", columns=("movie_id", "rating", "average_rating", "title"),
        fields={"item_id": "movie_id", "value": "rating", "title": "title"}, is_of_one_user=True,
    ),
    trakt("movie"), trakt("episode"), trakt("season"), trakt("show"),
    Layout(
        name="Goodreads interactions (UCSD)", columns=("user_id", "book_id", "rating", "date_added"),
        fields=GOODREADS | {"rated_at": "date_added"}, unrated=ZERO, note="0 is not rated",
    ),
    Layout(
        name="Goodreads interactions (UCSD)", columns=("user_id", "book_id", "is_read", "rating", "is_reviewed"),
        fields=GOODREADS, unrated=ZERO, note="0 is not rated",
    ),
    Layout(
        name="Amazon reviews (2018 and before)", columns=("overall", "reviewerID", "asin", "unixReviewTime"),
        fields=AMAZON,
    ),
    Layout(
        name="Amazon reviews (2023)", columns=("user_id", "parent_asin", "rating", "timestamp"),
        fields={"user_id": "user_id", "item_id": "parent_asin", "value": "rating", "rated_at": "timestamp"},
    ),
    Layout(
        name="Yelp reviews", columns=("review_id", "user_id", "business_id", "stars", "date"),
        fields={"user_id": "user_id", "item_id": "business_id", "value": "stars", "rated_at": "date"},
    ),
    Layout(
        name="Yelp businesses", columns=("business_id", "name", "stars", "review_count"), kind="items",
        fields={"item_id": "business_id", "title": "name", "categories": "categories"}, list_separator=", ",
        note="their mean rating is not kept",
    ),
    Layout(
        name="Book-Crossing ratings", columns=("User-ID", "ISBN", "Book-Rating"),
        fields={"user_id": "User-ID", "item_id": "ISBN", "value": "Book-Rating"}, unrated=ZERO,
        note="0 is not rated",
    ),
    Layout(
        name="Book-Crossing books", columns=("ISBN", "Book-Title"), kind="items",
        fields={"item_id": "ISBN", "title": "Book-Title"},
    ),
    Layout(
        name="anime list (MyAnimeList)", columns=("user_id", "anime_id", "rating"), fields=ANIME,
        unrated=frozenset({"0", "-1", ""}), note="0 and -1 are not rated",
    ),
    Layout(
        name="animes (MyAnimeList)", columns=("anime_id", "name", "genre"), kind="items",
        fields={"item_id": "anime_id", "title": "name", "categories": "genre"}, list_separator=", ",
        note="their mean rating is not kept",
    ),
    Layout(
        name="BoardGameGeek reviews", columns=("user", "rating", "comment", "ID", "name"),
        fields={"user_id": "user", "item_id": "ID", "value": "rating"},
    ),
    Layout(
        name="BoardGameGeek collection", columns=("objectname", "objectid", "rating"),
        fields={"item_id": "objectid", "value": "rating", "title": "objectname"},
        is_of_one_user=True, unrated=ZERO, note="0 is not rated",
    ),
    Layout(
        name="BoardGameGeek collection", columns=("objectid", "name", "stats.rating.value"),
        fields={"item_id": "objectid", "value": "stats.rating.value", "title": "name"},
        is_of_one_user=True, unrated=frozenset({"N/A", ""}), note="games without a rating are left out",
    ),
    mal("anime", "series_animedb_id", "series_title"), mal("manga", "manga_mangadb_id", "manga_title"),
    Layout(
        name="Last.fm plays (HetRec)", columns=("userID", "artistID", "weight"), fields=PLAYS, note=COUNTS,
    ),
    Layout(
        name="Last.fm tags (HetRec)", columns=("userID", "artistID", "tagID"), fields=PLAYS,
        note="it holds tags, not ratings: --value NUMBER takes each row as that rating",
    ),
    Layout(
        name="tags of films (HetRec)", columns=("userID", "movieID", "tagID"),
        fields={"user_id": "userID", "item_id": "movieID"},
        note="it holds tags, not ratings: --value NUMBER takes each row as that rating",
    ),
    Layout(
        name="films rated (HetRec)", columns=("userID", "movieID", "rating"),
        fields={"user_id": "userID", "item_id": "movieID", "value": "rating", "rated_at": "timestamp"},
    ),
    Layout(
        name="Steam reviews (UCSD)", columns=("username", "product_id", "hours", "early_access"),
        fields={"user_id": "username", "item_id": "product_id", "rated_at": "date"},
        note="it holds hours, not ratings: --value NUMBER takes each row as that rating",
    ),
    Layout(
        name="Steam recommendations", columns=("app_id", "is_recommended", "hours", "user_id"),
        fields={"user_id": "user_id", "item_id": "app_id", "value": "is_recommended", "rated_at": "date"},
        note="true and false are values with --map true=NUMBER,false=NUMBER",
    ),
    Layout(
        name="Gorse feedback", columns=("FeedbackType", "UserId", "ItemId", "Timestamp"),
        fields={"user_id": "UserId", "item_id": "ItemId", "rated_at": "Timestamp"},
        note="its feedback has types, not ratings: --value NUMBER, or"
        " --column value=FeedbackType --map star=NUMBER,read=NUMBER",
    ),
    Layout(
        name="Gorse items", columns=("ItemId", "IsHidden", "Categories"), kind="items",
        fields={"item_id": "ItemId", "title": "Comment", "categories": "Categories"},
    ),
    Layout(
        name="Gorse users", columns=("UserId", "Labels"), advice="there is nothing to import in it",
    ),
    Layout(
        name="MovieLens ratings", columns=("userId", "movieId", "rating"),
        fields={"user_id": "userId", "item_id": "movieId", "value": "rating", "rated_at": "timestamp"},
    ),
    Layout(
        name="MovieLens films", columns=("movieId", "title", "genres"), kind="items",
        fields={"item_id": "movieId", "title": "title", "categories": "genres"},
    ),
)
# fmt: on


def find_by_header(names: Iterable[str]) -> Layout | None:
    """Return the layout whose columns are all among the names."""
    there = {plain_atomic(name) for name in names}
    return next((layout for layout in HEADERS if there.issuperset(layout.columns)), None)
