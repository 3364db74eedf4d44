"""Which URLs, hosts and addresses an external reference may lead to."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regards_order_adapters.storage.network import (
    Hosts,
    Target,
    forbidden,
    host_name,
    is_public,
    parse_hosts,
    parse_proxy,
)


@pytest.mark.parametrize("text", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808", "2002:808:808::1"])
def test_public_addresses(text: str) -> None:
    """An address of the public Internet is public, also when NAT64 or 6to4 carries it."""
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "ff02::1",
        "ff0e::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::1",
        "2001:0:7f00:1::",
    ],
)
def test_other_addresses(text: str) -> None:
    """Loopback, private, link-local, shared, multicast, reserved and disguised addresses are not public."""
    assert not is_public(ip_address(text))


@given(st.ip_addresses(v=4))
def test_an_address_inside_an_address_gains_nothing(inner: IPv4Address) -> None:
    """An IPv6 address that carries an IPv4 address is never more public than that one."""
    mapped = IPv6Address(0xFFFF << 32 | int(inner))
    translated = IPv6Address(0x64FF9B << 96 | int(inner))
    tunnelled = IPv6Address(0x2002 << 112 | int(inner) << 80)
    assert not is_public(mapped)
    assert is_public(translated) == is_public(tunnelled) == is_public(inner)


@pytest.mark.parametrize(
    ("item", "host", "expected"),
    [
        ("archive.internal", "archive.internal", True),
        ("Archive.Internal.", "archive.internal", True),
        ("archive.internal", "data.archive.internal", False),
        ("archive.internal", "archive.internal.example.org", False),
        ("*.example.org", "a.example.org", True),
        ("*.example.org", "a.b.example.org", True),
        ("*.example.org", "example.org", False),
        ("*.example.org", "badexample.org", False),
        ("*.example.org", "a.example.org.evil.net", False),
        (".example.org", "a.example.org", True),
        (".example.org", "example.org", False),
        ("127.0.0.0/8", "127.9.9.9", True),
        ("127.0.0.0/8", "128.0.0.1", False),
        ("127.0.0.1/8", "127.9.9.9", True),
        ("127.0.0.0/8", "::ffff:127.0.0.1", False),
        ("10.0.0.7", "10.0.0.7", True),
        ("10.0.0.7", "10.0.0.70", False),
        ("::1", "::1", True),
        ("[::1]", "::1", True),
        ("fd00::/8", "fd12::1", True),
        ("fd00::/8", "10.0.0.1", False),
        (" archive.internal ", "archive.internal", True),
        ("bücher.example", "xn--bcher-kva.example", True),
        ("", "archive.internal", False),
    ],
)
def test_host_lists(item: str, host: str, expected: bool) -> None:
    """A list item is a host name, a pattern for the hosts below a name, an address or a network."""
    assert (host in parse_hosts([item])) is expected


@pytest.mark.parametrize("item", ["127.0.0.0/33", "a b", "*", "a*.example.org", "http://a.example.org", ".", "a:80"])
def test_unreadable_list_items(item: str) -> None:
    """An item that can never match is an error of the configuration, not a silent nothing."""
    with pytest.raises(ValueError, match=r"."):
        parse_hosts([item])


def test_empty_list() -> None:
    """An empty list holds no host, and a list that is already read stays what it is."""
    assert "localhost" not in Hosts()
    assert parse_hosts(()) == parse_hosts(Hosts()) == Hosts()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.example", Target("http", "a.example", 80, "/")),
        ("HTTPS://A.Example.:8443/x", Target("https", "a.example", 8443, "/x")),
        ("http://a.example:/x", Target("http", "a.example", 80, "/x")),
        ("http://a.example?q=1#part", Target("http", "a.example", 80, "/?q=1")),
        ("http://a.example/a b/é?q=ü", Target("http", "a.example", 80, "/a%20b/%C3%A9?q=%C3%BC")),
        ("http://a.example/a%20b?s=x%2Fy&t=+", Target("http", "a.example", 80, "/a%20b?s=x%2Fy&t=+")),
        ("http://[::1]:81/x", Target("http", "::1", 81, "/x")),
        ("http://bücher.example/", Target("http", "xn--bcher-kva.example", 80, "/")),
        ("http://１２７.0.0.1/", Target("http", "127.0.0.1", 80, "/")),
    ],
)
def test_readable_urls(url: str, expected: Target) -> None:
    """A URL is read into one spelling: lower-case ASCII host, explicit port, escaped path, no fragment."""
    assert Target.parse(url) == expected


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("file:///etc/passwd", "scheme 'file'"),
        ("ftp://a.example/x", "scheme 'ftp'"),
        ("/etc/passwd", "scheme ''"),
        ("", "scheme ''"),
        ("http:///x", "host name"),
        ("http:a.example", "host name"),
        ("http://ada@a.example/", "user name"),
        ("http://ada:secret@a.example/", "password"),
        ("http://a.example:0/", "not a port"),
        ("http://a.example:65536/", "[Pp]ort"),
        ("http://a.example:http/", "[Pp]ort"),
        ("http://a.example:-1/", "[Pp]ort"),
        ("http://a.example/\r\nHost: b", "control"),
        ("http://a.exa\tmple/", "control"),
        ("\x00http://a.example/", "control"),
        ("http://a.example/\x85", "control"),
        ("http://a b.example/", "host name"),
        ("http://a..example/", "host name"),
        ("http://a%2eexample/", "host name"),
        ("http://a.example\\.evil.net/", "host name"),
        ("http://[::1/", "IPv6"),
        ("http://[fe80::1%25eth0]/", "."),
        (f"http://{'a' * 64}.example/", "host name"),
    ],
)
def test_refused_urls(url: str, problem: str) -> None:
    """A URL of another scheme, with a login, control characters, a bad host or a bad port is refused."""
    with pytest.raises(ValueError, match=problem):
        Target.parse(url)


def test_a_refused_url_keeps_its_secret() -> None:
    """The error about a login does not repeat the password."""
    with pytest.raises(ValueError, match="password") as caught:
        Target.parse("http://ada:hunter2@a.example/")
    assert "hunter2" not in str(caught.value)


@given(st.text() | st.text().map("http://".__add__) | st.text().map("http://[".__add__))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever the catalogue holds, it is a target or a ValueError, and what is sent is plain ASCII without blanks."""
    with suppress(ValueError):
        sent = Target.parse(text).url
        assert sent.isascii()
        assert not set(map(chr, range(33))) & set(sent)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("z", "http://a.example:81/x/z"),
        ("/z?q", "http://a.example:81/z?q"),
        ("../z", "http://a.example:81/z"),
        ("//b.example/z", "http://b.example/z"),
        ("https://b.example/z", "https://b.example/z"),
        ("?q=1", "http://a.example:81/x/y?q=1"),
        ("é".encode().decode("latin-1"), "http://a.example:81/x/%C3%A9"),
    ],
)
def test_redirects(location: str, expected: str) -> None:
    """A relative Location is resolved against the URL that it answers."""
    assert Target.parse("http://a.example:81/x/y").join(location).url == expected


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://u@b.example/", "/a\r\nX: y", "//[::1/", "//b:0/"])
def test_refused_redirects(location: str) -> None:
    """The target of a redirect is read as strictly as a URL of the catalogue."""
    with pytest.raises(ValueError, match=r"."):
        Target.parse("http://a.example/x").join(location)


@pytest.mark.parametrize("text", ["::1", "FE80::1", "::0001"])
def test_addresses_have_one_spelling(text: str) -> None:
    """An IPv6 address is spelled the short way, so that it can be compared."""
    assert host_name(text) == str(IPv6Address(text))


def test_proxy() -> None:
    """A proxy is http://host:port, or nothing."""
    assert parse_proxy("http://proxy.example:3128") == Target("http", "proxy.example", 3128, "/")
    assert parse_proxy(None) is None
    assert parse_proxy("") is None


@pytest.mark.parametrize("text", ["https://proxy:3128", "proxy:3128", "http://u:p@proxy:3128", "http://proxy:3128/x"])
def test_refused_proxies(text: str) -> None:
    """A proxy of another form, or with a login, is an error of the configuration."""
    with pytest.raises(ValueError, match=r"."):
        parse_proxy(text)


@pytest.mark.parametrize(
    ("allow", "addresses", "expected"),
    [
        ((), ("8.8.8.8",), None),
        ((), ("8.8.8.8", "10.0.0.1"), "10.0.0.1"),
        (("10.0.0.0/8",), ("8.8.8.8", "10.0.0.1"), None),
        (("archive.internal",), ("10.0.0.1", "::1"), None),
        (("10.0.0.0/8",), ("10.0.0.1", "::1"), "::1"),
        ((), ("fe80::1%eth0",), "fe80::1%eth0"),
    ],
)
def test_one_forbidden_address_condemns_the_host(
    allow: tuple[str, ...], addresses: tuple[str, ...], expected: str | None
) -> None:
    """Every address of a host must be public or allowed, unless the host itself is allowed."""
    assert forbidden("archive.internal", addresses, parse_hosts(allow)) == expected
