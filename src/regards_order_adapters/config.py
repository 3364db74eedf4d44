"""Configuration: environment variables, or a TOML file (docs/configuration.md)."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs

from regards_order.domain.errors import Fault, OrderingError
from regards_order.domain.settings import Settings

PREFIX = "REGARDS_ORDER_"
_ADDRESS_LIMIT = 254
_ATOM = r"[^\s\x00-\x20\x7f-\x9f\ud800-\udfff\"(),.:;<>@\[\\\]]+"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)*")


@attrs.define(eq=False)
class WrongConfiguration(OrderingError):
    """{self.summary}"""

    code = "WRONG_CONFIGURATION"
    faults: tuple[Fault, ...]

    @property
    def summary(self) -> str:
        """Return all faults in one line: variable, value, and what is expected."""
        return "; ".join(f"{fault.path}: {fault.detail}" for fault in self.faults)


class _Wrong(ValueError):
    """A value that its variable cannot have."""


def _above_zero(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or int(text) <= 0 or int(text) >= 2**63:
        raise _Wrong("a whole number above 0")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise _Wrong("a number of seconds, 0 or more")
    return seconds


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _tenants(text: str) -> tuple[str, ...]:
    names = _names(text)
    wrong = any(":" in name or not name.isprintable() or len(name) > 128 for name in names)
    if not names or len(set(names)) < len(names) or wrong:
        raise _Wrong('comma-separated names, each once, without ":"')
    return names


def _url(*schemes: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        expected = f"a URL that begins with {' or '.join(f'{scheme}://' for scheme in schemes)} and names a host"
        try:
            parts = urlsplit(text)
            valid = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            valid = False
        if not valid:
            raise _Wrong(expected)
        return text.rstrip("/")

    return check


def _database(text: str) -> str:
    if not text.startswith(("sqlite://", "sqlite+pysqlite://", "postgresql+psycopg://")):
        raise _Wrong("a SQLAlchemy URL, sqlite:///FILE")
    return text


def _path_prefix(text: str) -> str:
    if not text.startswith("/") or (text.endswith("/") and text != "/"):
        raise _Wrong('a path that begins with "/" and does not end with it')
    return text


def _secret(text: str) -> str:
    if len(text.encode()) < 32:
        raise _Wrong("at least 32 bytes")
    return text


def _one_of(*words: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in words:
            raise _Wrong(" or ".join(f'"{word}"' for word in words))
        return text

    return check


def is_address(text: str) -> bool:
    """Return whether *text* is a mail address, bare: without a name, quotes, comments, or a second address.

    >>> [is_address(text) for text in ("lise@obs.example", "é@exämple.fr", "lise", "a@b, c@d", "Lise <a@b>")]
    [True, True, False, False, False]
    """
    # what looks like an encoded word would be decoded by readers of the header, to anything
    return len(text) <= _ADDRESS_LIMIT and "=?" not in text and _ADDRESS.fullmatch(text) is not None


def _address(text: str) -> str:
    if not is_address(text):
        raise _Wrong("a mail address such as orders@data.example")
    return text


def _folder(text: str) -> str:
    if "\0" in text or not Path(text).is_dir():
        raise _Wrong("a folder that exists")
    return text


def _filled(text: str) -> str:
    if not text.strip() or "\0" in text or (text.startswith("file://") and not text.startswith("file:///")):
        raise _Wrong("a folder or an fsspec URL (file:///FOLDER)")
    return text


def _setting(default: Any, parse: Callable[[str], Any], *, secret: bool = False) -> Any:
    return attrs.field(default=default, metadata={"parse": parse, "secret": secret})


@attrs.frozen(kw_only=True)
class Config:
    """Hold the configuration of a process; each field is a variable without its prefix, in lower case."""

    database_url: str = _setting("sqlite:///regards-order.db", _database)
    amqp_url: str | None = _setting(None, _url("amqp", "amqps"))
    storage_root: str = _setting("./storage", _filled)
    storage_nearline_seconds: float = _setting(0.0, _seconds)
    jwt_secret: str | None = _setting(None, _secret, secret=True)
    order_secret: str | None = _setting(None, _secret, secret=True)
    tenants: tuple[str, ...] = _setting(("default",), _tenants)
    public_url: str | None = _setting(None, _url("http", "https"))
    prefix: str = _setting("/api/v1/rs-order", _path_prefix)
    suborder_max_bytes: int = _setting(104857600, _above_zero)
    suborder_max_files: int = _setting(5000, _above_zero)
    max_suborders_per_user: int = _setting(2, _above_zero)
    upload_max_lines: int = _setting(1000, _above_zero)
    external_allow: tuple[str, ...] = _setting((), _names)
    http_proxy: str | None = _setting(None, _url("http"))
    http_no_proxy: tuple[str, ...] = _setting((), _names)
    smtp_url: str | None = _setting(None, _url("smtp", "smtps"))
    mail_from: str = _setting("regards-order@localhost", _address)
    mail_language: str = _setting("en", _one_of("en", "fr"))
    mail_templates: str | None = _setting(None, _folder)
    log_format: str | None = _setting(None, _one_of("console", "json"))

    @property
    def settings(self) -> Settings:
        """Return the limits of the ordering domain."""
        return Settings(
            suborder_max_bytes=self.suborder_max_bytes,
            suborder_max_files=self.suborder_max_files,
            suborders_per_user=self.max_suborders_per_user,
            upload_max_lines=self.upload_max_lines,
        )

    @property
    def public_secret(self) -> str | None:
        """Return what signs the public tokens of orders; None when neither secret is configured.

        Unless it is given it follows from the secret of bearer tokens, from which nobody can go back.
        """
        if self.order_secret is not None or self.jwt_secret is None:
            return self.order_secret
        return hmac.new(self.jwt_secret.encode(), b"regards-order: public order tokens", hashlib.sha256).hexdigest()


def read_config(environment: Mapping[str, str] | None = None) -> Config:
    """Read the configuration; the environment wins over the file that ``REGARDS_ORDER_CONFIG`` names.

    Raises:
        WrongConfiguration: naming every wrong variable, its value, and what is expected.
    """
    environ = os.environ if environment is None else environment
    fields = {field.name: field for field in attrs.fields(Config)}
    values, faults = {}, []
    given = {name: (f"{name} in {path}", value) for path, name, value in _from_file(environ.get(PREFIX + "CONFIG"))}
    for name in fields:
        variable = PREFIX + name.upper()
        if environ.get(variable):
            given[name] = (variable, environ[variable])
    for name, (where, text) in given.items():
        if name not in fields:
            faults.append(Fault(where, f"is no setting; expected one of {', '.join(sorted(fields))}"))
            continue
        try:
            values[name] = fields[name].metadata["parse"](text)
        except _Wrong as expected:
            hidden = fields[name].metadata["secret"]
            faults.append(Fault(where, f"needs {expected}" if hidden else f'"{_masked(text)}" is not {expected}'))
    if faults:
        raise WrongConfiguration(tuple(faults))
    return Config(**values)


def _from_file(name: str | None) -> list[tuple[str, str, str]]:
    if not name:
        return []
    where = PREFIX + "CONFIG"
    try:
        data = tomllib.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise WrongConfiguration((Fault(where, f'"{name}" cannot be read: {error}'),)) from None
    except tomllib.TOMLDecodeError as error:
        raise WrongConfiguration((Fault(where, f'"{name}" is no TOML file: {error}'),)) from None
    section = data.get("regards_order")
    if not isinstance(section, dict):
        raise WrongConfiguration((Fault(where, f'"{name}" has no section [regards_order]'),))
    return [(name, key, _as_text(name, key, value)) for key, value in section.items()]


def _as_text(where: str, key: str, value: Any) -> str:
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, bool) or not isinstance(item, str | int | float) for item in items):
        raise WrongConfiguration((Fault(f"{key} in {where}", f"{value} is not a text, a number or a list of texts"),))
    if isinstance(value, list) and any("," in str(item) for item in items):
        raise WrongConfiguration((Fault(f"{key} in {where}", f"{value} is not a list of texts without commas"),))
    return ",".join(map(str, items))


def _masked(url: str) -> str:
    """Return a URL without the password that may stand in it."""
    return re.sub(r"//[^/]*@", "//***@", url)
