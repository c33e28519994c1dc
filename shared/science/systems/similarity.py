"""similarity_balanced_v1: the player's most similar past games, weighted by likeness."""

from __future__ import annotations

import numpy as np

from shared.nba.stats import Stat
from shared.science.systems.columns import Features, Floats, fill_unknown
from shared.science.systems.distribution import Variance
from shared.science.systems.error_codes import TOO_FEW_GAMES
from shared.science.systems.history import GAMES, History
from shared.science.systems.output import BASE, SIMILARITY, SystemOutput, output

VERSION = "v1"
# What two games are compared by.
_COMPARED = ("minutes_ewma_20", "opponent_def_rating_l15", "is_home", "rest_days", "teammates_out_points")

FEWEST_GAMES = 5
MOST_SIMILAR = 20
# How far apart two games are when they differ by one unit of distance: a typical difference of each
# circumstance.
SCALE = {
    "minutes": 10.0,  # role: minutes of the past game against those expected today
    "opponent_def_rating": 8.0,  # points per 100 possessions
    "is_home": 2.0,  # half a unit between home and away
    "rest_days": 4.0,  # days, of which LONGEST_REST count
    "team_missing_points": 20.0,  # usual points of absent team-mates
}
LONGEST_REST = 4.0
# Form: a game k games back weighs DECAY^k.
DECAY = 0.96
# The weighted mean of a few games is noisy: this share of the figure is the player's slow form.
FORM_WEIGHT = 0.35


def features_of(stat: Stat) -> tuple[str, ...]:
    """The columns that are read for a base statistic."""
    return (*_COMPARED, _slow_form(stat))


def _slow_form(stat: Stat) -> str:
    return f"{stat.name}_ewma_08"


def weights(features: Features, history: History) -> Floats:
    """Weights float64[n, GAMES] of the most similar games, adding up to 1 a row; 0 for all others.

    Likeness falls with the squared distance over the circumstances known of both games.
    """
    today = {
        "minutes": features["minutes_ewma_20"],
        "opponent_def_rating": features["opponent_def_rating_l15"],
        "is_home": features["is_home"],
        "rest_days": np.minimum(features["rest_days"], LONGEST_REST),
        "team_missing_points": features["teammates_out_points"],
    }
    squared = np.zeros_like(history.values["minutes"])
    for name, scale in SCALE.items():
        past = history.values[name]
        if name == "rest_days":
            past = np.minimum(past, LONGEST_REST)
        squared += fill_unknown(((past - today[name][:, None]) / scale) ** 2, 0.0)
    likeness = np.exp(-0.5 * squared) * DECAY ** np.arange(GAMES)[None, :]
    likeness = np.where(np.arange(GAMES)[None, :] < history.count[:, None], likeness, -1.0)
    # A stable order, so that equal likeness prefers the more recent game.
    rank = np.argsort(np.argsort(-likeness, axis=1, kind="stable"), axis=1, kind="stable")
    chosen = np.where((rank < MOST_SIMILAR) & (likeness > 0), likeness, 0.0)
    total = chosen.sum(axis=1, keepdims=True)
    shares: Floats = chosen / np.where(total > 0, total, 1.0)
    return shares


def expect(features: Features, history: History, stat: Stat) -> Floats:
    """What is expected of a base statistic, float64[n]; NaN where fewer than FEWEST_GAMES games are
    known.
    """
    similar, slow = average_similar(weights(features, history), history, stat), features[_slow_form(stat)]
    blend = np.where(np.isnan(slow), similar, (1.0 - FORM_WEIGHT) * similar + FORM_WEIGHT * slow)
    return np.where(history.count >= FEWEST_GAMES, np.maximum(blend, stat.lowest_mean), np.nan)


def average_similar(weight: Floats, history: History, stat: Stat) -> Floats:
    """Weighted mean of the similar games, float64[n]; NaN where a history does not tell the
    statistic.
    """
    known = np.where(weight > 0, history.values[stat.name], 0.0)
    return np.asarray((weight * known).sum(axis=1))


def contributions(features: Features, history: History, stat: Stat) -> dict[str, Floats]:
    """How far the similar games pull the figure from slow form, float64[n].

    They add up to `expect` before its floor; BASE is slow form, and the similar games' mean where
    it is unknown.
    """
    similar, slow = average_similar(weights(features, history), history, stat), features[_slow_form(stat)]
    pull = np.where(np.isnan(slow), 0.0, (1.0 - FORM_WEIGHT) * (similar - slow))
    return {BASE: np.where(np.isnan(slow), similar, slow), "similar_games": pull}


def predict(features: Features, history: History, variance: Variance, version: str, stat: Stat) -> SystemOutput:
    """Mean, spread and reason of n rows; error too_few_games with the number where fewer than five
    are known.
    """
    weight = weights(features, history)
    mean, similar = expect(features, history, stat), average_similar(weight, history, stat)
    used = (weight > 0).sum(axis=1)
    reason = tuple(
        f"{n} most similar of {count} games average {figure:.1f}"
        for n, count, figure in zip(used, history.count, similar, strict=True)
    )
    sentences = tuple(_too_few(int(count), stat) for count in history.count)
    spread = np.sqrt(variance.of(mean, stat))
    return output(stat, SIMILARITY, version, mean, spread, reason, (TOO_FEW_GAMES, sentences))


def _too_few(count: int, stat: Stat) -> str:
    if count < FEWEST_GAMES:
        return f"{count} games are known, similarity needs at least {FEWEST_GAMES}"
    return f"of {count} games not all tell {stat.name}"
