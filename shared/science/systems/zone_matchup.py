"""zone_matchup_v1: the player's points by zone times what the opponent allows there relative to the
league.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.science.systems.columns import Features, Floats, fill_unknown
from shared.science.systems.distribution import Variance
from shared.science.systems.error_codes import NO_ZONES
from shared.science.systems.output import BASE, LOWEST_MEAN, ZONE_MATCHUP, SystemOutput, output

VERSION = "v1"
FEATURES = (
    "points_l20",
    "points_ewma_20",
    "points_ewma_08",
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
# Points are split as in the last 20 games, but their level follows form.
LEVEL = {"points_l20": 0.3, "points_ewma_20": 0.35, "points_ewma_08": 0.35}


def zones(features: Features) -> tuple[dict[str, Floats], dict[str, Floats]]:
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


def level(features: Features) -> Floats:
    """Expected points in an average game, by form."""
    return np.asarray(np.sum([share * features[name] for name, share in LEVEL.items()], axis=0))


def mean_points(features: Features) -> Floats:
    """Expected points float64[n]; NaN where the player's points by zone are unknown."""
    shares, allowed = zones(features)
    effect = np.sum([shares[zone] * allowed[zone] for zone in shares], axis=0)
    return np.asarray(np.maximum(level(features) * (1.0 + effect), LOWEST_MEAN))


def contributions(features: Features) -> dict[str, Floats]:
    """Points float64[n] gained or lost by zone, named by the opponent's feature that says so.

    They add up to mean_points before its floor; BASE is the level by form. The three is in one of
    two features: shots where both sides have shot data, else box scores.
    """
    shares, allowed = zones(features)
    usual = level(features)
    points = {zone: usual * share * allowed[zone] for zone, share in shares.items()}
    by_shots = has_shots(features)
    return {
        BASE: usual,
        "opponent_paint_allowed_rel": points["paint"],
        "opponent_mid_allowed_rel": points["mid"],
        "opponent_three_allowed_rel": np.where(by_shots, points["three"], 0.0),
        "opponent_fg2_allowed_rel": points["two"],
        "opponent_fg3_allowed_rel": np.where(by_shots, 0.0, points["three"]),
        "opponent_ft_allowed_rel": points["free throw"],
    }


def predict(features: Features, variance: Variance, version: str = VERSION) -> SystemOutput:
    """Mean, spread and reason of n rows; error no_zones where the player's points by zone are
    unknown.
    """
    mean = mean_points(features)
    shares, allowed = zones(features)
    listed = list(shares)
    points = np.stack([level(features) * shares[zone] for zone in listed], axis=1)
    relative = np.stack([allowed[zone] for zone in listed], axis=1)
    reason = tuple(
        ", ".join(f"{zone} {p:.1f} ({r:+.1%})" for zone, p, r in zip(listed, row, rel, strict=True) if p > 0)
        for row, rel in zip(points, relative, strict=True)
    )
    return output(
        ZONE_MATCHUP,
        version,
        mean,
        np.sqrt(variance.of(mean)),
        reason,
        (NO_ZONES, ("no points by zone are known of the player's last 20 games",) * len(mean)),
    )
