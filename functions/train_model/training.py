"""train_model's work: reads the training rows, fits walk-forward, writes a version, makes it current."""

from __future__ import annotations

from shared.context import Context, Outcome
from shared.messages import PhaseMessage
from shared.systems.output import XGBOOST
from shared.systems.registry import current_versions, save_models
from shared.training.leaks import refuse_leaks
from shared.training.rows import read_training_rows
from shared.training.walk_forward import Training, fit

# Trees, combination and spreads of fewer rows say more about chance than about basketball.
FEWEST_ROWS = 500


def run(message: PhaseMessage, context: Context) -> Outcome:
    """Train xgboost_v1 and ensemble_v1 on everything known before the run's as_of.

    no_data where there are too few rows. A version that on the hold-out is worse than the season average never
    replaces a current one: then partial, with the figures. Raises DataError where a feature knows the result.
    """
    warehouse, blobs = context.runtime.warehouse, context.runtime.models
    rows = read_training_rows(warehouse, context.as_of)
    known = 0 if rows is None else int(rows.predicted.sum())
    if rows is None or known < FEWEST_ROWS:
        return Outcome(
            status="no_data",
            reason=f"{known} training rows before {context.as_of.isoformat()}, at least {FEWEST_ROWS} are needed:"
            " backfill more history",
        )
    refuse_leaks(rows)
    training = fit(rows)
    promoted = _better_than_season_average(training) or not current_versions(blobs)
    metadata = {
        "features": list(rows.names),
        "rows": int(rows.trained.sum()),
        "first_day": str(rows.day.min()),
        "last_day": str(rows.day.max()),
        "metrics": training.metrics,
    }
    paths = save_models(blobs, training.models, metadata, keep_current=not promoted)
    version = training.models.xgboost.version if training.models.xgboost else ""
    return Outcome(
        status="success" if promoted else "partial",
        record_count=int(rows.trained.sum()),
        reason="" if promoted else f"version {version} is worse than the season average: the current one stays",
        metadata={"version": version, "promoted": promoted, "paths": paths, "metrics": training.metrics},
    )


def _better_than_season_average(training: Training) -> bool:
    figures = training.metrics["all"]
    if figures["season_avg_mae"] is None:
        return True  # no season average on the hold-out to compare with
    return bool(figures[XGBOOST]["mae"] < figures["season_avg_mae"])
