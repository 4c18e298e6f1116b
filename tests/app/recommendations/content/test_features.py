"""What items have in common by their content."""

import numpy as np
from numpy.typing import NDArray

from app.recommendations.content.features import ItemContent, Vocabulary


def cosines(*items: ItemContent) -> NDArray[np.float32]:
    vectors = Vocabulary.of(items).vectors(items)
    found: NDArray[np.float32] = (vectors @ vectors.T).toarray()
    return found


def film(title: str | None = None, *categories: str, **attributes: object) -> ItemContent:
    return ItemContent(title, categories, attributes)


FILLER = [film(f"filler{n}", f"c{n}", **{f"a{n}": n}) for n in range(8)]


def test_an_item_is_fully_similar_to_itself_and_not_at_all_to_one_with_nothing_in_common() -> None:
    similarity = cosines(film("The Thing", "Horror"), film("Another Thing", "Horror"), film("Emma", "Comedy"), film())
    np.testing.assert_allclose(similarity[0, 0], 1, rtol=1e-5)
    assert similarity[0, 1] > 0
    assert similarity[0, 2] == 0
    assert not similarity[3].any()


def test_a_rare_feature_weighs_more_than_a_common_one() -> None:
    items = [film(None, "Drama", "Giallo"), film(None, "Giallo"), film(None, "Drama"), film(None, "Giallo"), film()]
    items += [film(None, "Drama", f"other {n % 2}") for n in range(3)] + [film()] * 6
    similarity = cosines(*items)
    assert similarity[0, 1] > similarity[0, 2] > 0


def test_what_all_items_have_weighs_nothing() -> None:
    similarity = cosines(*[film(None, "Film", f"kind {n // 2}") for n in range(8)])
    assert similarity[0, 1] > 0.99
    assert similarity[0, 2] == 0


def test_numbers_close_to_each_other_are_similar() -> None:
    similarity = cosines(*[film(year=year) for year in range(1900, 2000)])
    assert similarity[50, 52] > similarity[50, 58] > similarity[50, 75]
    assert similarity[50, 52] > 0.9


def test_names_are_compared_whole_and_long_texts_by_their_words() -> None:
    plot = "a crew finds an egg on a distant moon"
    items = [film(director="Ridley Scott", plot=plot), film(director="Ridley Scott"), film(director="Tony Scott")]
    similarity = cosines(*items, film(plot="an egg that nobody finds for a year"), film(director="Tony Scott"), *FILLER)
    assert similarity[0, 1] > 0
    assert similarity[0, 2] == 0
    assert similarity[0, 3] > 0


def test_lists_flags_and_nested_values_are_features_too() -> None:
    items = [film(cast=["Weaver", "Hurt"], colour=True, made={"in": "UK"}), film(cast=["Hurt"]), film(colour=True)]
    similarity = cosines(*items, film(made={"in": "UK"}), film(colour=False), film(colour=False), *FILLER)
    assert (similarity[0, 1:4] > 0).all()
    assert similarity[0, 4] == 0


def test_endless_attributes_are_cut_short_and_any_json_is_accepted() -> None:
    odd = film("?!", "", empty=None, deep={"a": [[{"b": []}]]}, many=list(range(10_000)), huge=1e308, small=-1e308)
    similarity = cosines(odd, odd, *FILLER)
    assert np.isfinite(similarity).all()
    assert Vocabulary.of([odd, odd]).vectors([odd]).nnz < 200


def test_a_vocabulary_describes_items_it_was_not_learned_from() -> None:
    vocabulary = Vocabulary.of([film("A", "x"), film("B", "x"), film("C", "y"), film("D", "y"), film(), film()])
    fresh, known = vocabulary.vectors([film("Z", "x", colour="red")]), vocabulary.vectors([film("A", "x")])
    np.testing.assert_allclose((fresh @ known.T).toarray(), 1, rtol=1e-5)
