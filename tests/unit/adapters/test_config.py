"""Configuration: variables, file, precedence, refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from regards_order_adapters.config import Config, WrongConfiguration, read_config


def test_nothing_given_means_the_defaults() -> None:
    """Without any variable every setting has its documented default."""
    config = read_config({})
    assert config == Config()
    assert config.database_url == "sqlite:///regards-order.db"
    assert config.settings.suborder_max_bytes == 104857600
    assert config.settings.suborder_max_files == 5000
    assert config.settings.suborders_per_user == 2
    assert config.tenants == ("default",)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("SUBORDER_MAX_BYTES", "suborder_max_bytes"),
        ("SUBORDER_MAX_FILES", "suborder_max_files"),
        ("MAX_SUBORDERS_PER_USER", "suborders_per_user"),
        ("UPLOAD_MAX_LINES", "upload_max_lines"),
    ],
)
def test_a_variable_sets_a_limit_of_the_domain(name: str, field: str) -> None:
    """Limits of orders and of uploaded files reach the core."""
    assert getattr(read_config({f"REGARDS_ORDER_{name}": "7"}).settings, field) == 7


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("DATABASE_URL", "sqlite:////tmp/x.db", "database_url", "sqlite:////tmp/x.db"),
        ("STORAGE_NEARLINE_SECONDS", "2.5", "storage_nearline_seconds", 2.5),
        ("TENANTS", "lab, obs", "tenants", ("lab", "obs")),
        ("SUBORDER_MAX_FILES", "7", "suborder_max_files", 7),
        ("PUBLIC_URL", "https://data.example/", "public_url", "https://data.example"),
        ("EXTERNAL_ALLOW", "127.0.0.0/8,archive.internal", "external_allow", ("127.0.0.0/8", "archive.internal")),
        ("AMQP_URL", "amqp://u:p@127.0.0.1:5672/%2f", "amqp_url", "amqp://u:p@127.0.0.1:5672/%2f"),
        ("LOG_FORMAT", "json", "log_format", "json"),
        ("PREFIX", "/x", "prefix", "/x"),
        ("JWT_SECRET", "s" * 32, "jwt_secret", "s" * 32),
        ("SMTP_URL", "smtps://u:p@mail.example", "smtp_url", "smtps://u:p@mail.example"),
        ("MAIL_FROM", "orders@data.example", "mail_from", "orders@data.example"),
        ("MAIL_LANGUAGE", "fr", "mail_language", "fr"),
        ("MAIL_TEMPLATES", "/", "mail_templates", "/"),
        ("STORAGE_ROOT", "s3://bucket/prefix", "storage_root", "s3://bucket/prefix"),
    ],
)
def test_a_variable_sets_its_field(name: str, value: str, field: str, expected: object) -> None:
    """Each variable is read into the field of its name."""
    assert getattr(read_config({f"REGARDS_ORDER_{name}": value}), field) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SUBORDER_MAX_BYTES", "0", "a whole number above 0"),
        ("SUBORDER_MAX_FILES", "many", "a whole number above 0"),
        ("MAX_SUBORDERS_PER_USER", "-1", "a whole number above 0"),
        ("UPLOAD_MAX_LINES", "1.5", "a whole number above 0"),
        ("STORAGE_NEARLINE_SECONDS", "soon", "a number of seconds"),
        ("STORAGE_NEARLINE_SECONDS", "nan", "a number of seconds"),
        ("STORAGE_ROOT", " ", "a folder or an fsspec URL"),
        ("TENANTS", "a,a", "comma-separated names"),
        ("TENANTS", ",", "comma-separated names"),
        ("DATABASE_URL", "mysql://x", "a SQLAlchemy URL"),
        ("AMQP_URL", "http://x", "amqp://"),
        ("PUBLIC_URL", "ftp://x", "http:// or https://"),
        ("PUBLIC_URL", "http://", "names a host"),
        ("PUBLIC_URL", "http://x:99999", "names a host"),
        ("PREFIX", "api", 'begins with "/"'),
        ("SMTP_URL", "mail.example", "smtp:// or smtps://"),
        ("MAIL_FROM", "Orders <orders@data.example>", "a mail address such as"),
        ("MAIL_FROM", "orders", "a mail address such as"),
        ("MAIL_LANGUAGE", "de", '"en" or "fr"'),
        ("MAIL_TEMPLATES", "/nowhere/at/all", "a folder that exists"),
        ("LOG_FORMAT", "xml", '"console" or "json"'),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(name: str, value: str, expected: str) -> None:
    """The refusal names the variable, the value and what is expected."""
    with pytest.raises(WrongConfiguration) as refusal:
        read_config({f"REGARDS_ORDER_{name}": value})
    text = str(refusal.value)
    assert f"REGARDS_ORDER_{name}" in text
    assert f'"{value}"' in text
    assert expected in text
    assert "\n" not in text


def test_a_short_secret_is_refused_without_being_shown() -> None:
    """A secret never stands in a message."""
    with pytest.raises(WrongConfiguration, match="REGARDS_ORDER_JWT_SECRET: needs at least 32 bytes") as refusal:
        read_config({"REGARDS_ORDER_JWT_SECRET": "hunter2"})
    assert "hunter2" not in str(refusal.value)


def test_all_wrong_values_are_named_together() -> None:
    """Two wrong variables are told in one go."""
    with pytest.raises(WrongConfiguration) as refusal:
        read_config({"REGARDS_ORDER_PREFIX": "x", "REGARDS_ORDER_LOG_FORMAT": "y"})
    assert len(refusal.value.faults) == 2


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    """Settings come from the TOML file, unless a variable says otherwise."""
    file = tmp_path / "orders.toml"
    file.write_text('[regards_order]\nsuborder_max_files = 9\ntenants = ["lab", "obs"]\nprefix = "/file"\n')
    config = read_config({"REGARDS_ORDER_CONFIG": str(file), "REGARDS_ORDER_PREFIX": "/environment"})
    assert (config.suborder_max_files, config.tenants, config.prefix) == (9, ("lab", "obs"), "/environment")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[regards_order]\nsuborder_max_files = 'x'\n", "suborder_max_files in"),
        ("[regards_order]\nsubborder = 1\n", "is no setting"),
        ("[other]\n", "has no section [regards_order]"),
        ("[[[", "is no TOML file"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str | None, expected: str) -> None:
    """What is wrong in the file is named with the file."""
    file = tmp_path / "orders.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(WrongConfiguration) as refusal:
        read_config({"REGARDS_ORDER_CONFIG": str(file)})
    assert expected in str(refusal.value)
    assert str(file) in str(refusal.value)
