"""The star's features on paper, in the evening of features_evening.py: a value for every column of
the store.
"""

from __future__ import annotations

from typing import Any

from tests.support.features_cases_statistics import OF_THE_STAR
from tests.support.features_evening import AS_OF, DAY, at

LAST_TEN = range(21, 11, -1)  # points, newest first
ALL = [*range(21, 9, -1), 12, 8]
# 134 team games: 129 of 95 points, five of 115; ten of them of 110 possessions, the others of 100.
LEAGUE_GAMES, LEAGUE_POINTS, LEAGUE_POSSESSIONS = 134, 129 * 95 + 5 * 115, 124 * 100 + 10 * 110
LEAGUE_PACE = LEAGUE_POSSESSIONS / LEAGUE_GAMES
LEAGUE_TWO_POINTS = (129 * 40 + 5 * 60) / LEAGUE_GAMES
TWOS_ALLOWED = 60 / LEAGUE_TWO_POINTS - 1
MATE_USAGE = 200 / (0.75 * (10 * 34 + 0.44 * sum(range(2, 12))))
ALL_MINUTES = [30] * 12 + [20] * 2


def ewma(weight: float, values: list[int]) -> float:
    return sum(weight**k * v for k, v in enumerate(values)) / sum(weight**k for k in range(len(values)))


# Left of Boston: he and the man from the bench, who scores 4 in 10 minutes.
LEFT_MINUTES, LEFT_POINTS = ewma(0.80, ALL_MINUTES) + 10, ewma(0.92, ALL) + 4

STAR: dict[str, Any] = {
    "player_name": "Rising Star Jr.",
    "player_lookup": "risingstarjr",
    "team": "BOS",
    "opponent": "LAL",
    "features_as_of": AS_OF,
    "tipoff_at": at(19),
    "tipoff_source": "schedule",
    "last_game_at": at(19, day=DAY.replace(day=23)),
    "injury_status": None,
    "injury_source": None,
    # form: a point more each game is a slope of +1
    "points_l3": 20.0,
    "points_l5": 19.0,
    "points_l10": 16.5,
    "points_l20": sum(ALL) / 14,
    "points_season": 15.5,
    "points_prev_season": 10.0,
    "points_ewma_02": ewma(0.98, ALL),
    "points_ewma_08": ewma(0.92, ALL),
    "points_ewma_20": ewma(0.80, ALL),
    "points_last": 21.0,
    "points_sd_l10": (sum((p - 16.5) ** 2 for p in LAST_TEN) / 9) ** 0.5,
    "points_sd_season": 13**0.5,
    "points_slope_l10": 1.0,
    "points_z_l5": 3.5 / 13**0.5,
    "points_max_l10": 21.0,
    "points_min_l10": 12.0,
    "games_season": 12,
    "games_known": 14,
    "career_games": 14,
    # minutes
    "minutes_last": 30.0,
    "minutes_second_last": 30.0,
    "minutes_l5": 30.0,
    "minutes_l10": 30.0,
    "minutes_l20": (12 * 30 + 2 * 20) / 14,
    "minutes_season": 30.0,
    "minutes_ewma_10": ewma(0.90, ALL_MINUTES),
    "minutes_ewma_20": ewma(0.80, ALL_MINUTES),
    "minutes_max_l10": 30.0,
    "minutes_slope_l10": 0.0,
    "minutes_sd_l10": 0.0,
    "points_per_minute_l10": 165 / 300,
    "points_per_minute_season": 186 / 360,
    "points_per_minute_l40": 206 / 400,
    # the weights' sums cancel out: both means have the same
    "points_per_minute_ewma_02": ewma(0.98, ALL) / ewma(0.98, ALL_MINUTES),
    "points_per_minute_ewma_05": ewma(0.95, ALL) / ewma(0.95, ALL_MINUTES),
    # ten shots a game, and 12, 11 ... 8 free throws of the last five; 136 and 78 of all
    "attempts_per_minute_l5": (50 + 0.44 * 50) / 150,
    "attempts_per_minute_l20": (136 + 0.44 * 78) / 400,
    "points_per_attempt_l60": 206 / (136 + 0.44 * 78),
    # role: plays / (team's plays x 30 / 48); the team-mate's 20 shots are missing in one of the ten
    # games
    "usage_l10": (100 + 0.44 * 75) / (0.625 * (9 * 34 + 14 + 0.44 * 75)),
    "usage_season": (120 + 0.44 * 78) / (0.625 * (11 * 34 + 14 + 0.44 * 78)),
    "fga_last": 10.0,
    "fga_l10": 10.0,
    "fg3a_l10": 1.0,
    "fta_l10": 7.5,
    "fga_share_l10": 100 / (9 * 34 + 14),
    "fg3a_share_l10": 1.0,
    "fta_share_l10": 1.0,
    "fg2_pct_l20": 46 / 124,
    "fg3_pct_l20": 1.0,
    "ft_pct_l40": 1.0,
    "true_shooting_l20": 206 / (2 * (136 + 0.44 * 78)),
    "points2_l20": 92 / 14,
    "points3_l20": 36 / 14,
    "points1_l20": 78 / 14,
    # the rest of the box score: +1, -1 ... -17; rebounds and assists are in
    # features_cases_statistics.py
    "steals_l10": 0.8,
    "blocks_l10": 3.0,
    "turnovers_l10": 0.0,
    "fouls_l10": 3.5,
    "plus_minus_l10": -8.0,
    "rebounds_l40": (78 + 2 * 3) / 14,
    "assists_l40": (78 + 2 * 10) / 14,
    # schedule: he and his team played yesterday, the opponent six days ago
    "games_last_7": 4,
    "games_last_14": 7,
    "minutes_last_7": 120.0,
    "rest_days": 0,
    "is_back_to_back": True,
    "team_rest_days": 0,
    "opponent_rest_days": 5,
    "rest_advantage": -5,
    "is_home": True,
    # 14 a game at home, 15.43 away over 14 games: better away is negative
    "home_points_diff": (98 / 7 - 108 / 7) * 14 / 34,
    # opponent: fast, and generous with twos alone
    "opponent_points_allowed_l15": 115.0,
    "opponent_pace_l15": 110.0,
    "opponent_def_rating_l15": 100 * 115 / 110,
    "opponent_def_rating_rel": 100 * 115 / 110 - 100 * LEAGUE_POINTS / LEAGUE_POSSESSIONS,
    "opponent_fg2_allowed_rel": TWOS_ALLOWED,
    "opponent_fg3_allowed_rel": 0.0,
    "opponent_ft_allowed_rel": 0.0,
    "team_pace_l15": 100.0,
    "team_off_rating_l15": 95.0,
    "league_pace": LEAGUE_PACE,
    "pace_factor": (100 + 110 - LEAGUE_PACE) / LEAGUE_PACE,
    "paint_share_l20": None,
    "mid_share_l20": None,
    "three_share_l20": None,
    "opponent_paint_allowed_rel": None,
    "opponent_mid_allowed_rel": None,
    "opponent_three_allowed_rel": None,
    "zone_mismatch": 92 / 206 * TWOS_ALLOWED,
    "zone_source": "box_score",
    # 20 points are missing today, as in one of his last ten games
    "teammates_out_count": 1,
    "teammates_out_minutes": 36.0,
    "teammates_out_points": 20.0,
    "teammates_out_usage": MATE_USAGE * 36 / 48,
    "teammates_out_points_recent": 2.0,
    "teammates_out_points_delta": 18.0,
    "teammates_out_minutes_delta": 36 - 3.6,
    "available_minutes": LEFT_MINUTES,
    "available_points": LEFT_POINTS,
    "available_rotation": 1,
    "minutes_share": 240 * ewma(0.80, ALL_MINUTES) / LEFT_MINUTES,
    "points_share": ewma(0.92, ALL) / LEFT_POINTS,
    "points_rank": 1,
    "opponents_out_count": 1,
    # one is doubtful: 98 of 100 such do not play
    "opponents_out_minutes": 0.98 * 24.0,
    "opponents_out_points": 0.98 * 12.0,
    "absence_probability": 0.0,
    "versus_opponent_games": 2,
    "versus_opponent_points": 10.0,
    "season": "2025-26",
    "season_type": "regular_season",
    "season_day": 23,
    "is_playoffs": False,
    "days_since_team_change": 23,
    # market: favoured by 5 in a game of 221
    "spread": -5.0,
    "game_total": 221.0,
    "implied_team_total": 113.0,
    "line": 17.5,
    "line_opening": 16.0,
    "line_movement": 1.5,
    "line_books": 3,
    "line_sd": (1 / 3) ** 0.5,
    "line_range": 1.0,
    # no-vig at exactly 17.5: even, -130/+110, and the alternate +120/-150
    "line_p_over": (0.5 + (130 / 230) / (130 / 230 + 100 / 210) + (100 / 220) / (100 / 220 + 150 / 250)) / 3,
    "line_snapshot_at": at(16),
    # the team-mate's
    "teammates_out_lines": 19.5,
    # 20 + 30 of form, 10 recent, 15 + 5 of teams, 10 of the report, 3 and 5 of the market; no shot
    # data
    "quality_score": 98.0,
    # a three in each of his games for Boston
    "null_reasons": "z_score=no_variation,shot_zones=no_data",
    **OF_THE_STAR,
}
