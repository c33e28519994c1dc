"""Small tables of one predicted evening for the tests of exports and grading, on the real embedded
ports.

Two games on 2025-11-14: LAL at BOS (19:00 New York) and GSW at DEN (22:00). A test changes single
rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from local.embedded.duckdb_warehouse import DuckDbWarehouse
from shared.chain.execution.context import Context
from shared.chain.messages.messages import PhaseMessage
from shared.stores.runtime import Runtime
from tests.support.embedded import ManualClock
from tests.support.stores import append, context_of, open_stores

DAY = date(2025, 11, 14)
EARLY, LATE = "0022500201", "0022500202"
TIPOFFS = {EARLY: datetime(2025, 11, 15, 0, 0, tzinfo=UTC), LATE: datetime(2025, 11, 15, 3, 0, tzinfo=UTC)}
TEAMS = {EARLY: ("BOS", "LAL"), LATE: ("DEN", "GSW")}
AS_OF = datetime(2025, 11, 14, 17, 0, tzinfo=UTC)
NOW = AS_OF + timedelta(minutes=5)
EXPLANATION = '[{"feature":"line","value":24.5,"effect":1.25},{"feature":"form","value":null,"effect":-0.5}]'


class Evening:
    """The runtime of a test, and writers of rows with everything ordinary filled in."""

    def __init__(self, runtime: Runtime, clock: ManualClock, loads: int = 0) -> None:
        assert isinstance(runtime.warehouse, DuckDbWarehouse)  # its statement counts are asked for
        self.runtime, self.clock, self.warehouse = runtime, clock, runtime.warehouse
        self._loads = loads

    def add(self, table: str, rows: Iterable[dict[str, Any]]) -> None:
        """Append rows, columns by name; columns that no row has stay NULL."""
        self._loads += 1
        append(self.warehouse, table, rows, f"test-{self._loads}")

    def add_sources(self, without: Sequence[str] = (), **when: Any) -> None:
        """Every source of an ordinary day, but for some tables."""
        for table, rows in sources(**when).items():
            if table not in without:
                self.add(table, rows)

    def context(self, function: str, as_of: datetime | None = None, run_id: str = "2025-11-14-test") -> Context:
        return context_of(self.runtime, function, DAY, run_id=run_id, as_of=as_of or AS_OF)

    def scalar(self, sql: str) -> Any:
        return self.warehouse.query(sql).column(0)[0].as_py()


@contextmanager
def evening(
    folder: Path, epoch: int = 1, loads: int = 0, *, template: Path | None = None, on_disk: bool = False
) -> Iterator[Evening]:
    """A runtime on a folder, at NOW; `loads` were made on it before. The rest is open_stores'."""
    clock = ManualClock(NOW)
    with open_stores(folder, clock, epoch=epoch, template=template, on_disk=on_disk) as runtime:
        yield Evening(runtime, clock, loads)


def message(day: date = DAY, **fields: Any) -> PhaseMessage:
    return PhaseMessage(game_date=day, **fields)


def schedule_row(game_id: str, status: str = "scheduled", day: date = DAY, hours: int = 0) -> dict[str, Any]:
    home, away = TEAMS[game_id]
    return {
        "game_date": day,
        "game_id": game_id,
        "snapshot_time": NOW + timedelta(days=-2, hours=hours),
        "season": "2025-26",
        "season_type": "regular_season",
        "home_team": home,
        "away_team": away,
        "tipoff_at": TIPOFFS[game_id],
        "status": status,
        "run_id": "run",
        "source_file": "file",
    }


def sources(day: date = DAY, until: datetime = AS_OF) -> dict[str, list[dict[str, Any]]]:
    """Every source as it is on an ordinary day, by table: asked an hour before `until`, with an
    answer each.

    The schedule lists a game of a later day; the box scores are of the day before, which has a game
    of its own.
    """
    at, yesterday = until - timedelta(hours=1), day - timedelta(days=1)
    common = {"run_id": "run", "source_file": "sources"}
    past = "0022500198"
    game = {"season": "2025-26", "season_type": "regular_season", "home_team": "CHI", "away_team": "MIA", **common}
    odds = [
        {
            "game_date": day,
            "event_id": game_id,
            "home_team": TEAMS[game_id][0],
            "away_team": TEAMS[game_id][1],
            "commence_time": TIPOFFS[game_id],
            "bookmaker": "book",
            "snapshot_time": at,
            "fetched_at": at,
            "answer_at": at,
            **common,
        }
        for game_id in (EARLY, LATE)
    ]
    named = {"player_name": "Alpha", "player_lookup": "alpha", "player_lookup_base": "alpha"}
    return {
        "nba_raw.nbac_schedule": [
            {**game, "game_date": yesterday, "game_id": past, "status": "final", "snapshot_time": at},
            {**game, "game_date": day + timedelta(days=9), "game_id": "0022500299", "status": "scheduled",
             "snapshot_time": at},
        ],
        "nba_raw.nbac_player_boxscores": [
            {"game_date": yesterday, "game_id": past, "season": "2025-26", "season_type": "regular_season",
             "player_id": 900, "player_name": "Somebody", "player_lookup": "somebody",
             "player_lookup_base": "somebody", "team": "CHI", "opponent": "MIA", "is_home": True, "minutes": 30.0,
             "points": 10, "snapshot_time": at, **common},
        ],
        "nba_raw.injury_report": [
            {"game_date": day, "source": "espn", "team": "LAL", "status": "OUT", "snapshot_time": at,
             "player_name": "Listed", "player_lookup": "listed", "player_lookup_base": "listed", **common},
        ],
        "nba_raw.injury_report_teams": [
            {"game_date": day, "source": "espn", "team": team, "submitted": True, "snapshot_time": at, **common}
            for game_id in (EARLY, LATE)
            for team in TEAMS[game_id]
        ],
        "nba_raw.odds_api_player_props": [
            {**row, **named, "stat": "points", "market": "player_points", "line": Decimal("24.5"), "over_price": -110,
             "under_price": -110}
            for row in odds
        ],
        "nba_raw.odds_api_game_lines": [{**row, "home_spread": Decimal("-3.5"), "total": Decimal(220)} for row in odds],
    }  # fmt: skip


def batch(game_id: str, revision: int = 1, day: date = DAY) -> dict[str, Any]:
    return {
        "game_date": day,
        "batch_id": f"batch_{day}_r{revision}",
        "revision": revision,
        "run_id": "run",
        "game_id": game_id,
        "rows_expected": 1,
        "consolidated_at": AS_OF + timedelta(minutes=2, seconds=revision),
    }


def expected_row(
    game_id: str | None,
    player_id: int | None,
    name: str,
    reason: str | None = None,
    *,
    revision: int = 1,
    has_line: bool = True,
) -> dict[str, Any]:
    """A player considered; with a reason he is left out. He plays for the home team."""
    return {
        "game_date": DAY,
        "batch_id": f"batch_{DAY}_r{revision}",
        "revision": revision,
        "game_id": game_id,
        "player_id": player_id,
        "player_lookup": name.lower().replace(" ", ""),
        "player_name": name,
        "team": TEAMS[game_id][0] if game_id else None,
        "status": "left_out" if reason else "expected",
        "reason": reason,
        "has_line": has_line,
        "features_as_of": AS_OF,
        "recorded_at": AS_OF,
    }


def prediction_row(
    game_id: str,
    player_id: int,
    name: str,
    line: str | None = "24.5",
    *,
    system: str = "ensemble_v1",
    kind: str = "main",
    recommendation: str = "OVER",
    mean: float | None = 26.123456,
    revision: int = 1,
    **changes: Any,
) -> dict[str, Any]:
    """A row of player_prop_predictions; without a line it is a NO_LINE row."""
    row = {
        "prediction_id": f"{player_id}-{system}-{line}-r{revision}",
        "batch_id": f"batch_{DAY}_r{revision}",
        "stat": "points",
        "system_id": system,
        "model_version": "1",
        "player_id": player_id,
        "player_lookup": name.lower().replace(" ", ""),
        "game_id": game_id,
        "game_date": DAY,
        "tipoff_at": TIPOFFS[game_id],
        "predicted": mean,
        "predicted_sd": 6.5,
        "line_value": None if line is None else Decimal(line),
        "line_kind": kind if line else "none",
        "bookmaker": ("other" if recommendation == "UNDER" else "book") if line else None,
        "over_price": -110 if line else None,
        "under_price": 105 if line else None,
        "p_over": 0.56 if line else None,
        "p_push": 0.0 if line else None,
        "fair_over_price": -127.2727 if line else None,
        "edge": 1.6 if line else None,
        "expected_value": 0.069 if line else None,
        "confidence_score": 0.56 if line else None,
        "recommendation": recommendation if line else "NO_LINE",
        "reason": "expected value 0.069",
        "quality_score": 95.0,
        "uses_market": line is not None,
        "predicted_no_market": 25.0,
        "features_as_of": AS_OF,
        "line_snapshot_at": AS_OF - timedelta(hours=1),
        "created_at": NOW,
        "updated_at": NOW,
        "explanation": None if line and kind == "alternate" else EXPLANATION,
        "over_bookmaker": "book" if line else None,
        "under_bookmaker": "other" if line else None,
        "side": ("UNDER" if recommendation == "UNDER" else "OVER") if line else None,
    }
    return {**row, **changes}


def features(game_id: str, player_id: int, name: str, points_season: float | None = 24.0) -> dict[str, Any]:
    home, away = TEAMS[game_id]
    return {
        "game_date": DAY,
        "game_id": game_id,
        "player_id": player_id,
        "features_as_of": AS_OF,
        "player_name": name,
        "player_lookup": name.lower().replace(" ", ""),
        "team": home,
        "opponent": away,
        "tipoff_at": TIPOFFS[game_id],
        "tipoff_source": "schedule",
        "season": "2025-26",
        "season_type": "regular_season",
        "quality_score": 95.0,
        "points_season": points_season,
        "is_home": True,
        "is_playoffs": False,
    }


def summary_row(
    game_id: str, player_id: int, name: str, points: int, day: date = DAY, *, at_home: bool = True
) -> dict[str, Any]:
    """A row of player_game_summary; on an earlier day it is an earlier game of the same two
    teams.
    """
    team, opponent = TEAMS[game_id] if at_home else TEAMS[game_id][::-1]
    tipoff = TIPOFFS[game_id] - (DAY - day)
    return {
        "game_date": day,
        "game_id": game_id if day == DAY else f"00225{(DAY - day).days:05d}",
        "player_id": player_id,
        "player_name": name,
        "player_lookup": name.lower().replace(" ", ""),
        "team": team,
        "opponent": opponent,
        "is_home": at_home,
        "season": "2025-26",
        "season_type": "regular_season",
        "tipoff_at": tipoff,
        "tipoff_source": "schedule",
        "known_at": tipoff + timedelta(hours=3),
        "minutes": 34.0,
        "points": points,
        "snapshot_time": tipoff + timedelta(hours=8),
    }
