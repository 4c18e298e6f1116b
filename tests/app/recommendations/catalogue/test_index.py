"""The catalogue in memory follows the one in the database."""

from app.recommendations.catalogue.index import MAX_CACHED_FILTERS, Catalogue, CatalogueRow
from app.recommendations.request.options import Filter, Rules


def row(number: int, *categories: str, active: bool = True, title: str | None = None) -> CatalogueRow:
    return CatalogueRow(number, f"item {number}", title, categories, active)


def names(catalogue: Catalogue, categories: tuple[str, ...] = (), excluded: tuple[str, ...] = ()) -> list[str]:
    mask = catalogue.allowed(Filter(categories, no_categories=excluded))
    return [name for name, allowed in zip(catalogue.external_ids, mask, strict=True) if allowed]


def test_an_item_keeps_its_slot_through_every_change() -> None:
    catalogue = Catalogue()
    catalogue.apply([row(5), row(7)], 2)
    catalogue.apply([row(5, active=False, title="Five"), row(9)], 4)
    assert catalogue.slot_of_id == {5: 0, 7: 1, 9: 2}
    assert catalogue.titles == ["Five", None, None]
    assert names(catalogue) == ["item 7", "item 9"]


def test_a_changed_category_takes_effect_at_once() -> None:
    catalogue = Catalogue()
    catalogue.apply([row(1, "a"), row(2, "a", "b"), row(3)], 1)
    assert names(catalogue, ("a",)) == ["item 1", "item 2"]
    assert names(catalogue, ("a",), ("b",)) == ["item 1"]
    assert names(catalogue, (), ("a",)) == ["item 3"]
    catalogue.apply([row(1, "b"), row(2)], 2)
    assert names(catalogue, ("a",)) == []
    assert names(catalogue, ("b",)) == ["item 1"]
    assert names(catalogue, ("a", "b")) == ["item 1"]


def test_the_revision_never_decreases() -> None:
    catalogue = Catalogue()
    catalogue.apply([row(1)], 7)
    catalogue.apply([], 3)
    assert catalogue.revision == 7


def test_the_number_of_cached_filters_is_limited() -> None:
    catalogue = Catalogue()
    catalogue.apply([row(number, f"c{number}") for number in range(3 * MAX_CACHED_FILTERS)], 1)
    for number in range(3 * MAX_CACHED_FILTERS):
        assert names(catalogue, (f"c{number}",)) == [f"item {number}"]
    assert len(catalogue._filters) <= MAX_CACHED_FILTERS


def test_thousands_of_items_may_be_added_one_by_one() -> None:
    catalogue = Catalogue()
    for number in range(3_000):
        catalogue.apply([row(number)], number)
    assert len(catalogue) == len(catalogue.active) == catalogue.active.sum() == 3_000


def test_a_block_holds_for_items_added_later() -> None:
    catalogue = Catalogue()
    catalogue.rules = Rules(block=("i1",))
    catalogue.apply([CatalogueRow(0, "i0", None, (), True)], 1)
    catalogue.apply([CatalogueRow(1, "i1", None, (), True)], 2)
    assert catalogue.allowed(Filter()).tolist() == [True, False]
