"""What every seed begins with: a small league with history and models, made once and copied."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pyarrow.parquet as pq

from local.day.day import Day
from local.embedded.file_blobs import FileBlobs
from local.host.runtime import open_runtime
from local.league import write_league
from local.replay import Archive, create_replay_app
from shared.chain.messages.messages import PhaseMessage, PredictionRequest
from shared.core.clock import at_new_york
from shared.core.pipeline import load_pipeline
from tests.simulation.memory import MemoryBlobs
from tests.simulation.plan import SAME_DAY_AT

# On the second at which the undisturbed same-day run's as_of lies, a bookmaker moves his lines:
# what may be used is what was known strictly before.
MOVED_AFTER = timedelta(seconds=1)


@dataclass(frozen=True)
class Base:
    """The state before the day (files to copy, objects in memory), and the functions."""

    warehouse: Path
    raw: MemoryBlobs
    models: MemoryBlobs
    game_date: date
    tipoffs: dict[str, datetime]
    replay: httpx.WSGITransport
    clock: list[Callable[[], datetime]]
    """One element: what the replay takes for now."""
    functions: dict[str, tuple[Callable[..., Any], type[PhaseMessage]]]

    @property
    def first_tipoff(self) -> datetime:
        return min(self.tipoffs.values())


def prepare(folder: Path) -> Base:
    """Write the league into a folder, load its history and train, as `make run` does; about six
    seconds.
    """
    league, state = folder / "league", folder / "state"
    if not state.exists():
        write_league(league, seed=5, seasons=2, teams=4, games_per_team=20, last_day_games=2)
        _move_a_line(league / "prop_lines.parquet")
        archive = Archive(league)
        with open_runtime(state, archive=league) as embedded:
            day = Day(embedded, archive, archive.last_date, lambda label, completed: None)
            for stretch in day.missing_history(1):
                day.load_history(stretch)
            day.train()
        _forget(state / "warehouse.duckdb", archive.last_date)
    return open_base(folder)


# Of earlier days the day reads games, names and teams alone; what else history left only takes time
# to copy.
_OF_THEIR_DAY = (
    "nba_raw.odds_api_player_props",
    "nba_raw.odds_api_game_lines",
    "nba_analytics.upcoming_player_lines",
    "nba_analytics.upcoming_player_game_context",
    "nba_analytics.resolved_names",
    "nba_precompute.player_daily_cache",
    "nba_precompute.player_shot_zone_analysis",
    "nba_precompute.player_composite_factors",
    "nba_predictions.ml_feature_store",
)


def _forget(warehouse: Path, day: date) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        for table in _OF_THEIR_DAY:
            connection.execute(f"DELETE FROM {table} WHERE game_date < ?", [day])


def open_base(folder: Path) -> Base:
    """The base that another process prepared in a folder."""
    archive = Archive(folder / "league")
    games, last = archive.games, archive.last_date
    clock: list[Callable[[], datetime]] = [lambda: at_new_york(last, SAME_DAY_AT)]
    replay = create_replay_app(archive, lambda: clock[0]())
    chosen = [number for number, day in enumerate(games.day) if day == last]
    tipoffs = {str(games.game_id[n]): datetime.fromtimestamp(int(games.tipoff_us[n]) / 1e6, UTC) for n in chosen}
    return Base(
        warehouse=folder / "state" / "warehouse.duckdb",
        raw=_in_memory(folder / "state" / "raw"),
        models=_in_memory(folder / "state" / "models"),
        game_date=last,
        tipoffs=tipoffs,
        replay=httpx.WSGITransport(app=_under("/replay", replay)),
        clock=clock,
        functions={name: _function(name) for name, each in load_pipeline().functions.items() if not each.http},
    )


def _function(name: str) -> tuple[Callable[..., Any], type[PhaseMessage]]:
    run = importlib.import_module(f"functions.{name}.main").run
    return run, PredictionRequest if name == "phase5_worker" else PhaseMessage


def _in_memory(folder: Path) -> MemoryBlobs:
    files, memory = FileBlobs(folder), MemoryBlobs()
    for path in files.list(""):
        memory.objects[path] = files.read(path)
    return memory


def _under(prefix: str, app: Any) -> Callable[..., Any]:
    """A WSGI application that stands below a path."""

    def serve_mounted(environ: dict[str, Any], start_response: Any) -> Any:
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(prefix)
        return app(environ, start_response)

    return serve_mounted


def _move_a_line(file: Path) -> None:
    """On the last day, at the moment of the undisturbed as_of, the first book's lines go up by a
    point.
    """
    connection = duckdb.connect()
    connection.execute("CREATE TABLE lines AS FROM read_parquet(?)", [str(file)])
    last = connection.execute("SELECT MAX(game_date)::DATE FROM lines").fetchall()[0][0]
    moved_at = at_new_york(last, SAME_DAY_AT) + MOVED_AFTER
    table = connection.execute(
        """
        WITH of_the_book AS (
          SELECT * FROM lines
          WHERE game_date = $last AND is_main AND bookmaker::VARCHAR = (SELECT MIN(bookmaker::VARCHAR) FROM lines)
            AND snapshot_time < $moved_at
          QUALIFY snapshot_time = MAX(snapshot_time) OVER ()
        )
        SELECT * FROM lines
        UNION ALL SELECT * REPLACE (line + 1 AS line, $moved_at::TIMESTAMPTZ AS snapshot_time) FROM of_the_book
        """,
        {"last": last, "moved_at": moved_at},
    ).to_arrow_table()
    pq.write_table(table.cast(pq.read_schema(file)), file)
