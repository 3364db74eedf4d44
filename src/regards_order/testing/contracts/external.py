"""What `External` and its sources promise."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs
import pytest

from regards_order.domain.errors import SourceRefused, SourceUnreachable
from regards_order.ports.sources import External
from regards_order.testing.contracts.storage import MIB, read_source


@attrs.frozen
class ExternalSetup:
    """Hold external files to prove.

    Attributes:
        external: what is proved.
        base: URL below which the contents lie, with a slash at its end.
        dead: URL of a server that is not there.
    """

    external: External
    base: str
    dead: str


#: path → bytes
SetUpExternal = Callable[[Mapping[str, bytes]], ExternalSetup]


class ExternalContract:
    """Prove an `External`; override the fixture `set_up`."""

    @pytest.fixture
    def set_up(self) -> SetUpExternal:
        """Return what publishes some contents: override me."""
        raise NotImplementedError("override the fixture `set_up`: contents → ExternalSetup")

    @pytest.mark.parametrize("size", [0, 1, 65_536, 3 * MIB + 7])
    def test_a_file_is_read_to_its_last_byte(self, set_up: SetUpExternal, size: int) -> None:
        """In blocks of at most 1 MiB, as many bytes as its size says; closing twice is allowed."""
        data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        setup = set_up({"a.dat": data})
        assert read_source(setup.external.open(f"{setup.base}a.dat")) == data

    def test_a_reader_may_go_away(self, set_up: SetUpExternal) -> None:
        """A source is closed before its end without harm to others."""
        setup = set_up({"a": b"x" * (2 * MIB), "b": b"other"})
        source = setup.external.open(f"{setup.base}a")
        next(iter(source.chunks()))
        source.close()
        assert read_source(setup.external.open(f"{setup.base}b")) == b"other"

    def test_a_missing_file_is_refused(self, set_up: SetUpExternal) -> None:
        """The error bears the server's answer."""
        setup = set_up({"a": b"x"})
        with pytest.raises(SourceRefused) as caught:
            setup.external.open(f"{setup.base}missing")
        assert caught.value.answer == 404

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://ref.example/a", "no url", "", "http://"])
    def test_what_is_no_http_url_is_refused(self, set_up: SetUpExternal, url: str) -> None:
        """Nothing but http and https is opened."""
        with pytest.raises(SourceRefused):
            set_up({}).external.open(url)

    def test_a_server_that_is_not_there_cannot_be_reached(self, set_up: SetUpExternal) -> None:
        """The error says that trying again may help."""
        setup = set_up({})
        with pytest.raises(SourceUnreachable):
            setup.external.open(setup.dead)
