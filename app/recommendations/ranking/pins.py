"""Pinned items: at the positions that rules name, whatever the order of the others is."""

from collections.abc import Mapping, Sequence

import numpy as np

from app.recommendations.catalogue.index import Catalogue
from app.recommendations.ranking.ranked_items import RankedItems, Source
from app.recommendations.ranking.rankers import Ranker
from app.recommendations.ranking.scope import Scope
from app.recommendations.request.options import Pin


def pinned(order: Ranker, plain: Ranker, catalogue: Catalogue, pins: Sequence[Pin]) -> Ranker:
    """Put pinned items into an order, as far as the scope lets them; ``plain`` tells their scores."""

    def with_pins(scope: Scope) -> RankedItems:
        allowed, wanted = scope.mask(), dict[int, Pin]()
        for pin in pins:
            for slot in catalogue.slots_of([pin.item_id]):
                if allowed[slot]:
                    wanted.setdefault(slot, pin)
        if not wanted:
            return order(scope)
        slots = np.fromiter(wanted, np.int64)
        theirs = np.zeros(len(catalogue), bool)
        theirs[slots] = True
        facts = plain(Scope(theirs, len(slots)))
        facts.add(np.setdiff1d(slots, facts.slots), None, None, Source.PINNED)  # of whom the order has nothing to say
        return interleaved(placed(wanted), facts, order(scope.less(slots)), scope.limit)

    return with_pins


def placed(wanted: Mapping[int, Pin]) -> dict[int, int]:
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


def interleaved(places: dict[int, int], facts: RankedItems, others: RankedItems, limit: int) -> RankedItems:
    """Fill the positions without a pin with the other items; pins that are left when those run out come last."""
    row_of = {slot: row for row, slot in enumerate(facts.slots)}
    chosen, waiting = RankedItems(), 0
    for position in range(1, limit + 1):
        if position not in places and waiting == len(others.slots):
            break
        if position in places:
            chosen.take(facts, row_of[places.pop(position)], Source.PINNED)
        else:
            chosen.take(others, waiting)
            waiting += 1
    for position in sorted(places)[: limit - len(chosen.slots)] if waiting == len(others.slots) else ():
        chosen.take(facts, row_of[places[position]], Source.PINNED)
    return chosen
