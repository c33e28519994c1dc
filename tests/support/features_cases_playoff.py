"""The fading man's features on paper, in the evening of features_playoff.py: where the star's do
not tell.
"""

from __future__ import annotations

from typing import Any

from tests.support.features_cases_evening import ewma

# A playoff game away, after six of 22, 20 ... 12 points in 20, 22 ... 30 minutes.
FADING_POINTS = [12, 14, 16, 18, 20, 22]  # newest first
FADING_MINUTES = [30, 28, 26, 24, 22, 20]
# Left of Phoenix: he, for himself with certainty, the first man, whose 24 points in 20 minutes are
# more, in 55 of 100 such cases, and the doubtful one of 20 minutes and no point in 2.
FADING_LEFT_MINUTES = ewma(0.80, FADING_MINUTES) + 0.55 * 20 + 0.02 * 20
FADING_LEFT_POINTS = ewma(0.92, FADING_POINTS) + 0.55 * 24
STEPS_SD = 2 * 3.5**0.5  # sample standard deviation of six figures two apart
# 122 team games: 117 usual ones, and Houston's five against Dallas.
PAINT, MID, TWOS, THREES, FREE_THROWS = (
    (117 * usual + 5 * against_dallas) / 122
    for usual, against_dallas in ((30, 50), (10, 6), (40, 56), (30, 15), (25, 30))
)
FADING: dict[str, Any] = {
    "points_l3": 14.0,
    "points_l5": 16.0,
    "points_l10": 17.0,
    "points_ewma_02": ewma(0.98, FADING_POINTS),
    "points_ewma_20": ewma(0.80, FADING_POINTS),
    "points_last": 12.0,
    "points_sd_l10": STEPS_SD,
    "points_slope_l10": -2.0,
    "points_z_l5": -1 / STEPS_SD,
    "points_max_l10": 22.0,
    "points_min_l10": 12.0,
    "minutes_last": 30.0,
    "minutes_second_last": 28.0,
    "minutes_ewma_10": ewma(0.90, FADING_MINUTES),
    "minutes_max_l10": 30.0,
    "minutes_l5": 26.0,
    "minutes_slope_l10": 2.0,
    "minutes_sd_l10": STEPS_SD,
    "points_per_minute_l10": 102 / 150,
    "points_per_minute_ewma_02": ewma(0.98, FADING_POINTS) / ewma(0.98, FADING_MINUTES),
    "points_per_minute_ewma_05": ewma(0.95, FADING_POINTS) / ewma(0.95, FADING_MINUTES),
    # shots: 33 of 57 twos, 6 of 24 threes and 18 of 24 free throws; the team-mates' 12, 6 and 6,
    # and 12 attempts a game
    "fga_last": 11.0,
    "attempts_per_minute_l5": (65 + 0.44 * 20) / 130,
    "attempts_per_minute_l20": (81 + 0.44 * 24) / 150,
    "points_per_attempt_l60": 102 / (81 + 0.44 * 24),
    "turnovers_l10": 2.5,
    "fga_l10": 13.5,
    "fg3a_l10": 4.0,
    "fga_share_l10": 81 / (81 + 72 + 72),
    "fg3a_share_l10": 24 / (24 + 36),
    "fta_share_l10": 24 / (24 + 36),
    "fg2_pct_l20": 33 / 57,
    "fg3_pct_l20": 6 / 24,
    "ft_pct_l40": 18 / 24,
    # schedule: his last game was on Thursday, the opponent's on Friday; it is Monday
    "games_last_7": 2,
    "games_last_14": 6,
    "minutes_last_7": 58.0,
    "rest_days": 3,
    "is_back_to_back": False,
    "team_rest_days": 3,
    "opponent_rest_days": 2,
    "rest_advantage": 1,
    "is_home": False,
    # 18 a game at home, 16 away
    "home_points_diff": 2 * 6 / 26,
    # of his 84 points from the field 42 in the paint, 24 from mid-range, 18 from three
    "paint_share_l20": 42 / 84,
    "mid_share_l20": 24 / 84,
    "three_share_l20": 18 / 84,
    "opponent_points_allowed_l15": 101.0,
    "opponent_fg2_allowed_rel": 56 / TWOS - 1,
    "opponent_fg3_allowed_rel": 15 / THREES - 1,
    "opponent_ft_allowed_rel": 30 / FREE_THROWS - 1,
    "opponent_paint_allowed_rel": 50 / PAINT - 1,
    "opponent_mid_allowed_rel": 6 / MID - 1,
    "opponent_three_allowed_rel": 15 / THREES - 1,
    "zone_mismatch": (42 * (50 / PAINT - 1) + 24 * (6 / MID - 1) + 18 * (15 / THREES - 1)) / 84,
    "zone_source": "shot_zones",
    # two are missing on either side: 30 minutes for 19 points and, doubtful, 20 for none; 24 for 10
    # each. The first man is questionable.
    "teammates_out_count": 2,
    "teammates_out_minutes": 30 + 0.98 * 20 + 0.45 * 20,
    "teammates_out_points": 19 + 0.45 * 24,
    "teammates_out_points_recent": 0.0,
    "teammates_out_points_delta": 19 + 0.45 * 24,
    "teammates_out_minutes_delta": 30 + 0.98 * 20 + 0.45 * 20,
    "absence_probability": 0.05,
    "available_minutes": FADING_LEFT_MINUTES,
    "available_points": FADING_LEFT_POINTS,
    "available_rotation": 2,
    "minutes_share": 240 * ewma(0.80, FADING_MINUTES) / FADING_LEFT_MINUTES,
    "points_share": ewma(0.92, FADING_POINTS) / FADING_LEFT_POINTS,
    "points_rank": 2,
    "opponents_out_count": 2,
    "opponents_out_minutes": 48.0,
    "opponents_out_points": 20.0,
    "season_type": "playoffs",
    "season_day": 78,
    "is_playoffs": True,
    # market: underdogs by 3 in a game of 210; one book came down from 18.5, another never moved
    "spread": 3.0,
    "game_total": 210.0,
    "implied_team_total": 103.5,
    "line": 16.0,
    "line_opening": 18.5,
    "line_movement": -2.5,
    "line_books": 2,
    "line_sd": 3 / 2**0.5,
    "line_range": 3.0,
    "teammates_out_lines": 0.0,
}
