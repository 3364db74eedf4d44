"""Say which extra brings a library that is not installed."""

from __future__ import annotations

import importlib.util


def require(extra: str, *modules: str) -> None:
    """Refuse to import an adapter whose libraries are missing.

    Args:
        extra: the extra of regards-order that brings them.
        modules: top-level names of the libraries.

    Raises:
        ImportError: naming the missing library and the extra to install.
    """
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise ImportError(
                f"{module} is not installed: this needs the extra '{extra}' (pip install 'regards-order[{extra}]')",
                name=module,
            )
