"""The world a backtest reads its rows from: seasons of an archive played through phases 1 to 4,
kept between runs.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from local.backtest.arguments import season_at
from local.backtest.sources import FEATURE_CODE, archive_print, code_print
from local.day.day import HISTORY_NOTE, Day, RunRecord
from local.day.plan import DAYS_NOT_HISTORY, DateSpan, find_uncovered
from local.day.screen import Screen
from local.embedded.sqlite_file import SqliteFile
from local.host.folder_lock import lock_folder
from local.host.runtime import STATE_FILE, EmbeddedRuntime, open_runtime
from local.host.simulated_clock import SimulationNotes
from local.replay import Archive

NOTE = "backtest"
# By phase, what its seconds count as.
PARTS = {
    "phase1_scrape": "load",
    "phase2_raw": "load",
    "phase3_analytics": "features",
    "phase4_precompute": "features",
}


@dataclass
class Spent:
    """Seconds by part of a backtest, as backtest.json tells them."""

    seconds: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("load", "features", "training", "prediction", "evaluation"), 0.0)
    )

    def note(self, record: RunRecord) -> None:
        """Add the phases of a run."""
        for phase in record.phases:
            if phase["name"] in PARTS:
                self.seconds[PARTS[phase["name"]]] += phase["seconds"]


def stretches(archive: Archive, first: date, last: date, seasons: int, covered: Sequence[DateSpan]) -> list[DateSpan]:
    """What is not yet covered of the `seasons` seasons before that of `first`, and of all from
    there to `last`.
    """
    names = archive.seasons
    own = names.index(season_at(archive, first))
    return find_uncovered(names[max(0, own - seasons) :], archive, last, covered)


def world_folder(kept_in: Path, archive: Archive, first: date, seasons: int) -> Path:
    """One world for each season that history begins with: what a row knows of the past depends on
    that.
    """
    names = archive.seasons
    return kept_in / f"state-{names[max(0, names.index(season_at(archive, first)) - seasons)]}"


def describe_origin(archive: Archive) -> dict[str, str]:
    """What the rows of a world depend on besides its days."""
    return {"archive": archive_print(archive.folder), "code": code_print(FEATURE_CODE)}


@contextmanager
def open_world(
    folder: Path, archive: Archive, first: date, last: date, seasons: int, screen: Screen, spent: Spent
) -> Iterator[EmbeddedRuntime]:
    """The world with all that a backtest of first to last needs: what is missing is loaded, nothing
    twice.

    A world of another archive, or made by other code, is begun again. Raises PipelineError where a
    phase fails.
    """
    _forget_outdated(folder, describe_origin(archive), screen)
    with open_runtime(folder, archive=archive.folder) as embedded:
        embedded.stores.file.on_wait = screen.say
        embedded.stores.simulation.set(NOTE, json.dumps(describe_origin(archive)))
        day = Day(embedded, archive, last + timedelta(days=DAYS_NOT_HISTORY), screen.watch)
        missing = stretches(archive, first, last, seasons, day.loaded)
        screen.part("Seasons", len(missing))
        for stretch in missing:
            record = day.load_history(stretch)
            spent.note(record)
            screen.step(f"Season {stretch.season}, {stretch.first} to {stretch.last}: {record.seconds:.1f} s")
        day.finish()
        yield embedded


def last_loaded_on(folder: Path) -> date:
    """The last simulated day on which a part of a world (closed) was fetched: on an earlier one
    nothing is known of that part.
    """
    with closing(SqliteFile(folder / STATE_FILE)) as file:
        history = json.loads(SimulationNotes(file).get(HISTORY_NOTE) or "[]")
    return max(date.fromisoformat(stretch["loaded_on"]) for stretch in history)


def _forget_outdated(folder: Path, wanted: dict[str, str], screen: Screen) -> None:
    """Remove a world that was made from something else, and say why.

    Raises FolderBusy where a process uses it.
    """
    if not (folder / STATE_FILE).is_file():
        return
    with lock_folder(folder):
        with closing(SqliteFile(folder / STATE_FILE)) as file:
            kept = json.loads(SimulationNotes(file).get(NOTE) or "{}")
        if kept == wanted:
            return
        if not kept:
            why = "its first loading did not begin"
        elif kept["archive"] != wanted["archive"]:
            why = "the archive has changed since"
        else:
            why = "the code that makes features has changed since"
        screen.say(f"{folder} is begun again: {why}.")
        shutil.rmtree(folder)
