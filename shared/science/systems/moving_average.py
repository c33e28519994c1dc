"""moving_average: recency-weighted means, adjusted for pace, matchup, venue, rest and missing
team-mates.

Every constant was fitted by least squares on regular seasons (points: 2019-20 to 2023-24, the
others 2020-21 to 2023-24; player-games with ten known games and 15 minutes a game), rounded; the
order of the effects' sizes is stable from season to season.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shared.nba.stats import Stat
from shared.science.systems.columns import Features, Floats, fill_unknown, first_known
from shared.science.systems.distribution import Variance
from shared.science.systems.error_codes import NO_GAMES
from shared.science.systems.output import BASE, MOVING_AVERAGE, SystemOutput, output

VERSION = "v1"
# The season's mean counts as if it had this many games of the season before: it is noise in
# October.
PRIOR_GAMES = 15.0
LAYOFF_DAYS = 10.0
# Beyond this many points of difference the list is nearly always a team resting its regulars.
TEAMMATES_LIMIT = 40.0


@dataclass(frozen=True)
class Constants:
    """What moves one base statistic.

    Attributes:
        recent, season, minutes: shares of the three means: quick form; the season; expected minutes
            at a long-run rate.
        pace: of a game 1% faster than usual, in percent.
        allowed: the feature that says what the opponent allows, and its unit as a share of 1.
        defence: of an opponent that allows 1% more, in percent.
        home: at home; the same away with the other sign.
        back_to_back, long_layoff: on the second of two days; after LAYOFF_DAYS days or more off,
            when minutes are limited at first.
        team_mates: of every point a game that is missing more than in the player's recent games.
    """

    recent: float
    season: float
    minutes: float
    pace: float
    allowed: tuple[str, float]
    defence: float
    home: float
    back_to_back: float
    long_layoff: float
    team_mates: float


# Most of a fast game's possessions go to the bench. A defence's rating is in points per 100
# possessions. Rest of a single day moves nothing but points that a test can see.
CONSTANTS: Mapping[str, Constants] = {
    "points": Constants(0.35, 0.25, 0.40, 0.2, ("opponent_def_rating_rel", 100.0), 0.4, 0.007, -0.01, -0.08, 0.0045),
    "rebounds": Constants(
        0.20, 0.25, 0.55, 0.25, ("opponent_rebounds_allowed_rel", 1.0), 0.45, 0.008, 0.0, -0.15, 0.003
    ),
    "assists": Constants(0.35, 0.20, 0.45, 0.15, ("opponent_assists_allowed_rel", 1.0), 0.4, 0.013, 0.0, -0.13, 0.0048),
    "threes": Constants(0.20, 0.30, 0.50, 0.12, ("opponent_fg3_allowed_rel", 1.0), 0.45, 0.015, 0.0, -0.08, 0.004),
}


def features_of(stat: Stat) -> tuple[str, ...]:
    """The columns that are read for a base statistic."""
    name = stat.name
    return (
        f"{name}_ewma_20",
        f"{name}_season",
        f"{name}_prev_season",
        f"{name}_l20",
        "games_season",
        "minutes_ewma_20",
        f"{name}_per_minute_l40",
        *_effect_of(stat).values(),
    )


def _effect_of(stat: Stat) -> dict[str, str]:
    """The feature that each effect follows."""
    return {
        "pace": "pace_factor",
        "matchup": CONSTANTS[stat.name].allowed[0],
        "venue": "is_home",
        "rest": "rest_days",
        "team-mates": "teammates_out_points_delta",
    }


def form(features: Features, stat: Stat) -> Floats:
    """What an average game is expected to bring, before the game's own circumstances; NaN without
    any known game.
    """
    constants, name = CONSTANTS[stat.name], stat.name
    recent = features[f"{name}_ewma_20"]
    by_minutes = first_known(features["minutes_ewma_20"] * features[f"{name}_per_minute_l40"], recent)
    return constants.recent * recent + constants.season * season(features, stat) + constants.minutes * by_minutes


def season(features: Features, stat: Stat) -> Floats:
    """The season's mean, the season before standing in for PRIOR_GAMES; NaN without any known
    game.
    """
    name = stat.name
    prior = first_known(features[f"{name}_prev_season"], features[f"{name}_l20"], features[f"{name}_ewma_20"])
    games = fill_unknown(features["games_season"], 0.0)
    return (fill_unknown(features[f"{name}_season"], 0.0) * games + prior * PRIOR_GAMES) / (games + PRIOR_GAMES)


def effects(features: Features, stat: Stat) -> dict[str, Floats]:
    """Relative effects of the game's circumstances by name; 0 where a circumstance is unknown."""
    constants = CONSTANTS[stat.name]
    home = features["is_home"]
    rest = features["rest_days"]
    allowed, unit = constants.allowed
    missing = np.clip(features["teammates_out_points_delta"], -TEAMMATES_LIMIT, TEAMMATES_LIMIT)
    return {
        "pace": fill_unknown(constants.pace * (features["pace_factor"] - 1.0), 0.0),
        "matchup": fill_unknown(constants.defence * features[allowed] / unit, 0.0),
        "venue": fill_unknown(constants.home * (2.0 * home - 1.0), 0.0),
        "rest": np.where(rest <= 0, constants.back_to_back, np.where(rest >= LAYOFF_DAYS, constants.long_layoff, 0.0)),
        "team-mates": fill_unknown(constants.team_mates * missing, 0.0),
    }


def expect(features: Features, stat: Stat) -> Floats:
    """What is expected of a base statistic, float64[n]; NaN where no earlier game is known."""
    total = np.sum(list(effects(features, stat).values()), axis=0)
    return np.asarray(np.maximum(form(features, stat) * (1.0 + total), stat.lowest_mean))


def contributions(features: Features, stat: Stat) -> dict[str, Floats]:
    """What moved the figure, float64[n] by name: form, and the game's circumstances by their
    feature.

    They add up to `expect` before its floor; BASE is the season's mean.
    """
    usual, named = form(features, stat), _effect_of(stat)
    moved = {named[name]: usual * effect for name, effect in effects(features, stat).items()}
    return {BASE: season(features, stat), "form": usual - season(features, stat), **moved}


def predict(features: Features, variance: Variance, version: str, stat: Stat) -> SystemOutput:
    """Mean, spread and reason of n rows; error no_games where no earlier game is known."""
    usual = form(features, stat)
    parts = effects(features, stat)
    mean = expect(features, stat)
    names = list(parts)
    table = np.stack([parts[name] for name in names], axis=1)
    reason = tuple(_reason(figure, names, row) for figure, row in zip(usual, table, strict=True))
    return output(
        stat,
        MOVING_AVERAGE,
        version,
        mean,
        np.sqrt(variance.of(mean, stat)),
        reason,
        (NO_GAMES, ("no earlier game of the player is known",) * len(mean)),
    )


def _reason(usual: float, names: list[str], row: Floats) -> str:
    notable = [f"{name} {effect:+.1%}" for name, effect in zip(names, row, strict=True) if abs(effect) >= 0.0005]
    return f"form {usual:.1f}" + (", " + ", ".join(notable) if notable else "")
