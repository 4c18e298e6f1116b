"""What must hold in the database itself after a trial."""

from collections.abc import Iterator

from sqlalchemy import Select, and_, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from app.tables import Counter, Erasure, Experiment, ModelVersion, Rating, RatingChange, User


def problems(session: Session) -> Iterator[str]:
    """Describe what does not hold."""
    for text, query in counts().items():
        if number := session.scalars(query).one():
            yield f"{number} {text}"
    yield from revision_problems(session)


def counts() -> dict[str, Select[int]]:
    """Return queries that count what must not be there."""
    stored, change, erased = func.count(), aliased(RatingChange), select(Erasure.user_number)
    same = and_(
        change.user_id == Rating.user_id, change.item_id == Rating.item_id, change.revision == Rating.revision,
        or_(change.value == Rating.value, and_(change.value.is_(None), Rating.value.is_(None))),
    )  # fmt: skip
    twice = select(RatingChange.revision).group_by(RatingChange.revision).having(func.count() > 1).subquery()
    later = and_(change.user_id == Rating.user_id, change.item_id == Rating.item_id, change.revision > Rating.revision)
    runs = (
        select(ModelVersion.run_id).where(ModelVersion.run_id.is_not(None))
        .group_by(ModelVersion.run_id).having(func.count() > 1).subquery()
    )  # fmt: skip
    return {
        "revisions given twice": select(stored).select_from(twice),
        "ratings that are not their last change": select(stored).select_from(Rating).where(
            or_(~select(literal(1)).where(same).exists(), select(literal(1)).where(later).exists())
        ),
        "ratings of no user": select(stored).select_from(Rating).where(Rating.user_id.not_in(select(User.id))),
        "rows of erased users": select(stored).select_from(RatingChange).where(RatingChange.user_id.in_(erased)),
        "erasures half done": select(stored).select_from(Erasure).where(Erasure.finished.is_(False)),
        "runs with two versions": select(stored).select_from(runs),
        "experiments beside another": select(stored).select_from(Experiment).where(
            Experiment.state == "running", Experiment.id < select(func.max(Experiment.id)).where(
                Experiment.state == "running").scalar_subquery()
        ),
    }  # fmt: skip


def revision_problems(session: Session) -> Iterator[str]:
    """Describe which revisions are missing: only those of erased users may be, and those that erasures took."""
    revision = session.scalars(select(Counter.value).where(Counter.name == "ratings")).one()
    num_known = session.scalars(select(func.count()).select_from(RatingChange)).one()
    removed = session.scalars(select(Erasure.removed)).all()
    gone = sum(each["rating_changes"] for each in removed)
    least, most = gone + len(removed), gone + sum(max(1, each["ratings"]) for each in removed)
    if not least <= revision - num_known <= most:
        yield f"{revision - num_known} revisions are missing; erasures explain {least} to {most}"
    if (last := session.scalars(select(func.max(RatingChange.revision))).one() or 0) > revision:
        yield f"revision {last} is above the counter, {revision}"
