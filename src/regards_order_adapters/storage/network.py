"""Where an external reference may lead: its URL, its host, its addresses.

A product of the catalogue may reference any URL, and the service would fetch it from its own place in the network.  So
a reference is read strictly here, and an address that is not public is only used when the configuration lists it.
Nothing in this module opens a connection.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import quote, urljoin, urlsplit

import attrs

_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_KEPT = "%/:=&?~#+!$,;'@()*[]"  # the reserved characters of RFC 3986, and what is already escaped
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether *address* belongs to the public Internet.

    >>> [is_public(ip_address(text)) for text in ("10.0.0.1", "::ffff:8.8.8.8", "8.8.8.8")]
    [False, False, True]
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None or address.is_site_local:
            return False
        # NAT64 and 6to4 carry the packet on to the IPv4 address inside: that one counts.
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.sixtofour is not None:
            return is_public(address.sixtofour)
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def is_address(host: str) -> bool:
    """Return whether *host* is written as an address."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def resolve(host: str) -> tuple[str, ...]:
    """Return the addresses of *host*, each once, as the system prefers them.

    Raises:
        OSError: the name cannot be resolved.
    """
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(info[4][0]) for info in found))


@attrs.frozen
class Hosts:
    """List hosts by name, by suffix or by network.

    ``*.example.org`` and ``.example.org`` stand for every host below ``example.org``, not for itself.  A network or an
    address stands for hosts written as such an address.

    >>> hosts = parse_hosts(["archive.internal", "*.example.org", "127.0.0.0/8"])
    >>> "data.example.org" in hosts, "127.0.0.1" in hosts, "example.org" in hosts
    (True, True, False)
    """

    names: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = ()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def __contains__(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return host in self.names or host.endswith(self.suffixes)
        return any(address in network for network in self.networks)


def parse_hosts(items: Iterable[str] | Hosts) -> Hosts:
    """Read the items of a list of hosts; blank ones are left out, a list already read stays.

    Raises:
        ValueError: an item is neither a host name, nor a pattern, nor an address, nor a network.
    """
    if isinstance(items, Hosts):
        return items
    names, suffixes, networks = set(), [], []
    for item in filter(None, (item.strip() for item in items)):
        bare = item.removeprefix("*")
        if "/" in item or is_address(item.strip("[]")):
            networks.append(ip_network(item.strip("[]"), strict=False))
        elif bare.startswith("."):
            suffixes.append("." + host_name(bare[1:]))
        else:
            names.add(host_name(item))
    return Hosts(frozenset(names), tuple(suffixes), tuple(networks))


def host_name(text: str) -> str:
    """Return the one spelling of a host: lower case, ASCII, no final dot, no brackets.

    Raises:
        ValueError: *text* is neither a host name nor an address.
    """
    if ":" in text:
        address = IPv6Address(text)
        if address.scope_id is not None:
            raise ValueError(f"the address {text} has a zone")
        return str(address)
    try:
        name = text.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        name = ""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{text!r} is not a host name")
    return name


@attrs.frozen
class Target:
    """Name what to fetch, and from where.

    Attributes:
        scheme: ``http`` or ``https``.
        host: name or address in its one spelling, an IPv6 address without brackets.
        port: 1 to 65535.
        path: path and query, escaped.
    """

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> Target:
        """Read a URL; blanks and non-ASCII characters of its path are escaped.

        Raises:
            ValueError: the URL is not one of http or https, has a login, control characters, a bad host or port.
        """
        if _CONTROL.search(url):
            raise ValueError("the URL contains control characters")
        parts = urlsplit(url)
        if parts.scheme not in _PORTS:
            raise ValueError(f"the scheme {parts.scheme!r} is neither http nor https")
        if "@" in parts.netloc:
            raise ValueError("the URL contains a user name or a password")
        host = host_name(parts.hostname or "")
        port = _PORTS[parts.scheme] if parts.port is None else parts.port
        if port == 0:
            raise ValueError("0 is not a port")
        query = f"?{parts.query}" if parts.query else ""
        return cls(parts.scheme, host, port, quote((parts.path or "/") + query, safe=_KEPT))

    def join(self, location: str) -> Target:
        """Read the ``Location`` of a redirect, which may be relative.

        Raises:
            ValueError: as for `parse`.
        """
        # urljoin drops control characters silently, so they are looked for before.
        if _CONTROL.search(location):
            raise ValueError("the redirect contains control characters")
        # Header values arrive as Latin-1, whatever their bytes mean: escaped, they are the bytes again.
        return Target.parse(urljoin(self.url, quote(location, safe=_KEPT, encoding="latin-1")))

    @property
    def bracketed(self) -> str:
        """Return the host as it stands before a port."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def authority(self) -> str:
        """Return host and port as a ``Host`` header has them."""
        return self.bracketed if self.port == _PORTS[self.scheme] else f"{self.bracketed}:{self.port}"

    @property
    def url(self) -> str:
        """Return the whole URL."""
        return f"{self.scheme}://{self.authority}{self.path}"


def parse_proxy(text: str | None) -> Target | None:
    """Read the URL of a proxy: ``http://host:port``, or nothing for none.

    Raises:
        ValueError: *text* has another form; a proxy with a login is not supported.
    """
    if not text:
        return None
    proxy = Target.parse(text)
    if proxy.scheme != "http" or proxy.path != "/":
        raise ValueError(f"the proxy {proxy.url} must be http://host:port")
    return proxy


def forbidden(host: str, addresses: Sequence[str], allow: Hosts) -> str | None:
    """Return the first of the *addresses* of *host* that may not be used, if any.

    One such address condemns the host: a name that is half public, half private is not a reference to trust.
    """
    if host in allow:
        return None
    return next((a for a in addresses if not is_public(ip_address(a)) and a not in allow), None)
