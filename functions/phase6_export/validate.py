"""May this date be exported? Predictions exist, cover the expected players, and none is from after
its tip-off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import filterfalse
from typing import Any, Literal

from functions.phase6_export.labels import label_of_stat
from functions.phase6_export.reading import Day, key_of
from functions.phase6_export.rows import Row
from shared.core.events import Event


@dataclass(frozen=True)
class Coverage:
    """Expected players of games that could still be predicted, and how many of them current
    predictions cover, in every statistic.
    """

    expected: int
    covered: int
    lacking: Mapping[str, int] = field(default_factory=dict)
    """Statistic -> how many of them have other predictions and none of it."""

    @property
    def share(self) -> float:
        return self.covered / self.expected if self.expected else 0.0

    def as_json(self) -> dict[str, Any]:
        return {"expected": self.expected, "covered": self.covered, "share": round(self.share, 4)}


@dataclass(frozen=True)
class Refusal:
    """Why nothing is exported.

    `can_heal`: predicting the date again may mend it, so self-heal is asked.
    """

    status: Literal["no_data", "failed"]
    event: Event
    reason: str
    can_heal: bool
    nothing_played: bool = False
    """No game takes place: the pointers say so, and nothing of an earlier date is shown any
    more.
    """
    withdraws: bool = False
    """Besides, what an earlier export of the date may offer is to be taken back."""


def coverage(day: Day) -> Coverage:
    """Players expected by the batch that counts for their game against those with a current
    prediction of every statistic that this batch predicts.

    Games that had tipped off when the newest batch was consolidated and that no batch covered
    cannot be predicted any more, and those called off are not played: their players are not
    expected here.
    """
    expected = [
        row
        for row in day.players
        if row["status"] == "expected" and row["game_id"] not in day.withheld and not _frozen(row, day)
    ]
    covered, lacking = 0, Counter[str]()
    for row in expected:
        found = day.stats_of_player.get(key_of(row), set())
        missing = day.stats_of_batch.get(row["batch_id"], set()) - found
        covered += bool(found) and not missing
        lacking.update(missing if found else ())
    return Coverage(len(expected), covered, lacking)


def _frozen(row: Row, day: Day) -> bool:
    tipoff = day.tipoffs.get(row["game_id"])
    return not row["game_is_covered"] and tipoff is not None and bool(tipoff <= row["newest_consolidated_at"])


def refusal(day: Day, min_coverage: float) -> Refusal | None:
    """The first reason not to export the day; None where it may be."""
    on = day.game_date
    if not day.schedule_rows:
        return Refusal("failed", Event.NO_SCHEDULE, f"no schedule is loaded around {on}", can_heal=True)
    games, nothing_played = day.on_the_date, {"nothing_played": True, "withdraws": bool(day.predictions)}
    if not games:
        return Refusal("no_data", Event.NO_GAMES, f"no games on {on}", can_heal=False, **nothing_played)
    if all(game["called_off"] == "postponed" for game in games):
        why = f"all {len(games)} games on {on} are postponed"
        return Refusal("no_data", Event.GAMES_POSTPONED, why, can_heal=False, **nothing_played)
    if all(game["called_off"] is not None for game in games):
        why = f"all {len(games)} games on {on} are called off"
        return Refusal("no_data", Event.GAMES_CALLED_OFF, why, can_heal=False, **nothing_played)
    if not day.predictions:
        why = f"there are no current predictions for {on}"
        return Refusal("no_data", Event.NO_PREDICTIONS, why, can_heal=True)
    if not all(map(_in_time, day.offered.distinct(*_MOMENTS))):
        late = filterfalse(_in_time, day.offered.only(*_NAMES, *_MOMENTS))
        first_late = next(late)
        why = f"{1 + sum(1 for _ in late)} predictions are from after their tip-off, {_describe_row(first_late)}"
        return Refusal("failed", Event.PREDICTED_AFTER_TIPOFF, why, can_heal=False)
    strangers = sorted(set(day.by_player) - set(day.considered))
    if strangers:
        game_id, player_id = strangers[0]
        first = f"first player {player_id} of game {game_id}"
        why = f"{len(strangers)} predicted players were not expected, {first}"
        return Refusal("failed", Event.UNEXPECTED_PLAYERS, why, can_heal=True)
    found = coverage(day)
    # where everybody's game is called off or over early, nobody is missing
    if found.share < min_coverage and (found.expected or not day.withheld):
        lacking = "".join(f", without {label_of_stat(stat)}: {n}" for stat, n in sorted(found.lacking.items()))
        counts = f"{found.covered} of {found.expected} expected players{lacking}"
        why = f"predictions cover {counts}, less than {min_coverage:.0%}"
        return Refusal("failed", Event.LOW_COVERAGE, why, can_heal=True)
    return None


# What _in_time looks at, and besides _describe_row.
_MOMENTS = ("updated_at", "features_as_of", "line_snapshot_at", "tipoff_at")
_NAMES = ("player_lookup", "game_id", "stat")


def _in_time(row: Row) -> bool:
    """line_snapshot_at < features_as_of <= tip-off, and last written before tip-off."""
    snapshot, as_of, tipoff = row["line_snapshot_at"], row["features_as_of"], row["tipoff_at"]
    return bool(row["updated_at"] < tipoff and as_of <= tipoff and (snapshot is None or snapshot < as_of))


def _describe_row(row: Row) -> str:
    return (
        f"first {row['player_lookup']} in game {row['game_id']} ({row['stat']}): updated {row['updated_at']}, "
        f"features as of {row['features_as_of']}, lines of {row['line_snapshot_at']}, tip-off {row['tipoff_at']}"
    )
