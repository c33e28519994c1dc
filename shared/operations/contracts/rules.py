"""The rules of the contracts in pipeline.yaml: each says what a date is short of, or None; pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from shared.chain.batches.records import BatchStatus
from shared.core.pipeline import Contract
from shared.core.settings import Settings
from shared.operations.contracts.file_rules import check_published, export
from shared.operations.contracts.shortage import Check, Short, Shortage
from shared.operations.contracts.snapshot import FINAL, Game, Player, Snapshot
from shared.science.predictions.eligibility import reason_to_leave_out

# A game has two.
TEAMS = 2


def first_shortage(snapshot: Snapshot, contracts: Sequence[Contract], settings: Settings) -> Shortage | None:
    """The earliest phase that is short, by the order of the contracts; None: everything is
    there.
    """
    for contract in contracts:
        short = CHECKS[contract.check](snapshot, settings)
        if short is not None:
            return Shortage(contract, short)
    return None


def sources(snapshot: Snapshot, settings: Settings) -> Short | None:
    """One feed of two may be down and the day goes on; of a day nobody fetched there is neither."""
    should = 2 if snapshot.coming else 1
    if not snapshot.schedule_rows:
        have = int(bool(snapshot.coming and snapshot.feeds.rows))
        return Short(f"no schedule is loaded around {snapshot.game_date}", have, should)
    if snapshot.coming and not snapshot.feeds.rows:
        return Short(f"neither an injury list nor lines of {snapshot.game_date} are loaded", 1, should)
    return None


def context(snapshot: Snapshot, settings: Settings) -> Short | None:
    return short_context(snapshot.coming)


def short_context(games: Sequence[Game]) -> Short | None:
    """A team nobody has played for in 30 days has no roster (a season's first days), hence no
    context.
    """
    short = [game.game_id for game in games if game.context_teams < game.roster_teams]
    if not short:
        return None
    have = sum(min(game.context_teams, game.roster_teams) for game in games)
    reason = f"{_of(short, len(games))} have no player context of both teams"
    return Short(reason, have, sum(game.roster_teams for game in games))


def features(snapshot: Snapshot, settings: Settings) -> Short | None:
    return short_features(snapshot.coming)


def short_features(games: Sequence[Game]) -> Short | None:
    """Everybody of the newest context has a feature row of its moment."""
    short = [game for game in games if game.feature_players < game.context_players]
    if not short:
        return None
    should = sum(game.context_players for game in games)
    have = sum(game.feature_players for game in games)
    named = _of([game.game_id for game in short], len(games))
    return Short(f"{should - have} players of the newest context have no feature row: {named}", have, should)


def consolidation(snapshot: Snapshot, settings: Settings) -> Short | None:
    batch = snapshot.batch
    if batch is None or batch.status != BatchStatus.CLOSED:
        return None
    reason = f"{batch.batch_id} closed ({batch.closed_as}) and was not consolidated"
    return Short(reason, len(batch.merged), batch.unit_count - len(batch.missing))


def predictions(snapshot: Snapshot, settings: Settings) -> Short | None:
    """Games that have tipped off cannot be predicted any more, and count no longer."""
    coming = {game.game_id for game in snapshot.coming}
    if not coming:
        return None
    expected = expected_players(snapshot, coming, settings)
    covered = sum(player.is_predicted for player in expected)
    if snapshot.batch is not None and snapshot.batch.status == BatchStatus.FAILED:
        return Short(f"{snapshot.batch.batch_id} failed: {snapshot.batch.failure}", covered, len(expected))
    predicted = [player for player in snapshot.players if player.game_id in coming and player.is_predicted]
    strangers = [player for player in predicted if player.considered_as is None]
    if strangers:
        first = f"first player {strangers[0].player_id} of game {strangers[0].game_id}"
        reason = f"{len(strangers)} predicted players are not on record as considered, {first}"
        return Short(reason, len(predicted) - len(strangers), len(predicted))
    # of no one expected, everybody is covered
    if covered < settings.min_coverage * len(expected):
        share = f"{covered} of {len(expected)} expected players"
        reason = f"current predictions cover {share}, less than {settings.min_coverage:.0%}"
        return Short(reason, covered, len(expected))
    return _rows_gone(snapshot)


def expected_players(
    snapshot: Snapshot, games: Collection[str], settings: Settings, *, before_tipoff: bool = False
) -> list[Player]:
    """Who of these games is to be predicted: as the batch that counts recorded it, and of a game
    that no batch has on record, as the coordinator would decide now, or `before_tipoff` would have
    decided while it could.
    """
    players = [player for player in snapshot.players if player.game_id in games]
    on_record = {player.game_id for player in players if player.considered_as is not None}
    return [
        player
        for player in players
        if (
            player.considered_as == "expected"
            if player.game_id in on_record
            else _would_be_expected(player, snapshot.now, settings, before_tipoff=before_tipoff)
        )
    ]


def _rows_gone(snapshot: Snapshot) -> Short | None:
    """Rows that consolidation put in place and counted, and that are not there any more."""
    newest = snapshot.newest
    if newest is None or newest.rows_there >= newest.rows_expected:
        return None
    gone = newest.rows_expected - newest.rows_there
    reason = f"{gone} of the {newest.rows_expected} rows that {newest.batch_id} put in place are gone"
    return Short(reason, newest.rows_there, newest.rows_expected)


def _would_be_expected(player: Player, now: datetime, settings: Settings, *, before_tipoff: bool) -> bool:
    if player.features is None:
        return False
    at = min(now, player.features["tipoff_at"] - timedelta(seconds=1)) if before_tipoff else now
    return reason_to_leave_out(player.features, settings, at) is None


def results(snapshot: Snapshot, settings: Settings) -> Short | None:
    games = snapshot.over
    open_ = [game.game_id for game in games if game.status != FINAL]
    if open_:
        return _games_short(f"{_of(open_, len(games))} are over and not final in the schedule", open_, games)
    short = [game.game_id for game in games if game.result_teams < TEAMS]
    if short:
        return _games_short(f"{_of(short, len(games))} have no box scores of both teams", short, games)
    apart = [game.game_id for game in games if game.points_apart]
    if not apart:
        return None
    return _games_short(f"the players' points of {_of(apart, len(games))} do not add up to the team's", apart, games)


def _games_short(reason: str, short: Sequence[str], games: Sequence[Game]) -> Short:
    return Short(reason, len(games) - len(short), len(games))


def counted_grades(game: Game) -> int:
    """A grade counts where the players of both teams are there and their points add up."""
    return game.grades if game.result_teams >= TEAMS and not game.points_apart else 0


def grades(snapshot: Snapshot, settings: Settings) -> Short | None:
    missing = {game.game_id: game.predictions - counted_grades(game) for game in snapshot.over}
    short = [game_id for game_id, count in missing.items() if count > 0]
    if not short:
        return None
    should = sum(game.predictions for game in snapshot.over)
    lost = sum(missing[game_id] for game_id in short)
    reason = f"{lost} current predictions have no grade: {_of(short, len(snapshot.over))}"
    return Short(reason, should - lost, should)


def check_kept(snapshot: Snapshot, settings: Settings) -> Short | None:
    """What was predicted of a played date is still there; nobody can predict it again.

    A player whose unit was closed without a result was never predicted: that was said when it
    happened.
    """
    alone = [game.game_id for game in snapshot.over if game.grades_alone]
    if alone:
        count = sum(game.grades_alone for game in snapshot.over)
        reason = f"{count} grades are of predictions that are gone: {_of(alone, len(snapshot.over))}"
        there = sum(game.predictions for game in snapshot.over)
        return Short(reason, there, there + count)
    over = {game.game_id for game in snapshot.over}
    expected = [player for player in snapshot.players if player.game_id in over and player.considered_as == "expected"]
    lost = [player for player in expected if not player.is_predicted and not _has_no_result(player, snapshot)]
    if lost:
        first = f"first player {lost[0].player_id} of game {lost[0].game_id}"
        reason = f"{len(lost)} players were expected and have no prediction, {first}"
        return Short(reason, len(expected) - len(lost), len(expected))
    return _rows_gone(snapshot)


def _has_no_result(player: Player, snapshot: Snapshot) -> bool:
    """Whether his unit was closed without a result: his own, where the one he was recorded in was
    split.
    """
    missing = snapshot.missing_units.get(player.batch_id or "", ())
    return bool({player.unit, str(player.player_id)}.intersection(missing))


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
