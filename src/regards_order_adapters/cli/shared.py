"""What commands have in common: their help, their tenant, and the service that they open."""

from __future__ import annotations

import logging

import click

from regards_order.domain.principal import Role
from regards_order_adapters.bootstrap import Service, open_service
from regards_order_adapters.cli import logs
from regards_order_adapters.config import Config, read_config

TENANT = click.option("--tenant", metavar="T", help="Tenant; the first configured one unless given.")


class Examples(click.Command):
    """A command whose help ends with examples as they were written."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples line by line."""
        if self.epilog:
            formatter.write("\nExamples:\n")
            for line in self.epilog.strip().splitlines():
                formatter.write(f"  {line.strip()}\n")


class Group(click.Group):
    """A command with commands below it, all of which show examples."""

    command_class = Examples
    group_class = type
    format_epilog = Examples.format_epilog


def read_settings(level: int = logging.WARNING) -> Config:
    """Return the configuration, after it has been told to the log."""
    config = read_config()
    logs.configure(config.log_format, level)
    return config


def open_configured() -> Service:
    """Open the configured database and what works on it."""
    return open_service(read_settings())


def tenant_of(service: Service, given: str | None) -> str:
    """Return the tenant that was given, else the first configured one."""
    return service.config.tenants[0] if given is None else given


def role_of(name: str) -> Role:
    """Return the role of this name; another one is wrong use."""
    if name not in Role.__members__:
        raise click.BadParameter(f'"{name}" is none of {", ".join(Role.__members__)}', param_hint="--role")
    return Role[name]
