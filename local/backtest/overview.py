"""What comes first of each statistic: the ensemble on the rows with a line, or where no row has one
on all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.backtest.evaluation_rows import ALL, LINED
from local.backtest.flaws import is_judged_by_error
from shared.nba.stats import place_of
from shared.science.systems.output import ENSEMBLE

Figures = Mapping[str, Any]


def statistics_of(document: Mapping[str, Any]) -> list[str]:
    """The statistics that a backtest.json has figures of, in the order of shared/nba/stats.py."""
    named = {each["stat"] for name in (LINED, ALL) for each in document.get(name, ())}
    return sorted(named, key=place_of)


def find_headlines(document: Mapping[str, Any]) -> list[Figures]:
    """Of each statistic the ensemble with market and without, in the evening's list of the rows
    with a line or else of all; `rows` says which.
    """
    found: list[Figures] = []
    for stat in statistics_of(document):
        for name in (LINED, ALL):
            of_stat = [each for each in document.get(name, ()) if each["stat"] == stat and each["system"] == ENSEMBLE]
            if of_stat:
                ordered = sorted(of_stat, key=lambda each: not each["market"])
                found += [{**each, "rows": name} for each in ordered]
                break
    return found


def describe_judging(stat: str) -> str:
    """A sentence where the absolute error does not judge a statistic; else nothing."""
    if is_judged_by_error(stat):
        return ""
    return (
        f"Most players have none or one or two of {stat}: a line of half a point is no median. Log loss and CRPS judge"
        " them; absolute errors are shown, and judge nothing."
    )
