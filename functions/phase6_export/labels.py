"""What every feature, and every term of a system's formula, is called beside its effect in an
explanation, and what a statistic is called in a sentence.

Each label is of the player ("his") or his team unless it says otherwise. A test holds the names
against the feature store's and the systems' own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.nba.stats import BASE_STATS, OTHERS

# In the order of shared/nba/stats.py.
STAT_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "points": "points",
        "rebounds": "rebounds",
        "assists": "assists",
        "pra": "points, rebounds and assists",
        "threes": "threes",
        "pr": "points and rebounds",
        "pa": "points and assists",
        "ra": "rebounds and assists",
    }
)
# What is of one base statistic: {} is its name in a feature's, and its word in the label.
_OF_A_STAT = {
    "{}_l3": "{} over his last 3 games",
    "{}_l5": "{} over his last 5 games",
    "{}_l10": "{} over his last 10 games",
    "{}_l20": "{} over his last 20 games",
    "{}_season": "{} this season",
    "{}_prev_season": "{} last season",
    "{}_ewma_02": "long-run form in {}",
    "{}_ewma_08": "medium-run form in {}",
    "{}_ewma_20": "short-run form in {}",
    "{}_last": "{} of his last game",
    "{}_sd_l10": "spread of his {} over 10 games",
    "{}_sd_season": "spread of his {} this season",
    "{}_slope_l10": "trend of his {} over 10 games",
    "{}_z_l5": "{} of his last 5 games against his season",
    "{}_max_l10": "most {} of his last 10 games",
    "{}_min_l10": "fewest {} of his last 10 games",
    "{}_per_minute_l10": "{} a minute over his last 10 games",
    "{}_per_minute_season": "{} a minute this season",
    "{}_per_minute_l40": "{} a minute over his last 40 games",
    "{}_per_minute_ewma_02": "long-run {} a minute",
    "{}_per_minute_ewma_05": "medium-run {} a minute",
    "home_{}_diff": "his {} at home against away",
    "versus_opponent_{}": "{} against this opponent",
    "teammates_out_{}": "{} of team-mates who may be out",
    "available_{}": "usual {} of who is available",
    "{}_share": "his part of the {} of who is available",
    "{}_rank": "his rank in {} among who is available",
    "opponents_out_{}": "{} of opponents who may be out",
}
LABELS: Mapping[str, str] = MappingProxyType(
    {
        **{name.format(stat): text.format(stat) for stat in BASE_STATS for name, text in _OF_A_STAT.items()},
        **{f"{stat}_line": f"the bookmakers' line of his {STAT_LABELS[stat]}" for stat in OTHERS},
        **{f"{stat}_line_p_over": f"the bookmakers' prices on his {STAT_LABELS[stat]}" for stat in OTHERS},
        "opponent_rebounds_allowed_rel": "rebounds the opponent allows",
        "opponent_assists_allowed_rel": "assists the opponent allows",
        # Form
        "form": "recent form compared with his season",
        "similar_games": "his most similar past games",
        "games_season": "games played this season",
        "games_known": "games known of him",
        "career_games": "games of his career",
        # Role: minutes, shots, what he makes of them
        "minutes_last": "minutes of his last game",
        "minutes_second_last": "minutes of the game before his last",
        "minutes_l5": "minutes over his last 5 games",
        "minutes_l10": "minutes over his last 10 games",
        "minutes_l20": "minutes over his last 20 games",
        "minutes_season": "minutes this season",
        "minutes_ewma_10": "medium-run form in minutes",
        "minutes_ewma_20": "short-run form in minutes",
        "minutes_max_l10": "most minutes of his last 10 games",
        "minutes_slope_l10": "trend of his minutes over 10 games",
        "minutes_sd_l10": "spread of his minutes over 10 games",
        "attempts_per_minute_l5": "shots a minute over his last 5 games",
        "attempts_per_minute_l20": "shots a minute over his last 20 games",
        "points_per_attempt_l60": "points a shot over his last 60 games",
        "usage_l10": "usage over his last 10 games",
        "usage_season": "usage this season",
        "fga_last": "field goal attempts of his last game",
        "fga_l10": "field goal attempts over his last 10 games",
        "fg3a_l10": "three-point attempts over his last 10 games",
        "fta_l10": "free throw attempts over his last 10 games",
        "fga_share_l10": "share of the team's field goal attempts",
        "fg3a_share_l10": "share of the team's three-point attempts",
        "fta_share_l10": "share of the team's free throw attempts",
        "fg2_pct_l20": "two-point percentage over his last 20 games",
        "fg3_pct_l20": "three-point percentage over his last 20 games",
        "ft_pct_l40": "free throw percentage over his last 40 games",
        "true_shooting_l20": "true shooting over his last 20 games",
        "points2_l20": "points from twos over his last 20 games",
        "points3_l20": "points from threes over his last 20 games",
        "points1_l20": "points from free throws over his last 20 games",
        "steals_l10": "steals over his last 10 games",
        "blocks_l10": "blocks over his last 10 games",
        "turnovers_l10": "turnovers over his last 10 games",
        "fouls_l10": "fouls over his last 10 games",
        "plus_minus_l10": "plus-minus over his last 10 games",
        "rebounds_l40": "rebounds over his last 40 games",
        "assists_l40": "assists over his last 40 games",
        # Schedule
        "games_last_7": "games in the last 7 days",
        "games_last_14": "games in the last 14 days",
        "minutes_last_7": "minutes in the last 7 days",
        "rest_days": "days of rest",
        "is_back_to_back": "back-to-back",
        "team_rest_days": "the team's days of rest",
        "opponent_rest_days": "the opponent's days of rest",
        "rest_advantage": "rest against the opponent's",
        "season_day": "time of the season",
        "is_playoffs": "playoffs",
        "days_since_team_change": "days since he changed teams",
        # Venue and opponent
        "is_home": "home or away",
        "opponent_points_allowed_l15": "points the opponent allows",
        "opponent_pace_l15": "the opponent's pace",
        "opponent_def_rating_l15": "the opponent's defensive rating",
        "opponent_def_rating_rel": "the opponent's defence against the league's",
        "opponent_fg2_allowed_rel": "twos the opponent allows",
        "opponent_fg3_allowed_rel": "threes the opponent allows",
        "opponent_ft_allowed_rel": "free throws the opponent allows",
        "opponent_paint_allowed_rel": "points in the paint the opponent allows",
        "opponent_mid_allowed_rel": "mid-range points the opponent allows",
        "opponent_three_allowed_rel": "points from three the opponent allows",
        "versus_opponent_games": "games against this opponent",
        "team_pace_l15": "the team's pace",
        "team_off_rating_l15": "the team's offensive rating",
        "league_pace": "the league's pace",
        "pace_factor": "expected pace",
        "paint_share_l20": "share of his points from the paint",
        "mid_share_l20": "share of his points from mid-range",
        "three_share_l20": "share of his points from three",
        "zone_mismatch": "where he scores against what the opponent allows",
        # Who is missing
        "teammates_out_count": "team-mates out",
        "absence_probability": "his own injury status",
        "teammates_out_minutes": "minutes of team-mates who may be out",
        "teammates_out_usage": "usage of team-mates who may be out",
        "teammates_out_points_recent": "points of team-mates missing in his recent games",
        "teammates_out_points_delta": "team-mates out compared with his recent games",
        "teammates_out_minutes_delta": "minutes of team-mates who may be out compared with his recent games",
        "available_minutes": "usual minutes of who is available",
        "available_rotation": "rotation players available",
        "minutes_share": "his part of the minutes of who is available",
        "opponents_out_count": "opponents out",
        "opponents_out_minutes": "minutes of opponents who may be out",
        # Bookmakers
        "implied_team_total": "points the books expect of his team",
        "spread": "the point spread",
        "game_total": "points the books expect of both teams",
        "line": "the bookmakers' line",
        "line_opening": "the opening line",
        "line_movement": "how the line moved",
        "line_books": "books with a line",
        "line_sd": "spread of the books' lines",
        "line_range": "highest against lowest line",
        "line_p_over": "the bookmakers' prices on the line",
        "teammates_out_lines": "team-mates ruled out since the lines were made",
    }
)


def label_of_stat(stat: str) -> str:
    """The word for several of it: 24.1 points; a name that is not known stands for itself."""
    return STAT_LABELS.get(stat, stat)


def label(name: str) -> str:
    """The label of a feature or term; the name with spaces for one of a model older than this
    list.
    """
    return LABELS.get(name, name.replace("_", " "))
