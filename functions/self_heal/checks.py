"""The rules of the contracts in pipeline.yaml: each says what a date is short of, or None; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from functions.self_heal.snapshot import FINAL, Player, Snapshot
from shared.batches import CLOSED, FAILED
from shared.config import Settings
from shared.eligibility import reason_to_leave_out
from shared.pipeline import Contract

# A game has two.
TEAMS = 2


@dataclass(frozen=True)
class Shortage:
    """The first contract of the chain that the date is short of."""

    contract: Contract
    reason: str


Check = Callable[[Snapshot, Settings], str | None]


def first_shortage(snapshot: Snapshot, contracts: Sequence[Contract], settings: Settings) -> Shortage | None:
    """The earliest phase that is short, by the order of the contracts; None: everything is there."""
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
    """A team nobody has played for in 30 days has no roster (a season's first days), hence no context."""
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
    if batch is None or batch.status != CLOSED:
        return None
    return f"{batch.batch_id} closed ({batch.data['closed_as']}) and was not consolidated"


def predictions(snapshot: Snapshot, settings: Settings) -> str | None:
    """Games that have tipped off cannot be predicted any more, and count no longer."""
    coming = {game.game_id for game in snapshot.coming}
    if not coming:
        return None
    if snapshot.batch is not None and snapshot.batch.status == FAILED:
        return f"{snapshot.batch.batch_id} failed: {snapshot.batch.data.get('failure')}"
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
    if covered < settings.min_coverage * len(expected):
        share = f"{covered} of {len(expected)} expected players"
        return f"current predictions cover {share}, less than {settings.min_coverage:.0%}"
    return None


def _would_be_expected(player: Player, snapshot: Snapshot, settings: Settings) -> bool:
    """Of a game that no consolidated batch has on record: what the coordinator would decide now."""
    return player.features is not None and reason_to_leave_out(player.features, settings, snapshot.now) is None


def export(snapshot: Snapshot, settings: Settings) -> str | None:
    counting = {
        player.batch_id: player.consolidated_at
        for player in snapshot.players
        if player.is_predicted and player.batch_id is not None
    }
    if not counting:
        return None
    path = f"v1/predictions/{snapshot.game_date}.json"
    if snapshot.export is None:
        return f"{path} is not there"
    if snapshot.export.epoch != snapshot.epoch:
        return f"{path} is of another repetition of the day"
    if snapshot.export.batches != tuple(sorted(counting)):
        return f"{path} is of {', '.join(snapshot.export.batches) or 'no batch'}, not of {', '.join(sorted(counting))}"
    if snapshot.export.content_at < max(at for at in counting.values() if at is not None):
        return f"{path} is from before its batch was consolidated"
    return None


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


def _of(short: Sequence[str], games: int) -> str:
    named = ", ".join(short[:5]) + (", ..." if len(short) > 5 else "")
    return f"{len(short)} of {games} games ({named})"


CHECKS: dict[str, Check] = {
    check.__name__: check for check in (sources, context, features, consolidation, predictions, export, results, grades)
}
