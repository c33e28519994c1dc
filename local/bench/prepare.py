"""What the measurements start from, made at the first use and kept: the league, its loaded history,
trained models.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.bench.league import find_league, find_smaller
from local.bench.measure import Progress
from local.day.day import Day
from local.host.runtime import open_runtime
from local.replay import Archive
from shared.core.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
# A state folder keeps to its archive; one within it may be exchanged, as long as the days already
# loaded are the same.
LEAGUE = "league"
_KINDS = {".py", ".sql", ".json", ".yaml"}


@dataclass(frozen=True)
class Prepared:
    """Archives by number of games on their last day, and the state folder with their common history
    and models.
    """

    leagues: dict[int, Archive]
    history: Path

    def copy_to(self, folder: Path, games: int) -> Archive:
        """Make a copy of the state folder to play on, with the league of so many games in it;
        returns that league.
        """
        shutil.copytree(self.history, folder)
        shutil.rmtree(folder / LEAGUE)
        return put_league(self.leagues[games], folder)


def find(folder: Path, sizes: Sequence[int], progress: Progress) -> Prepared:
    """What this version of the code has prepared in `folder`, else it is prepared now; other
    versions' is removed.
    """
    mine = folder / f"prepared-{version_of(ROOT, Settings.from_environment().dataset_prefix)}"
    for other in folder.glob("prepared-*"):
        if other != mine:
            shutil.rmtree(other)
    whole = find_league(mine)
    largest = len([day for day in whole.games.day if day == whole.last_date])
    leagues = {size: whole if size == largest else find_smaller(whole, size) for size in sizes}
    history = mine / "history"
    if not history.is_dir():
        partial = mine / ".history.partial"
        shutil.rmtree(partial, ignore_errors=True)
        # of the smallest: a day's further games may become known later, but none that is known goes
        # away
        load_history(partial, leagues[min(sizes)], progress)
        partial.rename(history)
    return Prepared(leagues, history)


def put_league(archive: Archive, folder: Path) -> Archive:
    """A copy of an archive within a state folder."""
    shutil.copytree(archive.folder, folder / LEAGUE)
    return Archive(folder / LEAGUE)


def load_history(folder: Path, archive: Archive, progress: Progress) -> None:
    """The season before and the days of the last one, and the models trained on them; the last day
    is left to play.
    """
    league = put_league(archive, folder)
    with open_runtime(folder, archive=league.folder, deliver_twice=False) as embedded:
        day = Day(embedded, league, league.last_date, lambda label, completed: None)
        stretches = day.missing_history(len(league.seasons) - 1)
        for number, stretch in enumerate(stretches):
            day.load_history(stretch)
            progress(number + 1, len(stretches) + 1)
        day.train()
        progress(len(stretches) + 1, len(stretches) + 1)


def version_of(root: Path, dataset_prefix: str) -> str:
    """Short digest of the code, SQL and schemas that league, history and models are made by, and of
    the prefix.
    """
    digest = hashlib.sha256(dataset_prefix.encode())
    for room in ("functions", "local", "shared", "pipeline.yaml"):
        files = [root / room] if (root / room).is_file() else sorted((root / room).rglob("*"))
        for file in files:
            if file.suffix in _KINDS and file.is_file():
                digest.update(f"{file.relative_to(root).as_posix()}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:12]
