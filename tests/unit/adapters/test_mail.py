"""What mails say, in both languages, whatever people and sites put into them."""

from __future__ import annotations

import datetime as dt
import logging
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest

from regards_order import Order, OrderStatus
from regards_order.domain.errors import NotificationRefused, NotifierUnavailable
from regards_order.domain.events import (
    DownloadsRefused,
    FileOversized,
    OrderAside,
    OrderCreated,
    OrdersAside,
    RefusedDownload,
)
from regards_order.ports.notifier import LogNotifier
from regards_order.testing import ManualClock, MemoryNotifier
from regards_order_adapters.config import Config, WrongConfiguration
from regards_order_adapters.mail.build import check_mail, make_notifier
from regards_order_adapters.mail.composing import ASIDE, CREATED, Mail
from regards_order_adapters.mail.dates import readable
from regards_order_adapters.mail.log import masked
from regards_order_adapters.mail.message import make_message
from regards_order_adapters.mail.notifier import MailNotifier
from regards_order_adapters.system import RandomIds
from regards_order_adapters.tokens import OrderTokens

NOW = dt.datetime(2026, 3, 2, 9, 21, 50, tzinfo=dt.timezone.utc)
LISE = "lise@obs.example"
CONFIG = Config(public_url="https://data.example", order_secret="s" * 32, mail_from="orders@data.example")
ORDER = Order(
    id=54,
    owner=LISE,
    label="Clear scenes",
    correlation_id="c-54",
    created=NOW,
    status=OrderStatus.RUNNING,
    status_date=NOW,
    hours=240,
    expires=NOW + dt.timedelta(days=7),
    listed=True,
)
CREATION = OrderCreated(
    order_id=54, owner=LISE, correlation_id="c-54", frontend_url="/user/default/redirect?module=order-history"
)
WAITING = tuple(
    OrderAside(
        order_id=number,
        label=f"Order {number}",
        created=NOW - dt.timedelta(days=30 - number),
        expires=NOW + dt.timedelta(days=number),
        available=1000 + number,
        since=NOW - dt.timedelta(days=4),
    )
    for number in (1, 2)
)
REMINDER = OrdersAside(order_id=1, owner=LISE, correlation_id="c-1", orders=WAITING)
REFUSED = DownloadsRefused(
    order_id=54,
    owner=LISE,
    correlation_id="c-54",
    first=(
        RefusedDownload("a <b>&.tif", rate=False),
        RefusedDownload("é.tif", rate=True),
        RefusedDownload("c", rate=False),
    ),
    total=7,
)


@attrs.define
class Kept:
    """A transport that keeps the mails."""

    mails: list[Mail] = attrs.field(factory=list)

    def send(self, mail: Mail) -> None:
        """Keep one."""
        self.mails.append(mail)


def notifier(config: Config = CONFIG, tenant: str = "alps", now: dt.datetime = NOW) -> MailNotifier:
    """Return a notifier that keeps its mails, at a fixed time."""
    made = make_notifier(config, tenant, ManualClock(now), RandomIds())
    assert isinstance(made, MailNotifier)
    return attrs.evolve(made, transport=Kept())


def only(sender: MailNotifier) -> Mail:
    """Return the one mail that was sent."""
    assert isinstance(sender.transport, Kept)
    (mail,) = sender.transport.mails
    return mail


def created(order: Order = ORDER, event: OrderCreated = CREATION, **changes: object) -> Mail:
    """Return the mail about an order."""
    sender = notifier(attrs.evolve(CONFIG, **changes))
    sender.order_created(event, order)
    return only(sender)


def reminded(event: OrdersAside = REMINDER, **changes: object) -> Mail:
    """Return the mail about orders that wait."""
    sender = notifier(attrs.evolve(CONFIG, **changes))
    sender.orders_aside(event)
    return only(sender)


def template(folder: Path, name: str, text: str) -> None:
    """Write a template of the site."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


# --- an order is confirmed -------------------------------------------------------------------------------------------


def test_confirmation_tells_what_where_and_until_when() -> None:
    """Label, project, page, expiration, metalink, downloader and contact stand in both parts."""
    mail = created()
    assert (mail.receiver, mail.subject, mail.language) == (LISE, "Order number 54 is confirmed", "en")
    for part in (mail.text, mail.html.replace("&amp;", "&")):
        for told in (
            "Clear scenes",
            "alps",
            "https://data.example/user/default/redirect?module=order-history",
            "9 Mar 2026 09:21:50 UTC",
            "https://data.example/api/v1/rs-order/user/orders/metalink/download?orderToken=",
            "&scope=alps",
            "https://github.com/RegardsOss/RegardsDownloader/releases",
            "orders@data.example",
        ):
            assert told in part


def test_confirmation_in_french() -> None:
    """Subject, months and text are French."""
    mail = created(attrs.evolve(ORDER, expires=dt.datetime(2026, 8, 1, tzinfo=dt.timezone.utc)), mail_language="fr")
    assert (mail.subject, mail.language) == ("La commande numéro 54 est confirmée", "fr")
    for part in (mail.text, mail.html):
        assert "1 août 2026 00:00:00 UTC" in part
        assert "est confirmée" in part


def test_metalink_opens_the_order_and_nothing_else() -> None:
    """Its token is the owner's, for this order and tenant, until the order expires; `orderToken` comes first."""
    (link,) = [line for line in created(prefix="/x").text.splitlines() if "orderToken" in line]
    assert link.startswith("https://data.example/x/user/orders/metalink/download?orderToken=")
    query = parse_qs(urlsplit(link).query)
    assert list(query) == ["orderToken", "scope"]
    tokens = OrderTokens("s" * 32, ManualClock(NOW))
    assert tokens.verify(query["orderToken"][0], "alps") == 54


def test_tenant_is_escaped_in_links() -> None:
    """Whatever the name of a tenant holds, it is one value."""
    sender = notifier(attrs.evolve(CONFIG, prefix="/"), tenant="a&b é")
    sender.order_created(CREATION, ORDER)
    assert "&scope=a%26b%20%C3%A9\n" in only(sender).text
    assert "https://data.example/user/orders/metalink" in only(sender).text


@pytest.mark.parametrize(
    ("given", "page"),
    [
        ("/user?a=1&b=é", "https://data.example/user?a=1&b=%C3%A9"),
        ("user", "https://data.example/user"),
        ("//evil.example/x", "https://data.example/evil.example/x"),
        ("@evil.example", "https://data.example/@evil.example"),
        ("javascript:alert(1)", "https://data.example/javascript:alert(1)"),
        ("https://front.example/orders?x=%20", "https://front.example/orders?x=%20"),
        ('https://front.example/"><b>\n', "https://front.example/%22%3E%3Cb%3E%0A"),
        ("https://[", "https://data.example/https://["),
        ("/\ud800", "https://data.example/?"),
    ],
)
def test_page_of_the_front_end(given: str, page: str) -> None:
    """A path belongs to the public URL, a URL of http stays; nothing else comes out, and nothing breaks out."""
    mail = created(event=attrs.evolve(CREATION, frontend_url=given))
    assert f"\n{page}\n" in mail.text
    assert f'href="{page.replace("&", "&amp;")}"'.replace("'", "&#39;") in mail.html


@pytest.mark.parametrize(
    "changes",
    [
        {"status": OrderStatus.EXPIRED},
        {"status": OrderStatus.DELETED},
        {"listed": False},
        {"expires": None},
        {"expires": NOW},
    ],
)
def test_order_that_is_over_is_not_confirmed_any_more(changes: dict[str, object]) -> None:
    """A mail that comes too late to be of use is not sent."""
    with pytest.raises(NotificationRefused, match=r"lise@obs\.example cannot be told: there is nothing to download"):
        created(attrs.evolve(ORDER, **changes))


# --- orders that wait ------------------------------------------------------------------------------------------------


def test_reminder_lists_all_orders_in_their_order() -> None:
    """Label, creation, expiration, number of files and since when, for each."""
    mail = reminded()
    assert (mail.receiver, mail.subject) == (LISE, "Reminder: some orders are waiting for you")
    for part in (mail.text, mail.html):
        assert part.index("Order 1") < part.index("Order 2")
        for told in ("1 Feb 2026 09:21:50 UTC", "3 Mar 2026 09:21:50 UTC", "1001", "26 Feb 2026 09:21:50 UTC", "1002"):
            assert told in part


def test_reminder_in_french() -> None:
    """Subject, months and text are French."""
    mail = reminded(mail_language="fr")
    assert mail.subject == "Rappel : des commandes vous attendent"
    for part in (mail.text, mail.html):
        assert "1 févr. 2026 09:21:50 UTC" in part
        assert "vous attendent" in part


def test_reminder_leaves_out_what_expired_meanwhile() -> None:
    """Nobody is sent after files that are gone; when none is left nobody is told."""
    gone = attrs.evolve(WAITING[0], expires=NOW)
    endless = attrs.evolve(WAITING[1], expires=None)
    mail = reminded(attrs.evolve(REMINDER, orders=(gone, endless)))
    assert "Order 1" not in mail.text
    assert "Order 2" in mail.text
    with pytest.raises(NotificationRefused, match="all the orders have expired"):
        reminded(attrs.evolve(REMINDER, orders=(gone,)))


# --- what people put into them ---------------------------------------------------------------------------------------

HOSTILE = "<script>\"&'{{ project }}</script>"


@pytest.mark.parametrize("language", ["en", "fr"])
def test_hostile_label_is_shown_and_does_nothing(language: str) -> None:
    """HTML and template signs of a label are characters, nothing more; the text part shows them as they are."""
    waiting = (attrs.evolve(WAITING[0], label=HOSTILE),)
    for mail in (
        created(attrs.evolve(ORDER, label=HOSTILE), mail_language=language),
        reminded(attrs.evolve(REMINDER, orders=waiting), mail_language=language),
    ):
        assert HOSTILE in mail.text
        assert "<script>" not in mail.html
        assert "&lt;script&gt;&#34;&amp;&#39;{{ project }}&lt;/script&gt;" in mail.html


def message(mail: Mail, sender: str = "orders@data.example") -> EmailMessage:
    """Return a mail as its reader gets it."""
    data = make_message(mail, sender=sender, unique="id-1", date=NOW).as_bytes()
    assert max(map(len, data.splitlines())) <= 998
    parsed = BytesParser(policy=default).parsebytes(data)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    return parsed


def parts(mail: EmailMessage) -> tuple[str, str]:
    """Return the plain and the HTML text of a message."""
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return text.get_content(), html.get_content()


@pytest.mark.parametrize("label", ["é" * 50, "🛰" * 50, "衛星" * 25, "a" * 50, "=?utf-8?q?x?=", ".", "From x"])
def test_any_label_arrives_as_it_is(label: str) -> None:
    """Long, in any script, or like something that mail itself would read."""
    text, html = parts(message(created(attrs.evolve(ORDER, label=label), mail_language="fr")))
    assert f"« {label} »" in text
    assert f"<strong>{label}</strong>" in html


def test_headers() -> None:
    """Date and Message-ID are of the service's clock and ids; machines see that a machine wrote it."""
    mail = message(created(mail_language="fr"))
    assert mail["From"] == "orders@data.example"
    assert mail["To"] == LISE
    assert mail["Subject"] == "La commande numéro 54 est confirmée"
    assert mail["Date"] == "Mon, 02 Mar 2026 09:21:50 +0000"
    assert mail["Message-ID"] == "<id-1@data.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "fr"


def test_address_with_a_domain_of_any_script() -> None:
    """The network knows another spelling of it."""
    assert message(attrs.evolve(created(), receiver="lise@exämple.fr"))["To"] == "lise@xn--exmple-cua.fr"


@pytest.mark.parametrize(
    "receiver",
    [
        "lise",
        "",
        "lise@",
        "@obs.example",
        "lise@obs.example, eve@evil.example",
        "lise@obs.example\nBcc: eve@evil.example",
        "lise@obs.example\r\n\r\nbody",
        "Lise <lise@obs.example>",
        "=?utf-8?q?lise=0ABcc=3A_eve?=@obs.example",
        "<lise@obs.example>",
        "lise@obs..example",
        "lise@" + "ä" * 64 + ".fr",
        "lise@\u2028obs.example",
        "\ud800@obs.example",
    ],
)
def test_receiver_that_is_no_address(receiver: str) -> None:
    """No second receiver and no header can be slipped in."""
    with pytest.raises(ValueError, match=r"."):
        make_message(attrs.evolve(created(), receiver=receiver), sender="a@b", unique="i", date=NOW)


def test_subject_has_one_line() -> None:
    """A line end in a header is refused."""
    with pytest.raises(ValueError, match="linefeed"):
        make_message(attrs.evolve(created(), subject="x\nBcc: eve@evil.example"), sender="a@b", unique="i", date=NOW)


# --- what sites put into them ----------------------------------------------------------------------------------------


def test_template_of_the_site_and_of_the_tenant(tmp_path: Path) -> None:
    """That of the tenant wins, then that of the site; what neither has is ours."""
    template(tmp_path, f"fr/{CREATED}.html", "site {{ order_label }}")
    template(tmp_path, f"alps/fr/{CREATED}.html", "tenant {{ order_label }}")
    hostile = attrs.evolve(ORDER, label="<b>")
    config = attrs.evolve(CONFIG, mail_language="fr", mail_templates=str(tmp_path))
    for tenant, expected in (("alps", "tenant &lt;b&gt;"), ("jura", "site &lt;b&gt;"), ("..", "site &lt;b&gt;")):
        sender = notifier(config, tenant)
        sender.order_created(CREATION, hostile)
        assert only(sender).html == expected
        assert "est confirmée" in only(sender).text
    assert "is confirmed" in created(mail_templates=str(tmp_path)).html


def test_tenant_whose_name_leads_elsewhere_has_no_folder(tmp_path: Path) -> None:
    """Its name is a name, not a path."""
    template(tmp_path, f"elsewhere/en/{CREATED}.txt", "stolen")
    (tmp_path / "site").mkdir()
    for tenant in ("../elsewhere", str(tmp_path / "elsewhere")):
        sender = notifier(attrs.evolve(CONFIG, mail_templates=str(tmp_path / "site")), tenant)
        sender.order_created(CREATION, ORDER)
        assert "is confirmed" in only(sender).text


def test_own_layout_is_used_by_our_templates(tmp_path: Path) -> None:
    """A site may change the frame of all mails at once."""
    template(tmp_path, "layout.html", "<i>{% block content %}{% endblock %}</i>")
    assert created(mail_templates=str(tmp_path)).html.startswith("<i><p>Hello,</p>")


@pytest.mark.parametrize(
    "text",
    [
        "{{ unknown }}",
        "{{ order_label",
        "{% include 'nowhere' %}",
        "{{ 1 / 0 }}",
        "{{ order_label.__class__.__mro__ }}",
        "{{ order_label | date }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    ],
)
def test_template_that_fails_is_a_refusal(tmp_path: Path, text: str) -> None:
    """A name that is not there, a slip, an attempt to get out: the mail is not sent, and the template is named."""
    template(tmp_path, f"en/{CREATED}.txt", text)
    with pytest.raises(NotificationRefused, match=f"template en/{CREATED}.txt"):
        created(mail_templates=str(tmp_path))


def test_template_that_is_no_text(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are a template that fails."""
    template(tmp_path, f"en/{ASIDE}.txt", "")
    (tmp_path / f"en/{ASIDE}.txt").write_bytes(b"\xff")
    with pytest.raises(NotificationRefused, match="UnicodeDecodeError"):
        reminded(mail_templates=str(tmp_path))


# --- downloads that a quota kept back --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "fr"])
def test_refused_downloads_are_told_in_the_same_words(language: str) -> None:
    """A line for each of the first files, then how many more; programs read them, so no language changes them."""
    sender = notifier(attrs.evolve(CONFIG, mail_language=language))
    sender.downloads_refused(REFUSED)
    mail = only(sender)
    assert (mail.receiver, mail.subject, mail.language) == (LISE, "Download quota errors", "en")
    assert mail.correlation_id == "c-54"
    lines = [
        "Could not download file a <b>&.tif: download quota exceeded.",
        "Could not download file é.tif: download rate exceeded.",
        "Could not download file c: download quota exceeded.",
        "... and 4 more download errors.",
    ]
    assert mail.text.splitlines() == lines
    lines[0] = lines[0].replace("a <b>&.tif", "a &lt;b&gt;&amp;.tif")
    assert mail.html == "<pre>" + "\n".join(lines) + "</pre>\n"


def test_refused_downloads_arrive() -> None:
    """Both parts of the message say the same as the mail."""
    sender = notifier()
    sender.downloads_refused(REFUSED)
    arrived = message(only(sender))
    assert (arrived["To"], arrived["Subject"]) == (LISE, "Download quota errors")
    text, html = parts(arrived)
    assert text.splitlines() == REFUSED.text.splitlines()
    assert "é.tif" in html


def test_refused_downloads_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Without a mail server the mail is one record; without any notifier a line with receiver and number."""
    caplog.set_level(logging.INFO)
    make_notifier(CONFIG, "alps", ManualClock(NOW), RandomIds()).downloads_refused(REFUSED)
    LogNotifier().downloads_refused(REFUSED)
    mail, line = map(vars, caplog.records)
    assert (mail["action"], mail["receiver"], mail["text"]) == ("mail", LISE, REFUSED.text + "\n")
    assert (line["action"], line["owner"], line["files"]) == ("downloads_refused", LISE, 7)


def test_refused_downloads_in_memory() -> None:
    """A notifier of tests remembers them, or fails as it is told."""
    sender = MemoryNotifier()
    sender.downloads_refused(REFUSED)
    sender.failure = NotifierUnavailable("no mail server")
    with pytest.raises(NotifierUnavailable):
        sender.downloads_refused(REFUSED)
    assert sender.told == [REFUSED]


# --- without a mail server -------------------------------------------------------------------------------------------


def test_without_a_server_mails_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """One record with receiver, subject and text; no token is in it."""
    caplog.set_level(logging.INFO)
    make_notifier(CONFIG, "alps", ManualClock(NOW), RandomIds()).order_created(CREATION, ORDER)
    (record,) = caplog.records
    data = vars(record)
    assert (data["action"], data["receiver"], data["correlation_id"]) == ("mail", LISE, "c-54")
    assert data["subject"] == "Order number 54 is confirmed"
    assert "metalink/download?orderToken=***&scope=alps\n" in data["text"]
    assert "eyJ" not in data["text"]


def test_without_any_secret_mails_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A worker that sends nothing needs no secret and no public URL."""
    caplog.set_level(logging.INFO)
    make_notifier(Config(), "default", ManualClock(NOW), RandomIds()).order_created(CREATION, ORDER)
    assert "http://127.0.0.1:8000/api/v1/rs-order/user/orders/metalink" in vars(caplog.records[0])["text"]


def test_tokens_in_links_of_the_front_end_are_masked_too() -> None:
    """Every value of `token` and `orderToken`."""
    assert masked("a?x=1&token=abc#d e?orderToken=f") == "a?x=1&token=***#d e?orderToken=***"


def test_oversized_file_is_logged_and_never_mailed(caplog: pytest.LogCaptureFixture) -> None:
    """Administrators find a warning with the file and the order."""
    sender = notifier()
    sender.file_oversized(FileOversized(order_id=5, owner=LISE, correlation_id="c", filename="big.tif"))
    assert isinstance(sender.transport, Kept)
    assert sender.transport.mails == []
    (record,) = caplog.records
    data = vars(record)
    assert (record.levelname, data["action"], data["file"], data["order_id"]) == (
        "WARNING",
        "file_oversized",
        "big.tif",
        5,
    )


# --- configuration ---------------------------------------------------------------------------------------------------


def test_mail_server_needs_a_public_url_and_a_secret() -> None:
    """What is missing is named at the start, all of it."""
    config = Config(smtp_url="smtp://127.0.0.1")
    with pytest.raises(WrongConfiguration, match=r"REGARDS_ORDER_PUBLIC_URL: .*; REGARDS_ORDER_ORDER_SECRET: "):
        check_mail(config)
    with pytest.raises(WrongConfiguration, match=r"^REGARDS_ORDER_ORDER_SECRET: .*REGARDS_ORDER_JWT_SECRET"):
        check_mail(config, "http://127.0.0.1:8000")
    check_mail(attrs.evolve(config, jwt_secret="j" * 32), "http://127.0.0.1:8000")
    check_mail(attrs.evolve(config, order_secret="o" * 32, public_url="https://data.example"))
    check_mail(Config())


def test_template_that_fails_stops_the_start(tmp_path: Path) -> None:
    """It is named once, however many tenants use it; the last one's own is named too; good ones are fine."""
    config = Config(mail_templates=str(tmp_path), tenants=("alps", "jura", "moon"))
    template(tmp_path, f"en/{CREATED}.html", "{{ order_label }}")
    template(tmp_path, f"fr/{ASIDE}.txt", "{{ not_this_language }}")
    check_mail(config)
    template(tmp_path, f"en/{ASIDE}.txt", "{% for order in orders %}{{ order.labl }}{% endfor %}")
    template(tmp_path, f"moon/en/{CREATED}.txt", "{{ order_label")
    with pytest.raises(WrongConfiguration) as refusal:
        check_mail(config)
    assert [fault.path for fault in refusal.value.faults] == ["REGARDS_ORDER_MAIL_TEMPLATES"] * 2
    assert f"template en/{ASIDE}.txt: UndefinedError: 'dict object' has no attribute 'labl'" in str(refusal.value)
    assert f"template en/{CREATED}.txt: TemplateSyntaxError" in str(refusal.value)


def test_secret_of_links_follows_from_that_of_bearer_tokens() -> None:
    """The same in every process, another one than it came from; given, it is what was given."""
    derived = Config(jwt_secret="j" * 32).public_secret
    # printf 'regards-order: public order tokens' | openssl dgst -sha256 -hmac jjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjj
    assert derived == "a1d8a4ff487ec8d820a7135ec11f1b11ab68b6414ee9f3053fb191053aeb0585"
    assert Config(jwt_secret="j" * 32, order_secret="o" * 32).public_secret == "o" * 32
    assert Config().public_secret is None


@pytest.mark.parametrize("month", range(1, 13))
def test_months(month: int) -> None:
    """Every month has a name in both languages."""
    instant = dt.datetime(2026, month, 1, tzinfo=dt.timezone.utc)
    english = f"1 {instant:%b} 2026 00:00:00 UTC"
    assert readable(instant, "en") == english
    assert readable(instant.astimezone(dt.timezone(dt.timedelta(hours=-5))), "en") == english
    assert readable(instant, "fr").startswith("1 ")
