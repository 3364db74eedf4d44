"""What commands print: tables and bars for people, plain columns for programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


def make_console(*, stderr: bool = False) -> Console:
    """Return a console that honours ``NO_COLOR`` and never cuts a line that goes to a file or a pipe."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else 200
    return Console(stderr=stderr, width=width, highlight=False)


def make_progress(console: Console, *, sizes: bool = False) -> Progress:
    """Return bars that count things, or bytes with *sizes*."""
    counted = DownloadColumn() if sizes else MofNCompleteColumn()
    return Progress(TextColumn("{task.description}"), BarColumn(), counted, TimeElapsedColumn(), console=console)


def print_table(console: Console, title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows: a table on a terminal, else a head line and lines with tabs between the columns."""
    if not console.is_terminal:
        for row in (heads, *rows):
            sys.stdout.write("\t".join(map(str, row)) + "\n")
        return
    table = Table(title=title, title_justify="left")
    for n, head in enumerate(heads):
        numeric = bool(rows) and all(isinstance(row[n], int) for row in rows)
        table.add_column(head, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    console.print(table)


def size(value: int) -> str:
    """Return a number of bytes for people.

    >>> size(1536000)
    '1.5 MB'
    """
    number = float(value)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
