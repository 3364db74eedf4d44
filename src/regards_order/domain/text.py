"""Short texts that people give: names, labels, groups."""

from __future__ import annotations

from collections.abc import Iterable

from regards_order.domain.errors import Fault


def is_unicode(text: str) -> bool:
    """Return whether *text* can be written in UTF-8: a lone surrogate cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def keepable(text: str) -> str:
    """Return what somebody else said as every database can keep it: NUL and lone surrogates become question marks."""
    return text.replace("\0", "?").encode(errors="replace").decode()


def text_faults(path: str, text: str, *, limit: int, blank: bool = False) -> Iterable[Fault]:
    """Yield what is wrong with a text.

    Args:
        path: where it stands.
        text: the text.
        limit: characters allowed.
        blank: whether it may be empty or hold only spaces.
    """
    shown = ascii(text if len(text) <= 60 else text[:57] + "...")
    if len(text) > limit or (not blank and not text.strip()):
        yield Fault(path, f"{shown} must have {0 if blank else 1} to {limit} characters")
    elif not is_unicode(text) or any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text):
        yield Fault(path, f"{shown} must not hold control characters, line ends or half characters")
