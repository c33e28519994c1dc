"""How the systems do beside the line and the season average, read in two statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from shared.core.clock import new_york_date
from shared.core.errors import DataError
from shared.nba.stats import STATS, place_of
from shared.stores.runtime import Runtime
from shared.stores.warehouse.sql import read_sql

PACKAGE = "shared.operations.accuracy"
WEEKS = range(1, 54)
# As grading names them, from the longest.
WINDOWS = ("season", "30_days", "7_days", "day")


@dataclass(frozen=True)
class WindowAccuracy:
    """A system's figures of a statistic over a window that ends at the last graded date; names and
    meanings are those of nba_predictions.system_daily_performance. Errors are on the same rows.
    """

    window: str
    stat: str
    """By its name in shared/nba/stats.py; errors are in its unit."""
    system: str
    n: int
    mae: float | None
    bias: float | None
    line_mae: float | None
    season_average_mae: float | None
    bets: int
    wins: int
    hit_rate: float | None
    hit_rate_low: float | None
    hit_rate_high: float | None
    roi: float | None
    priced_bets: int
    brier: float | None
    calibration_error: float | None


@dataclass(frozen=True)
class WeekAccuracy:
    """A system's figures of a statistic in a week; mean absolute errors in its unit, on rows where
    all three are known.
    """

    starts_on: date
    """A Monday."""
    stat: str
    system: str
    n: int
    mae: float
    bias: float
    line_mae: float
    season_average_mae: float
    bets: int
    """OVER and UNDER decisions that were won or lost."""
    wins: int


@dataclass(frozen=True)
class CalibrationBin:
    """Predictions of a tenth of probability, and how often it went over."""

    stat: str
    system: str
    bin: int
    """0: up to 10%, 9: from 90%."""
    n: int
    chance: float
    """Mean P(over), given no push."""
    overs: float
    """Share that went over."""


@dataclass(frozen=True)
class Accuracy:
    """Graded main lines of some weeks."""

    first_date: date
    last_date: date
    graded_to: date | None
    """The date that the windows end at; None: nothing is graded."""
    windows: tuple[WindowAccuracy, ...]
    """By statistic and system, from the longest window."""
    weeks: tuple[WeekAccuracy, ...]
    """By statistic, oldest first."""
    calibration: tuple[CalibrationBin, ...]
    alarms: tuple[str, ...]
    """Figures too good to be true, a sentence each, of every statistic."""
    stats: tuple[str, ...]
    """The statistics that there are figures of, whichever is asked for."""


def read_accuracy(runtime: Runtime, weeks: int, stat: str | None = None) -> Accuracy:
    """The last so many weeks, the running one included, of every statistic or of one; two
    statements.

    Raises DataError for a number that is not 1 to 53 and for a statistic that neither this release
    nor a figure knows, StoreUnavailable.
    """
    if weeks not in WEEKS:
        raise DataError(
            f"The accuracy of {weeks} weeks cannot be read.", next_step=f"ask for {WEEKS[0]} to {WEEKS[-1]} weeks."
        )
    today = new_york_date(runtime.clock.now())
    first = today - timedelta(days=today.weekday(), weeks=weeks - 1)
    dates = {"first_date": first, "last_date": today}
    graded = runtime.warehouse.query(read_sql(PACKAGE, "graded"), dates).to_pylist()
    rows = runtime.warehouse.query(read_sql(PACKAGE, "windows"), dates).to_pylist()
    windows = sorted((_window(row) for row in rows), key=_place_of_window)
    graded.sort(key=lambda row: place_of(row["stat"]))  # as they come otherwise
    stats = sorted({row["stat"] for row in (*rows, *graded)}, key=place_of)
    if stat is not None and stat not in (known := sorted({*STATS, *stats}, key=place_of)):
        raise DataError(f"{stat!r} is no statistic.", next_step=f"ask for one of {', '.join(known)}.")
    shown = stats if stat is None else [stat]
    return Accuracy(
        first_date=first,
        last_date=today,
        graded_to=rows[0]["game_date"] if rows else None,
        windows=tuple(each for each in windows if each.stat in shown),
        weeks=tuple(_week(row) for row in graded if row["kind"] == "week" and row["stat"] in shown),
        calibration=tuple(_bin(row) for row in graded if row["kind"] == "bin" and row["stat"] in shown),
        alarms=tuple(find_alarms(windows)),
        stats=tuple(stats),
    )


def find_alarms(windows: Sequence[WindowAccuracy]) -> list[str]:
    """What is too good to be true, by the rule that grading's alert follows."""
    from shared.science.evaluation import alarms  # numpy comes with it: who only looks elsewhere does without

    return [sentence for each in windows for sentence in alarms(asdict(each), each.window)]


def _place_of_window(each: WindowAccuracy) -> tuple[tuple[int, str], str, int]:
    return place_of(each.stat), each.system, WINDOWS.index(each.window)


def _window(row: Mapping[str, Any]) -> WindowAccuracy:
    values = {name: value for name, value in row.items() if name != "game_date"}
    window, system, average = (values.pop(name) for name in ("window_name", "system_id", "season_avg_mae"))
    return WindowAccuracy(window=window, system=system, season_average_mae=average, **values)


def _week(row: Mapping[str, Any]) -> WeekAccuracy:
    return WeekAccuracy(
        starts_on=row["starts_on"],
        stat=row["stat"],
        system=row["system_id"],
        n=row["n"],
        mae=row["mae"],
        bias=row["bias"],
        line_mae=row["line_mae"],
        season_average_mae=row["season_average_mae"],
        bets=row["bets"],
        wins=row["wins"],
    )


def _bin(row: Mapping[str, Any]) -> CalibrationBin:
    return CalibrationBin(row["stat"], row["system_id"], row["bin"], row["n"], row["chance"], row["overs"])
