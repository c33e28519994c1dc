"""What an official injury report says: who is listed, and whose list it has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

# The report's words, as the tables write them.
STATUSES = ("OUT", "DOUBTFUL", "QUESTIONABLE", "PROBABLE", "AVAILABLE")


@dataclass(frozen=True, slots=True)
class ListedPlayer:
    """One player of one game."""

    game_date: date
    """New York's calendar day of the game."""
    team: str
    """Three letters, of the team that lists him."""
    player_name: str
    """As it is spoken: "Tim Hardaway Jr."."""
    status: str
    """One of STATUSES."""
    reason: str
    """As it is printed; "-" or empty where none is given."""


@dataclass(frozen=True, slots=True)
class CoveredTeam:
    """A team of one game that the report names."""

    game_date: date
    team: str
    submitted: bool
    """False: NOT YET SUBMITTED. True without a listed player: nobody is listed."""


@dataclass(frozen=True, slots=True)
class InjuryReport:
    """A report as it was published."""

    report_time: datetime
    """Of its header, UTC."""
    players: tuple[ListedPlayer, ...]
    teams: tuple[CoveredTeam, ...]
    unread: tuple[str, ...]
    """Rows of teams that are none of the league's (guests of the pre-season), each named."""
