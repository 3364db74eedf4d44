"""Where baskets are kept."""

from __future__ import annotations

from typing import Protocol

from regards_order.domain.basket import Basket, BasketOwner


class Baskets(Protocol):
    """Keep one basket for each owner of the tenant."""

    def get(self, owner: BasketOwner, *, lock: bool = False) -> Basket | None:
        """Return the basket of *owner*, if any; with *lock* nobody else changes it before this transaction ends."""
        ...

    def save(self, basket: Basket) -> Basket:
        """Store a basket as it is and return it with its new version.

        A basket of version 0 is new; any other replaces the stored one of that very version and id.

        Raises:
            Conflict: the stored basket has another version, is gone, or its owner has another basket.
        """
        ...

    def remove(self, owner: BasketOwner) -> None:
        """Erase the basket of *owner*; without one nothing happens."""
        ...
