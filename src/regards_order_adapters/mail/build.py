"""Put the mail adapter together as the configuration says."""

from __future__ import annotations

import secrets
from pathlib import Path

from regards_order.domain.errors import Fault
from regards_order.ports.clock import Clock
from regards_order.ports.ids import UniqueIds
from regards_order.ports.notifier import Notifier
from regards_order_adapters.config import PREFIX, Config, WrongConfiguration
from regards_order_adapters.mail.composing import Composer
from regards_order_adapters.mail.links import Links
from regards_order_adapters.mail.log import Logged
from regards_order_adapters.mail.notifier import MailNotifier, Transport
from regards_order_adapters.mail.rendering import Templates
from regards_order_adapters.mail.smtp import Smtp
from regards_order_adapters.mail.trial import template_fault
from regards_order_adapters.system import SystemClock
from regards_order_adapters.tokens import OrderTokens

#: where `serve` listens unless told otherwise; mails that are only logged may lead there
_HERE = "http://127.0.0.1:8000"


def make_notifier(config: Config, tenant: str, clock: Clock, unique_ids: UniqueIds) -> Notifier:
    """Return who tells the users of a tenant: by SMTP, or where no server is configured by the log."""
    transport: Transport = Logged()
    if config.smtp_url is not None:
        transport = Smtp(config.smtp_url, config.mail_from, clock, unique_ids)
    return MailNotifier(_composer(config, tenant, clock), transport)


def check_mail(config: Config, public_url: str | None = None) -> None:
    """Refuse to start without what mails need, or with a template that fails.

    Args:
        config: of the process.
        public_url: what links begin with unless it is configured: `serve` knows its own address, a worker none.

    Raises:
        WrongConfiguration: naming each variable that is missing with a mail server, and each template that fails.
    """
    faults = []
    if config.smtp_url is not None:
        if config.public_url is None and public_url is None:
            faults.append(Fault(PREFIX + "PUBLIC_URL", "is not set; links in mails begin with it"))
        if config.public_secret is None:
            detail = f"is not set, nor is {PREFIX}JWT_SECRET; it signs links in mails and needs at least 32 bytes"
            faults.append(Fault(PREFIX + "ORDER_SECRET", detail))
    if config.mail_templates is not None:
        found = [template_fault(_composer(config, tenant, SystemClock())) for tenant in config.tenants]
        # a template of the site fails for all tenants alike
        details = dict.fromkeys(fault for fault in found if fault is not None)
        faults += [Fault(PREFIX + "MAIL_TEMPLATES", f'"{config.mail_templates}": {detail}') for detail in details]
    if faults:
        raise WrongConfiguration(tuple(faults))


def _composer(config: Config, tenant: str, clock: Clock) -> Composer:
    # without a secret nothing is sent (`check_mail`), and the log shows no token: any other will do
    tokens = OrderTokens(config.public_secret or secrets.token_bytes(), clock)
    folder = None if config.mail_templates is None else Path(config.mail_templates)
    return Composer(
        tenant=tenant,
        language=config.mail_language,
        contact=config.mail_from,
        links=Links(public_url=config.public_url or _HERE, prefix=config.prefix, tenant=tenant, tokens=tokens),
        templates=Templates(config.mail_language, tenant, folder),
        clock=clock,
    )
