"""How much of a phase's work is there, over all games of a date: what the contracts count, and of
phases without one what batches and raw rows say. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.chain.batches.records import BatchStatus
from shared.core.errors import split_next_step
from shared.core.pipeline import CONSOLIDATION, COORDINATOR, GRADING, WORKER
from shared.core.settings import Settings
from shared.operations.contracts.exported import dated_files
from shared.operations.contracts.file_rules import check_published, export, list_exports, list_results
from shared.operations.contracts.rules import (
    TEAMS,
    check_kept,
    consolidation,
    counted_grades,
    expected_players,
    grades,
    predictions,
    results,
    sources,
)
from shared.operations.contracts.snapshot import Snapshot


@dataclass(frozen=True)
class Measure:
    """What is there of a phase's work."""

    have: int
    should: int | None
    unit: str
    short: str = ""
    """Why it is short; empty: it is not."""
    says: str = ""
    """What else is to be known of it."""
    done_at: datetime | None = None
    can_be_mended: bool = True
    """False: what is missing cannot be made again."""

    @property
    def is_empty(self) -> bool:
        """Nothing is there, and nothing should be."""
        return not self.have and not self.should and not self.short


@dataclass(frozen=True)
class View:
    """What a measure is taken from."""

    snapshot: Snapshot
    settings: Settings
    units_done: int | None = None
    """Of the latest batch, while it is open."""

    @property
    def is_played(self) -> bool:
        return self.snapshot.group == "played"

    @property
    def is_unpredicted(self) -> bool:
        """Whether nobody was predicted, and nobody can be any more."""
        seen = self.snapshot
        nothing = seen.newest is None and not seen.batches and not any(player.is_predicted for player in seen.players)
        return nothing and bool(seen.scheduled_games) and not seen.coming


def measure(view: View, phase: str) -> Measure:
    """Raises KeyError for a phase of another chain."""
    return _MEASURES[phase](view)


def _sources(view: View) -> Measure:
    seen = view.snapshot
    if view.is_played:
        short = results(seen, view.settings)
        have = len(seen.over) if short is None else short.have
        return Measure(have, len(seen.over), "games with results", short.reason if short else "")
    feeds = {
        "injury list": seen.feeds.injuries,
        "player lines": seen.feeds.player_lines,
        "game lines": seen.feeds.game_lines,
    }
    absent = [name for name, rows in feeds.items() if not rows]
    says = f"not loaded: {', '.join(absent)}" if absent else ""
    short = sources(seen, view.settings)
    have = 2 if seen.schedule_rows and seen.feeds.rows else int(bool(seen.schedule_rows or seen.feeds.rows))
    return Measure(have, 2, "of schedule and feeds", short.reason if short else "", says)


def _raw(view: View) -> Measure:
    """Raw rows are counted by phase 1's contract; how many they should be nobody knows before."""
    rows = view.snapshot.feeds.rows + len(view.snapshot.games)
    return Measure(rows, None, "raw rows", _sources(view).short)


def _contexts(view: View) -> Measure:
    seen = view.snapshot
    if view.is_played:
        have, should = sum(min(game.result_teams, TEAMS) for game in seen.over), TEAMS * len(seen.over)
        short = f"{should - have} of {should} teams have no summary of their game" if have < should else ""
        return Measure(have, should, "teams summarised", short)
    games = seen.scheduled_games
    have = sum(min(game.context_teams, game.roster_teams) for game in games)
    should = sum(game.roster_teams for game in games)
    short = f"{should - have} of {should} teams have no player context" if have < should else ""
    unlisted = sum(game.unlisted_teams for game in games)
    says = f"injuries of {unlisted} of {have} teams unknown" if unlisted else ""
    return Measure(
        have, should, "teams with a context", short, says, done_at=_newest_context(seen), can_be_mended=_open(seen)
    )


def _features(view: View) -> Measure:
    seen = view.snapshot
    have = sum(game.feature_players for game in seen.scheduled_games)
    should = sum(game.context_players for game in seen.scheduled_games)
    short = f"{should - have} of {should} players of the newest context have no feature row" if have < should else ""
    return Measure(have, should, "players", short, done_at=_newest_context(seen), can_be_mended=_open(seen))


def _predictions(view: View) -> Measure:
    seen = view.snapshot
    games = {game.game_id for game in seen.scheduled_games}
    expected = expected_players(seen, games, view.settings, before_tipoff=True)
    have = sum(player.is_predicted for player in expected)
    failed = seen.batch is not None and seen.batch.status == BatchStatus.FAILED
    # what failed is its consolidation's cell
    short = None if failed else predictions(seen, view.settings)
    reason = short.reason if short else ""
    if not reason:
        coming = {game.game_id for game in seen.coming}
        bare = [player.game_id for player in expected if player.game_id not in coming and player.batch_id is None]
        if bare:
            reason = f"{len(bare)} players of {len(set(bare))} games had no prediction before tip-off"
    return Measure(have, len(expected), "players", reason, done_at=_consolidated_at(view), can_be_mended=_open(seen))


def _units(view: View) -> Measure:
    """The latest batch's units; without a batch on record, the rows in place tell."""
    batch = view.snapshot.batch
    if batch is None:
        newest = view.snapshot.newest
        if newest is None:
            return Measure(0, 0, "units")
        return Measure(newest.rows_there, newest.rows_expected, "rows", done_at=newest.consolidated_at)
    if batch.status == BatchStatus.OPEN:
        have = view.units_done or 0
        return Measure(have, batch.unit_count, "units", f"{batch.unit_count - have} units of {batch.batch_id} are out")
    have, rows = batch.unit_count - len(batch.missing), f"{batch.rows_in_place} rows"
    named = ", ".join(batch.missing[:5]) + (", ..." if len(batch.missing) > 5 else "")
    short = f"{len(batch.missing)} units of {batch.batch_id} have no result: {named}" if batch.missing else ""
    return Measure(have, batch.unit_count, "units", short, says=rows, done_at=batch.closed_at)


def _rows(view: View) -> Measure:
    seen = view.snapshot
    batch, newest = seen.batch, seen.newest
    have, should = (newest.rows_there, newest.rows_expected) if newest is not None else (0, 0)
    at = _consolidated_at(view)
    if batch is not None and batch.status == BatchStatus.FAILED:
        why = split_next_step(batch.failure or "no reason given")[0].removeprefix(f"{batch.batch_id}: ")
        return Measure(have, should, "rows", f"{batch.batch_id} failed: {why}", done_at=at)
    kept = check_kept(seen, view.settings) if view.is_played else None
    if kept is not None:
        return Measure(kept.have, kept.should, "rows", kept.reason, done_at=at, can_be_mended=False)
    short = consolidation(seen, view.settings)
    gone = f"{should - have} rows of {newest.batch_id} are gone" if newest is not None and have < should else ""
    reason = short.reason if short else gone
    return Measure(have, should, "rows", reason, done_at=at, can_be_mended=bool(short) or _open(seen))


def _files(view: View) -> Measure:
    seen = view.snapshot
    files = [*list_exports(seen), *(list_results(seen) if view.is_played else ())]
    short = check_published(seen, view.settings) if view.is_played else export(seen, view.settings)
    dated = seen.files.get(dated_files(seen.game_date)[0])
    at = dated.generated_at if dated is not None else None
    have = sum(why is None for _, why in files)
    return Measure(have, len(files), "files", short.reason if short else "", done_at=at)


def _grades(view: View) -> Measure:
    seen = view.snapshot
    should = sum(game.predictions for game in seen.over)
    have = sum(min(counted_grades(game), game.predictions) for game in seen.over)
    short = grades(seen, view.settings) if view.is_played else None
    at = max((game.graded_at for game in seen.games if game.graded_at is not None), default=None)
    return Measure(have, should, "grades", short.reason if short else "", done_at=at if have else None)


def _open(seen: Snapshot) -> bool:
    """Whether there is a game that can still be predicted."""
    return bool(seen.coming)


def _newest_context(seen: Snapshot) -> datetime | None:
    return max((game.features_as_of for game in seen.games if game.features_as_of is not None), default=None)


def _consolidated_at(view: View) -> datetime | None:
    newest = view.snapshot.newest
    return None if newest is None else newest.consolidated_at


_MEASURES: Mapping[str, Callable[[View], Measure]] = {
    "phase1": _sources,
    "phase2": _raw,
    "phase3": _contexts,
    "phase4": _features,
    COORDINATOR: _predictions,
    WORKER: _units,
    CONSOLIDATION: _rows,
    "phase6": _files,
    GRADING: _grades,
}
