"""The stages as rows of nba_monitoring.pipeline_latency."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from shared.core.errors import DataError
from shared.core.pipeline import Pipeline
from shared.operations.api.as_json import as_json
from shared.operations.latency.latency import PACKAGE, Latency, Measured, measure
from shared.operations.latency.stages import Stage, stages_of
from shared.stores.ports import DateRange
from shared.stores.runtime import Runtime
from shared.stores.warehouse.replacement import FLOAT_DECIMALS
from shared.stores.warehouse.sql import read_sql

TABLE = "nba_monitoring.pipeline_latency"
# Rows travel as one parameter, some 20 KB a date; a request has 10 MB at most
# (https://cloud.google.com/bigquery/quotas#query_jobs).
MOST_DAYS = 60


def rows_for(latency: Latency) -> list[dict[str, Any]]:
    """What the table should hold of these days, as JSON: each column but measured_at."""
    target = timedelta(seconds=latency.target_seconds)
    return [as_json(stage) for stage in stages_of(latency.games, latency.dates, latency.runs, target)]


def write_latency(runtime: Runtime, pipeline: Pipeline, days: int) -> int:
    """Record today and so many days before it; returns the rows written.

    Three statements where nothing has changed since, else one more. Raises DataError for days that
    are not 1 to 60, ConfigError where pipeline.yaml has no target, StoreUnavailable, WriteConflict.
    """
    _check_days(days)
    return record(runtime, measure(runtime, pipeline, days))


def record(runtime: Runtime, measured: Measured) -> int:
    """Record what was measured, for who measured it already; returns the rows written.

    One statement, which replaces the dates that have changed; none where none has. Raises DataError
    for more than 60 days, StoreUnavailable, WriteConflict.
    """
    latency = measured.latency
    _check_days((latency.last_date - latency.first_date).days)
    changed = _find_changed(_by_date(measured.stages), _by_date(measured.recorded))
    if not changed:
        return 0
    rows = [row for row in rows_for(latency) if date.fromisoformat(row["game_date"]) in changed]
    return runtime.warehouse.replace_partition(
        TABLE,
        DateRange(min(changed), max(changed)),
        read_sql(PACKAGE, "pipeline_latency"),
        {"stages": json.dumps(rows, separators=(",", ":")), "measured_at": runtime.clock.now()},
    )


def _check_days(days: int) -> None:
    if not 1 <= days <= MOST_DAYS:
        raise DataError(
            f"The latency of {days} days cannot be recorded at once.", next_step=f"record 1 to {MOST_DAYS} days."
        )


def _by_date(stages: Iterable[Stage]) -> dict[date, list[Stage]]:
    found: dict[date, list[Stage]] = defaultdict(list)
    for each in stages:
        found[each.game_date].append(replace(each, seconds=round(each.seconds, FLOAT_DECIMALS)))
    return found


def _find_changed(now: Mapping[date, Sequence[Stage]], before: Mapping[date, Sequence[Stage]]) -> set[date]:
    """Dates that have other stages than are recorded; of one that has none any more nothing is
    taken away.
    """
    return {day for day, stages in now.items() if set(stages) != set(before.get(day, ()))}
