"""Make an answer again: from the ratings, the catalogue and the model of then.

All that an answer depends on is in its id, or in the database under a revision that the id names. The same code as for
answers of now chooses the items; only its catalogue, its model and its clock are those of then.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import structlog
from sqlalchemy.orm import Session

from app.kit.errors import CursorExpired, FieldProblem, InvalidRequest, ReplayUnavailable
from app.kit.times import DAY_US, from_us
from app.ratings.repository import ratings_at
from app.ratings.scale import Scale
from app.recommendations.ranking import pipeline
from app.recommendations.ranking.pipeline import Reason, UserProfile
from app.recommendations.ranking.ranked import Ranking, RankingInputs
from app.recommendations.request.options import Options
from app.recommendations.request.query import MAX_EXPLAINED
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.popularity import Popularity, decayed_popularity, rating_popularity
from app.recommendations.state.scorer import fold_together
from app.recommendations.state.serving import Serving
from app.recommendations.tokens.page_cursor import PageCursor
from app.recommendations.tokens.recommendation_id import ListType, RecommendationId
from app.recommendations.users import profile
from app.recommendations.users.schemas import GuestRating
from app.recommendations.users.service import behind, model_of
from app.replay import repository
from app.replay.models import PastModels
from app.replay.past import PastCatalogue
from app.settings import MAX_LIST
from models.core.model import FoldIn

log = structlog.get_logger()
KEPT_S = 600.0  # that the catalogue of then stays in memory after the last replay
NOBODY_ASKED = "says nothing that can have been asked for"
FOR_NOBODY = {ListType.POPULAR, ListType.NEW}  # lists that nobody's ratings go into
KINDS = {ListType.USER, ListType.GUEST, *FOR_NOBODY}  # that can be made again


@dataclass(frozen=True)
class Wish:
    """What is to be replayed.

    Attributes:
        identity: of the answer.
        ratings: those that a guest posted for it.
        user_id: whose the answer is, if the caller says.
        explain_ratings: how many ratings of each sign are to be named for each item; None: as in the answer.
    """

    identity: RecommendationId
    ratings: Sequence[GuestRating] | None = None
    user_id: str | None = None
    explain_ratings: int | None = None

    def options(self) -> Options:
        """Return what was asked for.

        Raises:
            InvalidRequest: if nobody can have asked for that.
        """
        try:
            options = self.identity.options()
        except ValueError:
            raise wrong("recommendation_id", NOBODY_ASKED) from None
        shares = (options.diversity, options.exploration, options.rotation)
        if not (0 < options.limit <= MAX_LIST and all(0 <= share <= 1 for share in shares)):
            raise wrong("recommendation_id", NOBODY_ASKED)
        if self.explain_ratings and options.limit > MAX_EXPLAINED:
            raise wrong("explain", f"is for answers to a limit of {MAX_EXPLAINED} at most")
        return options if self.explain_ratings is None else replace(options, explain_ratings=self.explain_ratings)


class Rated(NamedTuple):
    """What a user had rated, by the items' primary keys; and the caller's id of him, if he is there."""

    user_id: str | None
    ratings: dict[int, float] | None


def wrong(field: str, detail: str) -> InvalidRequest:
    """Say what is wrong with a field."""
    return InvalidRequest(f"{field} {detail}.", [FieldProblem(f"/{field}", detail)])


class Replayer:
    """Makes answers again, one after the other, with one catalogue that goes where it is needed."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._one_at_a_time = asyncio.Lock()
        self._forgetting: asyncio.TimerHandle | None = None
        self._begin()

    def _begin(self) -> None:
        """Begin with nothing."""
        self._catalogue = PastCatalogue()
        self._models = PastModels(self._serving.database, self._catalogue)
        self._popularity: dict[tuple[int, int | None], Popularity] = {}  # that asked for last

    async def replay(self, wish: Wish) -> dict[str, Any]:
        """Make an answer again.

        Raises:
            InvalidRequest: if the id is of no list that can be made again, or the user or the ratings are not its own.
            ReplayUnavailable: if the version, the user or the catalogue of then is not kept any more.
        """
        identity, options = wish.identity, wish.options()
        if identity.kind not in KINDS:
            raise wrong("recommendation_id", f"is of {identity.kind.name.lower()} items: those are not made again")
        by_popularity = identity.kind is ListType.POPULAR or (
            identity.version is None and identity.kind is not ListType.NEW
        )
        if by_popularity and identity.popularity_revision < 0:
            raise wrong("recommendation_id", NOBODY_ASKED)
        rated = await self._rated(wish)
        return await asyncio.shield(asyncio.create_task(self._made(wish, options, rated)))

    async def _made(self, wish: Wish, options: Options, rated: Rated) -> dict[str, Any]:
        """Make an answer in a task of its own: whoever goes away leaves no catalogue half moved."""
        async with self._one_at_a_time:
            try:
                return await self._again(wish, options, rated)
            except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                log.warning("replay_impossible", exc_info=error)  # anybody can write an id with a right check sum
                self._begin()
                raise wrong("recommendation_id", "names things that never were together") from error
            finally:
                self._forget_later()

    def _forget_later(self) -> None:
        """Let go of the catalogue of then when nobody has asked for it in a while."""
        if self._forgetting is not None:
            self._forgetting.cancel()
        self._forgetting = asyncio.get_running_loop().call_later(KEPT_S, self._forget)

    def _forget(self) -> None:
        if not self._one_at_a_time.locked():
            self._begin()

    async def _again(self, wish: Wish, options: Options, rated: Rated) -> dict[str, Any]:
        """Make an answer."""
        identity = wish.identity
        live, popularity = await self._model(identity), await self._popularity_of(identity)
        past = None if live is None else await self._models.of(live, popularity, identity)
        await self._catalogue.move(self._serving.database, identity.catalogue_revision, identity.at_us)
        taste = self._taste(wish, rated)
        fold = None if past is None else await self._fold(past, taste, together=identity.together)
        vectors = await profile.vectors_for(self._serving, live, options)
        ground = RankingInputs(past, fold, popularity, vectors)
        ranking = await asyncio.to_thread(self._choose, identity, ground, taste, options)
        answer = await profile.written(self._serving, self._catalogue, ranking, taste, options)
        return self._said(identity, rated, ranking, answer)

    async def _rated(self, wish: Wish) -> Rated:
        """Read what a user had rated, and whether he is the one that is named."""
        identity = wish.identity
        if identity.kind is ListType.GUEST and wish.ratings is None:
            raise wrong("ratings", "is missing: the answer was a guest's, and his ratings are not stored")
        if identity.kind is not ListType.GUEST and wish.ratings is not None:
            raise wrong("ratings", "is not for this answer, which is not a guest's")
        rated = await self._serving.database.read(rated_by, identity)
        if wish.user_id is not None and wish.user_id != rated.user_id:
            raise wrong("user_id", "names somebody else than this answer is for, or somebody who was erased")
        return rated

    async def _model(self, identity: RecommendationId) -> LoadedModel | None:
        try:
            return await model_of(self._serving, identity.version)
        except CursorExpired as gone:
            raise ReplayUnavailable(f"Model version {identity.version!r} is not kept any more.") from gone

    async def _popularity_of(self, identity: RecommendationId) -> Popularity | None:
        """Count what was popular from the ratings of then; None if the model says it."""
        revision, database = identity.popularity_revision, self._serving.database
        if revision < 0:
            return None
        if await database.read(repository.is_somebody_gone, revision):
            raise ReplayUnavailable("Somebody whose ratings made items popular then was erased since.")
        half_life_days = identity.subject if identity.kind is ListType.POPULAR else None
        if (revision, half_life_days) not in self._popularity:
            half_life_us = None if half_life_days is None else half_life_days * DAY_US
            totals = await database.scan(repository.totals_at, revision, half_life_us)
            await self._catalogue.move(database, identity.catalogue_revision, identity.at_us)
            made_of = totals, revision, self._catalogue.slot_of_id
            lowest = self._serving.settings.rating_min
            found = decayed_popularity(*made_of) if half_life_days else rating_popularity(*made_of, lowest)
            self._popularity = {(revision, half_life_days): found}
        return self._popularity[revision, half_life_days]

    def _taste(self, wish: Wish, rated: Rated) -> UserProfile:
        """Return what the answer went by."""
        identity, slot_of = wish.identity, self._catalogue.slot_of_id
        if identity.kind in FOR_NOBODY:
            return profile.EMPTY_PROFILE
        if wish.ratings is not None:
            latest = profile.latest_values(wish.ratings, Scale.of(self._serving.settings), identity.at_us)
            taste = profile.profile_from_ratings(self._catalogue, latest, identity.num_slots)
            if taste.seed != identity.subject:
                raise wrong("ratings", "are not those that this answer was made from")
            return taste
        ratings, revision = rated.ratings or {}, identity.revision
        reason = None if ratings else Reason.UNKNOWN_USER if revision is None else Reason.NO_RATINGS
        seed = identity.subject if revision is None else revision
        return UserProfile.of(
            [slot_of[item] for item in ratings], list(ratings.values()), reason, seed, identity.user, identity.lately
        )

    async def _fold(self, past: LoadedModel, taste: UserProfile, *, together: bool) -> FoldIn | None:
        """Fold the user in as he was, alone or as one of several; None if the model knows nothing of what he rated."""
        past.fit_to(self._catalogue)
        columns, values = pipeline.known_columns(past, taste)
        if taste.reason is not None or not len(columns):
            return None
        if together:
            return (await self._serving.compute(fold_together, past.model, [(columns, values)]))[0]
        return await self._serving.compute(past.model.fold_in, columns, values)

    def _choose(
        self, identity: RecommendationId, ground: RankingInputs, taste: UserProfile, options: Options
    ) -> Ranking:
        """Choose the items again."""
        if identity.kind is ListType.NEW:
            chosen = pipeline.select_new(self._catalogue, taste, options, ground.live, ground.vectors)
            return Ranking(chosen, ground, None)
        if identity.kind is ListType.POPULAR and ground.counted is not None:
            made_of = ground.counted, taste, options, ground.live, ground.vectors
            return Ranking(pipeline.select_popular(self._catalogue, *made_of), ground, None)
        mark = PageCursor(identity.version, identity.revision, identity.num_slots, identity.shown)
        return behind(mark, self._catalogue, ground, taste, options)[0]

    def _said(
        self, identity: RecommendationId, rated: Rated, ranking: Ranking, answer: dict[str, Any]
    ) -> dict[str, Any]:
        """Say what was made again, and whether it is what was."""
        items = [self._catalogue.ids[slot] for slot in ranking.chosen.slots]
        return {
            "kind": identity.kind.name.lower(),
            "user_id": rated.user_id,
            "revision": identity.revision,
            "catalogue_revision": identity.catalogue_revision,
            "answered_at": from_us(identity.at_us),
            "replayed": True,
            "identical": items == list(identity.items) and ranking.chosen.sources == list(identity.sources),
            **answer,
            "personalised": answer["personalised"] and identity.kind not in FOR_NOBODY,
        }


def rated_by(session: Session, identity: RecommendationId) -> Rated:
    """Read what the user of an answer had rated.

    Raises:
        ReplayUnavailable: if he was erased.
    """
    if not identity.user:
        return Rated(None, None)
    user_id = repository.user_of(session, identity.user)
    ratings = None
    if identity.revision is not None:
        ratings = ratings_at(session, [identity.user], identity.revision).get(identity.user)
    if user_id is None or (ratings is None and identity.revision is not None):
        raise ReplayUnavailable("The user of this answer was erased.")
    return Rated(user_id, ratings)
