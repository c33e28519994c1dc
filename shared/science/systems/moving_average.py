"""moving_average: recency-weighted means, adjusted for pace, matchup, venue, rest and missing
team-mates.

Every constant was fitted by least squares on the regular seasons 2019-20 to 2023-24 (player-games
with ten known games and 15 minutes a game), rounded; the order of the effects' sizes is stable from
season to season.
"""

from __future__ import annotations

import numpy as np

from shared.science.systems.columns import Features, Floats, fill_unknown, first_known
from shared.science.systems.distribution import Variance
from shared.science.systems.error_codes import NO_GAMES
from shared.science.systems.output import BASE, LOWEST_MEAN, MOVING_AVERAGE, SystemOutput, output

VERSION = "v1"
FEATURES = (
    "points_ewma_20",
    "points_season",
    "points_prev_season",
    "points_l20",
    "games_season",
    "minutes_ewma_20",
    "points_per_minute_l40",
    "pace_factor",
    "opponent_def_rating_rel",
    "is_home",
    "rest_days",
    "teammates_out_points_delta",
)

# Shares of the three means: quick form; the season; expected minutes at a long-run rate of scoring.
RECENT, SEASON, MINUTES = 0.35, 0.25, 0.40
# The season's mean counts as if it had this many games of the season before: it is noise in
# October.
PRIOR_GAMES = 15.0

# Relative effects on points.
PACE = 0.2  # of a game 1% faster than usual: +0.2%; most of a fast game's possessions go to the bench
DEFENCE = 0.4  # of an opponent allowing 1 point per 100 possessions more than the league: +0.4%
HOME = 0.007  # at home; the same away with the other sign
BACK_TO_BACK = -0.01
LONG_LAYOFF = -0.08  # after LAYOFF_DAYS days or more off: minutes are limited at first
LAYOFF_DAYS = 10.0
# Of every point a game that is missing more than in the player's recent games: +0.45%.
TEAMMATES = 0.0045
# Beyond this many points of difference the list is nearly always a team resting its regulars.
TEAMMATES_LIMIT = 40.0

# The feature that each effect follows.
EFFECT_OF = {
    "pace": "pace_factor",
    "matchup": "opponent_def_rating_rel",
    "venue": "is_home",
    "rest": "rest_days",
    "team-mates": "teammates_out_points_delta",
}


def form(features: Features) -> Floats:
    """Expected points in an average game, before the game's own circumstances; NaN without any
    known game.
    """
    recent = features["points_ewma_20"]
    by_minutes = first_known(features["minutes_ewma_20"] * features["points_per_minute_l40"], recent)
    return RECENT * recent + SEASON * season(features) + MINUTES * by_minutes


def season(features: Features) -> Floats:
    """The season's mean points, the season before standing in for PRIOR_GAMES; NaN without any
    known game.
    """
    prior = first_known(features["points_prev_season"], features["points_l20"], features["points_ewma_20"])
    games = fill_unknown(features["games_season"], 0.0)
    return (fill_unknown(features["points_season"], 0.0) * games + prior * PRIOR_GAMES) / (games + PRIOR_GAMES)


def effects(features: Features) -> dict[str, Floats]:
    """Relative effects of the game's circumstances by name; 0 where a circumstance is unknown."""
    home = features["is_home"]
    rest = features["rest_days"]
    missing = np.clip(features["teammates_out_points_delta"], -TEAMMATES_LIMIT, TEAMMATES_LIMIT)
    return {
        "pace": fill_unknown(PACE * (features["pace_factor"] - 1.0), 0.0),
        "matchup": fill_unknown(DEFENCE * features["opponent_def_rating_rel"] / 100.0, 0.0),
        "venue": fill_unknown(HOME * (2.0 * home - 1.0), 0.0),
        "rest": np.where(rest <= 0, BACK_TO_BACK, np.where(rest >= LAYOFF_DAYS, LONG_LAYOFF, 0.0)),
        "team-mates": fill_unknown(TEAMMATES * missing, 0.0),
    }


def mean_points(features: Features) -> Floats:
    """Expected points float64[n]; NaN where no earlier game is known."""
    total = np.sum(list(effects(features).values()), axis=0)
    return np.asarray(np.maximum(form(features) * (1.0 + total), LOWEST_MEAN))


def contributions(features: Features) -> dict[str, Floats]:
    """Points float64[n] by what moved them: form, and the game's circumstances by their feature.

    They add up to mean_points before its floor; BASE is the season's mean.
    """
    usual = form(features)
    named = {EFFECT_OF[name]: usual * effect for name, effect in effects(features).items()}
    return {BASE: season(features), "form": usual - season(features), **named}


def predict(features: Features, variance: Variance, version: str = VERSION) -> SystemOutput:
    """Mean, spread and reason of n rows; error no_games where no earlier game is known."""
    usual = form(features)
    parts = effects(features)
    mean = mean_points(features)
    names = list(parts)
    table = np.stack([parts[name] for name in names], axis=1)
    reason = tuple(_reason(points, names, row) for points, row in zip(usual, table, strict=True))
    return output(
        MOVING_AVERAGE,
        version,
        mean,
        np.sqrt(variance.of(mean)),
        reason,
        (NO_GAMES, ("no earlier game of the player is known",) * len(mean)),
    )


def _reason(usual: float, names: list[str], row: Floats) -> str:
    notable = [f"{name} {effect:+.1%}" for name, effect in zip(names, row, strict=True) if abs(effect) >= 0.0005]
    return f"form {usual:.1f}" + (", " + ", ".join(notable) if notable else "")
