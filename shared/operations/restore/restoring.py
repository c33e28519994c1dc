"""What a restore of a date would change, and the restore: guarded by the counts of the preview."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.core.errors import DataError
from shared.stores.ports import KeepsPast, PastRows
from shared.stores.runtime import Runtime

# cloud.google.com/bigquery/docs/time-travel: the default window of a dataset.
KEPT = timedelta(days=7)
# What goes back together: current_predictions shows the batch that counts, and nothing where that
# one's rows are gone.
PARTS: Mapping[str, tuple[str, ...]] = {
    "predictions": ("nba_predictions.player_prop_predictions", "nba_predictions.prediction_batches"),
    "grades": ("nba_predictions.prediction_accuracy",),
    "features": ("nba_predictions.ml_feature_store",),
}


@dataclass(frozen=True)
class Comparison:
    """A date of a part now and at a moment, by table."""

    game_date: date
    moment: datetime
    tables: Mapping[str, PastRows]

    @property
    def changes(self) -> int:
        return sum(each.removed + each.added for each in self.tables.values())


def compare(runtime: Runtime, part: str, day: date, moment: datetime) -> Comparison:
    """Nothing is written; of two statements a table.

    Raises DataError for a moment that is not within the last seven days, where the warehouse keeps
    no past, and where a table had no rows then.
    """
    now = runtime.clock.now()
    if not now - KEPT < moment < now:
        raise DataError(
            f"{moment.isoformat()} is not within the {KEPT.days} days before {now.isoformat()}, which BigQuery keeps.",
            next_step="say a moment within them; older rows can be computed again from the raw files, by "
            './nba backfill FROM TO --which all --why "...".',
        )
    found = _past_of(runtime).compare_with_past(PARTS[part], day, moment)
    empty = [table for table, rows in found.items() if not rows.rows_then]
    if empty:
        raise DataError(
            f"{', '.join(empty)} had no rows of {day} at {moment.isoformat()}; nothing is restored.",
            next_step="say another moment.",
        )
    return Comparison(day, moment, found)


def restore(runtime: Runtime, comparison: Comparison) -> Mapping[str, int]:
    """Put back what was compared; the rows of each table then.

    Raises what KeepsPast.restore_past raises: nothing has changed then.
    """
    rows_now = {table: rows.rows_now for table, rows in comparison.tables.items()}
    return _past_of(runtime).restore_past(rows_now, comparison.game_date, comparison.moment)


def _past_of(runtime: Runtime) -> KeepsPast:
    warehouse = runtime.warehouse
    if not isinstance(warehouse, KeepsPast):
        raise DataError(
            "The embedded warehouse keeps no past, so no date of it can be restored; BigQuery keeps seven days.",
            next_step='play the day again, or fill it again: ./nba backfill FROM TO --which all --why "...".',
        )
    return warehouse
