"""Phase 3's statements as data: which tables a mode writes, in the order in which they read one
another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.chain.messages.messages import Mode

BY_DATE = ("game_date",)
BY_MOMENT = ("game_date", "features_as_of")


@dataclass(frozen=True)
class Step:
    """One statement, sql/{sql}.sql, that replaces the slices `by` of a table; without `by` it is a
    MERGE into it.
    """

    table: str
    sql: str
    by: Sequence[str] = ()


TEAM_CONTEXT = Step("nba_analytics.upcoming_team_game_context", "upcoming_team_game_context", BY_MOMENT)
PLAYER_SUMMARY = Step("nba_analytics.player_game_summary", "player_game_summary", BY_DATE)
PLAYER_CONTEXT = Step("nba_analytics.upcoming_player_game_context", "upcoming_player_game_context", BY_MOMENT)
UNRESOLVED = Step("nba_reference.unresolved_names", "unresolved_names", ("game_date", "run_id"))

# Games played. Their tip-offs come from the team context, which every mode writes first.
SUMMARIES = (
    PLAYER_SUMMARY,
    Step("nba_analytics.player_absences", "player_absences", BY_DATE),
    Step("nba_analytics.team_offense_game_summary", "team_offense_game_summary", BY_DATE),
    Step("nba_analytics.team_defense_game_summary", "team_defense_game_summary", BY_DATE),
    Step("nba_reference.players", "players"),
)
# Where no list covers a past game, absences are derived, marked so, and written again by every
# backfill: the teams first, then who was absent of them.
BY_SOURCE = ("game_date", "source")
DERIVED = (
    Step("nba_raw.injury_report_teams", "derived_lists", BY_SOURCE),
    Step("nba_raw.injury_report", "derived_absences", BY_SOURCE),
)
# Games to come, and in a backfill every game as it was to come at its cut-off.
CONTEXTS = (
    Step("nba_analytics.resolved_names", "resolved_names", BY_MOMENT),
    Step("nba_analytics.upcoming_player_lines", "upcoming_player_lines", BY_MOMENT),
    PLAYER_CONTEXT,
    UNRESOLVED,
)


def steps_of(mode: Mode) -> tuple[Step, ...]:
    """The statements of a mode, in order."""
    if mode == "results":
        return (TEAM_CONTEXT, *SUMMARIES)
    if mode == "backfill":
        return (TEAM_CONTEXT, *SUMMARIES, *DERIVED, *CONTEXTS)
    return (TEAM_CONTEXT, *CONTEXTS)
