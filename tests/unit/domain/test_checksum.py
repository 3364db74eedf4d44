"""Bytes are verified on their way out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from regards_order.domain.checksum import digest, verified
from regards_order.domain.errors import ChecksumMismatch, SourceTruncated

CHUNKS = (b"abc", b"", b"defg")
DATA = b"".join(CHUNKS)
MD5 = hashlib.md5(DATA).hexdigest()


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("MD5", "md5"),
        ("md5", "md5"),
        ("SHA-1", "sha1"),
        ("SHA1", "sha1"),
        ("SHA-224", "sha224"),
        ("SHA-256", "sha256"),
        ("sha_256", "sha256"),
        ("SHA384", "sha384"),
        ("SHA-512", "sha512"),
    ],
)
def test_known_algorithms(written: str, name: str) -> None:
    """Algorithms are known by their usual spellings; the right digest passes, in either case of letters."""
    expected = hashlib.new(name, DATA).hexdigest()
    for checksum in (expected, expected.upper()):
        assert b"".join(verified(CHUNKS, size=7, checksum=checksum, algorithm=written)) == DATA
    with pytest.raises(ChecksumMismatch):
        list(verified((b"abcdefh",), size=7, checksum=expected, algorithm=written))


@pytest.mark.parametrize("algorithm", [None, "", "CRC32", "SHA-3"])
def test_unknown_algorithms_are_not_verified(algorithm: str | None) -> None:
    """A digest that nobody can make is not verified; the length still is."""
    assert digest(algorithm) is None
    assert list(verified(CHUNKS, size=7, checksum="no digest", algorithm=algorithm)) == list(CHUNKS)
    with pytest.raises(SourceTruncated):
        list(verified(CHUNKS, size=8, checksum="no digest", algorithm=algorithm))


@pytest.mark.parametrize("checksum", [None, ""])
def test_without_a_checksum_only_the_length_counts(checksum: str | None) -> None:
    """A file without checksum, and without size, is passed on as it is."""
    assert list(verified(CHUNKS, size=None, checksum=checksum, algorithm="MD5")) == list(CHUNKS)


@pytest.mark.parametrize("size", [0, 6, 8])
def test_other_lengths(size: int) -> None:
    """Fewer or more bytes than recorded are named with both numbers, whatever the digest says."""
    with pytest.raises(SourceTruncated) as caught:
        list(verified(CHUNKS, size=size, checksum="00", algorithm="MD5"))
    assert (caught.value.sent, caught.value.size) == (7, size)


def test_mismatch_names_both_digests_and_comes_after_the_last_chunk() -> None:
    """All bytes are handed over before a wrong digest is known."""
    stream = verified(CHUNKS, size=7, checksum="00ff", algorithm="MD5")
    assert [next(stream) for _ in CHUNKS] == list(CHUNKS)
    with pytest.raises(ChecksumMismatch) as caught:
        next(stream)
    assert (caught.value.expected, caught.value.actual) == ("00ff", MD5)


def test_nothing_is_read_ahead() -> None:
    """A chunk is read from the source only when the one before was taken."""
    read: list[bytes] = []

    def source() -> Iterator[bytes]:
        for chunk in CHUNKS:
            read.append(chunk)
            yield chunk

    stream = verified(source(), size=7, checksum=MD5, algorithm="MD5")
    next(stream)
    assert read == [b"abc"]
