"""What was predicted as what figures are made of, one statistic at a time: all lists, and why rows
are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from local.backtest import scoring
from local.backtest.availability import Availability
from local.backtest.evaluation_rows import EvaluationRows
from local.backtest.flaws import Flaw, has_returns
from local.backtest.walk import THREADS, Forecasts, Variant
from local.backtest.worlds import WORLDS, World
from shared.core.settings import Settings
from shared.science.evaluation import Scored
from shared.science.predictions.lines import Best


@dataclass(frozen=True)
class Played:
    """Everything that was predicted for the rows asked for, in their order, the trainings behind
    it, and who played.
    """

    lists: Mapping[str, Mapping[str, EvaluationRows]]
    """By statistic and kind."""
    asked: scoring.Asked
    best: Mapping[str, Sequence[Best]]
    """By statistic."""
    forecasts: Mapping[str, Forecasts]
    """By world."""
    training: Sequence[Mapping[str, Any]]
    learned_from: str
    """FROM_LISTS or FROM_DERIVED (local/backtest/arguments.py)."""
    availability: Availability
    flaws: Sequence[Flaw]


def judge(played: Played, stat: str) -> tuple[dict[str, list[Scored]], dict[str, dict[str, Any]]]:
    """All lists of a statistic, and of the headline's how many rows were asked for, predicted and
    left out.
    """
    worlds = [forecasts[stat] for forecasts in played.forecasts.values()]
    predicted = scoring.predicted_by_all(worlds)
    listed = predicted & played.asked.has_list
    # an archive without lists has bounds alone
    bounded = listed if listed.any() else predicted
    policy, returns = Settings(), has_returns(stat, played.flaws)
    lists: dict[str, list[Scored]] = {}
    counts: dict[str, dict[str, Any]] = {}

    def answer(world: World) -> dict[Variant, scoring.Scores]:
        forecasts = played.forecasts[world.name][stat]
        return scoring.answers(stat, played.asked, forecasts, played.best[stat], policy, returns)

    # distributions let go of the interpreter's lock, decisions on bets do not
    with ThreadPoolExecutor(THREADS) as pool:
        answered = dict(zip(WORLDS, pool.map(answer, WORLDS), strict=True))
    for world, found in answered.items():
        compared = bounded if world.is_bound else listed
        for kind in world.kinds:
            rows = played.lists[stat][kind]
            lists[world.list_of(kind)] = scoring.score(stat, kind, rows, played.asked, compared, found)
    for kind, rows in played.lists[stat].items():
        counts[kind] = {
            "stat": stat,
            "source": rows.source,
            "asked": len(rows),
            "predicted": len(lists[kind][0]),
            "left_out": scoring.count_left_out(rows, played.asked.of(rows), listed, worlds),
        }
    return lists, counts
