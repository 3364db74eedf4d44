"""The commands about users (docs/configuration.md, docs/quota.md)."""

from __future__ import annotations

import click

from regards_order.application.quota import limit_user, look_at_quota
from regards_order.domain.principal import Account, User
from regards_order.domain.quota import Consumption, QuotaLimits
from regards_order_adapters.cli.output import make_console, print_table
from regards_order_adapters.cli.shared import TENANT, Group, open_configured, role_of, tenant_of

_QUOTA_HEADS = ("MAX_QUOTA", "RATE_LIMIT", "CONSUMED", "DOWNLOADING")


@click.group(cls=Group)
def users() -> None:
    """Keep the embedded user directory."""


@users.command(
    epilog="""
    regards-order users add lise@obs.example
    regards-order users add karim@obs.example --role EXPLOIT --max-quota 100 --group lab-team --group public
    """
)
@click.argument("email")
@click.option("--role", metavar="R", default="REGISTERED_USER", show_default=True, help="Place on the ladder of roles.")
@click.option("--max-quota", metavar="N", type=int, help="Files in all; -1 = unlimited; unless given, the tenant's.")
@click.option("--rate-limit", metavar="N", type=int, help="Files at once; -1 = unlimited; unless given, the tenant's.")
@click.option("--group", "groups", metavar="G", multiple=True, help="Access group; may be given again.")
@click.option("--inactive", is_flag=True, help="The user may not order any more.")
@TENANT
def add(
    email: str,
    role: str,
    max_quota: int | None,
    rate_limit: int | None,
    groups: tuple[str, ...],
    inactive: bool,
    tenant: str | None,
) -> None:
    """Add EMAIL to the directory, or change its entry; limits that are not given stay."""
    user = User(email, role_of(role), frozenset(groups or ("public",)))
    QuotaLimits(-1 if max_quota is None else max_quota, -1 if rate_limit is None else rate_limit)
    with open_configured() as service:
        ordering = service.ordering(tenant_of(service, tenant))
        with ordering.store.write() as tx:
            known = tx.users.get(email) is not None
            tx.users.put(Account(user, active=not inactive))
        if (max_quota, rate_limit) != (None, None):
            limit_user(ordering, email, max_quota, rate_limit)
    click.echo(f"{email} {'changed' if known else 'added'}")


@users.command("list", epilog="regards-order users list --tenant lab")
@TENANT
def list_(tenant: str | None) -> None:
    """List the directory and what everybody may download; in a pipe with tabs between the columns."""
    with open_configured() as service:
        name = tenant_of(service, tenant)
        ordering = service.ordering(name)
        with ordering.store.read() as tx:
            accounts = tx.users.all()
        values = [look_at_quota(ordering, account.user.email) for account in accounts]
    heads = ("EMAIL", "ROLE", "GROUPS", "ACTIVE", *_QUOTA_HEADS)
    rows = [
        (
            account.user.email,
            account.user.role.name,
            ",".join(sorted(account.user.groups)),
            "yes" if account.active else "no",
            *_quota_row(quota),
        )
        for account, quota in zip(accounts, values, strict=True)
    ]
    print_table(make_console(), f"Users of {name}", heads, rows)


@users.command(
    epilog="""
    regards-order users quota lise@obs.example
    regards-order users quota lise@obs.example --max 500 --rate 4
    regards-order users quota lise@obs.example --reset
    """
)
@click.argument("email")
@click.option("--max", "max_quota", metavar="N", type=int, help="Files in all; -1 = unlimited.")
@click.option("--rate", "rate_limit", metavar="N", type=int, help="Files at once; -1 = unlimited.")
@click.option("--reset", is_flag=True, help="Let what was downloaded so far count no more.")
@TENANT
def quota(email: str, max_quota: int | None, rate_limit: int | None, reset: bool, tenant: str | None) -> None:
    """Show what EMAIL may download and has downloaded, and change it."""
    with open_configured() as service:
        name = tenant_of(service, tenant)
        ordering = service.ordering(name)
        if (max_quota, rate_limit) != (None, None):
            limit_user(ordering, email, max_quota, rate_limit)
        if reset:
            ordering.quotas.reset(email)
        values = look_at_quota(ordering, email)
    print_table(make_console(), f"Quota of {name}", ("EMAIL", *_QUOTA_HEADS), [(email, *_quota_row(values))])


def _quota_row(quota: Consumption) -> tuple[int, int, int, int]:
    return quota.limits.max_quota, quota.limits.rate_limit, quota.consumed, quota.active
