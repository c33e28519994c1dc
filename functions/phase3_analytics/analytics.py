"""Phase 3's work: summaries of games played and the context of games to come, set-based, one
statement a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from functions.phase3_analytics import suspicious
from functions.phase3_analytics.aliases import ALIAS_PAIRS, load_aliases
from functions.phase3_analytics.steps import PLAYER_CONTEXT, PLAYER_SUMMARY, UNRESOLVED, Step, steps_of
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PhaseMessage
from shared.core.events import Event
from shared.nba.stats import STATS
from shared.stores.ports import DateRange, Warehouse
from shared.stores.warehouse.sql import read_sql

PACKAGE = "functions.phase3_analytics"
# The All-Star break is the longest pause of a season (about a week); a summer is longer than this.
SCHEDULE_NEAR = timedelta(days=30)
# Modes about games that have been played.
PLAYED = ("results", "backfill")


@dataclass(frozen=True)
class Inputs:
    """What the raw tables hold for the dates: counts of games."""

    schedule_rows_near: int
    """Schedule rows within 30 days of the dates, of any kind of game: none means that no schedule
    was loaded.
    """
    games: int
    games_final: int
    games_without_player_box: Sequence[str]
    """Final games without box scores of both teams' players."""
    games_without_team_box: Sequence[str]
    games_swapped_in_odds: Sequence[str]
    """Games whose home and away team the odds feed has the other way round; their lines count all
    the same.
    """
    games_with_third_team: Sequence[str]
    """Games with box score rows of a team that does not play in them, and that team: such rows are
    left out.
    """
    games_points_apart: Mapping[str, str]
    """Final games whose players' points do not add up to the team's -> the teams, as "BOS 110 of
    112".
    """


def run(message: PhaseMessage, context: Context) -> Outcome:
    """Write the mode's tables for the run's dates: as many statements for a season as for a day.

    no_data without games (or without a schedule, which is said); partial where final games lack box
    scores.
    """
    warehouse = context.runtime.warehouse
    params = {
        "as_of": context.as_of,
        "run_id": context.run_id,
        "first_date": context.dates.first,
        "last_date": context.dates.last,
        "alias_pairs": ALIAS_PAIRS,
        **suspicious.parameters(STATS.values()),
    }
    inputs = read_inputs(warehouse, params)
    if not inputs.games:
        return _no_games(inputs, context.dates)
    if context.mode == "backfill":
        load_aliases(warehouse)
    rows = {step.table: write(warehouse, step, context.dates, params) for step in steps_of(context.mode)}
    return _outcome(context, inputs, rows)


def read_inputs(warehouse: Warehouse, params: Mapping[str, Any]) -> Inputs:
    """Count what the raw tables hold, in one query."""
    dates = {
        "near_first": params["first_date"] - SCHEDULE_NEAR,
        "near_last": params["last_date"] + SCHEDULE_NEAR,
    }
    row = warehouse.query(read_sql(PACKAGE, "inputs"), {**params, **dates}).to_pylist()[0]
    return Inputs(
        schedule_rows_near=row["schedule_rows_near"],
        games=row["games"],
        games_final=row["games_final"],
        games_without_player_box=_split_list(row["games_without_player_box"]),
        games_without_team_box=_split_list(row["games_without_team_box"]),
        games_swapped_in_odds=_split_list(row["games_swapped_in_odds"]),
        games_with_third_team=_split_list(row["games_with_third_team"]),
        games_points_apart=dict(each.split(" ", 1) for each in _split_list(row["games_points_apart"])),
    )


def write(warehouse: Warehouse, step: Step, dates: DateRange, params: Mapping[str, Any]) -> int:
    """Run one step; returns the rows written."""
    sql = read_sql(PACKAGE, step.sql)
    if not step.by:
        return warehouse.execute(sql, params)
    return warehouse.replace_partition(step.table, dates, sql, params, by=step.by)


def _outcome(context: Context, inputs: Inputs, rows: Mapping[str, int]) -> Outcome:
    played = context.mode in PLAYED
    coming = context.mode != "results"
    output = PLAYER_CONTEXT.table if coming else PLAYER_SUMMARY.table
    metadata = {
        "rows": dict(rows),
        "games": inputs.games,
        "games_final": inputs.games_final,
        "games_without_player_box": len(inputs.games_without_player_box),
        "games_without_team_box": len(inputs.games_without_team_box),
        "games_points_apart": sorted(inputs.games_points_apart),
        "games_with_third_team": list(inputs.games_with_third_team),
        "unresolved_names": rows.get(UNRESOLVED.table, 0),
        "games_swapped_in_odds": len(inputs.games_swapped_in_odds),
    }
    count = rows.get(output, 0)
    if played and not inputs.games_final:
        reason = f"none of the {inputs.games} games of {context.dates} is final yet"
        return Outcome("no_data", output_table=output, reason=reason, metadata=metadata, event=Event.NO_FINAL_GAMES)
    short = _short_of_box_scores(inputs) if played else ""
    if coming and not count:
        reason = (
            f"{inputs.games} games on {context.dates}, but nobody is on a roster: no box score is known from"
            " the 30 days before"
        )
        return Outcome(
            "no_data",
            output_table=output,
            reason=f"{reason}; {short}" if short else reason,
            metadata=metadata,
            event=Event.NO_ROSTERS,
        )
    swapped = inputs.games_swapped_in_odds if coming else ()
    if swapped:
        turned = f"{len(swapped)} games have home and away the other way round in the odds feed ({_first_of(swapped)})"
        short = "; ".join(part for part in (short, turned) if part)
    missing = {*inputs.games_without_player_box, *inputs.games_without_team_box, *inputs.games_points_apart}
    missing |= {each.split(" ")[0] for each in inputs.games_with_third_team}
    missing = missing if played else set()
    return Outcome(
        "partial" if missing else "success",
        record_count=count,
        records_failed=len(missing),
        reason=short,
        output_table=output,
        metadata=metadata,
    )


def _no_games(inputs: Inputs, dates: DateRange) -> Outcome:
    if inputs.schedule_rows_near:
        return Outcome("no_data", reason=f"no games on {dates}", event=Event.NO_GAMES)
    reason = (
        f"the schedule is not loaded: nba_raw.nbac_schedule has no game within {SCHEDULE_NEAR.days} days of"
        f" {dates}; run phase 1 for the date again and look at its NBA schedule source"
    )
    return Outcome("no_data", reason=reason, event=Event.NO_SCHEDULE)


def _short_of_box_scores(inputs: Inputs) -> str:
    parts = [
        f"{len(games)} of {inputs.games_final} final games have no {kind} box score ({_first_of(games)})"
        for kind, games in (("player", inputs.games_without_player_box), ("team", inputs.games_without_team_box))
        if games
    ]
    if inputs.games_points_apart:
        named = [f"{game_id}: {teams}" for game_id, teams in inputs.games_points_apart.items()]
        parts.append(
            f"in {len(named)} of {inputs.games_final} final games the players' points do not add up to the team's"
            f" ({_first_of(named)})"
        )
    strangers = inputs.games_with_third_team
    if strangers:
        few = _first_of(strangers)
        parts.append(f"box scores of {len(strangers)} games have rows of a team that does not play in them ({few})")
    return "; ".join(parts)


def _first_of(games: Sequence[str], most: int = 5) -> str:
    return ", ".join(games[:most]) + (", ..." if len(games) > most else "")


def _split_list(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()
