"""Where mails lead: the page of an order, and the metalink that needs no login."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import attrs

from regards_order.domain.order import Order
from regards_order_adapters.tokens import OrderTokens

_KEPT = "%/:=&?~#+!$,;'@()*[]"  # the reserved characters of RFC 3986, and what is already escaped


@attrs.frozen(kw_only=True)
class Links:
    """Make the links of one tenant.

    Attributes:
        public_url: what all of them begin with.
        prefix: path prefix of the REST interface.
        tenant: whose orders.
        tokens: signs what opens an order.
    """

    public_url: str
    prefix: str
    tenant: str
    tokens: OrderTokens

    def page(self, frontend_url: str) -> str:
        """Return the page of the front end that its client gave with an order; a path belongs to the public URL.

        Whatever it holds, the result is a URL of http or https.
        """
        try:
            absolute = urlsplit(frontend_url).scheme in ("http", "https")
        except ValueError:
            absolute = False
        if not absolute:
            # with the slash "@evil.example" stays a path of this host
            frontend_url = f"{self.public_url.rstrip('/')}/{frontend_url.lstrip('/')}"
        return quote(frontend_url, safe=_KEPT, errors="replace")

    def metalink(self, order: Order) -> str:
        """Return the link to the metalink of an order, for whoever has it.

        Raises:
            ValueError: nobody knows yet when the order expires.
        """
        base = "/".join([self.public_url.rstrip("/"), *filter(None, self.prefix.split("/"))])
        token = self.tokens.mint(order, self.tenant)
        scope = quote(self.tenant, safe="")
        return f"{base}/user/orders/metalink/download?orderToken={token}&scope={scope}"
