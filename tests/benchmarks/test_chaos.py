"""The trial under faults finds what is wrong in a made-up history, and nothing in one that is right."""

import pytest

from benchmarks.chaos.ledger import Ledger
from benchmarks.chaos.tally import Tally, Wrong

WHERE = "in the end"


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def ledger(tally: Tally) -> Ledger:
    """A client that stored two ratings, and does not know whether a third was stored."""
    ledger = Ledger(tally)
    ledger.acknowledge("ada", "alien", 5.0, revision=7)
    ledger.acknowledge("ada", "brazil", 2.0, revision=8)
    ledger.doubt("ada", "clueless", 1.0)
    return ledger


@pytest.mark.parametrize("stored", [{}, {"clueless": 1.0}])
def test_what_must_be_stored_and_what_may_be_is_right(ledger: Ledger, tally: Tally, stored: dict[str, float]) -> None:
    ledger.check_ratings("ada", {"alien": 5.0, "brazil": 2.0} | stored, WHERE)
    ledger.check_revision("ada", 8, WHERE)
    ledger.advance(8)
    ledger.check_list("ada", ["clueless", "dune"])
    assert not tally.findings


@pytest.mark.parametrize(
    "stored", [{"alien": 5.0}, {"alien": 5.0, "brazil": 3.0}, {"alien": 5.0, "brazil": 2.0, "dune": 1.0}]
)
def test_a_rating_that_is_lost_other_than_posted_or_never_posted_is_found(
    ledger: Ledger, tally: Tally, stored: dict[str, float]
) -> None:
    ledger.check_ratings("ada", stored, WHERE)
    assert tally.wrong == {Wrong.LOST: 1}


def test_a_value_that_a_write_without_an_answer_cannot_have_left_is_found(ledger: Ledger, tally: Tally) -> None:
    ledger.check_ratings("ada", {"alien": 5.0, "brazil": 2.0, "clueless": 4.0}, WHERE)
    assert tally.wrong == {Wrong.ANSWER: 1}


def test_a_rating_of_a_deleted_item_that_comes_back_is_found(ledger: Ledger, tally: Tally) -> None:
    ledger.delete_item("alien")
    ledger.check_ratings("ada", {"alien": 5.0, "brazil": 2.0}, WHERE)
    assert tally.wrong == {Wrong.LOST: 1}


def test_a_revision_that_goes_back_is_found(ledger: Ledger, tally: Tally) -> None:
    ledger.check_revision("ada", 7, WHERE)
    ledger.check_revision("ada", None, WHERE)
    ledger.advance(9)
    ledger.advance(8)
    assert tally.wrong == {Wrong.ANSWER: 3}


def test_a_list_with_an_item_twice_or_one_that_is_rated_is_found(ledger: Ledger, tally: Tally) -> None:
    ledger.check_list("ada", ["dune", "dune"])
    ledger.check_list("ada", ["alien"])
    assert tally.wrong == {Wrong.ANSWER: 2}


def test_a_write_in_doubt_is_not_repeated_and_its_user_not_erased(ledger: Ledger) -> None:
    assert not ledger.is_open("ada", "clueless")
    assert not ledger.is_sure_of_user("ada")
    assert not ledger.is_sure_of_item("clueless")
    assert ledger.is_open("ada", "alien")
