"""A statistic's form by its definitions, for hand-made cases: from a player's games, in plain
arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any


@dataclass(frozen=True)
class PaperGame:
    """One game: what it brought of the statistic, minutes, and which game it was."""

    value: int
    minutes: float
    is_home: bool
    opponent: str
    is_this_season: bool = True


def form_on_paper(stat: str, games: Sequence[PaperGame], opponent: str) -> dict[str, float | None]:
    """The columns of the fragment stat_columns for games newest first, before a game against the
    opponent.
    """
    values = [game.value for game in games]
    minutes = [game.minutes for game in games]
    season = [game for game in games if game.is_this_season]
    before = [game.value for game in games if not game.is_this_season]
    ten = values[:10]
    spread = stdev(game.value for game in season)
    home, away = ([game.value for game in games if game.is_home is at_home] for at_home in (True, False))
    columns: dict[str, float | None] = {
        "l3": fmean(values[:3]),
        "l5": fmean(values[:5]),
        "l10": fmean(ten),
        "l20": fmean(values[:20]),
        "season": fmean(game.value for game in season),
        "prev_season": fmean(before),
        "ewma_02": weigh(values, 0.98) / weigh([1] * len(values), 0.98),
        "ewma_08": weigh(values, 0.92) / weigh([1] * len(values), 0.92),
        "ewma_20": weigh(values, 0.80) / weigh([1] * len(values), 0.80),
        "last": float(values[0]),
        "sd_l10": stdev(ten),
        "sd_season": spread,
        "slope_l10": _slope(list(reversed(ten))),
        "z_l5": (fmean(values[:5]) - fmean(game.value for game in season)) / spread if spread else None,
        "max_l10": float(max(ten)),
        "min_l10": float(min(ten)),
        "per_minute_l10": sum(ten) / sum(minutes[:10]),
        "per_minute_season": sum(game.value for game in season) / sum(game.minutes for game in season),
        "per_minute_l40": sum(values[:40]) / sum(minutes[:40]),
        "per_minute_ewma_02": weigh(values, 0.98) / weigh(minutes, 0.98),
        "per_minute_ewma_05": weigh(values, 0.95) / weigh(minutes, 0.95),
    }
    return {f"{stat}_{name}": value for name, value in columns.items()} | {
        f"home_{stat}_diff": (fmean(home) - fmean(away)) * len(games) / (len(games) + 20),
        f"versus_opponent_{stat}": fmean(game.value for game in games if game.opponent == opponent),
    }


def weigh(values: Sequence[float], weight: float) -> float:
    """The sum of values, newest first, that count weight^k."""
    return sum(weight**k * value for k, value in enumerate(values))


def mean_08(values: Sequence[float]) -> float:
    """The exponentially weighted mean that shares and ranks go by."""
    return weigh(values, 0.92) / weigh([1] * len(values), 0.92)


def _slope(oldest_first: Sequence[int]) -> float:
    """Of a least-squares line over the games' numbers."""
    numbers = range(len(oldest_first))
    centre, level = fmean(numbers), fmean(oldest_first)
    rise = sum((number - centre) * (value - level) for number, value in zip(numbers, oldest_first, strict=True))
    return rise / sum((number - centre) ** 2 for number in numbers)


def circumstances_on_paper(
    stat: str, *, mates: float, own: float, others: float, rank: int, opponents: float
) -> dict[str, Any]:
    """The columns of the fragment stat_circumstances.

    Args:
        mates: what missing team-mates usually bring.
        own: his mean_08.
        others: the means of the others of his team who are expected to play, by how likely that is.
        rank: his place among those who are available.
        opponents: what missing opponents usually bring.
    """
    return {
        f"teammates_out_{stat}": mates,
        f"available_{stat}": own + others,
        f"{stat}_share": own / (own + others),
        f"{stat}_rank": rank,
        f"opponents_out_{stat}": opponents,
    }
