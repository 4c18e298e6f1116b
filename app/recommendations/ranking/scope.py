"""What a list may be made of."""

from dataclasses import dataclass, field, replace

from app.recommendations.catalogue.index import Mask, Slots


@dataclass(frozen=True, slots=True)
class Scope:
    """Which items a list is made of, and how long it may get: what ``base`` lets through ``without`` some slots."""

    base: Mask
    limit: int
    without: tuple[Slots, ...] = field(default=())

    def mask(self) -> Mask:
        """Return what is left: bool (slots,), not to be changed."""
        if not self.without:
            return self.base
        mask = self.base.copy()
        for slots in self.without:
            mask[slots] = False
        return mask

    def less(self, slots: Slots) -> "Scope":
        """Return the scope without some more slots."""
        return replace(self, without=(*self.without, slots))
