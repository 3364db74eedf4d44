"""Regular expressions written by users."""

from __future__ import annotations

from typing import Protocol

from regards_order.domain.selection import NameMatcher


class Patterns(Protocol):
    """Compile regular expressions that strangers wrote."""

    def compile(self, pattern: str) -> NameMatcher:
        """Return a test that a whole text matches *pattern*, case-sensitive.

        Raises:
            InvalidPattern: it is no regular expression, or uses a construct that is not supported.
        """
        ...
