"""Bytes are verified on their way out, always: length and digest, in one pass (docs/downloads.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from regards_order.domain.errors import ChecksumMismatch, SourceTruncated

#: the algorithms that can be verified, as catalogues spell them
ALGORITHMS = ("MD5", "SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512")
_NAMES = {name.replace("-", ""): name.replace("-", "").lower() for name in ALGORITHMS}


class Digest(Protocol):
    """What hashlib's objects offer."""

    def update(self, data: bytes, /) -> None: ...  # noqa: D102
    def hexdigest(self) -> str: ...  # noqa: D102


def digest(algorithm: str | None) -> Digest | None:
    """Return a fresh digest for a recorded algorithm name, or None when it is unknown.

    >>> digest("SHA-256").hexdigest()[:8]
    'e3b0c442'
    """
    name = _NAMES.get((algorithm or "").upper().replace("-", "").replace("_", ""))
    return None if name is None else hashlib.new(name, usedforsecurity=False)


def hex_length(algorithm: str | None) -> int | None:
    """Return how many hexadecimal digits a digest has, or None when the algorithm is unknown.

    >>> hex_length("md5")
    32
    """
    running = digest(algorithm)
    return None if running is None else len(running.hexdigest())


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
