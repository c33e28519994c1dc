"""What `make backtest` was asked for, and the days it covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from local.console import values
from local.day.inputs import MOST_SEASONS, WrongInput
from local.host.folder_lock import state_folder
from local.replay import Archive
from shared.nba.stats import PREDICTED

# Older seasons were another game (fewer threes, slower), and cost time.
HISTORY_SEASONS = 5
# As many as `make run` writes, so that both play the same simulated league.
LEAGUE_SEASONS = 3
FOLDER = "backtest"
# What models learn from: the lists as they stood, or absences from box scores in their place.
FROM_LISTS, FROM_DERIVED = "lists", "derived"


@dataclass(frozen=True)
class Arguments:
    """archive None: the simulated league. first, last None: those of the archive's last season."""

    archive: Path | None
    first: date | None
    last: date | None
    history_seasons: int
    folder: Path
    learn: str = FROM_LISTS
    stats: tuple[str, ...] = tuple(PREDICTED)
    """Names of the statistics that are judged, in the order of shared/nba/stats.py."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Arguments:
        """Read ARCHIVE, FROM, TO, HISTORY_SEASONS, LOCAL_DIR, LEARN, STATS.

        Raises ConfigError naming what does not fit.
        """
        archive = values.archive(environment)
        usual = HISTORY_SEASONS if archive else LEAGUE_SEASONS
        return cls(
            archive=archive,
            first=values.day(environment, "FROM", "2025-10-21"),
            last=values.day(environment, "TO", "2025-10-21"),
            # the first training needs one
            history_seasons=values.number(environment, "HISTORY_SEASONS", usual, least=1, most=MOST_SEASONS),
            folder=state_folder(environment),
            learn=values.one_of(environment, "LEARN", (FROM_LISTS, FROM_DERIVED)),
            stats=values.some_of(environment, "STATS", tuple(PREDICTED)),
        )

    @property
    def kept_in(self) -> Path:
        """The folder of what a backtest keeps between two runs: worlds and predictions."""
        return self.folder / FOLDER


def find_days(arguments: Arguments, archive: Archive) -> tuple[date, date]:
    """FROM and TO: by default the first and last game day of the archive's last season (of FROM's,
    where given).

    Raises WrongInput for days outside the archive, in the wrong order, without a game, or without
    any season before.
    """
    for name, day in (("FROM", arguments.first), ("TO", arguments.last)):
        if day is not None and not archive.first_date <= day <= archive.last_date:
            raise WrongInput(
                f"{name}={day} lies outside the archive {archive.folder}, which covers {archive.first_date} to"
                f" {archive.last_date}.",
                next_step="choose a day within.",
            )
    given = arguments.first or arguments.last or archive.last_date
    days = archive.game_days(season_at(archive, given))
    first, last = arguments.first or days[0], arguments.last or days[-1]
    if first > last:
        raise WrongInput(f"FROM={first} is after TO={last}.", next_step="give the earlier day as FROM.")
    if not any(first <= day <= last for day in archive.game_days()):
        raise WrongInput(f"There is no game from FROM={first} to TO={last}.", next_step="choose days in a season.")
    if season_at(archive, first) == archive.seasons[0]:
        raise WrongInput(
            f"FROM={first} is in the archive's first season, before which there is nothing to learn from.",
            next_step=f"begin in {archive.seasons[1]} or later." if archive.seasons[1:] else "use a longer archive.",
        )
    return first, last


def season_at(archive: Archive, day: date) -> str:
    """The season whose games are played on the day, or come next after it.

    The day is not after the last game.
    """
    return next(season for season in archive.seasons if day <= archive.game_days(season)[-1])
