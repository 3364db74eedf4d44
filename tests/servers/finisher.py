"""A process that downloads files of orders to their last byte, one after the other.

Run as ``python finisher.py DATABASE_URL STORAGE_ROOT EMAIL FIRST_ID LAST_ID``; it says "ready", waits for a line, and
says how many it has finished.
"""

from __future__ import annotations

import sys

from regards_order import User
from regards_order_adapters.bootstrap import open_service
from regards_order_adapters.config import Config


def main(url: str, root: str, email: str, first: str, last: str) -> None:
    """Finish files, from the first id to the last one."""
    user = User(email)
    with open_service(Config(database_url=url, storage_root=root)) as service:
        ordering = service.ordering("default")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        for number in range(int(first), int(last) + 1):
            delivery = ordering.open_file(user, number)
            for _ in delivery:
                pass
            delivery.confirm()
        sys.stdout.write(f"{int(last) - int(first) + 1}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
