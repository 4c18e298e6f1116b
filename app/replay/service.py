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

from app.backup.spans import is_undone
from app.kit.errors import CursorExpired, FieldProblem, InvalidRequest, ReplayUnavailable
from app.kit.times import DAY_US, from_us
from app.ratings.repository import ratings_at
from app.ratings.scale import Scale
from app.recommendations.ranking.pipeline import Ranking, RankingInputs, rank_new, rank_page, rank_popular
from app.recommendations.ranking.profile import EMPTY_PROFILE, UserProfile
from app.recommendations.request.enums import Reason
from app.recommendations.request.options import Options
from app.recommendations.request.query import MAX_EXPLAINED
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.popularity import Popularity, decayed_popularity, rating_popularity
from app.recommendations.state.scorer import fold_together
from app.recommendations.state.serving import Serving
from app.recommendations.tokens.recommendation_id import ListType, RecommendationId
from app.recommendations.users.guests import latest_values, profile_from
from app.recommendations.users.response import write_explained
from app.recommendations.users.restore import model_of
from app.recommendations.users.schemas import GuestRating
from app.recommendations.users.service import read_vectors
from app.replay import repository
from app.replay.models import PastModels
from app.replay.past import PastCatalogue
from app.settings import MAX_LIST
from models.core.model import FoldIn

log = structlog.get_logger()
KEPT_S = 600.0  # that the catalogue of then stays in memory after the last replay
NEVER_ASKED = "says nothing that can have been asked for"
IMPERSONAL = {ListType.POPULAR, ListType.NEW}  # lists that no user's ratings go into
REPLAYABLE = {ListType.USER, ListType.GUEST, *IMPERSONAL}


@dataclass(frozen=True)
class ReplayTask:
    """What to replay.

    Attributes:
        answer: what the answer was.
        ratings: those that a guest posted for it.
        user_id: whose the answer is, if the caller says.
        explain_ratings: how many ratings of each sign to name for each item; None: as in the answer.
    """

    answer: RecommendationId
    ratings: Sequence[GuestRating] | None = None
    user_id: str | None = None
    explain_ratings: int | None = None

    def options(self) -> Options:
        """Return what was asked for.

        Raises:
            InvalidRequest: if no caller can have asked for that.
        """
        try:
            options = self.answer.options()
        except ValueError:
            raise wrong("recommendation_id", NEVER_ASKED) from None
        shares = (options.diversity, options.exploration, options.rotation)
        if not (0 < options.limit <= MAX_LIST and all(0 <= share <= 1 for share in shares)):
            raise wrong("recommendation_id", NEVER_ASKED)
        if self.explain_ratings and options.limit > MAX_EXPLAINED:
            raise wrong("explain", f"is for answers to a limit of {MAX_EXPLAINED} at most")
        return options if self.explain_ratings is None else replace(options, explain_ratings=self.explain_ratings)


class Rated(NamedTuple):
    """What a user had rated, by the items' primary keys, and the caller's id of them, if they are still there."""

    user_id: str | None
    ratings: dict[int, float] | None


def wrong(field: str, detail: str) -> InvalidRequest:
    """Return an error that names the field and what is wrong."""
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

    async def replay(self, task: ReplayTask) -> dict[str, Any]:
        """Make an answer again.

        Raises:
            InvalidRequest: if the id is of no list that can be made again, or the user or the ratings are not its own.
            ReplayUnavailable: if the version, the user or the catalogue of then is not kept any more.
        """
        answer, options = task.answer, task.options()
        if is_undone(self._serving.undone, answer.at_us):
            raise ReplayUnavailable("The database was restored from a backup since.")
        if answer.list_type not in REPLAYABLE:
            raise wrong("recommendation_id", f"is of {answer.list_type.name.lower()} items: those are not made again")
        by_popularity = answer.list_type is ListType.POPULAR or (
            answer.version is None and answer.list_type is not ListType.NEW
        )
        if by_popularity and answer.popularity_revision < 0:
            raise wrong("recommendation_id", NEVER_ASKED)
        rated = await self._rated(task)
        return await asyncio.shield(asyncio.create_task(self._made(task, options, rated)))

    async def _made(self, task: ReplayTask, options: Options, rated: Rated) -> dict[str, Any]:
        """Make an answer in a task of its own: whoever goes away leaves no catalogue half moved."""
        async with self._one_at_a_time:
            try:
                return await self._again(task, options, rated)
            except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                log.warning("replay_impossible", exc_info=error)  # anybody can write an id with a right check sum
                self._begin()
                raise wrong("recommendation_id", "names things that never were together") from error
            finally:
                self._forget_later()

    def _forget_later(self) -> None:
        """Let go of the catalogue of then when no replay has needed it for a while."""
        if self._forgetting is not None:
            self._forgetting.cancel()
        self._forgetting = asyncio.get_running_loop().call_later(KEPT_S, self._forget)

    def _forget(self) -> None:
        if not self._one_at_a_time.locked():
            self._begin()

    async def _again(self, task: ReplayTask, options: Options, rated: Rated) -> dict[str, Any]:
        """Make an answer."""
        answer = task.answer
        live, popularity = await self._model(answer), await self._popularity_of(answer)
        past = None if live is None else await self._models.of(live, popularity, answer)
        await self._catalogue.move(self._serving.database, answer.catalogue_revision, answer.at_us)
        profile = self._profile(task, rated)
        fold = None if past is None else await self._fold(past, profile, is_batched=answer.is_batched)
        vectors = await read_vectors(self._serving, live) if options.diversity else None
        inputs = RankingInputs(past, fold, popularity, vectors)
        ranking = await asyncio.to_thread(self._rank, answer, inputs, profile, options)
        written = await write_explained(self._serving, self._catalogue, ranking, profile, options=options)
        return self._describe(answer, rated, ranking, written)

    async def _rated(self, task: ReplayTask) -> Rated:
        """Read what a user had rated, and whether they are the one that is named."""
        answer = task.answer
        if answer.list_type is ListType.GUEST and task.ratings is None:
            raise wrong("ratings", "is missing: the answer was a guest's, whose ratings are not stored")
        if answer.list_type is not ListType.GUEST and task.ratings is not None:
            raise wrong("ratings", "is not for this answer, which is not a guest's")
        rated = await self._serving.database.read(rated_by, answer)
        if task.user_id is not None and task.user_id != rated.user_id:
            raise wrong("user_id", "names another user than this answer is for, or one who was erased")
        return rated

    async def _model(self, answer: RecommendationId) -> LoadedModel | None:
        try:
            return await model_of(self._serving, answer.version)
        except CursorExpired as gone:
            raise ReplayUnavailable(f"Model version {answer.version!r} is not kept any more.") from gone

    async def _popularity_of(self, answer: RecommendationId) -> Popularity | None:
        """Count what was popular from the ratings of then; None if the model says it."""
        revision, database = answer.popularity_revision, self._serving.database
        if revision < 0:
            return None
        if await database.read(repository.is_somebody_gone, revision):
            raise ReplayUnavailable("A user whose ratings made items popular then was erased since.")
        half_life_days = answer.subject if answer.list_type is ListType.POPULAR else None
        if (revision, half_life_days) not in self._popularity:
            half_life_us = None if half_life_days is None else half_life_days * DAY_US
            totals = await database.scan(repository.totals_at, revision, half_life_us)
            await self._catalogue.move(database, answer.catalogue_revision, answer.at_us)
            made_of = totals, revision, self._catalogue.slot_of_id
            lowest = self._serving.settings.rating_min
            found = decayed_popularity(*made_of) if half_life_days else rating_popularity(*made_of, lowest)
            self._popularity = {(revision, half_life_days): found}
        return self._popularity[revision, half_life_days]

    def _profile(self, task: ReplayTask, rated: Rated) -> UserProfile:
        """Return what the answer went by."""
        answer, slot_of = task.answer, self._catalogue.slot_of_id
        if answer.list_type in IMPERSONAL:
            return EMPTY_PROFILE
        if task.ratings is not None:
            latest = latest_values(task.ratings, Scale.of(self._serving.settings), answer.at_us)
            profile = profile_from(self._catalogue, latest, answer.num_slots)
            if profile.seed != answer.subject:
                raise wrong("ratings", "are not those that this answer was made from")
            return profile
        ratings, revision = rated.ratings or {}, answer.revision
        reason = None if ratings else Reason.UNKNOWN_USER if revision is None else Reason.NO_RATINGS
        seed = answer.subject if revision is None else revision
        return UserProfile(
            [slot_of[item] for item in ratings],
            list(ratings.values()),
            reason,
            seed=seed,
            number=answer.user,
            impressions=answer.impressions,
        )

    async def _fold(self, past: LoadedModel, profile: UserProfile, *, is_batched: bool) -> FoldIn | None:
        """Fold the user in as they were, alone or as one of several; None if the model knows nothing they rated."""
        columns, values = past.known_ratings(self._catalogue, profile.slots, profile.values)
        if profile.reason is not None or not len(columns):
            return None
        if is_batched:
            return (await self._serving.compute(fold_together, past.model, [(columns, values)]))[0]
        return await self._serving.compute(past.model.fold_in, columns, values)

    def _rank(self, answer: RecommendationId, inputs: RankingInputs, profile: UserProfile, options: Options) -> Ranking:
        """Choose the items again."""
        catalogue, limit = self._catalogue, options.limit
        if answer.list_type is ListType.NEW:
            return rank_new(catalogue, inputs, profile, options, limit=limit)
        if answer.list_type is ListType.POPULAR and inputs.counted is not None:
            return rank_popular(catalogue, inputs, profile, options, limit=limit, popularity=inputs.counted)
        return rank_page(
            catalogue,
            inputs,
            profile,
            options,
            num_slots=answer.num_slots,
            previous_items=answer.previous_items,
        )

    def _describe(
        self, answer: RecommendationId, rated: Rated, ranking: Ranking, written: dict[str, Any]
    ) -> dict[str, Any]:
        """Return what was made again, and whether it is what it was."""
        items = [self._catalogue.ids[slot] for slot in ranking.items.slots]
        return {
            "kind": answer.list_type.name.lower(),
            "user_id": rated.user_id,
            "revision": answer.revision,
            "catalogue_revision": answer.catalogue_revision,
            "answered_at": from_us(answer.at_us),
            "replayed": True,
            "identical": items == list(answer.items) and ranking.items.sources == answer.sources,
            **written,
            "personalised": written["personalised"] and answer.list_type not in IMPERSONAL,
        }


def rated_by(session: Session, answer: RecommendationId) -> Rated:
    """Read what the user of an answer had rated.

    Raises:
        ReplayUnavailable: if they were erased.
    """
    if not answer.user:
        return Rated(None, None)
    user_id = repository.user_of(session, answer.user)
    ratings = None
    if answer.revision is not None:
        ratings = ratings_at(session, [answer.user], answer.revision).get(answer.user)
    if user_id is None or (ratings is None and answer.revision is not None):
        raise ReplayUnavailable("The user of this answer was erased.")
    return Rated(user_id, ratings)
