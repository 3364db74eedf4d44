"""What may be tuned, with the defaults of docs/configuration.md; durations in hours unless named otherwise."""

from __future__ import annotations

import attrs

from regards_order.domain.errors import Fault, InvalidInput
from regards_order.domain.quota import UNLIMITED, check_limit


def _positive(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if value <= 0:
        raise InvalidInput((Fault(f"$.{attribute.name}", f"{value} is not above 0"),))


def _not_negative(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if value < 0:
        raise InvalidInput((Fault(f"$.{attribute.name}", f"{value} is below 0"),))


def _limit(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    check_limit(attribute.name, value)


@attrs.frozen(kw_only=True)
class Settings:
    """Hold the limits of the ordering service.

    Attributes:
        suborder_max_bytes: bytes after which a suborder is closed.
        suborder_max_files: files after which a suborder of stored files is closed.
        external_max_files: a suborder of external files is closed when it has more.
        suborders_per_user: suborders in flight or waiting for download, per user.
        catalog_page: products, and files, read from the catalogue at once.
        user_hours: how long a suborder of a user's order stays available.
        reminder_hours: files that wait for their user for so long are a reason for a mail.
        app_hours: as *user_hours*, for orders that other services place.
        max_hours: an order never lives longer.
        max_quota: files that a user may download in all, unless he has a limit of his own; -1 = unlimited.
        rate_limit: files that a user may download at the same moment, alike.
        storage_silence_hours: a file about which the storage said nothing for so long is in error.
        storage_batch: checksums asked at once.
        storage_poll_seconds: seconds between two looks for the storage's answers.
        upload_max_lines: lines of a file that fills a basket.
        lease_seconds: how long a worker may be silent before others take over what it claimed.
        completion_attempts: how often the files of an order are listed before it is given up.
        cancel_attempts: how often a cancellation is tried before its order is in ERROR.
        expiry_seconds: seconds between two looks for orders whose time is over.
    """

    suborder_max_bytes: int = attrs.field(default=100 * 1024 * 1024, validator=_positive)
    suborder_max_files: int = attrs.field(default=5000, validator=_positive)
    external_max_files: int = attrs.field(default=1000, validator=_positive)
    suborders_per_user: int = attrs.field(default=2, validator=_positive)
    catalog_page: int = attrs.field(default=5000, validator=_positive)
    user_hours: int = attrs.field(default=240, validator=_positive)
    reminder_hours: int = attrs.field(default=72, validator=_positive)
    app_hours: int = attrs.field(default=2, validator=_not_negative)
    max_hours: int = attrs.field(default=168, validator=_positive)
    max_quota: int = attrs.field(default=UNLIMITED, validator=_limit)
    rate_limit: int = attrs.field(default=UNLIMITED, validator=_limit)
    expiry_seconds: int = attrs.field(default=3600, validator=_positive)
    storage_silence_hours: int = attrs.field(default=2, validator=_positive)
    storage_batch: int = attrs.field(default=1000, validator=_positive)
    storage_poll_seconds: int = attrs.field(default=1, validator=_positive)
    upload_max_lines: int = attrs.field(default=1000, validator=_positive)
    lease_seconds: int = attrs.field(default=60, validator=_positive)
    completion_attempts: int = attrs.field(default=5, validator=_positive)
    cancel_attempts: int = attrs.field(default=3, validator=_positive)

    def order_hours(self, suborder_hours: int, internal_suborders: int) -> int:
        """Return how many hours an order lives (docs/orders.md): longer with more suborders, never beyond the maximum.

        >>> Settings(max_hours=100).order_hours(5, 5)
        35
        """
        hours = suborder_hours if internal_suborders == 0 else (internal_suborders + 2) * suborder_hours
        return min(hours, self.max_hours)
