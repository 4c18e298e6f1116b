"""Gives an answer its `recommendation_id`, from what it was made of."""

from app.recommendations.catalogue.index import Catalogue
from app.recommendations.ranking.pipeline import UserProfile
from app.recommendations.ranking.ranked import Ranking
from app.recommendations.ranking.ranked_items import RankedItems
from app.recommendations.request.options import Options
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.popularity import Popularity
from app.recommendations.tokens.options_code import encode_options
from app.recommendations.tokens.page_cursor import PageCursor
from app.recommendations.tokens.recommendation_id import ListType, RecommendationId, encode


def page_id(
    catalogue: Catalogue,
    ranking: Ranking,
    taste: UserProfile,
    options: Options,
    kind: ListType,
    mark: PageCursor,
    experiment: int = 0,
) -> str:
    """Name a page of somebody's list."""
    drawn = mark.revision is None and (options.exploration or kind is ListType.GUEST)
    ground, who = ranking.ground, (taste.number, taste.seed if drawn else 0, experiment)
    together = ground.fold is not None and ground.fold.together
    made_of = ranking.chosen, ground.live, ground.popularity, options, mark, kind
    return answer_id(catalogue, *made_of, *who, together=together)


def shelf_id(
    catalogue: Catalogue,
    chosen: RankedItems,
    live: LoadedModel | None,
    options: Options,
    kind: ListType,
    subject: int = 0,
    popularity: Popularity | None = None,
) -> str:
    """Name a list that is for nobody in particular; ``subject`` as `ListType` says."""
    mark = PageCursor(live.version if live else None, None, len(catalogue))
    return answer_id(catalogue, chosen, live, popularity, options, mark, kind, 0, subject)


def answer_id(
    catalogue: Catalogue,
    chosen: RankedItems,
    live: LoadedModel | None,
    popularity: Popularity | None,
    options: Options,
    mark: PageCursor,
    kind: ListType,
    user: int,
    subject: int,
    experiment: int = 0,
    *,
    together: bool = False,
) -> str:
    """Name an answer. It is to be called before anything can change the catalogue that the items are chosen from."""
    return encode(
        RecommendationId(
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
