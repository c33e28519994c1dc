"""`make run`: plays a day of an archive, or of the simulated league, from scraping to grading the next morning.

Exit codes: 0 done (also a day without games, which it says), 1 failed, 2 wrong input, 3 done, with gaps: what the day's
last export or its grading lacks, which the last line says. `make` itself ends with 2 after any of them and names it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from textwrap import shorten
from time import perf_counter

from local.console import values
from local.console.command import run_command
from local.console.lines import complain
from local.console.plain import open_console
from local.day.day import Day, RunRecord
from local.day.screen import Screen
from local.day.summary import result, show, summarise, write_summary
from local.emulators.process import Absent
from local.host.folder_lock import FolderBusy, owned, state_folder
from local.host.kept_archive import keep_archive, kept_archive
from local.host.ports import ANY_PORT, Port, note, port_of
from local.host.runtime import WAREHOUSE_FILE, open_runtime, open_state_file
from local.host.simulated_clock import Simulation
from local.host.simulation_host import Playable
from local.league import write_league
from local.replay import Archive, ArchiveError
from shared.core.errors import ConfigError, DataError, PipelineError

DONE, FAILED, WRONG_INPUT, WITH_GAPS = 0, 1, 2, 3
EMULATORS = "gcp-emulators"
MOST_SEASONS = 20
LEAGUE_SEED = 1
A_WEEK = timedelta(days=7)
RUN_AGAIN = "The same command goes on where it stopped."

# In a file there is no screen to fit: wide enough for the closing tables.
WIDTH_OF_FILES = 120


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
    """The archive's folder, noted as the one of this state; the simulated league is written at its first use and kept.

    A league with more seasons of history than asked for serves as well. Raises OtherArchive, FolderBusy, ConfigError.
    """
    with owned(arguments.folder), closing(open_state_file(arguments.folder)) as file:
        simulation = Simulation(file)
        archive = arguments.archive or _league(arguments, kept_archive(simulation, arguments.folder))
        if archive.is_dir():
            Archive(archive).check()
        keep_archive(simulation, arguments.folder, archive)
        if not archive.is_dir():
            seasons = arguments.history_seasons + 1
            screen.part("Writing the simulated league", 1)
            started = perf_counter()
            write_league(archive, seed=LEAGUE_SEED, seasons=seasons, progress=screen.progress)
            screen.step(f"Simulated league of {_counted(seasons, 'season')} written, {perf_counter() - started:.1f} s")
    return archive


def _league(arguments: Arguments, kept: Path | None) -> Path:
    """The league's folder: the one this state has been played with where that is long enough, else its own."""
    leagues = arguments.folder / "league"
    wanted = arguments.history_seasons + 1
    if kept is not None and kept.is_dir() and kept.parent == leagues.resolve():
        start, _, seasons = kept.name.rpartition("-")
        if start == f"seed-{LEAGUE_SEED}-seasons" and int(seasons) >= wanted:
            return leagues / kept.name
    return leagues / f"seed-{LEAGUE_SEED}-seasons-{wanted}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def find_date(arguments: Arguments, archive: Archive) -> date:
    """The day asked for, else the archive's last game day. Raises WrongInput for one outside the archive."""
    day = arguments.day or archive.last_date
    if not archive.first_date <= day <= archive.last_date:
        raise WrongInput(
            f"DATE={day} lies outside the archive {archive.folder}, which covers "
            f"{archive.first_date} to {archive.last_date}.",
            next_step="choose a date within.",
        )
    return day


@contextmanager
def opened(arguments: Arguments, archive: Path) -> Iterator[Playable]:
    """The embedded runtime, or emulators. Raises what either raises where it cannot be opened."""
    if arguments.emulators:
        # only here are clients of Google Cloud needed
        from local.emulators.emulated.runtime import open_emulated

        with open_emulated(arguments.played_in, archive=archive) as emulated:
            yield emulated
    else:
        with open_runtime(arguments.played_in, archive=archive, port=arguments.port) as embedded:
            said = note(arguments.port, embedded.server.port)
            if said:
                complain(said)
            embedded.playing = "A day"
            yield embedded


def stay(say: Callable[[], None]) -> None:
    """Wait for SIGINT or SIGTERM, also where a shell started this in the background with SIGINT ignored."""
    ended = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda _signal, _frame: ended.set())
    say()
    ended.wait()


def without_games(archive: Archive, day: date) -> str:
    """What to say of a day within the archive on which no game was played; empty for a game day."""
    days = archive.game_days()
    if day in days:
        return ""
    before, after = max(d for d in days if d < day), min(d for d in days if d > day)
    return f"There are no games on {day}, so nothing is played. The nearest days with games are {before} and {after}."


def play(arguments: Arguments, screen: Screen) -> int:
    """Play the day and write its summary; the exit code.

    A day without games is answered before history is loaded for it. In a state that lacks a few days at most it is
    played, as on Google Cloud: its exports say that it has none.

    Raises PipelineError for whatever stops it.
    """
    folder = find_archive(arguments, screen)
    archive = Archive(folder)
    game_date = find_date(arguments, archive)
    nothing = without_games(archive, game_date)
    if nothing and not (arguments.played_in / WAREHOUSE_FILE).exists():
        screen.say(nothing)
        return DONE
    started = perf_counter()
    with opened(arguments, folder) as embedded:
        embedded.stores.file.on_wait = screen.say
        day = Day(embedded, archive, game_date, screen.watch)
        history = day.missing_history(arguments.history_seasons)
        if nothing and any(each.last - each.first >= A_WEEK for each in history):
            screen.say(nothing)
            return DONE
        screen.part("History", len(history))
        history_seconds = 0.0
        for stretch in history:
            loaded = day.load_history(stretch)
            history_seconds += loaded.seconds
            figures = f"{loaded.seconds:.1f} s, {shorten(result(loaded.phases), 70, placeholder=' ...')}"
            screen.step(f"History {stretch.season}, {stretch.first} to {stretch.last}: {figures}")
        training_seconds = 0.0
        if day.needs_training():
            screen.part("Training", 1)
            trained = day.train()
            training_seconds = trained.seconds
            said = [trained.phases[0]["status"], trained.phases[0]["reason"], f"{training_seconds:.1f} s"]
            screen.step(f"Training: {', '.join(word for word in said if word)}")
        events = day.events
        screen.part(f"{game_date}", len(events))
        runs: list[RunRecord] = []
        for event in events:
            run = day.play(event)
            runs.append(run)
            screen.step(
                f"{event.at:%Y-%m-%d %H:%MZ} {event.schedule}: {run.seconds:.1f} s, {run.batch_id or 'no batch'}"
            )
        seconds = {"all": perf_counter() - started, "history": history_seconds, "training": training_seconds}
        summary = summarise(embedded, day, folder, runs, seconds)
        write_summary(arguments.played_in, summary)
        day.finish()
        show(screen.console, summary, arguments.played_in)
        if arguments.emulators and arguments.stay:
            stay(lambda: screen.say(f"Up until Ctrl-C. The export again:\n{embedded.retrigger(str(game_date))}"))
    return WITH_GAPS if summary["gaps"] else DONE


def ended(work: Callable[[Screen], object]) -> int:
    """Do a command's work on a screen; its exit code, where it returns one, else 0.

    The reason of a failure is one sentence on standard error.
    """
    try:
        with Screen(open_console(WIDTH_OF_FILES)) as screen:
            code = work(screen)
    except (WrongInput, ArchiveError, ConfigError, FolderBusy, Absent) as error:
        complain(error)
        return WRONG_INPUT
    except PipelineError as error:
        complain(f"Failed: {error}")
        return FAILED
    except OSError as error:
        complain(f"Failed: {error}. Next: see that the disk has room and the folder is still there.")
        return FAILED
    return code if isinstance(code, int) else DONE


def main() -> int:
    """Run from the environment's settings."""
    return ended(lambda screen: play(Arguments.of(os.environ), screen))


if __name__ == "__main__":
    sys.exit(run_command(main, then=RUN_AGAIN))
