"""Where the settings of a tenant are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class TenantSettings(Protocol):
    """Keep the settings that somebody changed; the others have their defaults."""

    def changed(self) -> Mapping[str, Any]:
        """Return the values that were changed, by name."""
        ...

    def put(self, name: str, value: Any) -> None:
        """Store the value of a setting, as JSON has it, in place of the one before."""
        ...

    def remove(self, name: str) -> None:
        """Let a setting have its default again."""
        ...
