"""The port that is served on."""

from __future__ import annotations

import pytest

from local.host.ports import ANY_PORT, DEFAULT_PORT, Port, bind, note, port_of
from local.host.server import PortTaken, Server
from shared.core.errors import ConfigError


def test_the_port_is_8787_unless_another_is_named() -> None:
    assert port_of({}) == port_of({"PORT": ""}) == Port(8787, wanted=False)
    assert port_of({"PORT": "9000"}) == Port(9000, wanted=True)
    assert port_of({"PORT": "0"}) == Port(0, wanted=True)
    assert DEFAULT_PORT == 8787


@pytest.mark.parametrize("text", ["-1", "65536", "8 0", "0x50", "٨٠", "1e3", "999999999999", "eighty", "8787.0", " 80"])
def test_what_is_no_port_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=r"is not a number from 0 to 65535\. Next: leave it out for 8787"):
        port_of({"PORT": text})


def test_a_port_that_is_taken_is_refused_where_it_was_named_and_replaced_where_not() -> None:
    taken = Server()
    with pytest.raises(PortTaken, match=f"Port {taken.port} cannot be used"):
        bind(Port(taken.port, wanted=True))
    unnamed = Port(taken.port, wanted=False)
    other = bind(unnamed)
    assert other.port != taken.port
    assert f"Port {taken.port} is taken; this runtime serves on {other.port}." in note(unnamed, other.port)
    assert note(unnamed, taken.port) == note(ANY_PORT, other.port) == note(Port(0, wanted=True), other.port) == ""
    other.stop()
    taken.stop()
