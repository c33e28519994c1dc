"""How the systems do beside the line and the season average, read in two statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from shared.core.clock import new_york_date
from shared.core.errors import DataError
from shared.stores.runtime import Runtime
from shared.stores.warehouse.sql import read_sql

PACKAGE = "shared.operations.accuracy"
WEEKS = range(1, 54)
# As grading names them, from the longest.
WINDOWS = ("season", "30_days", "7_days", "day")


@dataclass(frozen=True)
class WindowAccuracy:
    """A system over a window that ends at the last graded date; names and meanings are those of
    nba_predictions.system_daily_performance. Errors are in points, on the same rows.
    """

    window: str
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
    """A system in a week; mean absolute errors in points, on rows where all three are known."""

    starts_on: date
    """A Monday."""
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
    """By system, from the longest window."""
    weeks: tuple[WeekAccuracy, ...]
    """Oldest first."""
    calibration: tuple[CalibrationBin, ...]
    alarms: tuple[str, ...]
    """Figures too good to be true, a sentence each."""


def read_accuracy(runtime: Runtime, weeks: int) -> Accuracy:
    """The last so many weeks, the running one included; two statements.

    Raises DataError for a number that is not 1 to 53, StoreUnavailable.
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
    windows = sorted((_window(row) for row in rows), key=lambda each: (each.system, WINDOWS.index(each.window)))
    return Accuracy(
        first_date=first,
        last_date=today,
        graded_to=rows[0]["game_date"] if rows else None,
        windows=tuple(windows),
        weeks=tuple(_week(row) for row in graded if row["kind"] == "week"),
        calibration=tuple(_bin(row) for row in graded if row["kind"] == "bin"),
        alarms=tuple(find_alarms(windows)),
    )


def find_alarms(windows: Sequence[WindowAccuracy]) -> list[str]:
    """What is too good to be true, by the rule that grading's alert follows."""
    from shared.science.evaluation import alarms  # numpy comes with it: who only looks elsewhere does without

    return [sentence for each in windows for sentence in alarms(asdict(each), each.window)]


def _window(row: Mapping[str, Any]) -> WindowAccuracy:
    values = {name: value for name, value in row.items() if name != "game_date"}
    window, system, average = (values.pop(name) for name in ("window_name", "system_id", "season_avg_mae"))
    return WindowAccuracy(window=window, system=system, season_average_mae=average, **values)


def _week(row: Mapping[str, Any]) -> WeekAccuracy:
    return WeekAccuracy(
        starts_on=row["starts_on"],
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
    return CalibrationBin(row["system_id"], row["bin"], row["n"], row["chance"], row["overs"])
