"""The games of a date that have predictions: which can be graded, and why the others cannot yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

# A game has two.
TEAMS = 2
NO_BOX_SCORE = "no_final_box_score"
HALF = "box_score_of_one_team"
APART = "points_do_not_add_up"


@dataclass(frozen=True)
class Game:
    """One row of sql/games.sql."""

    game_id: str
    predictions: int
    made_late: int
    """Predictions written at tip-off or later."""
    season_start: date | None
    void_reason: str | None
    """Why it was not played that day: postponed, cancelled, suspended, moved (to another day) or
    not_scheduled (gone from the schedule); None where it was, or is to be.
    """
    is_final: bool
    tipoff_at: datetime | None
    """The schedule's."""
    teams: int
    """Teams whose players the box score has."""
    points_apart: str | None
    """Teams whose players' points do not add up to the team's, with both figures."""
    grades: int
    """Rows of an earlier grading."""

    @property
    def why_not(self) -> str | None:
        """Why it cannot be graded; None where it can, be it as void."""
        if self.void_reason is not None:
            return None
        if not self.is_final or not self.teams:
            return NO_BOX_SCORE
        if self.teams < TEAMS:
            return HALF
        return APART if self.points_apart else None

    def as_graded(self) -> dict[str, Any]:
        """What sql/graded.sql has to know of it."""
        knows_tipoff = self.void_reason is None and self.tipoff_at is not None
        return {
            "game_id": self.game_id,
            "void_reason": self.void_reason,
            "tipoff_seconds": int(self.tipoff_at.timestamp()) if knows_tipoff and self.tipoff_at else None,
        }


def describe(games: Sequence[Game]) -> dict[str, Any]:
    """Counts and names for the outcome's metadata."""
    return {
        "games": len(games),
        "games_pending": [game.game_id for game in games if game.why_not is not None],
        "games_with_half_a_box_score": [game.game_id for game in games if game.why_not == HALF],
        "games_points_apart": {game.game_id: game.points_apart for game in games if game.why_not == APART},
        "games_called_off": {game.game_id: game.void_reason for game in games if game.void_reason is not None},
        "predictions_made_late": sum(game.made_late for game in games if game.why_not is None),
    }


def short_of(games: Sequence[Game], day: date) -> str:
    """What the games that cannot be graded lack, in a sentence each kind."""
    without = sum(game.why_not == NO_BOX_SCORE for game in games)
    half = [game.game_id for game in games if game.why_not == HALF]
    apart = [f"{game.game_id}: {game.points_apart}" for game in games if game.why_not == APART]
    parts = []
    if without == len(games):
        parts.append(f"none of the {len(games)} games with predictions on {day} has a final box score")
    elif without:
        parts.append(f"{without} of {len(games)} games have no final box score")
    if half:
        parts.append(f"{len(half)} of {len(games)} games have the box score of one team only ({', '.join(half)})")
    if apart:
        count = f"{len(apart)} of {len(games)} games"
        parts.append(f"the players' points of {count} do not add up to the team's ({'; '.join(apart)})")
    return "; ".join(parts)
