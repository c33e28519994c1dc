"""The thirty NBA teams under the spellings of every feed: NBA.com, the Odds API and ESPN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Team:
    """One team; `full_name` is the Odds API's spelling, `nba_name` NBA.com's (they differ for the
    Clippers).
    """

    team_id: int
    abbr: str
    full_name: str
    city: str
    nickname: str
    arena: str

    @property
    def nba_name(self) -> str:
        """The name as NBA.com's box scores and ESPN write it, e.g. "LA Clippers"."""
        return f"{self.city} {self.nickname}"

    @property
    def slug(self) -> str:
        """The nickname as NBA.com's addresses write it, e.g. "sixers"."""
        special = {"POR": "blazers", "PHI": "sixers"}
        return special.get(self.abbr, self.nickname.lower())


TEAMS: tuple[Team, ...] = tuple(
    Team(team_id, abbr, full_name or f"{city} {nickname}", city, nickname, arena)
    for team_id, abbr, city, nickname, arena, full_name in (
        (1610612737, "ATL", "Atlanta", "Hawks", "State Farm Arena", ""),
        (1610612751, "BKN", "Brooklyn", "Nets", "Barclays Center", ""),
        (1610612738, "BOS", "Boston", "Celtics", "TD Garden", ""),
        (1610612766, "CHA", "Charlotte", "Hornets", "Spectrum Center", ""),
        (1610612741, "CHI", "Chicago", "Bulls", "United Center", ""),
        (1610612739, "CLE", "Cleveland", "Cavaliers", "Rocket Arena", ""),
        (1610612742, "DAL", "Dallas", "Mavericks", "American Airlines Center", ""),
        (1610612743, "DEN", "Denver", "Nuggets", "Ball Arena", ""),
        (1610612765, "DET", "Detroit", "Pistons", "Little Caesars Arena", ""),
        (1610612744, "GSW", "Golden State", "Warriors", "Chase Center", ""),
        (1610612745, "HOU", "Houston", "Rockets", "Toyota Center", ""),
        (1610612754, "IND", "Indiana", "Pacers", "Gainbridge Fieldhouse", ""),
        (1610612746, "LAC", "LA", "Clippers", "Intuit Dome", "Los Angeles Clippers"),
        (1610612747, "LAL", "Los Angeles", "Lakers", "Crypto.com Arena", ""),
        (1610612763, "MEM", "Memphis", "Grizzlies", "FedExForum", ""),
        (1610612748, "MIA", "Miami", "Heat", "Kaseya Center", ""),
        (1610612749, "MIL", "Milwaukee", "Bucks", "Fiserv Forum", ""),
        (1610612750, "MIN", "Minnesota", "Timberwolves", "Target Center", ""),
        (1610612740, "NOP", "New Orleans", "Pelicans", "Smoothie King Center", ""),
        (1610612752, "NYK", "New York", "Knicks", "Madison Square Garden", ""),
        (1610612760, "OKC", "Oklahoma City", "Thunder", "Paycom Center", ""),
        (1610612753, "ORL", "Orlando", "Magic", "Kia Center", ""),
        (1610612755, "PHI", "Philadelphia", "76ers", "Xfinity Mobile Arena", ""),
        (1610612756, "PHX", "Phoenix", "Suns", "Mortgage Matchup Center", ""),
        (1610612757, "POR", "Portland", "Trail Blazers", "Moda Center", ""),
        (1610612758, "SAC", "Sacramento", "Kings", "Golden 1 Center", ""),
        (1610612759, "SAS", "San Antonio", "Spurs", "Frost Bank Center", ""),
        (1610612761, "TOR", "Toronto", "Raptors", "Scotiabank Arena", ""),
        (1610612762, "UTA", "Utah", "Jazz", "Delta Center", ""),
        (1610612764, "WAS", "Washington", "Wizards", "Capital One Arena", ""),
    )
)

# Codes that teams had in earlier seasons; box scores of those days are read, no game of today is
# theirs.
FORMER_CODES = frozenset(("BUF", "CHH", "KCK", "NJN", "NOH", "NOK", "SDC", "SEA", "VAN", "WSB"))

_BY_ABBR: Mapping[str, Team] = MappingProxyType({team.abbr: team for team in TEAMS})
_BY_NAME: Mapping[str, Team] = MappingProxyType(
    {name.lower(): team for team in TEAMS for name in (team.full_name, team.nba_name)}
)


def team_by_abbr(abbr: str) -> Team | None:
    """The team of a three-letter abbreviation ("LAC"); None for a guest of the pre-season
    ("RMD").
    """
    return _BY_ABBR.get(abbr)


def team_by_name(name: str) -> Team | None:
    """The team of a full name in the Odds API's or NBA.com's spelling, in any case; None when
    unknown.
    """
    return _BY_NAME.get(name.strip().lower())
