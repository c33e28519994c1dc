"""zone_matchup_v1: the player's points by zone times what the opponent allows there relative to the
league.

Threes are one of the zones. Of rebounds and assists, which come from no zone, it says nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.nba.stats import Stat
from shared.science.systems.columns import Features, Floats, fill_unknown
from shared.science.systems.distribution import Variance
from shared.science.systems.error_codes import NO_ZONES
from shared.science.systems.output import BASE, ZONE_MATCHUP, SystemOutput, output

VERSION = "v1"
STATS = ("points", "threes")
_OF_POINTS = (
    "points2_l20",
    "points3_l20",
    "points1_l20",
    "paint_share_l20",
    "mid_share_l20",
    "three_share_l20",
    "opponent_fg2_allowed_rel",
    "opponent_fg3_allowed_rel",
    "opponent_ft_allowed_rel",
    "opponent_paint_allowed_rel",
    "opponent_mid_allowed_rel",
    "opponent_three_allowed_rel",
)

# What 15 games say of a defence is part luck, so that only this share of a relative allowance is
# believed. Fitted like moving_average's constants for two, three and free throw; twos hold for the
# paint, and the mid-range, which has few attempts a game, gets as little as free throws.
PRIOR_SLOPES = {"two": 0.65, "three": 0.4, "free throw": 0.35, "paint": 0.65, "mid": 0.35}
# The feature of each zone's allowance; the three has two, by source.
_ALLOWED = {
    "paint": "opponent_paint_allowed_rel",
    "mid": "opponent_mid_allowed_rel",
    "two": "opponent_fg2_allowed_rel",
    "free throw": "opponent_ft_allowed_rel",
}
# Points are split as in the last 20 games, but their level follows form.
LEVEL = {"l20": 0.3, "ewma_20": 0.35, "ewma_08": 0.35}


def features_of(stat: Stat) -> tuple[str, ...]:
    """The columns that are read for a statistic of STATS."""
    return (*(f"{stat.name}_{mean}" for mean in LEVEL), *_OF_POINTS)


def zones(features: Features, stat: Stat) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """As zones_of_points; of threes all are of the one zone."""
    shares, allowed = zones_of_points(features)
    if stat.name == "points":
        return shares, allowed
    return {"three": np.ones(len(shares["three"]))}, {"three": allowed["three"]}


def zones_of_points(features: Features) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """(share of points, opponent's believed relative allowance) by zone; the shares of a row add up
    to 1.

    Where shot data is known on both sides, field goals go by paint, mid-range and three, else by
    two and three; free throws come from the box score always. A player without a point in 20 games
    has NaN shares.
    """
    two, three, free = features["points2_l20"], features["points3_l20"], features["points1_l20"]
    total = two + three + free
    total = np.where(total > 0, total, np.nan)
    field_goals = (two + three) / total
    shots = has_shots(features)

    def by_shots(known: Floats) -> Floats:
        return np.where(shots, known, 0.0)

    shares = {
        "paint": by_shots(field_goals * features["paint_share_l20"]),
        "mid": by_shots(field_goals * features["mid_share_l20"]),
        "two": np.where(shots, 0.0, two / total),
        "three": np.where(shots, field_goals * features["three_share_l20"], three / total),
        "free throw": free / total,
    }
    allowed = {
        "paint": by_shots(features["opponent_paint_allowed_rel"]),
        "mid": by_shots(features["opponent_mid_allowed_rel"]),
        "two": np.where(shots, 0.0, features["opponent_fg2_allowed_rel"]),
        "three": np.where(shots, features["opponent_three_allowed_rel"], features["opponent_fg3_allowed_rel"]),
        "free throw": features["opponent_ft_allowed_rel"],
    }
    return shares, {zone: fill_unknown(PRIOR_SLOPES[zone] * value, 0.0) for zone, value in allowed.items()}


def has_shots(features: Features) -> NDArray[np.bool_]:
    """Whether shot data is known on both sides, bool[n]."""
    names = ("paint_share_l20", "mid_share_l20", "three_share_l20")
    against = ("opponent_paint_allowed_rel", "opponent_mid_allowed_rel", "opponent_three_allowed_rel")
    return np.asarray(np.all([~np.isnan(features[name]) for name in (*names, *against)], axis=0))


def level(features: Features, stat: Stat) -> Floats:
    """What an average game is expected to bring, by form."""
    return np.asarray(np.sum([share * features[f"{stat.name}_{mean}"] for mean, share in LEVEL.items()], axis=0))


def expect(features: Features, stat: Stat) -> Floats:
    """What is expected, float64[n]; NaN where the statistic by zone is unknown."""
    shares, allowed = zones(features, stat)
    effect = np.sum([shares[zone] * allowed[zone] for zone in shares], axis=0)
    return np.asarray(np.maximum(level(features, stat) * (1.0 + effect), stat.lowest_mean))


def contributions(features: Features, stat: Stat) -> dict[str, Floats]:
    """What is gained or lost by zone, float64[n], named by the opponent's feature that says so.

    They add up to `expect` before its floor; BASE is the level by form. The three is in one of two
    features: shots where both sides have shot data, else box scores.
    """
    shares, allowed = zones(features, stat)
    usual = level(features, stat)
    moved = {zone: usual * share * allowed[zone] for zone, share in shares.items()}
    by_shots = has_shots(features)
    threes = {
        "opponent_three_allowed_rel": np.where(by_shots, moved["three"], 0.0),
        "opponent_fg3_allowed_rel": np.where(by_shots, 0.0, moved["three"]),
    }
    others = {_ALLOWED[zone]: figure for zone, figure in moved.items() if zone in _ALLOWED}
    return {BASE: usual, **threes, **others}


def predict(features: Features, variance: Variance, version: str, stat: Stat) -> SystemOutput:
    """Mean, spread and reason of n rows; error no_zones where the statistic by zone is unknown."""
    mean = expect(features, stat)
    shares, allowed = zones(features, stat)
    listed = list(shares)
    figures = np.stack([level(features, stat) * shares[zone] for zone in listed], axis=1)
    relative = np.stack([allowed[zone] for zone in listed], axis=1)
    reason = tuple(
        ", ".join(f"{zone} {p:.1f} ({r:+.1%})" for zone, p, r in zip(listed, row, rel, strict=True) if p > 0)
        for row, rel in zip(figures, relative, strict=True)
    )
    return output(
        stat,
        ZONE_MATCHUP,
        version,
        mean,
        np.sqrt(variance.of(mean, stat)),
        reason,
        (NO_ZONES, (f"no {stat.name} by zone are known of the player's last 20 games",) * len(mean)),
    )
