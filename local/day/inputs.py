"""What a day is played with: the arguments of `make run`, the archive, and the date in it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import perf_counter

from local.console import values
from local.day.screen import Screen
from local.host.folder_lock import lock_folder, state_folder
from local.host.kept_archive import keep_archive, read_kept_archive
from local.host.ports import ANY_PORT, Port, port_of
from local.host.runtime import open_state_file
from local.host.simulated_clock import SimulationNotes
from local.league import write_league
from local.replay import Archive
from shared.core.errors import DataError

EMULATORS = "gcp-emulators"
MOST_SEASONS = 20
LEAGUE_SEED = 1


class WrongInput(DataError):
    """An argument that cannot be played."""


@dataclass(frozen=True)
class Arguments:
    """What `make run` was asked for. archive None: the simulated league."""

    archive: Path | None
    day: date | None
    history_seasons: int
    folder: Path
    emulators: bool = False
    """Whether the deployed adapters play on emulators of Google Cloud (RUNTIME=gcp-emulators)."""
    stay: bool = False
    """Whether those stay up after the day, until interrupted (STAY=1)."""
    port: Port = ANY_PORT
    """Where the runtime serves while it plays."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Arguments:
        """Read ARCHIVE, DATE, HISTORY_SEASONS, LOCAL_DIR, RUNTIME, STAY, PORT.

        Raises WrongInput, ConfigError naming the value and what would fit.
        """
        return cls(
            archive=values.archive(environment),
            day=values.day(environment, "DATE", "2025-11-14"),
            history_seasons=values.number(environment, "HISTORY_SEASONS", 3, least=0, most=MOST_SEASONS),
            folder=state_folder(environment),
            emulators=_emulators(environment.get("RUNTIME") or ""),
            stay=environment.get("STAY") == "1",
            port=port_of(environment),
        )

    @property
    def played_in(self) -> Path:
        """The folder that holds what is played."""
        return self.folder / EMULATORS if self.emulators else self.folder


def _emulators(runtime: str) -> bool:
    if runtime not in ("", "embedded", EMULATORS):
        raise WrongInput(f"RUNTIME={runtime} cannot be played.", next_step=f"leave it out, or say {EMULATORS}.")
    return runtime == EMULATORS


def find_archive(arguments: Arguments, screen: Screen) -> Path:
    """The archive's folder, noted as the one of this state; the simulated league is written at its
    first use and kept.

    A league with more seasons of history than asked for serves as well. Raises OtherArchive,
    FolderBusy, ConfigError.
    """
    with lock_folder(arguments.folder), closing(open_state_file(arguments.folder)) as file:
        simulation = SimulationNotes(file)
        archive = arguments.archive or _league(arguments, read_kept_archive(simulation, arguments.folder))
        if archive.is_dir():
            Archive(archive).check()
        keep_archive(simulation, arguments.folder, archive)
        if not archive.is_dir():
            seasons = arguments.history_seasons + 1
            screen.part("Writing the simulated league", 1)
            started = perf_counter()
            write_league(archive, seed=LEAGUE_SEED, seasons=seasons, progress=screen.progress)
            screen.step(
                f"Simulated league of {_count_noun(seasons, 'season')} written, {perf_counter() - started:.1f} s"
            )
    return archive


def _league(arguments: Arguments, kept: Path | None) -> Path:
    """The league's folder: the one this state has been played with where that is long enough, else
    its own.
    """
    leagues = arguments.folder / "league"
    wanted = arguments.history_seasons + 1
    if kept is not None and kept.is_dir() and kept.parent == leagues.resolve():
        start, _, seasons = kept.name.rpartition("-")
        if start == f"seed-{LEAGUE_SEED}-seasons" and int(seasons) >= wanted:
            return leagues / kept.name
    return leagues / f"seed-{LEAGUE_SEED}-seasons-{wanted}"


def _count_noun(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def find_date(arguments: Arguments, archive: Archive) -> date:
    """The day asked for, else the archive's last game day.

    Raises WrongInput for one outside the archive.
    """
    day = arguments.day or archive.last_date
    if not archive.first_date <= day <= archive.last_date:
        raise WrongInput(
            f"DATE={day} lies outside the archive {archive.folder}, which covers "
            f"{archive.first_date} to {archive.last_date}.",
            next_step="choose a date within.",
        )
    return day


def without_games(archive: Archive, day: date) -> str:
    """What to say of a day within the archive on which no game was played; empty for a game day."""
    days = archive.game_days()
    if day in days:
        return ""
    before, after = max(d for d in days if d < day), min(d for d in days if d > day)
    return f"There are no games on {day}, so nothing is played. The nearest days with games are {before} and {after}."
