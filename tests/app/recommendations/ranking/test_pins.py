"""Where pinned items go."""

from app.recommendations.ranking.pins import assign_positions
from app.recommendations.request.options import Pin


def test_pins_of_one_position_move_down() -> None:
    wanted = {7: Pin("a", 2), 8: Pin("b"), 9: Pin("c", 2), 10: Pin("d"), 11: Pin("e", 1)}
    assert assign_positions(wanted) == {2: 7, 3: 9, 1: 11, 4: 8, 5: 10}
