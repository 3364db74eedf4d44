"""Regular expressions of users on RE2, which cannot hang whatever they wrote."""

from __future__ import annotations

from regards_order.domain.errors import InvalidPattern
from regards_order.domain.selection import NameMatcher
from regards_order_adapters.extras import require

require("cli", "re2")

import re2  # noqa: E402 -- after its absence was explained


class Re2Patterns:
    """Compile patterns in time and memory that grow with them, never beyond: a `Patterns`."""

    def compile(self, pattern: str) -> NameMatcher:
        """Return a test that a whole text matches *pattern*; a dot matches line ends too."""
        options = re2.Options()
        options.log_errors = False
        options.dot_nl = True
        try:
            compiled = re2.compile(pattern, options)
        except (re2.error, UnicodeEncodeError) as error:
            cause = error.args[0] if error.args else "it is no regular expression"
            raise InvalidPattern(pattern, cause.decode() if isinstance(cause, bytes) else str(cause)) from error

        def matches(text: str) -> bool:
            try:
                return compiled.fullmatch(text) is not None
            except UnicodeEncodeError:
                # half a character is some character, though RE2 knows none such
                whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
                return compiled.fullmatch(whole) is not None

        return matches
