"""The league simulator: the archive's format, consistent box scores, honest bookmakers, and the
same bytes again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from local.league import write_league
from local.league.bookmaker import BOOKMAKERS
from local.league.calendar import season_games
from local.league.game_day import Setting, expect
from local.league.names import make_names, spell_for
from local.league.players import ROSTER, make_players, make_teams, new_season
from local.league.tables import SCHEMAS
from shared.nba.stats import STATS
from shared.nba.teams import TEAMS, team_by_abbr, team_by_name


@pytest.fixture(scope="module")
def league(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("league") / "small"
    write_league(folder, seed=7, seasons=2, teams=4, games_per_team=20)
    return folder


@pytest.fixture(scope="module")
def rows(league):
    return {name: pq.read_table(league / f"{name}.parquet").to_pylist() for name in SCHEMAS}


def test_columns_and_types_are_those_of_the_real_archive(nba_archive, league):
    for name in SCHEMAS:
        real = pq.read_schema(nba_archive / f"{name}.parquet").remove_metadata()
        assert pq.read_schema(league / f"{name}.parquet").remove_metadata() == real, name


def test_same_seed_same_bytes_and_another_seed_another_league(league, tmp_path):
    write_league(tmp_path / "again", seed=7, seasons=2, teams=4, games_per_team=20)
    write_league(tmp_path / "other", seed=8, seasons=2, teams=4, games_per_team=20)
    for name in SCHEMAS:
        first, again, other = ((folder / f"{name}.parquet").read_bytes() for folder in (
            league, tmp_path / "again", tmp_path / "other"
        ))  # fmt: skip
        assert first == again, name
        assert first != other, name


def test_points_minutes_and_scores_agree(rows):
    totals: Counter[tuple] = Counter()
    minutes: Counter[tuple] = Counter()
    for row in rows["player_box"]:
        assert row["points"] == 2 * row["fgm"] + row["fg3m"] + row["ftm"]
        assert row["fg3m"] <= row["fg3a"] <= row["fga"]
        assert row["fgm"] <= row["fga"]
        assert row["ftm"] <= row["fta"]
        assert row["rebounds"] == row["off_rebounds"] + row["def_rebounds"]
        totals[row["game_id"], row["team_abbr"]] += row["points"]
        minutes[row["game_id"], row["team_abbr"]] += row["minutes"]
    for game in rows["schedule"]:
        assert game["home_points"] == totals[game["game_id"], game["home_abbr"]]
        assert game["away_points"] == totals[game["game_id"], game["away_abbr"]]
        assert game["home_points"] != game["away_points"]
        assert game["home_wl"] == ("W" if game["home_points"] > game["away_points"] else "L")
    assert all(239 <= total <= 242 for total in minutes.values())
    starters = Counter((row["game_id"], row["team_abbr"]) for row in rows["player_box"] if row["starter"])
    assert set(starters.values()) == {5}


def test_shot_zones_add_up_to_the_box_score(rows):
    zones = {(row["game_id"], row["player_id"]): row for row in rows["shot_zones_player_game"]}
    teams: Counter[tuple] = Counter()
    for box in rows["player_box"]:
        zone = zones.get((box["game_id"], box["player_id"]))
        assert (zone is None) == (box["fga"] == 0)
        if zone is not None:
            tried = {name: value for name, value in zone.items() if name.endswith("_fga")}
            assert sum(tried.values()) == box["fga"]
            assert tried["corner3_fga"] + tried["ab3_fga"] + tried["backcourt_fga"] == box["fg3a"]
            assert sum(value for name, value in zone.items() if name.endswith("_fgm")) == box["fgm"]
            teams[box["game_id"], box["team_abbr"]] += tried["ra_fga"]
    for row in rows["shot_zones_team_game"]:
        assert row["ra_fga"] == teams[row["game_id"], row["team_abbr"]]


def test_calendar_of_the_default_league_ends_in_mid_season_with_six_games():
    abbrs = sorted(team.abbr for team in TEAMS)[:16]
    rng = np.random.default_rng(1)
    days = season_games(abbrs, 2025, 26, whole_season_rounds=64, rng=rng, last_day_games=6)
    assert len(days[-1]) == 6
    games = [game for day in days for game in day]
    played = Counter(team for game in games for team in (game.home, game.away))
    assert set(played.values()) == {26}
    assert games[0].day.isoformat() == "2025-10-21"
    assert 50 < (games[-1].day - games[0].day).days < 80


def test_games_are_unique_and_no_team_plays_twice_a_day(rows):
    games = rows["schedule"]
    assert len({game["game_id"] for game in games}) == len(games) == 2 * (20 + 8)
    assert all(len(game["game_id"]) == 10 and game["game_id"][:3] == "002" for game in games)
    sides = Counter((game["game_date"], team) for game in games for team in (game["home_abbr"], game["away_abbr"]))
    assert set(sides.values()) == {1}
    last_day = max(game["game_date"] for game in games)
    last = [game for game in games if game["game_date"] == last_day]
    assert len(last) == 1  # 4 teams * 3/8, rounded down
    assert {"2024-25", "2025-26"} == {game["season"] for game in games}


def test_the_absent_do_not_play_and_their_last_ten_games_are_right(rows):
    played = {(row["game_id"], row["player_id"]) for row in rows["player_box"]}
    history = defaultdict(list)
    for row in rows["player_box"]:
        history[row["player_id"]].append(row)
    assert len(rows["absences"]) > 20
    for row in rows["absences"]:
        assert (row["game_id"], row["player_id"]) not in played
        before = [game for game in history[row["player_id"]] if game["game_date"] < row["game_date"]][-10:]
        assert before[-1]["team_abbr"] == row["team_abbr"]
        assert row["points_l10"] == pytest.approx(np.mean([game["points"] for game in before]), abs=0.051)
        assert row["minutes_l10"] == pytest.approx(np.mean([game["minutes"] for game in before]), abs=0.051)
        assert row["team_games_since_played"] >= 1


def test_lines_are_half_points_with_a_fair_vig_and_one_last_line_a_book(rows):
    lines = rows["prop_lines"]
    last = Counter(
        (row["game_id"], row["player_id"], row["market"], row["bookmaker"]) for row in lines if row["is_last"]
    )
    assert set(last.values()) == {1}
    assert {row["bookmaker"] for row in lines} == set(BOOKMAKERS)
    played = {(row["game_id"], row["player_id"]) for row in rows["player_box"]}
    for row in lines:
        assert row["line"] % 1 == 0.5
        assert row["snapshot_time"] < row["commence_time"]
        assert row["played"] == ((row["game_id"], row["player_id"]) in played)
        assert row["is_main"] or not row["is_last"]
        if row["bookmaker"] == "prizepicks":
            assert row["over_price"] is None
            assert row["under_price"] is None
        elif row["is_main"]:
            assert 1.03 < implied_probability(row["over_price"]) + implied_probability(row["under_price"]) < 1.06
    assert {row["market"] for row in lines} == STATS.keys()
    points = [row for row in lines if row["market"] == "points"]
    per_game = Counter(row["game_id"] for row in points if row["is_last"] and row["bookmaker"] == "draftkings")
    assert 14 <= np.mean(list(per_game.values())) <= 21


VALUES = {
    "points": ("points",), "rebounds": ("rebounds",), "assists": ("assists",), "threes": ("fg3m",),
    "pra": ("points", "rebounds", "assists"), "pr": ("points", "rebounds"), "pa": ("points", "assists"),
    "ra": ("rebounds", "assists"),
}  # fmt: skip


@pytest.mark.parametrize("stat", STATS)
def test_lines_of_a_statistic_are_about_what_box_scores_have_of_it(rows, stat):
    """Every other game is over the line, and as often as the prices say."""
    values = {
        (row["game_id"], row["player_id"]): sum(row[column] for column in VALUES[stat]) for row in rows["player_box"]
    }
    last = [row for row in rows["prop_lines"] if row["market"] == stat and row["is_last"] and row["over_price"]]
    overs, chances = [], []
    for row in last:
        if row["played"]:
            overs.append(values[row["game_id"], row["player_id"]] > row["line"])
            chances.append(implied_probability(row["over_price"]) / 1.046)
    assert len(overs) > 500
    assert np.mean(overs) == pytest.approx(np.mean(chances), abs=0.06)
    assert 0.42 < np.mean(overs) < 0.58


def implied_probability(price: float) -> float:
    return -price / (100 - price) if price < 0 else 100 / (100 + price)


def test_the_newly_absent_lose_their_line_in_the_afternoon(rows):
    absent = {(row["game_id"], row["player_id"]) for row in rows["absences"]}
    lined = [row for row in rows["prop_lines"] if (row["game_id"], row["player_id"]) in absent]
    assert lined
    afternoon = [row for row in lined if row["snapshot_time"].hour in (20, 21) and row["snapshot_time"].minute >= 30]
    assert not afternoon


@pytest.mark.heavy
def test_the_bookmaker_beats_the_season_average_by_a_little(tmp_path):
    write_league(tmp_path / "league", seed=3, seasons=2, teams=8, games_per_team=60)
    box = pq.read_table(tmp_path / "league" / "player_box.parquet").to_pylist()
    lines = defaultdict(list)
    for row in pq.read_table(tmp_path / "league" / "prop_lines.parquet").to_pylist():
        if row["is_last"] and row["market"] == "points":
            lines[row["game_id"], row["player_id"]].append(row["line"])
    season: dict[tuple, list[int]] = defaultdict(list)
    line_errors, mean_errors, overs = [], [], []
    for row in box:
        before = season[row["season"], row["player_id"]]
        line = lines.get((row["game_id"], row["player_id"]))
        if line and len(before) >= 10:
            line_errors.append(abs(row["points"] - np.median(line)))
            mean_errors.append(abs(row["points"] - np.mean(before)))
            overs.append(row["points"] > np.median(line))
        before.append(row["points"])
    gain = 1 - np.mean(line_errors) / np.mean(mean_errors)
    assert 0.02 < gain < 0.10
    assert 4.2 < np.mean(line_errors) < 5.6
    assert 0.46 < np.mean(overs) < 0.53


@pytest.fixture
def day():
    """(setting, players, teams) of one game between two rested teams."""
    rng = np.random.default_rng(5)
    players, teams = make_players(2 * ROSTER, rng), make_teams(2, rng)
    return Setting(np.array([0, 1]), teams.roster, np.zeros(2, dtype=bool)), players, teams


def test_expectations_have_the_right_signs(day):
    setting, players, teams = day
    everybody = np.ones((2, ROSTER), dtype=bool)
    usual = expect(setting, players, teams, everybody).points

    without_star = everybody.copy()
    without_star[0, 0] = False
    weaker = expect(setting, players, teams, without_star).points
    assert weaker[0, 0] == 0
    assert (weaker[0, 1:9] > usual[0, 1:9]).all()
    assert weaker[1] == pytest.approx(usual[1])

    tired = expect(Setting(setting.team, setting.roster, np.array([True, False])), players, teams, everybody).points
    assert tired[0].sum() < usual[0].sum()

    swapped = Setting(setting.team[::-1], setting.roster[::-1], setting.tired)
    assert expect(swapped, players, teams, everybody).points[1].sum() < usual[0].sum()

    teams.defence[1] += 0.05
    assert expect(setting, players, teams, everybody).points[0].sum() > usual[0].sum()


def test_rookies_replace_players_who_leave_for_good():
    rng = np.random.default_rng(2)
    players, teams = make_players(4 * ROSTER + 8, rng), make_teams(4, rng)
    before = set(teams.roster.ravel().tolist())
    fresh = np.arange(4 * ROSTER, 4 * ROSTER + 8).reshape(4, 2)
    new_season(players, teams, fresh, rng)
    after = set(teams.roster.ravel().tolist())
    assert after - before == set(fresh.ravel().tolist())
    assert len(after) == 4 * ROSTER


def test_a_league_that_broke_off_does_not_count_and_is_never_overwritten(tmp_path):
    folder = tmp_path / "league"

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_league(folder, seasons=1, teams=4, games_per_team=10, progress=stop)
    assert not folder.exists()
    (tmp_path / ".league.partial").mkdir()
    (tmp_path / ".league.partial" / "schedule.parquet").write_text("half")
    calls = []
    write_league(folder, seasons=1, teams=4, games_per_team=10, progress=lambda *call: calls.append(call))
    assert calls[-1][0] == calls[-1][1] == len(calls)
    assert sorted(path.stem for path in folder.iterdir()) == sorted(SCHEMAS)
    assert not (tmp_path / ".league.partial").exists()
    with pytest.raises(FileExistsError, match="league"):
        write_league(folder, seasons=1, teams=4, games_per_team=10)


@pytest.mark.parametrize("wrong", [{"teams": 5}, {"teams": 2}, {"teams": 32}, {"seasons": 0}, {"games_per_team": 200}])
def test_an_impossible_league_is_refused_with_the_value(tmp_path, wrong):
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        write_league(tmp_path / "league", **wrong)
    assert not any(tmp_path.iterdir())


def test_names_differ_and_books_spell_them_in_their_own_way():
    names = make_names(340, np.random.default_rng(1))
    bare = {spell_for("betrivers", name) for name in names}
    assert len(bare) == 340
    assert any("'" in name for name in names)
    assert any("-" in name for name in names)
    assert any(name.endswith("Jr.") for name in names)
    assert spell_for("betrivers", "Éloi Kovačić Jr.") == "Eloi Kovacic"
    assert spell_for("fanduel", "Éloi Kovačić Jr.") == "Eloi Kovacic Jr"
    assert spell_for("prizepicks", "Éloi Kovačić Jr.") == "Éloi Kovačić Jr."


def test_the_thirty_teams_under_all_their_names():
    assert len({team.team_id for team in TEAMS}) == len({team.abbr for team in TEAMS}) == len(TEAMS) == 30
    clippers = team_by_name("los angeles clippers")
    assert clippers is not None
    assert clippers is team_by_name("LA Clippers")
    assert clippers is team_by_abbr("LAC")
    assert clippers.team_id == 1610612746
    assert (clippers.full_name, clippers.nba_name) == ("Los Angeles Clippers", "LA Clippers")
    assert team_by_abbr("RMD") is team_by_name("Real Madrid") is None
