"""Bytes are verified on their way out, always: length and digest, in one pass (docs/downloads.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from regards_order.domain.errors import ChecksumMismatch, SourceTruncated

_ALGORITHMS = {
    "MD5": "md5",
    "SHA1": "sha1",
    "SHA224": "sha224",
    "SHA256": "sha256",
    "SHA384": "sha384",
    "SHA512": "sha512",
}


class Digest(Protocol):
    """What hashlib's objects offer."""

    def update(self, data: bytes, /) -> None: ...  # noqa: D102
    def hexdigest(self) -> str: ...  # noqa: D102


def digest(algorithm: str | None) -> Digest | None:
    """Return a fresh digest for a recorded algorithm name, or None when it is unknown.

    >>> digest("SHA-256").hexdigest()[:8]
    'e3b0c442'
    """
    name = _ALGORITHMS.get((algorithm or "").upper().replace("-", "").replace("_", ""))
    return None if name is None else hashlib.new(name, usedforsecurity=False)


def verified(
    chunks: Iterable[bytes], *, size: int | None, checksum: str | None, algorithm: str | None
) -> Iterator[bytes]:
    """Yield *chunks* unchanged and verify them on the way.

    Args:
        chunks: the bytes of one file.
        size: bytes expected, None for any number.
        checksum: hexadecimal digest expected, None for any.
        algorithm: how the digest was made; an unknown one is not verified.

    Raises:
        SourceTruncated: after the last chunk, when the number of bytes differs.
        ChecksumMismatch: after the last chunk, when the digest differs.
    """
    running = digest(algorithm) if checksum else None
    sent = 0
    for chunk in chunks:
        sent += len(chunk)
        if running is not None:
            running.update(chunk)
        yield chunk
    if size is not None and sent != size:
        raise SourceTruncated(sent, size)
    if running is not None and checksum is not None and running.hexdigest() != checksum.lower():
        raise ChecksumMismatch(checksum, running.hexdigest())
