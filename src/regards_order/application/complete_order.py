"""List the files of an order: read the catalogue, cut suborders, and let the order start (docs/orders.md).

Nobody starts a suborder of a PENDING order, so a completion that fails, or dies, leaves nothing that runs: the next one
erases what is there and begins again.  Each claims the order under a lease; one whose order was claimed once more, or
deleted, was overtaken, and writes nothing any more.  An order that is paused meanwhile is listed to its end, and starts
when it is resumed.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Sequence

import attrs

from regards_order.application.tenant_settings import current_settings
from regards_order.domain.basket import BasketOwner, DatasetSelection
from regards_order.domain.errors import CatalogUnavailable, Conflict, NotFound, OrderingError, StoreUnavailable
from regards_order.domain.events import FileOversized, OrderCreated, OrderEnded, SuborderDone
from regards_order.domain.files import FileCounts, FileState
from regards_order.domain.order import ENDED, GOING_ON, Contents, DatasetTask, Order, OrderStatus
from regards_order.domain.packing import Bucket, Packer
from regards_order.domain.principal import Access, User
from regards_order.domain.product import CatalogFile, OrderedProduct
from regards_order.domain.search import Search, compile_search
from regards_order.domain.selection import FileFilter
from regards_order.domain.suborder import SUBORDERS, Suborder, SuborderEvent, SuborderState, priority
from regards_order.ports.bundle import Ports
from regards_order.ports.claims import Claim
from regards_order.ports.unit_of_work import Transaction

_log = logging.getLogger(__name__)
_ACCEPTED = frozenset({OrderStatus.RUNNING, OrderStatus.PAUSED, OrderStatus.DONE})
_SEARCHES = 3
_CATALOG_FAILED = "Error trying to search data objects from catalog."


def complete_order(ports: Ports, order_id: int) -> Order:
    """List the files of an order and let it start; one that somebody else works on is returned as it is.

    So is one whose owner has another order that is being listed.

    Every failure ends the order FAILED, with a message for its user and without files.

    Raises:
        NotFound: there is no such order.
        StoreUnavailable: nothing is lost; it is begun again when the lease is over.
    """
    with ports.store.write() as tx:
        claimed = tx.claims.orders(1, ports.settings.lease_seconds, only=order_id)
        if not claimed:
            return tx.orders.get(order_id)
    return complete_claimed(ports, claimed[0])


def complete_claimed(ports: Ports, order: Order, stop: Callable[[], bool] = bool) -> Order:
    """List the files of an order that was claimed, and let it start.

    Args:
        ports: what to work with.
        order: as the claim handed it out.
        stop: asked between suborders; when it says True the order is given back as it was.

    Raises:
        StoreUnavailable: nothing is lost; it is begun again when the lease is over.
    """
    with ports.leases.hold((Claim.of(order),)):
        try:
            return _complete_or_fail(ports, order, stop)
        except Conflict:
            _log.info("completion overtaken", extra={"action": "completion_overtaken", "order_id": order.id})
            return _give_back(ports, order)


def _complete_or_fail(ports: Ports, order: Order, stop: Callable[[], bool]) -> Order:
    if order.attempt > ports.settings.completion_attempts:
        message = f"Its files could not be listed in {ports.settings.completion_attempts} attempts."
        return _fail(ports, order, message, None)
    try:
        return _complete(ports, order, stop)
    except (Conflict, StoreUnavailable):
        raise
    except CatalogUnavailable as failure:
        return _fail(ports, order, _CATALOG_FAILED, failure)
    except OrderingError as failure:
        return _fail(ports, order, failure.message, failure)
    except Exception as failure:
        return _fail(ports, order, f"Unexpected error: {failure}", failure)


def _complete(ports: Ports, claim: Order, stop: Callable[[], bool]) -> Order:
    with ports.store.write() as tx:
        order = _claimed(tx, claim)
        _erase(tx, order.id)
        load = tx.slots.load(order.owner)
        basket = tx.baskets.get(BasketOwner.order(order.id))
    completion = _Completion(ports, order, priority(load.total, load.mine, order.role), stop)
    for selection in basket.selections if basket else ():
        completion.take(selection)
    if completion.stopped:
        return _give_back(ports, order, undone=True)
    return _start(ports, completion)


@attrs.define
class _Completion:
    """Collect what one completion finds; files and suborders are stored as soon as a bucket is full."""

    ports: Ports
    order: Order
    priority: int
    _stop: Callable[[], bool]
    stopped: bool = False
    contents: Contents = Contents()
    counts: FileCounts = FileCounts()
    oversized: list[str] = attrs.field(factory=list)

    def take(self, selection: DatasetSelection) -> None:
        """Order one dataset selection."""
        wanted = selection.file_filter or FileFilter()
        matches = None if wanted.pattern is None else self.ports.patterns.compile(wanted.pattern)
        packer = Packer(self.ports.settings, wanted, matches)
        counts, objects = FileCounts(), 0
        for bucket, products in self._buckets(packer, selection):
            self.stopped = self.stopped or self._stop()
            if self.stopped:
                return
            objects += products
            if bucket is not None:
                self._store(bucket, selection.dataset_urn)
                counts += bucket.counts
        self.counts += counts
        self.contents = attrs.evolve(self.contents, features=self.contents.features + objects)
        if objects != selection.counters.objects_count:
            extra = {
                "action": "products_differ",
                "order_id": self.order.id,
                "dataset": selection.dataset_urn,
                "in_basket": selection.counters.objects_count,
                "found": objects,
            }
            _log.info("products differ from the basket", extra=extra)
        if counts.total:
            self._add_task(selection, counts)
        self.oversized += packer.oversized

    def _buckets(self, packer: Packer, selection: DatasetSelection) -> Iterator[tuple[Bucket | None, int]]:
        """Yield each bucket as it fills, and how many products were read since the one before."""
        catalog = self.ports.catalog
        access = User(self.order.owner, self.order.role, self.order.groups).access
        dataset = catalog.dataset(selection.dataset_urn, Access(everything=True))
        if dataset is not None:
            packer.attach(dataset.urn, dataset.provider_id, map(CatalogFile.of, dataset.files))
        attributes = catalog.attributes()
        searches = [compile_search(item.request, attributes, dataset=selection.dataset_urn) for item in selection.items]
        after = ""
        while page := self._page(searches, access, after):
            for product in page:
                for bucket in packer.add(*product):
                    yield bucket, 0
            yield None, len(page)
            after = page[-1].urn
        for bucket in packer.finish():
            yield bucket, 0

    def _page(self, searches: Sequence[Search], access: Access, after: str) -> Sequence[OrderedProduct]:
        """Return the next products; a catalogue that blinks is asked again, as pages by key are the same then."""

        def ask() -> Sequence[OrderedProduct]:
            return self.ports.catalog.search(searches, access, after=after, limit=self.ports.settings.catalog_page)

        for _ in range(_SEARCHES - 1):
            try:
                return ask()
            except CatalogUnavailable as failure:
                extra = {"action": "search_failed", "order_id": self.order.id, "cause": failure.message}
                _log.info("catalogue asked once more", extra=extra)
        return ask()

    def _store(self, bucket: Bucket, dataset_urn: str) -> None:
        external, rows = bucket.external, bucket.rows
        state = (FileState.AVAILABLE if external else FileState.PENDING).value
        with self.ports.store.write() as tx:
            _claimed(tx, self.order)
            suborder_id = tx.ids.block("suborder", 1)[0]
            ids = tx.ids.block("order_file", len(rows))
            suborder = Suborder(
                id=suborder_id,
                order_id=self.order.id,
                owner=self.order.owner,
                dataset_urn=dataset_urn,
                external=external,
                state=SuborderState.ENDED if external else SuborderState.PENDING,
                priority=self.priority,
                hours=self.order.hours,
                first_file=ids[0],
                last_file=ids[-1],
                counts=bucket.counts,
            )
            tx.suborders.add(suborder)
            order_id = self.order.id
            tx.files.add(
                (file_id, order_id, suborder_id, *product, state, None, *file)
                for file_id, (product, file) in zip(ids, rows, strict=True)
            )
        more_external, more_internal = (1, 0) if external else (0, 1)
        self.contents = attrs.evolve(
            self.contents,
            internal_suborders=self.contents.internal_suborders + more_internal,
            external_suborders=self.contents.external_suborders + more_external,
        )

    def _add_task(self, selection: DatasetSelection, counts: FileCounts) -> None:
        with self.ports.store.write() as tx:
            task_id = tx.ids.block("dataset_task", 1)[0]
        task = DatasetTask(
            id=task_id,
            dataset_urn=selection.dataset_urn,
            dataset_label=selection.label,
            objects_count=selection.counters.objects_count,
            files_count=counts.total,
            files_size=counts.bytes_known,
            file_filter=selection.file_filter,
            requests=tuple(item.request for item in selection.items),
        )
        self.contents = attrs.evolve(self.contents, tasks=(*self.contents.tasks, task))


def _claimed(tx: Transaction, claim: Order) -> Order:
    """Return the order, locked, as it is by now: it may have been paused.

    Raises:
        Conflict: it was deleted or has expired, or somebody began another completion.
    """
    try:
        order = tx.orders.get(claim.id, lock=True)
    except NotFound:
        raise Conflict("Order", claim.id) from None
    if order.attempt != claim.attempt or order.listed or order.status not in GOING_ON:
        raise Conflict("Order", claim.id)
    return order


def _give_back(ports: Ports, claim: Order, *, undone: bool = False) -> Order:
    with ports.store.write() as tx:
        (tx.claims.undo if undone else tx.claims.release)((Claim.of(claim),))
        try:
            return tx.orders.get(claim.id)
        except NotFound:
            return claim


def _erase(tx: Transaction, order_id: int) -> None:
    tx.files.erase(order_id)
    tx.suborders.erase(order_id)


def _start(ports: Ports, completion: _Completion) -> Order:
    now = ports.clock.now()
    contents = completion.contents
    with ports.store.write() as tx:
        order = _claimed(tx, completion.order)
        hours = current_settings(ports, tx).order_hours(order.hours, contents.internal_suborders)
        order = tx.orders.save(order.completed(contents, now, now + dt.timedelta(hours=hours)))
        if order.status is OrderStatus.PAUSED:
            tx.suborders.move(order.id, SUBORDERS.moves(SuborderEvent.ABORT))
        order = tx.orders.count(order, completion.counts, 0, now)
        _tell_oversized(tx, order, completion.oversized)
        _tell_started(tx, order)
        if contents.internal_suborders:
            tx.slots.note_freed(order.owner)
    return order


def _tell_oversized(tx: Transaction, order: Order, names: list[str]) -> None:
    for name in names:
        tx.outbox.add(
            FileOversized(order_id=order.id, owner=order.owner, correlation_id=order.correlation_id, filename=name)
        )


def _tell_started(tx: Transaction, order: Order) -> None:
    for suborder in tx.suborders.of_order(order.id) if order.contents.external_suborders else ():
        if suborder.external:
            tx.outbox.add(suborder_done(order, suborder))
    if order.status in ENDED:
        tx.outbox.add(order_ended(order))
    if order.frontend_url and order.status in _ACCEPTED:
        tx.outbox.add(
            OrderCreated(
                order_id=order.id,
                owner=order.owner,
                correlation_id=order.correlation_id,
                frontend_url=order.frontend_url,
            )
        )


def _fail(ports: Ports, claim: Order, message: str, failure: Exception | None) -> Order:
    _log.warning("order failed", exc_info=failure, extra={"action": "order_failed", "order_id": claim.id})
    now = ports.clock.now()
    with ports.store.write() as tx:
        order = _claimed(tx, claim)
        _erase(tx, order.id)
        expires = now + dt.timedelta(hours=current_settings(ports, tx).order_hours(order.hours, 0))
        order = tx.orders.save(order.failed(message, now, expires))
        tx.outbox.add(order_ended(order))
    return order


def suborder_done(order: Order, suborder: Suborder) -> SuborderDone:
    """Return the event that a suborder's files are answered."""
    return SuborderDone(
        order_id=order.id,
        suborder_id=suborder.id,
        owner=order.owner,
        correlation_id=order.correlation_id,
        errors=suborder.counts.in_error,
        total_suborders=order.suborders,
    )


def order_ended(order: Order) -> OrderEnded:
    """Return the event that an order came to its end."""
    return OrderEnded(
        order_id=order.id,
        owner=order.owner,
        correlation_id=order.correlation_id,
        status=order.status,
        message=order.message,
    )
