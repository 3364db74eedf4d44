"""A process that begins downloads of one user and goes on with them until it is killed.

Run as ``python starter.py DATABASE_URL EMAIL STARTS TTL``; it says "ready", waits for a line, says how many
were granted, and renews them.
"""

from __future__ import annotations

import os
import sys

from regards_order import QuotaLimits, QuotaRefused
from regards_order_adapters.sql.engine import make_engine
from regards_order_adapters.sql.quotas import SqlQuotas
from regards_order_adapters.sql.unit_of_work import SqlStore


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(url: str, email: str, starts: str, ttl: str) -> None:
    """Begin downloads and hold them."""
    quotas = SqlQuotas(SqlStore(make_engine(url), "default"), float(ttl))
    say("ready")
    sys.stdin.readline()
    granted = 0
    for number in range(int(starts)):
        try:
            quotas.start(email, f"{os.getpid()}-{number}", QuotaLimits)
        except QuotaRefused:
            continue
        granted += 1
    say(f"{granted}")
    sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
