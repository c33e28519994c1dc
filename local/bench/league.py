"""The simulated league of the benchmark, and copies of it whose last day has fewer games."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from local.league import write_league
from local.replay import Archive

SEED, TEAMS, SEASONS, MOST_GAMES = 1, 30, 2, 15


def find_league(folder: Path) -> Archive:
    """The whole league, its last day with 15 games; written at its first use and kept."""
    path = folder / f"league-last-day-{MOST_GAMES}"
    if not path.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        write_league(path, seed=SEED, seasons=SEASONS, teams=TEAMS, last_day_games=MOST_GAMES)
    return Archive(path)


def find_smaller(league: Archive, games: int) -> Archive:
    """The league with only the first `games` games on its last day; written at its first use and
    kept.

    Leagues written with another last_day_games would have another history too: the last round's
    games move. Here the days before are the same to the byte, so all leagues share one loaded
    history.
    """
    path = league.folder.with_name(f"league-last-day-{games}")
    if not path.is_dir():
        gone = pa.array(last_day_game_ids(league)[games:], pa.string())
        partial = path.with_name(f".{path.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for file in sorted(league.folder.glob("*.parquet")):
            table = pq.read_table(file)
            pq.write_table(table.filter(pc.invert(pc.is_in(table["game_id"], value_set=gone))), partial / file.name)
        partial.rename(path)
    return Archive(path)


def last_day_game_ids(league: Archive) -> list[str]:
    """Ids of the last day's games in their order."""
    games = league.games
    return [game for game, day in zip(games.game_id, games.day, strict=True) if day == league.last_date]


def players_of_season(league: Archive) -> list[int]:
    """Ids of all who have a box score in the last season before its last day, ascending."""
    box = league.table("player_box", ["player_id", "season", "game_id"])
    last_day = pa.array(last_day_game_ids(league), pa.string())
    mine = pc.and_(pc.equal(box["season"], league.seasons[-1]), pc.invert(pc.is_in(box["game_id"], value_set=last_day)))
    return [int(player) for player in np.unique(box.filter(mine)["player_id"].to_numpy())]
