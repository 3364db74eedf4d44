"""Logging of the commands: the library itself configures nothing."""

from __future__ import annotations

import datetime as dt
import logging
import sys

import orjson

from regards_order_adapters.correlation import correlation_id

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def _name_request(record: logging.LogRecord) -> bool:
    """Give a record the correlation id of the request that is being answered, if there is one."""
    name = correlation_id.get()
    if name is not None and not hasattr(record, "correlation_id"):
        record.correlation_id = name
    return True


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
            if record.levelno >= logging.ERROR:
                data["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(data, default=str).decode()


class ConsoleFormatter(logging.Formatter):
    """Write a record for people: the message, then the data of ``extra``."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- the name is the base class's
        """Return the line without what went wrong."""
        data = [f"{name}={value}" for name, value in vars(record).items() if name not in _PLAIN]
        return " ".join([super().formatMessage(record), *data])


def configure(log_format: str | None, level: int = logging.WARNING) -> None:
    """Send the log to standard error: as *log_format* says, else for people on a terminal and as JSON elsewhere."""
    handler = logging.StreamHandler()
    if (log_format or ("console" if sys.stderr.isatty() else "json")) == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(ConsoleFormatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(_name_request)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for talkative in ("alembic", "uvicorn"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
