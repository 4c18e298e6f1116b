"""A small file of our own making in each layout that people have, and what is read from it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Example(NamedTuple):
    """A file, what is said about it, and its ratings (user, item, value, second) or its items (id, title)."""

    layout: str | None
    name: str
    content: str
    rows: list[tuple[Any, ...]]
    options: Mapping[str, Any] = MappingProxyType({})
    kind: str = "ratings"
    num_unrated: int = 0


DAY = 1614816000  # 2021-03-04, the start of the day in UTC
JESTER = ",".join(["2", "99", "3.5", "-1.25"])
FLAGS = "|".join("1" if n in (1, 2) else "0" for n in range(19))
SHA = "0" * 39
MAL = """<?xml version="1.0" encoding="UTF-8" ?>
<!-- an export -->
<myanimelist>
  <myinfo><user_id>7</user_id><user_name>ada</user_name></myinfo>
  <{what}><{item}>1</{item}><{title}><![CDATA[A & B]]></{title}><my_score>4</my_score></{what}>
  <{what}><{item}>2</{item}><{title}><![CDATA[C]]></{title}><my_score>0</my_score></{what}>
</myanimelist>
"""

EXAMPLES = [
    Example("MovieLens ratings", "r.csv", "userId,movieId,rating,timestamp\n1,10,4.5,1614816000\n", [("1", "10", 4.5, DAY)]),
    Example("MovieLens or MovieTweetings ratings", "r.dat", "1::10::4::1614816000\n", [("1", "10", 4, DAY)]),
    Example("MovieLens 100K ratings", "u1.base", "1\t10\t4\t881250949\n", [("1", "10", 4, 881250949)]),
    Example("MovieLens films", "m.csv", "movieId,title,genres\n10,Alien (1979),Horror|Sci-Fi\n", [("10", "Alien")], kind="items"),
    Example("MovieLens or MovieTweetings films", "m.dat", "10::Alien (1979)::Horror|Sci-Fi\n", [("10", "Alien")], kind="items"),
    Example("MovieLens 100K films", "u.item", f"10|Alien (1979)|01-Jan-1979||http://x|{FLAGS}\n", [("10", "Alien")], kind="items"),
    Example(
        "Netflix prize ratings", "combined_data_1.txt", "1:\n10,3,2021-03-04\n11,4,2021-03-04\n2:\n10,5,2021-03-04\n",
        [("10", "1", 3, DAY), ("11", "1", 4, DAY), ("10", "2", 5, DAY)],
    ),
    Example("Amazon ratings (2018)", "a.csv", "B000123456,A1B2C3D4E5F6G7,5.0,1614816000\n", [("A1B2C3D4E5F6G7", "B000123456", 5, DAY)]),
    Example("Amazon ratings (before 2018)", "a.csv", "A1B2C3D4E5F6G7,0001234567,5.0,1614816000\n", [("A1B2C3D4E5F6G7", "0001234567", 5, DAY)]),
    Example(
        "Amazon reviews (2018 and before)", "a.json",
        '{"overall": 5.0, "reviewerID": "A1", "asin": "B1", "reviewTime": "03 4, 2021", "unixReviewTime": 1614816000}\n',
        [("A1", "B1", 5, DAY)],
    ),
    Example("Amazon reviews (2023)", "a.csv", "user_id,parent_asin,rating,timestamp\nA,B,5.0,1614816000000\n", [("A", "B", 5, DAY)]),
    Example(
        "Amazon reviews (2023)", "a.jsonl",
        '{"rating": 5.0, "title": "x", "text": "y", "asin": "C", "parent_asin": "B", "user_id": "A", "timestamp": 1614816000000}\n',
        [("A", "B", 5, DAY)],
    ),
    Example(
        "Yelp reviews", "review.json",
        '{"review_id": "r", "user_id": "u", "business_id": "b", "stars": 4.0, "text": "t", "date": "2021-03-04 00:00:00"}\n',
        [("u", "b", 4, DAY)],
    ),
    Example(
        "Yelp businesses", "business.json",
        '{"business_id": "b", "name": "Cafe", "stars": 3.5, "review_count": 9, "categories": "Coffee, Food"}\n',
        [("b", "Cafe")], kind="items",
    ),
    Example(
        None, "reviews.json", "{'user_id': u'u', 'item_id': 7, 'rating': 4.5, 'helpful': [0, 1]}\n",
        [("u", "7", 4.5, None)],
    ),
    Example(
        "Steam reviews (UCSD)", "steam.json",
        "{u'username': u'u', u'hours': 1.5, u'product_id': u'10', u'date': u'2021-03-04', u'early_access': False}\n",
        [("u", "10", 4, DAY)], {"value": "4"},
    ),
    Example(
        "MyAnimeList export of anime", "animelist.xml", MAL.format(
            what="anime", item="series_animedb_id", title="series_title"), [("ada", "1", 4, None)], {"user": "ada"}, num_unrated=1,
    ),
    Example(
        "MyAnimeList export of manga", "mangalist.xml", MAL.format(
            what="manga", item="manga_mangadb_id", title="manga_title"), [("ada", "1", 4, None)], {"user": "ada"}, num_unrated=1,
    ),
    Example(
        "BoardGameGeek collection", "collection.xml",
        '<items totalitems="2"><item objectid="13" subtype="boardgame"><name sortindex="1">Catan</name>'
        '<stats minplayers="3"><rating value="4.5"><average value="7.1"/></rating></stats></item>'
        '<item objectid="14"><name>Go</name><stats><rating value="N/A"/></stats></item></items>',
        [("ada", "13", 4.5, None)], {"user": "ada"}, num_unrated=1,
    ),
    Example(
        "Goodreads library", "goodreads.csv",
        "Book Id,Title,Author,My Rating,Average Rating,Date Read,Date Added\n7,Emma,A,4,4.0,,2021/03/04\n8,Persuasion,A,0,4.1,,2021/03/04\n",
        [("ada", "7", 4, DAY)], {"user": "ada"}, num_unrated=1,
    ),
    Example(
        "BookWyrm library", "bookwyrm.csv",
        "title,author_text,remote_id,openlibrary_key,isbn_13,asin,rating\nEmma,A,https://b.example/book/7,OL7M,978,B1,4\nLulu,A,https://b.example/book/8,,,,\n",
        [("ada", "https://b.example/book/7", 4, None)], {"user": "ada"}, num_unrated=1,
    ),
    Example(
        "Discogs collection", "discogs.csv",
        "Catalog#,Artist,Title,Label,Rating,Released,release_id,CollectionFolder,Date Added\n"
        "P 1,Abba,Arrival,Polar,4,1976,7,All,2021-03-04 00:00:00\nP 2,Abba,Abba,Polar,,1975,8,All,2021-03-04 00:00:00\n",
        [("ada", "7", 4, DAY)], {"user": "ada"}, num_unrated=1,
    ),
    Example(
        "Goodreads interactions (UCSD)", "g.json",
        '{"user_id": "u", "book_id": "7", "rating": 4, "date_added": "Thu Mar 04 00:00:00 -0000 2021"}\n'
        '{"user_id": "u", "book_id": "8", "rating": 0, "date_added": "Thu Mar 04 00:00:00 -0000 2021"}\n',
        [("u", "7", 4, DAY)], num_unrated=1,
    ),
    Example(
        "Goodreads interactions (UCSD)", "g.csv", "user_id,book_id,is_read,rating,is_reviewed\n0,948,1,5,0\n0,947,1,0,0\n",
        [("0", "948", 5, None)], num_unrated=1,
    ),
    Example(
        "Book-Crossing ratings", "BX.csv", '"User-ID";"ISBN";"Book-Rating"\n"8";"034545104X";"0"\n"9";"0155061224";"5"\n',
        [("9", "0155061224", 5, None)], num_unrated=1,
    ),
    Example(
        "Book-Crossing books", "books.csv", '"ISBN";"Book-Title";"Book-Author"\n"1";"The 12\\" Record; and more";"X"\n',
        [("1", 'The 12" Record; and more')], kind="items",
    ),
    Example(
        "Letterboxd ratings", "ratings.csv", "Date,Name,Year,Letterboxd URI,Rating\n2021-03-04,Alien,1979,https://boxd.it/a,4.5\n",
        [("ada", "https://boxd.it/a", 4.5, DAY)], {"user": "ada"},
    ),
    Example(
        "IMDb ratings", "imdb.csv",
        "Const,Your Rating,Date Rated,Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres\n"
        'tt1,4,2021-03-04,Alien,u,Movie,8.5,117,1979,"Horror, Sci-Fi"\n',
        [("ada", "tt1", 4, DAY)], {"user": "ada"},
    ),
    Example(
        "Trakt ratings of movies", "ratings-movies.json",
        '[\n  {"rated_at": "2021-03-04T00:00:00.000Z", "rating": 4, "type": "movie", "movie": {"title": "Alien", "year": 1979,'
        ' "ids": {"trakt": 1, "slug": "alien-1979", "imdb": "tt1", "tmdb": 2}}}\n]\n',
        [("ada", "tt1", 4, DAY)], {"user": "ada"},
    ),
    Example(
        "Trakt ratings of episodes", "ratings-episodes.json",
        '[{"rated_at": "2021-03-04T00:00:00.000Z", "rating": 4, "type": "episode", "episode": {"title": "Pilot", "ids":'
        ' {"trakt": 7, "imdb": null}}, "show": {"title": "Lost", "ids": {"trakt": 1, "imdb": "tt9"}}}]',
        [("ada", "7", 4, DAY)], {"user": "ada"},
    ),
    Example(
        "Trakt ratings of seasons", "ratings-seasons.json",
        '[{"rated_at": "2021-03-04T00:00:00.000Z", "rating": 4, "type": "season", "season": {"number": 1, "ids":'
        ' {"trakt": 8}}, "show": {"title": "Lost", "ids": {"trakt": 1, "imdb": "tt9"}}}]',
        [("ada", "8", 4, DAY)], {"user": "ada"},
    ),
    Example("movielens.org ratings", "m.csv", "movie_id,imdb_id,tmdb_id,rating,average_rating,title\n1,tt1,2,4.5,3.9,Toy\n", [("ada", "1", 4.5, None)], {"user": "ada"}),
    Example("Last.fm plays (HetRec)", "user_artists.dat", "userID\tartistID\tweight\n2\t51\t13883\n", [("2", "51", 5, None)], {"value": "5"}),
    Example("Last.fm tags (HetRec)", "t.dat", "userID\tartistID\ttagID\tday\tmonth\tyear\n2\t52\t13\t4\t3\t2021\n", [("2", "52", 5, DAY)], {"value": "5"}),
    Example(
        "tags of films (HetRec)", "t.dat",
        "userID\tmovieID\ttagID\tdate_day\tdate_month\tdate_year\tdate_hour\tdate_minute\tdate_second\n75\t353\t5290\t4\t3\t2021\t0\t0\t7\n",
        [("75", "353", 5, DAY + 7)], {"value": "5"},
    ),
    Example("films rated (HetRec)", "r.dat", "userID\tmovieID\trating\tdate_day\tdate_month\tdate_year\n75\t3\t1\t4\t3\t2021\n", [("75", "3", 1, DAY)]),
    Example("Last.fm plays (360K)", "p.tsv", f"{SHA}1\t3bd73256-3905-4f3a-97e2-8b341527f805\tbetty blowtorch\t2137\n{SHA}2\t\tdie Ärzte\t1099\n",
            [(f"{SHA}1", "betty blowtorch", 5, None), (f"{SHA}2", "die Ärzte", 5, None)], {"value": "5"}),
    Example("Last.fm events (1K)", "e.tsv", "user_000001\t2021-03-04T00:00:00Z\tf1b1\tDeep Dish\t\tFlashdance\n", [("user_000001", "Deep Dish", 5, DAY)], {"value": "5"}),
    Example("Jester ratings, a matrix", "jester.csv", f"{JESTER}\n", [("1", "2", 3.5, None), ("1", "3", 3, None)], {"rescale": "-10:10"}),
    Example("BoardGameGeek reviews", "bgg.csv", ",user,rating,comment,ID,name\n0,Tor,4.0,,30549,Pandemic\n", [("Tor", "30549", 4, None)]),
    Example("BoardGameGeek collection", "c.csv", "objectname,objectid,rating,numplays\nCatan,13,4,3\nGo,188,0,0\n", [("ada", "13", 4, None)], {"user": "ada"}, num_unrated=1),
    Example("Steam games owned and played", "steam.csv", '1,"Fallout, 4",purchase,1.0,0\n1,"Fallout, 4",play,87.0,0\n',
            [("1", "Fallout, 4", 3, None), ("1", "Fallout, 4", 5, None)], {"column": ["value=behavior"], "words": ["purchase=3,play=5"]}),
    Example("Steam recommendations", "s.csv", "app_id,helpful,funny,date,is_recommended,hours,user_id,review_id\n9,0,0,2021-03-04,true,36.3,1,0\n",
            [("1", "9", 5, DAY)], {"words": ["true=5,false=1"]}),
    Example("anime list (MyAnimeList)", "rating.csv", "user_id,anime_id,rating\n1,20,-1\n1,24,4\n", [("1", "24", 4, None)], num_unrated=1),
    Example("animes (MyAnimeList)", "anime.csv", "anime_id,name,genre,type,episodes,rating,members\n1,Mushishi,\"Mystery, Seinen\",TV,26,8.7,9\n", [("1", "Mushishi")], kind="items"),
    Example(None, "ml.inter", "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t2\t3\t1614816000\n", [("1", "2", 3, DAY)]),
    Example(None, "ml.item", "item_id:token\tmovie_title:token_seq\tclass:token_seq\n1\tToy Story\tAnimation Comedy\n", [("1", "Toy Story")], kind="items"),
    Example("Gorse feedback", "feedback.jsonl", '{"FeedbackType":"star","UserId":"u","ItemId":"i","Timestamp":"2021-03-04T00:00:00Z","Comment":""}\n',
            [("u", "i", 5, DAY)], {"column": ["value=FeedbackType"], "words": ["star=5"]}),
    Example("Gorse items", "items.jsonl", '{"ItemId":"i","IsHidden":false,"Categories":["x"],"Timestamp":"2021-03-04T00:00:00Z","Labels":null,"Comment":"T"}\n', [("i", "T")], kind="items"),
    Example(None, "palate.ndjson", '{"item_id":"i","rated_at":"2021-03-04T00:00:00Z","user_id":"u","value":4.5}\n', [("u", "i", 4.5, DAY)]),
    Example(None, "tmdb.csv", "TMDb ID,Name,Rating,Your Rating,Date Rated\n603,The Matrix,8.2,4,2021-03-04T00:00:00Z\n",
            [("ada", "603", 4, DAY)], {"user": "ada", "column": ["item_id=TMDb ID"]}),
    Example(None, "excel.csv", 'user,isbn,rating,date\na,"=""0441172717""",4,2021-03-04 00:00:00 UTC\n', [("a", "0441172717", 4, DAY)]),
    Example(None, "compact.csv", "user,item,rating,uts\na,x,4,20210304T000000Z\na,y,4,NULL\n", [("a", "x", 4, DAY), ("a", "y", 4, None)]),
]  # fmt: skip
