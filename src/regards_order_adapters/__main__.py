"""The command ``regards-order``; also ``python -m regards_order_adapters``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    try:
        from regards_order_adapters.cli.main import run
    except ImportError as error:
        sys.exit(f"regards-order: {error}")
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
