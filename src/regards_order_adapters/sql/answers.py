"""What the storage answered, kept until a worker applies it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from regards_order.domain.errors import NotFound
from regards_order.ports.storage import Answer
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.tenancy import Scope

_TABLE = schema.storage_answers


@attrs.frozen
class SqlAnswers:
    """Keep answers."""

    _scope: Scope

    def put(self, suborder_id: int, answers: Sequence[Answer]) -> None:
        """Keep answers for a suborder; a refusal replaces what is there, anything else does not."""
        suborders = schema.suborders
        known = self._scope.select(suborders, suborders.c.id).where(suborders.c.id == suborder_id)
        # a suborder that is erased meanwhile would make an error that ends the transaction
        if self._scope.execute(known.with_for_update(read=True, key_share=True)).first() is None:
            raise NotFound("Suborder", suborder_id)
        last: dict[str, Answer] = {}
        for answer in answers:
            if answer.checksum not in last or not answer.available:
                last[answer.checksum] = answer
        rows = [{"suborder_id": suborder_id, **last[checksum]._asdict()} for checksum in sorted(last)]
        self._scope.upsert(_TABLE, rows, lambda new: ~new.available)

    def of(self, suborder_id: int) -> Sequence[Answer]:
        """Return the answers kept for a suborder, by checksum."""
        columns = (_TABLE.c.checksum, _TABLE.c.available, _TABLE.c.cause)
        query = self._scope.select(_TABLE, *columns).where(_TABLE.c.suborder_id == suborder_id)
        return tuple(Answer._make(row) for row in self._scope.execute(query.order_by(_TABLE.c.checksum)))

    def erase(self, suborder_id: int) -> None:
        """Erase the answers kept for a suborder."""
        self._scope.execute(self._scope.delete(_TABLE).where(_TABLE.c.suborder_id == suborder_id))
