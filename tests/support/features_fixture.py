"""A small hand-made league for the feature tests: raw rows in, phases 3 and 4 run on the real
embedded warehouse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from functions.phase3_analytics import analytics
from functions.phase4_precompute import precompute
from local.embedded.duckdb_warehouse import DuckDbWarehouse
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import Mode, PhaseMessage
from shared.core.clock import at_new_york
from shared.nba.player_names import player_lookup, player_lookup_base
from shared.nba.stats import STAT_OF_MARKET
from shared.nba.teams import TEAMS
from shared.stores.ports import DateRange
from shared.stores.runtime import Runtime
from shared.stores.warehouse.migration import OLD_LINES
from shared.stores.warehouse.schemas import all_schemas
from tests.support import injury_lists
from tests.support.embedded import ManualClock
from tests.support.stores import append, context_of, open_stores

STORE = "nba_predictions.ml_feature_store"
OFFICIAL = "official"
FETCHED = {"run_id": "test", "source_file": "raw/test.json.gz"}
# Schedules are fetched long before the games.
LONG_BEFORE = datetime(2024, 1, 1, tzinfo=UTC)
# Nothing but the migration reads the lines of before.
RAW_TABLES = tuple(schema.name for schema in all_schemas() if schema.dataset == "nba_raw" and schema.name != OLD_LINES)

Row = dict[str, Any]


class FeatureFixture:
    """Raw rows with everything ordinary filled in, and the phases on top of them."""

    def __init__(self, runtime: Runtime) -> None:
        assert isinstance(runtime.warehouse, DuckDbWarehouse)  # its statement counts are asked for
        self.runtime, self.warehouse = runtime, runtime.warehouse
        self._pending: dict[str, list[Row]] = {}
        self._loads = 0
        self._espn_lists: set[tuple[date, datetime]] = set()

    # --- raw rows ---------------------------------------------------------------------------------

    def add(self, table: str, **row: Any) -> None:
        self._pending.setdefault(table, []).append(row)

    def game(
        self,
        day: date,
        home: str,
        away: str,
        *,
        tip: time | None = time(19, 0),
        status: str = "final",
        season_type: str = "regular_season",
        seen: datetime = LONG_BEFORE,
        game_id: str | None = None,
    ) -> str:
        """A schedule row; tip is New York time, None: to be determined. Returns the game's id."""
        game_id = game_id or f"{day:%Y%m%d}{home[:1]}{away[:1]}"
        self.add(
            "nba_raw.nbac_schedule",
            game_date=day,
            game_id=game_id,
            snapshot_time=seen,
            season=season_of(day),
            season_type=season_type,
            home_team=home,
            away_team=away,
            tipoff_at=at_new_york(day, tip) if tip else None,
            status=status,
            **FETCHED,
        )
        return game_id

    def box(
        self,
        day: date,
        player: tuple[int, str],
        team: str,
        opponent: str,
        *,
        home: bool,
        minutes: float = 30.0,
        threes: int = 0,
        twos: int = 0,
        free_throws: int = 0,
        misses: int = 0,
        missed_threes: int = 0,
        missed_free_throws: int = 0,
        turnovers: int = 0,
        season_type: str = "regular_season",
        at: datetime | None = None,
        **counted: int,
    ) -> None:
        """A player's box score: makes by kind, and misses (of two-pointers, unless said otherwise).

        at is when it was fetched; else at noon of the next day. counted: rebounds and the like,
        NULL unless said.
        """
        sides = (team, opponent) if home else (opponent, team)
        self.add(
            "nba_raw.nbac_player_boxscores",
            **self._where(day, *sides, at=at),
            season_type=season_type,
            player_id=player[0],
            player_name=player[1],
            player_lookup=player_lookup(player[1]),
            team=team,
            opponent=opponent,
            is_home=home,
            minutes=minutes,
            turnovers=turnovers,
            **_scoring(threes, twos, free_throws, misses, missed_threes, missed_free_throws),
            **counted,
        )

    def team_box(
        self,
        day: date,
        team: str,
        opponent: str,
        *,
        home: bool,
        threes: int,
        twos: int,
        free_throws: int = 0,
        misses: int = 0,
        turnovers: int = 0,
        offensive_rebounds: int = 0,
        rebounds: int = 44,
        assists: int = 25,
    ) -> None:
        sides = (team, opponent) if home else (opponent, team)
        self.add(
            "nba_raw.nbac_team_boxscores",
            **self._where(day, *sides),
            season_type="regular_season",
            team=team,
            opponent=opponent,
            is_home=home,
            minutes=240.0,
            offensive_rebounds=offensive_rebounds,
            rebounds=rebounds,
            assists=assists,
            turnovers=turnovers,
            **_scoring(threes, twos, free_throws, misses),
        )

    def line(
        self,
        day: date,
        home: str,
        away: str,
        name: str,
        line: str,
        *,
        at: datetime,
        book: str = "draftkings",
        over: int | None = -110,
        under: int | None = -110,
        market: str = "player_points",
        commence: datetime | None = None,
        answer: datetime | None = None,
        fetched: datetime | None = None,
        dated: bool = True,
    ) -> None:
        """A line last updated at a moment, in the feed's answer of that moment or of a later one.

        fetched: when the answer was, where it is of the feed's past. dated=False: a row of before
        answer_at was kept.
        """
        answer = answer or at
        self.add(
            "nba_raw.odds_api_player_props",
            game_date=day,
            event_id=f"{home}{away}",
            home_team=home,
            away_team=away,
            commence_time=commence,
            bookmaker=book,
            stat=STAT_OF_MARKET[market].name,
            market=market,
            **_name_row(name),
            line=Decimal(line),
            over_price=over,
            under_price=under,
            snapshot_time=at,
            answer_at=answer if dated else None,
            fetched_at=fetched or answer,
            **FETCHED,
        )

    def no_lines(
        self, day: date, home: str, away: str, *, at: datetime, table: str = "player_props", stat: str = "points"
    ) -> None:
        """An answer about an event that names no book; about players, one about a statistic."""
        self.add(
            f"nba_raw.odds_api_{table}",
            game_date=day,
            event_id=f"{home}{away}",
            home_team=home,
            away_team=away,
            snapshot_time=at,
            answer_at=at,
            fetched_at=at,
            **FETCHED,
            **({"stat": stat} if table == "player_props" else {}),
        )

    def game_line(
        self,
        day: date,
        home: str,
        away: str,
        spread: str | None,
        total: str | None,
        *,
        at: datetime,
        book: str,
        answer: datetime | None = None,
    ) -> None:
        self.add(
            "nba_raw.odds_api_game_lines",
            game_date=day,
            event_id=f"{home}{away}",
            home_team=home,
            away_team=away,
            bookmaker=book,
            home_spread=None if spread is None else Decimal(spread),
            total=None if total is None else Decimal(total),
            snapshot_time=at,
            answer_at=answer or at,
            fetched_at=answer or at,
            **FETCHED,
        )

    def injury(self, day: date, name: str, team: str | None, status: str, *, at: datetime) -> None:
        """A player on ESPN's list of a moment, which is then there of every team."""
        self.add(injury_lists.PLAYERS, **injury_lists.make_player_row(day, "espn", name, team, status, at))
        self._espn_teams(day, at, submitted=True)

    def no_injuries(self, day: date, *, at: datetime) -> None:
        """ESPN's list names nobody, so that no team's is there."""
        self.add(injury_lists.PLAYERS, **injury_lists.make_empty_row(day, "espn", at))
        self._espn_teams(day, at, submitted=False)

    def _espn_teams(self, day: date, at: datetime, *, submitted: bool) -> None:
        if (day, at) not in self._espn_lists:
            self._espn_lists.add((day, at))
            for team in TEAMS:
                self.add(
                    injury_lists.TEAMS, **injury_lists.make_team_row(day, "espn", team.abbr, at, submitted=submitted)
                )

    def report(
        self, day: date, teams: Mapping[str, bool], *players: tuple[str, str, str], at: datetime, source: str = OFFICIAL
    ) -> None:
        """The league's own report: whether each team has submitted, and (name, team, status) of who
        is listed.
        """
        for player in players:
            self.add(injury_lists.PLAYERS, **injury_lists.make_player_row(day, source, *player, at, "Rest"))
        for team, submitted in teams.items():
            self.add(injury_lists.TEAMS, **injury_lists.make_team_row(day, source, team, at, submitted=submitted))

    def zones(
        self, day: date, player_id: int | None, team: str, opponent: str, *, home: bool, paint: int, mid: int
    ) -> None:
        """Makes in the paint and from mid-range, every attempt good."""
        where = self._where(day, *((team, opponent) if home else (opponent, team)))
        self.add(
            "nba_raw.shot_zones",
            **where,
            player_id=player_id,
            team=team,
            opponent=opponent,
            restricted_fga=paint,
            restricted_fgm=paint,
            mid_fga=mid,
            mid_fgm=mid,
        )

    def fetch_again(self) -> None:
        """Append every row the feeds gave once more, as a later run loads the same snapshots from
        files of its own.
        """
        self.load()
        for table in RAW_TABLES:
            rows = self.warehouse.query(f"SELECT * FROM {table} WHERE source_file IS NOT NULL").to_pylist()
            for row in rows:
                row["run_id"], row["source_file"] = f"a {row['run_id']} again", f"{row['source_file']}.again"
                if "fetched_at" in row:
                    row["fetched_at"] += timedelta(hours=1)
                self.add(table, **row)
        self.load()

    def load(self) -> None:
        """Append what has been added since the last time."""
        for table, rows in self._pending.items():
            self._loads += 1
            append(self.warehouse, table, rows, f"world-{self._loads}")
        self._pending = {}

    def _where(self, day: date, home: str, away: str, at: datetime | None = None) -> Row:
        return {
            "game_date": day,
            "game_id": f"{day:%Y%m%d}{home[:1]}{away[:1]}",
            "snapshot_time": at or at_new_york(day + timedelta(days=1), time(12)),
            "season": season_of(day),
            **FETCHED,
        }

    # --- the phases -------------------------------------------------------------------------------

    def phase3(self, mode: Mode, first: date, last: date, as_of: datetime) -> Outcome:
        self.load()
        message, context = self._call("phase3_analytics", mode, DateRange(first, last), as_of)
        return analytics.run(message, context)

    def phase4(self, mode: Mode, first: date, last: date, as_of: datetime, **message: Any) -> Outcome:
        """message: further fields; by_hand=True is a message without as_of, as an operator sends
        it.
        """
        return precompute.run(*self._call("phase4_precompute", mode, DateRange(first, last), as_of, **message))

    def serve(self, day: date, as_of: datetime) -> Outcome:
        """Phases 3 and 4 of a same-day run."""
        self.phase3("same_day", day, day, as_of)
        return self.phase4("same_day", day, day, as_of)

    def backfill(self, first: date, last: date, as_of: datetime) -> Outcome:
        self.phase3("backfill", first, last, as_of)
        return self.phase4("backfill", first, last, as_of)

    def features(self, day: date, as_of: datetime | None = None) -> dict[int, Row]:
        """Feature rows of a day by player: of one features_as_of, or all there are (then one
        each).
        """
        found = self.warehouse.query(
            f"SELECT * FROM {STORE} WHERE game_date = @day ORDER BY features_as_of, player_id", {"day": day}
        ).to_pylist()
        wanted = [row for row in found if as_of is None or row["features_as_of"] == as_of]
        rows = {row["player_id"]: row for row in wanted}
        assert len(rows) == len(wanted), "several rows of one player: say which features_as_of is meant"
        return rows

    def rows(self, table: str, where: str = "TRUE") -> list[Row]:
        return self.warehouse.query(f"SELECT * FROM {table} WHERE {where} ORDER BY 1, 2, 3").to_pylist()

    def _call(
        self, function: str, mode: Mode, dates: DateRange, as_of: datetime, **fields: Any
    ) -> tuple[PhaseMessage, Context]:
        context = context_of(
            self.runtime, function, dates.first, dates.last, mode=mode, run_id=f"{dates.last}-test", as_of=as_of
        )
        by_hand = fields.pop("by_hand", False)
        given: Mapping[str, Any] = {
            "from_date": dates.first,
            "to_date": dates.last,
            "as_of": None if by_hand else as_of,
            **fields,
        }
        return PhaseMessage.model_validate(dict(given), context={"now": as_of}), context


@contextmanager
def open_world(folder: Path) -> Iterator[FeatureFixture]:
    with open_stores(folder, ManualClock()) as runtime:
        yield FeatureFixture(runtime)


def season_of(day: date) -> str:
    start = day.year if day.month >= 8 else day.year - 1
    return f"{start}-{str(start + 1)[-2:]}"


def _name_row(name: str) -> Row:
    return {
        "player_name": name,
        "player_lookup": player_lookup(name),
        "player_lookup_base": player_lookup_base(name),
    }


def _scoring(
    threes: int, twos: int, free_throws: int, misses: int, missed_threes: int = 0, missed_free_throws: int = 0
) -> Row:
    return {
        "points": 3 * threes + 2 * twos + free_throws,
        "fgm": threes + twos,
        "fga": threes + twos + misses + missed_threes,
        "fg3m": threes,
        "fg3a": threes + missed_threes,
        "ftm": free_throws,
        "fta": free_throws + missed_free_throws,
    }
