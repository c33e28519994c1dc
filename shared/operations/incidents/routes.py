"""Which channel is sent what: in order of escalation, each by severity."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from shared.core.errors import ConfigError
from shared.core.severity import SEVERITIES, Severity

CHANNELS = ("slack", "email", "webhook")
ESCALATION = "escalation"


@dataclass(frozen=True)
class Route:
    """A channel, and the least severity that it is sent at once; None: critical ones that nobody
    acknowledges, after `steps` times half an hour.
    """

    channel: str
    least: Severity | None
    steps: int = 0

    def takes(self, severity: Severity) -> bool:
        """Whether it is sent an incident as soon as that opens."""
        return self.least is not None and severity.rank >= self.least.rank


def parse_routes(text: str, configured: Collection[str]) -> tuple[Route, ...]:
    """The routes of the channels that are configured, as ALERT_CHANNELS has them.

    Where none would be sent a critical incident at once, the first is sent what a channel with
    `warning` is. A configured channel that the text leaves out gets nothing. Raises ConfigError.
    """
    wanted: dict[str, Severity | None] = {}
    for part in text.split(","):
        name, _, least = (each.strip() for each in part.partition(":"))
        if name not in CHANNELS or name in wanted or least not in (*SEVERITIES, ESCALATION):
            levels = ", ".join((*SEVERITIES, ESCALATION))
            raise ConfigError(
                f"ALERT_CHANNELS has {part.strip()[:80]!r}.",
                next_step=f"write each of {', '.join(CHANNELS)} once at most, as slack:warning; levels are {levels}.",
            )
        wanted[name] = None if least == ESCALATION else Severity(least)
    chosen = {name: least for name, least in wanted.items() if name in configured}
    if chosen and not any(chosen.values()):
        chosen[next(iter(chosen))] = Severity.WARNING
    routes: list[Route] = []
    steps = 0
    for name, level in chosen.items():
        steps += level is None
        routes.append(Route(name, level, steps if level is None else 0))
    return tuple(routes)
