"""The rules about exported files: of a date to come, of a played one, and of one without games;
pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.core.clock import new_york_date
from shared.core.pipeline import Contract
from shared.core.settings import Settings
from shared.operations.contracts.exported import (
    EVERYBODY,
    GRADED_POINTERS,
    POINTERS,
    ROOT,
    dated_files,
    results_file,
)
from shared.operations.contracts.shortage import Short, Shortage
from shared.operations.contracts.snapshot import Snapshot

Lacks = tuple[str, str | None]
"""A file that should be there, and what is wrong with it; None: nothing."""


def export(snapshot: Snapshot, settings: Settings) -> Short | None:
    """Every file of the date is there, of the predictions that count: its own, the pointers, and
    all players'.
    """
    return _short(list_exports(snapshot))


def check_published(snapshot: Snapshot, settings: Settings) -> Short | None:
    """Besides, once it is graded: its results, and pointers to results that are not of an earlier
    date.
    """
    return _short([*list_exports(snapshot), *list_results(snapshot)])


def without_games(snapshot: Snapshot, contracts: Sequence[Contract]) -> Shortage | None:
    """On a date without games the exports have to say so: short where a pointer is of an earlier
    date, or gone.
    """
    short = _short(list_pointers(snapshot))
    if short is None:
        return None
    (contract,) = (each for each in contracts if each.check == "export")
    reason = f"nothing is played on {snapshot.game_date}, and {short.reason}"
    return Shortage(contract, Short(reason, short.have, short.should))


def list_exports(snapshot: Snapshot) -> list[Lacks]:
    """The files of the predictions that count; none where none count.

    Pointers that have moved on to a newer date are that date's matter, and so are the players'
    files then.
    """
    counting = _counting(snapshot)
    if not counting:
        return []
    found = [(path, _not_of(path, snapshot, counting)) for path in dated_files(snapshot.game_date)]
    if snapshot.game_date > new_york_date(snapshot.now):
        return found
    today, files = snapshot.game_date.isoformat(), snapshot.files
    for path in POINTERS:
        behind, file = _behind(path, snapshot), files.get(path)
        points_here = file is not None and file.game_date == today
        found.append((path, behind or (_not_of(path, snapshot, counting) if points_here else None)))
    everybody = files.get(EVERYBODY)
    if everybody is not None and everybody.game_date == today:
        players = (f"{ROOT}/{path}" for path in everybody.players)
        found += [(path, _not_of(path, snapshot, counting)) for path in players]
    return found


def list_results(snapshot: Snapshot) -> list[Lacks]:
    """The files of a graded date's results; none before it is graded."""
    graded_at = max((game.graded_at for game in snapshot.games if game.graded_at is not None), default=None)
    if graded_at is None:
        return []
    path = results_file(snapshot.game_date)
    return [(path, _results(path, snapshot, graded_at)), *((each, _behind(each, snapshot)) for each in GRADED_POINTERS)]


def list_pointers(snapshot: Snapshot) -> list[Lacks]:
    """The pointers, which a date without games moves, too; none of a date to come."""
    if snapshot.game_date > new_york_date(snapshot.now):
        return []
    return [(path, _behind(path, snapshot)) for path in POINTERS]


def _short(files: Sequence[Lacks]) -> Short | None:
    """The first file that is wrong, and how many are right."""
    wrong = [f"{path} {why}" for path, why in files if why is not None]
    return Short(wrong[0], len(files) - len(wrong), len(files)) if wrong else None


def _counting(snapshot: Snapshot) -> dict[str, datetime]:
    """Batches that count for at least one game, and when each was consolidated."""
    return {
        player.batch_id: player.consolidated_at
        for player in snapshot.players
        if player.is_predicted and player.batch_id is not None and player.consolidated_at is not None
    }


def _results(path: str, snapshot: Snapshot, graded_at: datetime) -> str | None:
    """What the date's own file of results lacks."""
    file = snapshot.files.get(path)
    if file is None:
        return "is not there"
    if file.epoch != snapshot.epoch:
        return "is of another repetition of the day"
    return "is from before the last grading" if file.content_at < graded_at else None


def _behind(path: str, snapshot: Snapshot) -> str | None:
    """What a pointer lacks that must be of the date or a later one."""
    file = snapshot.files.get(path)
    if file is None:
        return "is not there"
    if file.epoch != snapshot.epoch:
        return "is of another repetition of the day"
    return f"is of {file.game_date}" if file.game_date < snapshot.game_date.isoformat() else None


def _not_of(path: str, snapshot: Snapshot, counting: Mapping[str, datetime]) -> str | None:
    """Why a file is not of the predictions that count."""
    file = snapshot.files.get(path)
    if file is None:
        return "is not there"
    if file.epoch != snapshot.epoch:
        return "is of another repetition of the day"
    if file.game_date != snapshot.game_date.isoformat():
        return f"is of {file.game_date}"
    if file.batches != tuple(sorted(counting)):
        return f"is of {', '.join(file.batches) or 'no batch'}, not of {', '.join(sorted(counting))}"
    if file.content_at < max(counting.values()):
        return "is from before its batch was consolidated"
    return None
