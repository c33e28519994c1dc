"""The port that commands serve on: 8787, or the one that PORT names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local.console.values import number
from local.host.gate import DASHBOARD, Pages
from local.host.server import PortTaken, Server

DEFAULT_PORT = 8787
_LAST = 65_535


@dataclass(frozen=True)
class Port:
    """A port to serve on, 0 for any free one.

    Where it is taken: an error if it is `wanted`, else a free one.
    """

    number: int
    wanted: bool


ANY_PORT = Port(0, wanted=False)


def port_of(environment: Mapping[str, str]) -> Port:
    """PORT, else 8787 if that is free. Raises ConfigError for what is no port."""
    return Port(number(environment, "PORT", DEFAULT_PORT, least=0, most=_LAST), wanted=bool(environment.get("PORT")))


def bind(port: Port, pages: Pages = DASHBOARD) -> Server:
    """A server on the port, or on a free one where the port is taken and nobody asked for it.

    Raises PortTaken.
    """
    try:
        return Server(port.number, pages=pages)
    except PortTaken:
        if port.wanted:
            raise
    return Server(pages=pages)


def note(port: Port, found: int) -> str:
    """What to tell a person where the port is another than the usual one; empty where it is the
    usual.
    """
    if port.wanted or port.number in (0, found):
        return ""
    return f"Port {port.number} is taken; this runtime serves on {found}. PORT=... names another."
