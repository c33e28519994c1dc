"""Plays the seasons day by day and writes them as an archive; the same seed gives the same
bytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from local.league import calendar
from local.league.bookmaker import game_lines, player_lines
from local.league.game_day import Setting, expect, miss_games, play
from local.league.journal import Journal
from local.league.players import ROSTER, Ints, drift, make_players, make_teams, new_season, trade
from shared.nba.teams import TEAMS

LAST_START_YEAR = 2025  # the last season starts in October 2025
ROOKIES = 2  # new players a team each summer
TRADES_PER_SEASON = 3
# The keys of random streams of their own: a league's games and lines of points are the same without
# them.
INJURY_LISTS, OTHER_LINES = 1, 2
# Seasons at the end in which books offer more than points: as many lines as points have, and enough
# to fit a market to.
OTHER_SEASONS = 2

Progress = Callable[[int, int], None]


def write_league(
    folder: Path,
    *,
    seed: int = 1,
    seasons: int = 4,
    teams: int = 16,
    games_per_team: int = 64,
    last_day_games: int | None = None,
    progress: Progress | None = None,
) -> None:
    """Write an archive of a simulated league into `folder`, which must not exist yet.

    The last season stops at about two fifths, on a day of last_day_games (teams * 3/8). `progress`
    is called with (game days played, game days in all). The files are written beside `folder` and
    renamed, so that a half-written archive never counts. Raises ValueError for a league that cannot
    be, FileExistsError for an existing folder.
    """
    if teams % 2 or not 4 <= teams <= len(TEAMS):
        raise ValueError(f"teams={teams}: an even number from 4 to {len(TEAMS)} is needed")
    if seasons < 1 or not 5 <= games_per_team <= 87:
        raise ValueError(f"seasons={seasons}, games_per_team={games_per_team}: at least 1, and 5 to 87, are needed")
    last_day = max(1, teams * 3 // 8) if last_day_games is None else last_day_games
    if not 1 <= last_day <= teams // 2:
        raise ValueError(f"last_day_games={last_day}: {teams} teams play 1 to {teams // 2} games a day")
    if folder.exists():
        raise FileExistsError(f"{folder} exists already; remove it to have the league written again")
    journal = simulate(seed, seasons, teams, games_per_team, last_day, progress)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    journal.write(partial)
    partial.rename(folder)


def simulate(
    seed: int,
    seasons: int,
    team_count: int,
    games_per_team: int,
    last_day_games: int,
    progress: Progress | None = None,
) -> Journal:
    """Play all seasons; the journal holds every row of the archive."""
    rng = np.random.default_rng(seed)
    abbrs = sorted(team.abbr for team in TEAMS)[:team_count]
    players = make_players(team_count * (ROSTER + ROOKIES * (seasons - 1)), rng)
    teams = make_teams(team_count, rng)
    spell = np.zeros(len(players.player_id), dtype=np.int64)
    journal = Journal(abbrs, players, np.random.default_rng([seed, INJURY_LISTS]))
    others = np.random.default_rng([seed, OTHER_LINES])
    fresh = np.arange(team_count * ROSTER, len(players.player_id)).reshape(seasons - 1, team_count, ROOKIES)

    years = range(LAST_START_YEAR - seasons + 1, LAST_START_YEAR + 1)
    cut = max(2, round(calendar.PART_OF_LAST_SEASON * games_per_team))
    plans = [
        calendar.season_games(
            abbrs,
            year,
            cut if year == LAST_START_YEAR else games_per_team,
            whole_season_rounds=games_per_team,
            rng=rng,
            last_day_games=last_day_games if year == LAST_START_YEAR else None,
        )
        for year in years
    ]
    total, done = sum(map(len, plans)), 0
    for season, plan in enumerate(plans):
        if season:
            new_season(players, teams, fresh[season - 1], rng)
            spell[:] = 0
        trade_days = set(rng.choice(len(plan), size=min(TRADES_PER_SEASON, len(plan) // 4), replace=False).tolist())
        offer_others = others if season >= seasons - OTHER_SEASONS else None
        played_on = np.full(team_count, -9)
        for number, games in enumerate(plan):
            if number in trade_days:
                trade(teams, rng)
            ordinal = games[0].day.toordinal()
            team: Ints = np.array([side for game in games for side in (game.home, game.away)])
            setting = Setting(team, teams.roster[team], tired=played_on[team] == ordinal - 1)
            played_on[team] = ordinal
            drift(players, setting.roster.ravel(), rng)
            out, newly = miss_games(spell, setting, players, rng)
            early = expect(setting, players, teams, ~(out & ~newly))
            final = expect(setting, players, teams, ~out)
            outcome = play(setting, players, teams, ~out, rng)
            tipoff_us = np.repeat([int(game.tipoff.timestamp()) * 1_000_000 for game in games], 2)
            lines = player_lines(games[0].day, tipoff_us, early, final, out, rng, offer_others)
            journal.add_day(games, setting, outcome, out, newly, lines, game_lines(final, rng))
            done += 1
            if progress is not None:
                progress(done, total)
    return journal
