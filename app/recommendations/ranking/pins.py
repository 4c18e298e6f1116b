"""Pinned items: at the positions that rules name, however the others are ordered."""

from collections.abc import Mapping, Sequence

import numpy as np

from app.recommendations.catalogue.index import Catalogue
from app.recommendations.ranking.rankers import RankedItems, Ranker, Scope
from app.recommendations.request.enums import Source
from app.recommendations.request.options import Pin


def pin_items(ranker: Ranker, scored: Ranker, catalogue: Catalogue, pins: Sequence[Pin]) -> Ranker:
    """Put pinned items into their places, as far as the scope lets them; ``scored`` has their scores."""

    def rank(scope: Scope) -> RankedItems:
        allowed, wanted = scope.mask(), dict[int, Pin]()
        for pin in pins:
            for slot in catalogue.slots_of([pin.item_id]):
                if allowed[slot]:
                    wanted.setdefault(slot, pin)
        if not wanted:
            return ranker(scope)
        slots = np.fromiter(wanted, np.int64)
        theirs = np.zeros(len(catalogue), bool)
        theirs[slots] = True
        pinned = scored(Scope(theirs, len(slots)))
        pinned.add(np.setdiff1d(slots, pinned.slots), None, None, Source.PINNED)  # those without a score
        return interleave(assign_positions(wanted), pinned, ranker(scope.excluding(slots)), scope.limit)

    return rank


def assign_positions(wanted: Mapping[int, Pin]) -> dict[int, int]:
    """Return the slot at each taken position, which count from 1.

    A pin whose position an earlier one has moves down to the next free one; those without a position come first, in
    their order, where there is room.
    """
    taken: dict[int, int] = {}
    for positioned in (True, False):
        for slot, pin in wanted.items():
            if (pin.position is not None) is positioned:
                position = pin.position or 1
                while position in taken:
                    position += 1
                taken[position] = slot
    return taken


def interleave(places: dict[int, int], pinned: RankedItems, others: RankedItems, limit: int) -> RankedItems:
    """Fill the positions without a pin with the other items; pins that are left when those run out come last."""
    row_of = {slot: row for row, slot in enumerate(pinned.slots)}
    items, waiting = RankedItems(), 0
    for position in range(1, limit + 1):
        if position not in places and waiting == len(others.slots):
            break
        if position in places:
            items.take(pinned, row_of[places.pop(position)], Source.PINNED)
        else:
            items.take(others, waiting)
            waiting += 1
    for position in sorted(places)[: limit - len(items.slots)] if waiting == len(others.slots) else ():
        items.take(pinned, row_of[places[position]], Source.PINNED)
    return items
