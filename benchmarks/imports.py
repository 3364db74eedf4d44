"""Importing the core, against importing every declared library."""

from __future__ import annotations

import subprocess
import sys

from common import compare, judge, timed

LIBRARIES = (
    "attrs, luqum.parser, sqlalchemy, alembic, cattrs, orjson, starlette.applications, uvicorn, uvloop, httptools,"
    " pika, psycopg, click, rich.console, fsspec, zipstream, re2"
)


def imported(names: str) -> float:
    return timed(lambda: subprocess.run([sys.executable, "-c", f"import {names}"], check=True))


def run() -> bool:
    variants = {"regards_order": lambda: imported("regards_order"), "every library": lambda: imported(LIBRARIES)}
    medians = compare(variants, 9)
    return judge("import regards_order to every library", medians["regards_order"] / medians["every library"], 0.35)
