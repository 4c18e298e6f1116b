"""Gives an answer its `recommendation_id`, from what it was made of."""

from app.recommendations.bookmark import Bookmark
from app.recommendations.catalogue import Catalogue
from app.recommendations.identity import Identity, Kind, encode
from app.recommendations.live import LiveModel
from app.recommendations.options import Options
from app.recommendations.options_code import encode_options
from app.recommendations.popularity import Popularity
from app.recommendations.ranking import Ranking
from app.recommendations.selection import Selection
from app.recommendations.service import Taste


def page_id(
    catalogue: Catalogue,
    ranking: Ranking,
    taste: Taste,
    options: Options,
    kind: Kind,
    mark: Bookmark,
    experiment: int = 0,
) -> str:
    """Name a page of somebody's list."""
    drawn = mark.revision is None and (options.exploration or kind is Kind.GUEST)
    ground, who = ranking.ground, (taste.number, taste.seed if drawn else 0, experiment)
    together = ground.fold is not None and ground.fold.together
    made_of = ranking.chosen, ground.live, ground.popularity, options, mark, kind
    return answer_id(catalogue, *made_of, *who, together=together)


def shelf_id(
    catalogue: Catalogue,
    chosen: Selection,
    live: LiveModel | None,
    options: Options,
    kind: Kind,
    subject: int = 0,
    popularity: Popularity | None = None,
) -> str:
    """Name a list that is for nobody in particular; ``subject`` as `Kind` says."""
    mark = Bookmark(live.version if live else None, None, len(catalogue))
    return answer_id(catalogue, chosen, live, popularity, options, mark, kind, 0, subject)


def answer_id(
    catalogue: Catalogue,
    chosen: Selection,
    live: LiveModel | None,
    popularity: Popularity | None,
    options: Options,
    mark: Bookmark,
    kind: Kind,
    user: int,
    subject: int,
    experiment: int = 0,
    *,
    together: bool = False,
) -> str:
    """Name an answer. It is to be called before anything can change the catalogue that the items are chosen from."""
    return encode(
        Identity(
            kind,
            mark.version,
            user,
            mark.revision,
            catalogue.revision,
            live.cold_revision if live else -1,
            catalogue.moment_us(),
            mark.num_slots,
            mark.shown,
            [catalogue.ids[slot] for slot in chosen.slots],
            chosen.sources,
            encode_options(options),
            subject,
            experiment,
            known_revision=live.known_revision if live else -1,
            lately=mark.lately,
            together=together,
            popularity_revision=-1 if popularity is None or popularity.revision is None else popularity.revision,
        )
    )
