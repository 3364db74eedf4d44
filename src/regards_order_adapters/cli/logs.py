"""Logging of the commands: the library itself configures nothing."""

from __future__ import annotations

import datetime as dt
import logging
import sys

import orjson

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Write a record as one JSON object a line, with the data of ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        data = {
            "time": dt.datetime.fromtimestamp(record.created, dt.timezone.utc),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _PLAIN},
        }
        if record.exc_info:
            data["cause"] = repr(record.exc_info[1])
        return orjson.dumps(data, default=str).decode()


def configure(log_format: str | None, level: int = logging.WARNING) -> None:
    """Send the log to standard error: as *log_format* says, else for people on a terminal and as JSON elsewhere."""
    handler = logging.StreamHandler()
    if (log_format or ("console" if sys.stderr.isatty() else "json")) == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
