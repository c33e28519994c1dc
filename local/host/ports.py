"""The port that commands serve on: 8787, or the one that PORT names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local.server import PortTaken, Server
from shared.errors import ConfigError

DEFAULT_PORT = 8787
_LAST = 65_535


@dataclass(frozen=True)
class Port:
    """A port to serve on, 0 for any free one. Where it is taken: an error if it is `wanted`, else a free one."""

    number: int
    wanted: bool


ANY_PORT = Port(0, wanted=False)


def port_of(environment: Mapping[str, str]) -> Port:
    """PORT, else 8787 if that is free. Raises ConfigError for what is no port."""
    text = environment.get("PORT") or ""
    if not text:
        return Port(DEFAULT_PORT, wanted=False)
    if not (text.isascii() and text.isdigit() and len(text) <= 5) or int(text) > _LAST:
        raise ConfigError(
            f"PORT={text[:40]!r} is not a number from 0 to {_LAST}.", next_step=f"leave it out for {DEFAULT_PORT}."
        )
    return Port(int(text), wanted=True)


def bind(port: Port) -> Server:
    """A server on the port, or on a free one where the port is taken and nobody asked for it. Raises PortTaken."""
    try:
        return Server(port.number)
    except PortTaken:
        if port.wanted:
            raise
    return Server()


def note(port: Port, found: int) -> str:
    """What to tell a person where the port is another than the usual one; empty where it is the usual."""
    if port.wanted or port.number in (0, found):
        return ""
    return f"Port {port.number} is taken; this runtime serves on {found}. PORT=... names another."
