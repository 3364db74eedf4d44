"""Run all benchmarks, or those that are named; exit code 1 when a limit is passed."""

from __future__ import annotations

import sys

import catalogue
import imports
import lucene
import orders
import postgres
import quotas
import served
import zips

ALL = {
    "imports": imports.run,
    "lucene": lucene.run,
    "zips": zips.run,
    "orders": orders.run,
    "served": served.run,
    "postgres": postgres.run,
    "quotas": quotas.run,
}
#: takes many minutes: only when it is named, as in the nightly session
NAMED_ONLY = {"catalogue": catalogue.run}

if __name__ == "__main__":
    chosen = sys.argv[1:] or list(ALL)
    results = []
    for name in chosen:
        print(f"--- {name}")
        results.append({**ALL, **NAMED_ONLY}[name]())
    sys.exit(0 if all(results) else 1)
