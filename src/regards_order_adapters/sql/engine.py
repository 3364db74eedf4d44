"""Connect to a database: SQLite or PostgreSQL, both made safe for several processes."""

from __future__ import annotations

import sqlalchemy as sa

from regards_order.domain.errors import Fault, InvalidInput
from regards_order_adapters.extras import require

_EXPECTED = "expected sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"
_SQLITE = ("sqlite", "sqlite+pysqlite")
_POSTGRESQL = "postgresql+psycopg"


def make_engine(url: str) -> sa.Engine:
    """Return an engine for a database.

    Args:
        url: SQLAlchemy URL: ``sqlite:///file.db``, or ``postgresql+psycopg://user@host/database``.

    Raises:
        InvalidInput: the URL is none, names another database, or a SQLite database without a file.
        ImportError: the library for this database is not installed; naming the extra that brings it.
    """
    parsed = _parse(url)
    if parsed.drivername == _POSTGRESQL:
        require("postgresql", "psycopg")
        from regards_order_adapters.sql import postgresql

        return postgresql.make_engine(parsed)
    from regards_order_adapters.sql import sqlite

    return sqlite.make_engine(parsed)


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise _refused(f'"{url}" is no database URL') from None
    shown = parsed.render_as_string(hide_password=True)
    if parsed.drivername == _POSTGRESQL:
        if not parsed.database:
            raise _refused(f'"{shown}" names no database')
    elif parsed.drivername not in _SQLITE:
        raise _refused(f'"{parsed.drivername}" is not supported')
    elif parsed.database in (None, "", ":memory:") or parsed.host or parsed.username or parsed.query:
        raise _refused(f'"{shown}" names no file, or more than a file')
    return parsed


def _refused(detail: str) -> InvalidInput:
    return InvalidInput((Fault("$.database_url", f"{detail}; {_EXPECTED}"),))
