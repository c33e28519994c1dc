"""Phase 2: the raw files of a run become rows of the nba_raw tables, one load a table however many
games there are.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa

from functions.phase2_raw.normalise.box_scores import PlayerBoxScores, TeamBoxScores
from functions.phase2_raw.normalise.injuries import InjuryRows
from functions.phase2_raw.normalise.odds import OddsRows
from functions.phase2_raw.normalise.official_reports import OfficialReportRows
from functions.phase2_raw.normalise.rows import MakeNormaliser, Problems
from functions.phase2_raw.normalise.schedule import ScheduleRows
from functions.phase2_raw.normalise.shot_zones import ShotZoneRows
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PhaseMessage
from shared.core.errors import DataError, NotFound
from shared.core.events import Event
from shared.nba.feed_values import ElementRefused, text
from shared.stores.ports import Blobs, DateRange
from shared.stores.raw_files import decode_raw, parse_raw_path, raw_folder

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kind:
    """What reads a kind of file.

    A message that names a required one which is not there is wrong as a whole.
    """

    normaliser: MakeNormaliser
    required: bool = False
    adds: bool = False
    """Whether a file adds to the earlier ones of its day, or is the day's as it stands later."""


KINDS: Mapping[tuple[str, str], Kind] = {
    ("nba", "schedule"): Kind(ScheduleRows, required=True),
    ("nba", "player_boxscores"): Kind(PlayerBoxScores, required=True),
    ("nba", "team_boxscores"): Kind(TeamBoxScores, required=True),
    ("odds_api", "live_odds"): Kind(OddsRows),
    # of releases that asked for points and for game lines apart
    ("odds_api", "player_points"): Kind(OddsRows),
    ("odds_api", "game_lines"): Kind(OddsRows),
    ("odds_api", "event_odds"): Kind(OddsRows, adds=True),
    ("official", "injury_report"): Kind(OfficialReportRows),
    ("espn", "injuries"): Kind(InjuryRows),
    ("zones", "player"): Kind(ShotZoneRows),
    ("zones", "team"): Kind(ShotZoneRows),
}
_LONGEST_PATH = 500
_NAMED = 20  # of the rows that could not be read, so many are named in the completion


@dataclass
class Reading:
    """The rows of all files, and what went wrong on the way."""

    tables: dict[str, pa.Table] = field(default_factory=dict)
    failed_files: dict[str, str] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)


def run(message: PhaseMessage, context: Context) -> Outcome:
    """Load the files that the message names, or by hand the latest of each kind of its dates.

    Rows that cannot be read are counted and named, and so are files that are unreadable as a whole
    (status partial): what a source sent fails no run, and a file is immutable, so no retry could
    help. Raises DataError where the message names what is no raw file, or a schedule or box score
    that is not there.
    """
    paths = _paths(message, context)
    if not paths:
        missing = f"there are no raw files of {context.dates}; publish the date to nba-phase1-trigger"
        return Outcome("no_data", reason=message.reason or missing, event=Event.NO_RAW_FILES)
    reading = read_files(context.runtime.raw, paths, context.dates)
    loaded = {}
    for table in sorted(reading.tables):
        job_id = f"{context.execution_id}-{table}"
        loaded[table] = context.runtime.warehouse.load(table, reading.tables[table], mode="append", job_id=job_id)
    problems = reading.problems
    failed = len(problems.sentences) + len(reading.failed_files)
    for sentence in problems.sentences[:_NAMED]:
        logger.warning("unreadable row: %s", sentence)
    metadata: dict[str, Any] = {
        "files_read": len(paths) - len(reading.failed_files),
        "rows": {table: rows.num_rows for table, rows in sorted(reading.tables.items())},
        "failed_files": reading.failed_files,
        "problems": problems.sentences[:_NAMED],
        "left_out": dict(sorted(problems.notes.items())),
    }
    if message.status == "no_data":
        why = message.reason or "phase 1 found no data"
        return Outcome("no_data", reason=why, metadata=metadata, event=Event.NO_DATA_UPSTREAM)
    return Outcome(
        "partial" if failed else "success",
        record_count=sum(rows.num_rows for rows in reading.tables.values()),
        records_failed=failed,
        reason=_reason(reading),
        output_table=max(loaded, key=lambda table: (loaded[table], table), default=""),
        metadata=metadata,
    )


def read_files(raw: Blobs, paths: list[str], dates: DateRange) -> Reading:
    """Every file through its kind's normaliser.

    Raises DataError for a path of no kind, and for a required one that is not there.
    """
    reading = Reading()
    normalisers: dict[MakeNormaliser, Any] = {}
    for path in paths:
        kind = _kind(path)
        normaliser = normalisers.get(kind.normaliser)
        if normaliser is None:
            normaliser = normalisers[kind.normaliser] = kind.normaliser(dates, reading.problems)
        try:
            normaliser.add(path, decode_raw(path, raw.read(path).data))
        except NotFound as error:
            absent = f"{path} is named but not in the bucket."
            if kind.required:
                raise DataError(absent, next_step="run phase 1 for the date again.") from error
            reading.failed_files[path] = absent
        except DataError as error:
            reading.failed_files[path] = str(error)
            logger.warning("unreadable file: %s", error)
    for normaliser in normalisers.values():
        for table, rows in normaliser.tables().items():
            # a table may have rows of several sources
            before = [reading.tables[table]] if table in reading.tables else []
            reading.tables[table] = pa.concat_tables([*before, rows])
    return reading


def _kind(path: str) -> Kind:
    source, kind, _ = parse_raw_path(path)
    if (source, kind) not in KINDS:
        known = ", ".join(f"{s}/{k}" for s, k in sorted(KINDS))
        raise DataError(f"{path}: nothing reads {source}/{kind}.", next_step=f"name a file of {known}.")
    return KINDS[source, kind]


def _paths(message: PhaseMessage, context: Context) -> list[str]:
    """The files that phase 1 announced; a message without any means the latest snapshot of each
    kind and day.
    """
    if "files" in message.metadata:
        try:
            return [text(file["path"], "path", _LONGEST_PATH) for file in message.metadata["files"]]
        except (TypeError, KeyError, ElementRefused) as error:
            raise DataError(
                f"metadata.files is not a list of objects with a path ({error!r}).",
                next_step="publish the game_date alone: the latest files of the date are then found.",
            ) from error
    return _latest(context.runtime.raw, context.dates)


def _latest(raw: Blobs, dates: DateRange) -> list[str]:
    one_day = dates.first if dates.first == dates.last else None
    latest: dict[tuple[str, str, date], list[str]] = {}
    for (source, kind), about in KINDS.items():
        for path in raw.list(raw_folder(source, kind, one_day)):  # sorted, so the last one of a day stays
            day = parse_raw_path(path)[2]
            if dates.first <= day <= dates.last:
                before = latest.get((source, kind, day), []) if about.adds else []
                latest[source, kind, day] = [*before, path]
    return [path for paths in latest.values() for path in paths]


def _reason(reading: Reading) -> str:
    parts = []
    if reading.failed_files:
        path, why = next(iter(reading.failed_files.items()))
        parts.append(f"{len(reading.failed_files)} files cannot be read, the first is {path}: {why}")
    if reading.problems.sentences:
        parts.append(
            f"{len(reading.problems.sentences)} rows cannot be read, the first is {reading.problems.sentences[0]}"
        )
    return "; ".join(parts)
