"""Templates of mails: packaged ones, and those of the site in their place (docs/notifications.md)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from regards_order_adapters.extras import require
from regards_order_adapters.mail.dates import readable_iso

require("cli", "jinja2")

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PackageLoader, StrictUndefined  # noqa: E402
from jinja2.sandbox import SandboxedEnvironment  # noqa: E402 -- after its absence was explained

LANGUAGES = ("en", "fr")


class Templates:
    """Render the templates of one tenant in one language.

    Args:
        language: ``en`` or ``fr``.
        tenant: its own templates win over those of the site.
        folder: templates of the site; None for the packaged ones alone.
    """

    def __init__(self, language: str, tenant: str, folder: Path | None = None) -> None:
        self._language = language
        # a site may leave its templates to people whom it would not leave its processes
        self._environment = SandboxedEnvironment(
            loader=ChoiceLoader([*_own(tenant, folder), PackageLoader("regards_order_adapters.mail")]),
            autoescape=lambda name: name is not None and name.endswith(".html"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["date"] = partial(readable_iso, language=language)

    def render(self, code: str, kind: str, tokens: Mapping[str, Any]) -> str:
        """Return a text.

        Args:
            code: names the template.
            kind: ``html`` or ``txt``.
            tokens: what the template may use; a name that is not among them is an error.

        Raises:
            ValueError: the template cannot be read, or fails.
        """
        name = f"{self._language}/{code}.{kind}"
        try:
            return self._environment.get_template(name).render(tokens)
        except Exception as error:  # a template is a program of somebody else: it may fail in any way
            raise ValueError(f"template {name}: {type(error).__name__}: {error}") from error


def _own(tenant: str, folder: Path | None) -> list[BaseLoader]:
    """Return who looks for templates in the folder of the site: that of the tenant first."""
    if folder is None:
        return []
    # the name of a tenant may hold anything: one that leads elsewhere has no folder
    inside = tenant not in (".", "..") and not set(tenant) & {"/", "\\"}
    return [FileSystemLoader(path) for path in ([folder / tenant] if inside else []) + [folder]]
