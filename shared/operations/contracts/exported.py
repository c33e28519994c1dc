"""What the export bucket holds of dates: of each file that should be there, what it says it was
made of.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from shared.core.clock import new_york_date
from shared.core.concurrency import all_of
from shared.core.errors import NotFound
from shared.stores.ports import Blobs

ROOT = "v1"
EVERYBODY = f"{ROOT}/tonight/all-players.json"
# Files that are of the newest exported date that New York has reached.
POINTERS = (EVERYBODY, f"{ROOT}/predictions/today.json", f"{ROOT}/best-bets/latest.json")
# Files of the newest graded date.
GRADED_POINTERS = (f"{ROOT}/results/latest.json", f"{ROOT}/systems/performance.json")
# A read waits for the network; 300 players' files one after the other would take a quarter of a
# minute. More threads than these only wait for each other where the files lie on a disk.
THREADS = 8
# The field after those that say what a file is made of, as phase 6 writes it.
_AFTER_ORDER = b',"halted":'
# What stands before it, with fifty batches. The rest is not read: of a date's predictions it is
# megabytes, and a fortnight of them takes longer than all else of a page.
START_BYTES = 4_096


@dataclass(frozen=True)
class ExportFile:
    """A file of phase 6, as far as it says what it was made of."""

    epoch: int
    batches: tuple[str, ...]
    content_at: datetime
    game_date: str
    players: tuple[str, ...] = ()
    """Of tonight/all-players.json: the players' files, under v1/."""
    generated_at: datetime | None = None
    """When it was written, where it says so."""


Files = Mapping[str, ExportFile | None]
"""By path; None: it is not there, or none of phase 6's making."""


def dated_files(day: date) -> tuple[str, str]:
    """What phase 6 writes of a date alone."""
    return f"{ROOT}/predictions/{day}.json", f"{ROOT}/best-bets/{day}.json"


def results_file(day: date) -> str:
    return f"{ROOT}/results/{day}.json"


def read_files(exports: Blobs, days: Collection[date], now: datetime) -> dict[date, Files]:
    """The files of each date: its own, the pointers from the day itself on, and those of the
    players they name.

    Reads side by side, each file once; nothing is listed. Of grades whatever is there, whether due
    or not.
    """
    wanted = {day: _paths(day, now) for day in sorted(days)}
    found = _read(exports, dict.fromkeys(path for paths in wanted.values() for path in paths))
    files = {day: {path: found[path] for path in paths} for day, paths in wanted.items()}
    for day, of_day in files.items():
        everybody = of_day.get(EVERYBODY)
        if everybody is not None and everybody.game_date == day.isoformat():
            of_day |= _read(exports, [f"{ROOT}/{path}" for path in everybody.players])
    return {**files}


def _paths(day: date, now: datetime) -> list[str]:
    """What there may be of a date, but for its players' files."""
    if day > new_york_date(now):
        return [*dated_files(day)]
    return [*dated_files(day), *POINTERS, results_file(day), *GRADED_POINTERS]


def _read(exports: Blobs, paths: Iterable[str]) -> dict[str, ExportFile | None]:
    """Each thread reads a share of the files: a task a file would cost three times the reading."""
    wanted = list(paths)
    size = max(1, -(-len(wanted) // THREADS))
    shares = {
        start: partial(_read_share, exports, wanted[start : start + size]) for start in range(0, len(wanted), size)
    }
    read = all_of(shares, THREADS, name="exports")
    return {path: file for share in read.values() for path, file in share.items()}


def _read_share(exports: Blobs, paths: Iterable[str]) -> dict[str, ExportFile | None]:
    return {path: read_file(exports, path) for path in paths}


def read_file(exports: Blobs, path: str) -> ExportFile | None:
    """What a file says of itself; one that is none of phase 6's making counts as none."""
    try:
        content = _content(exports, path)
        match content:
            case {"order": [int(epoch), str(day), _, str(content_at)], "batches": list(found)}:
                batches = tuple(each["batch_id"] for each in found)
                at, written = datetime.fromisoformat(content_at), content.get("generated_at")
                generated_at = None if written is None else datetime.fromisoformat(written)
                return ExportFile(epoch, batches, at, day, _players(content), generated_at)
    except (NotFound, ValueError, KeyError, TypeError):
        return None
    return None


def _content(exports: Blobs, path: str) -> Any:
    """The JSON of a file whose players are wanted, of any other the header that it begins with.

    Raises NotFound, and ValueError for what is no JSON.
    """
    if path == EVERYBODY:
        return json.loads(exports.read(path).data)
    start = exports.read_start(path, START_BYTES)
    is_whole = len(start) < START_BYTES
    head, end, _ = start.partition(_AFTER_ORDER)
    if end and (not is_whole or start.endswith(b"}")):
        header = json.loads(head + b"}")
        if "order" in header:
            return header
    return json.loads(start if is_whole else exports.read(path).data)


def _players(content: Mapping[str, Any]) -> tuple[str, ...]:
    games = content.get("games", [])
    return tuple(player["file"] for game in games for player in game["players"])
