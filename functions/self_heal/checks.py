"""The rules of the contracts in pipeline.yaml: each says what a date is short of, or None; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from functions.self_heal.exported import EVERYBODY, GRADED_POINTERS, POINTERS, ROOT, dated_files, results_file
from functions.self_heal.snapshot import FINAL, Player, Snapshot
from shared.chain.batches.records import BatchStatus
from shared.core.clock import new_york_date
from shared.core.pipeline import Contract
from shared.core.settings import Settings
from shared.science.predictions.eligibility import reason_to_leave_out

# A game has two.
TEAMS = 2


@dataclass(frozen=True)
class Shortage:
    """The first contract of the chain that the date is short of."""

    contract: Contract
    reason: str


Check = Callable[[Snapshot, Settings], str | None]


def first_shortage(snapshot: Snapshot, contracts: Sequence[Contract], settings: Settings) -> Shortage | None:
    """The earliest phase that is short, by the order of the contracts; None: everything is
    there.
    """
    for contract in contracts:
        reason = CHECKS[contract.check](snapshot, settings)
        if reason is not None:
            return Shortage(contract, reason)
    return None


def sources(snapshot: Snapshot, settings: Settings) -> str | None:
    """One feed of two may be down and the day goes on; of a day nobody fetched there is neither."""
    if not snapshot.schedule_rows:
        return f"no schedule is loaded around {snapshot.game_date}"
    if snapshot.coming and not snapshot.feed_rows:
        return f"neither an injury list nor lines of {snapshot.game_date} are loaded"
    return None


def context(snapshot: Snapshot, settings: Settings) -> str | None:
    """A team nobody has played for in 30 days has no roster (a season's first days), hence no
    context.
    """
    short = [game.game_id for game in snapshot.coming if game.context_teams < game.roster_teams]
    return f"{_of(short, len(snapshot.coming))} have no player context of both teams" if short else None


def features(snapshot: Snapshot, settings: Settings) -> str | None:
    short = [game for game in snapshot.coming if game.feature_players < game.context_players]
    if not short:
        return None
    missing = sum(game.context_players - game.feature_players for game in short)
    games = _of([game.game_id for game in short], len(snapshot.coming))
    return f"{missing} players of the newest context have no feature row: {games}"


def consolidation(snapshot: Snapshot, settings: Settings) -> str | None:
    batch = snapshot.batch
    if batch is None or batch.status != BatchStatus.CLOSED:
        return None
    return f"{batch.batch_id} closed ({batch.closed_as}) and was not consolidated"


def predictions(snapshot: Snapshot, settings: Settings) -> str | None:
    """Games that have tipped off cannot be predicted any more, and count no longer."""
    coming = {game.game_id for game in snapshot.coming}
    if not coming:
        return None
    if snapshot.batch is not None and snapshot.batch.status == BatchStatus.FAILED:
        return f"{snapshot.batch.batch_id} failed: {snapshot.batch.failure}"
    players = [player for player in snapshot.players if player.game_id in coming]
    strangers = [p for p in players if p.is_predicted and p.considered_as is None]
    if strangers:
        first = f"first player {strangers[0].player_id} of game {strangers[0].game_id}"
        return f"{len(strangers)} predicted players are not on record as considered, {first}"
    on_record = {player.game_id for player in players if player.considered_as is not None}
    expected = [
        player
        for player in players
        if (
            player.considered_as == "expected"
            if player.game_id in on_record
            else _would_be_expected(player, snapshot, settings)
        )
    ]
    covered = sum(player.is_predicted for player in expected)
    # of no one expected, everybody is covered
    if not _enough(covered, expected, settings):
        share = f"{covered} of {len(expected)} expected players"
        return f"current predictions cover {share}, less than {settings.min_coverage:.0%}"
    return _rows_gone(snapshot)


def _enough(covered: int, expected: Sequence[Player], settings: Settings) -> bool:
    return covered >= settings.min_coverage * len(expected)


def _rows_gone(snapshot: Snapshot) -> str | None:
    """Rows that consolidation put in place and counted, and that are not there any more."""
    newest = snapshot.newest
    if newest is None or newest.rows_there >= newest.rows_expected:
        return None
    gone = newest.rows_expected - newest.rows_there
    return f"{gone} of the {newest.rows_expected} rows that {newest.batch_id} put in place are gone"


def _would_be_expected(player: Player, snapshot: Snapshot, settings: Settings) -> bool:
    """Of a game that no consolidated batch has on record: what the coordinator would decide now."""
    return player.features is not None and reason_to_leave_out(player.features, settings, snapshot.now) is None


def export(snapshot: Snapshot, settings: Settings) -> str | None:
    """Every file of the date is there, of the predictions that count: its own, the pointers, and
    all players'.
    """
    counting = _counting(snapshot)
    return _check_exported(snapshot, counting) if counting else None


def check_published(snapshot: Snapshot, settings: Settings) -> str | None:
    """Besides, once it is graded: its results, and pointers to results that are not of an earlier
    date.
    """
    counting, graded_at = _counting(snapshot), _graded_at(snapshot)
    short = _check_exported(snapshot, counting) if counting else None
    if short is not None or graded_at is None:
        return short
    path = results_file(snapshot.game_date)
    file = snapshot.files.get(path)
    if file is None:
        return f"{path} is not there"
    if file.epoch != snapshot.epoch:
        return f"{path} is of another repetition of the day"
    if file.content_at < graded_at:
        return f"{path} is from before the last grading"
    return _first(_behind(path, snapshot) for path in GRADED_POINTERS)


def _counting(snapshot: Snapshot) -> dict[str, datetime]:
    """Batches that count for at least one game, and when each was consolidated."""
    return {
        player.batch_id: player.consolidated_at
        for player in snapshot.players
        if player.is_predicted and player.batch_id is not None and player.consolidated_at is not None
    }


def _graded_at(snapshot: Snapshot) -> datetime | None:
    return max((game.graded_at for game in snapshot.games if game.graded_at is not None), default=None)


def _check_exported(snapshot: Snapshot, counting: Mapping[str, datetime]) -> str | None:
    """The first file that is not of the predictions that count.

    Pointers that have moved on to a newer date are that date's matter, and so are the players'
    files then.
    """
    short = _first(_not_of(path, snapshot, counting) for path in dated_files(snapshot.game_date))
    if short is not None or snapshot.game_date > new_york_date(snapshot.now):
        return short
    short = _first(_behind(path, snapshot) for path in POINTERS)
    if short is not None:
        return short
    today, files = snapshot.game_date.isoformat(), snapshot.files
    pointing = {path: file for path in POINTERS if (file := files[path]) is not None and file.game_date == today}
    players = [f"{ROOT}/{path}" for path in pointing[EVERYBODY].players] if EVERYBODY in pointing else []
    return _first(_not_of(path, snapshot, counting) for path in [*pointing, *players])


def without_games(snapshot: Snapshot, contracts: Sequence[Contract]) -> Shortage | None:
    """On a date without games the exports have to say so: short where a pointer is of an earlier
    date, or gone.
    """
    if snapshot.game_date > new_york_date(snapshot.now):
        return None
    (contract,) = (each for each in contracts if each.check == "export")
    reason = _first(_behind(path, snapshot) for path in POINTERS)
    return None if reason is None else Shortage(contract, f"nothing is played on {snapshot.game_date}, and {reason}")


def _behind(path: str, snapshot: Snapshot) -> str | None:
    """What a pointer lacks that must be of the date or a later one."""
    file = snapshot.files.get(path)
    if file is None:
        return f"{path} is not there"
    if file.epoch != snapshot.epoch:
        return f"{path} is of another repetition of the day"
    return f"{path} is of {file.game_date}" if file.game_date < snapshot.game_date.isoformat() else None


def _not_of(path: str, snapshot: Snapshot, counting: Mapping[str, datetime]) -> str | None:
    """Why a file is not of the predictions that count."""
    file = snapshot.files.get(path)
    if file is None:
        return f"{path} is not there"
    if file.epoch != snapshot.epoch:
        return f"{path} is of another repetition of the day"
    if file.game_date != snapshot.game_date.isoformat():
        return f"{path} is of {file.game_date}"
    if file.batches != tuple(sorted(counting)):
        return f"{path} is of {', '.join(file.batches) or 'no batch'}, not of {', '.join(sorted(counting))}"
    if file.content_at < max(counting.values()):
        return f"{path} is from before its batch was consolidated"
    return None


def _first(reasons: Iterable[str | None]) -> str | None:
    return next((reason for reason in reasons if reason is not None), None)


def results(snapshot: Snapshot, settings: Settings) -> str | None:
    open_ = [game.game_id for game in snapshot.over if game.status != FINAL]
    if open_:
        return f"{_of(open_, len(snapshot.over))} are over and not final in the schedule"
    short = [game.game_id for game in snapshot.over if game.result_teams < TEAMS]
    if short:
        return f"{_of(short, len(snapshot.over))} have no box scores of both teams"
    apart = [game.game_id for game in snapshot.over if game.points_apart]
    return f"the players' points of {_of(apart, len(snapshot.over))} do not add up to the team's" if apart else None


def grades(snapshot: Snapshot, settings: Settings) -> str | None:
    """A grade counts where the players of both teams are there and their points add up."""
    counted = {
        game.game_id: game.grades if game.result_teams >= TEAMS and not game.points_apart else 0
        for game in snapshot.over
    }
    short = [game for game in snapshot.over if counted[game.game_id] < game.predictions]
    if not short:
        return None
    missing = sum(game.predictions - counted[game.game_id] for game in short)
    return f"{missing} current predictions have no grade: {_of([g.game_id for g in short], len(snapshot.over))}"


def check_kept(snapshot: Snapshot, settings: Settings) -> str | None:
    """What was predicted of a played date is still there; nobody can predict it again.

    A player whose unit was closed without a result was never predicted: that was said when it
    happened.
    """
    alone = [game.game_id for game in snapshot.over if game.grades_alone]
    if alone:
        count = sum(game.grades_alone for game in snapshot.over)
        return f"{count} grades are of predictions that are gone: {_of(alone, len(snapshot.over))}"
    over = {game.game_id for game in snapshot.over}
    lost = [
        player
        for player in snapshot.players
        if player.game_id in over
        and player.considered_as == "expected"
        and not player.is_predicted
        # his own unit, where the one he was recorded in was split
        and not {player.unit, str(player.player_id)}.intersection(snapshot.missing_units.get(player.batch_id or "", ()))
    ]
    if lost:
        first = f"first player {lost[0].player_id} of game {lost[0].game_id}"
        return f"{len(lost)} players were expected and have no prediction, {first}"
    return _rows_gone(snapshot)


def _of(short: Sequence[str], games: int) -> str:
    named = ", ".join(short[:5]) + (", ..." if len(short) > 5 else "")
    return f"{len(short)} of {games} games ({named})"


# By the names that the contracts of pipeline.yaml and the records of restarts have.
CHECKS: dict[str, Check] = {
    "sources": sources,
    "context": context,
    "features": features,
    "consolidation": consolidation,
    "predictions": predictions,
    "export": export,
    "results": results,
    "grades": grades,
    "published": check_published,
    "kept": check_kept,
}
