"""train_model's work, statistic by statistic: reads the rows, fits walk-forward, judges, writes a
version, makes it serve; or rolls back.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from functions.train_model.champion import Champion, find_champion, judge
from functions.train_model.rollback import roll_back
from shared.chain.execution.alerts import alert
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import TrainingMessage
from shared.chain.messages.outbox import OutboxMessage
from shared.core import failpoints
from shared.core.errors import Fatal, ModelDamaged
from shared.core.events import Event
from shared.core.severity import Severity
from shared.nba.stats import PREDICTED
from shared.science.model_registry.models import Models
from shared.science.model_registry.promotions import Serving, move_pointer, read_serving_or_none
from shared.science.model_registry.registry import list_saved_versions, read_metadata, save_models
from shared.science.predictions.outputs import ModelsOf
from shared.science.systems.xgboost_v1 import MinutesTrees
from shared.science.training.gate import window_start
from shared.science.training.kept_folds import read_folds, write_folds
from shared.science.training.leaks import refuse_leaks
from shared.science.training.rows import TrainingRows, read_training_rows
from shared.science.training.sum_fit import Part, fit_sum
from shared.science.training.walk_forward import fit
from shared.stores.ports import Blobs

logger = logging.getLogger(__name__)

# Trees, combination and spreads of fewer rows say more about chance than about basketball.
FEWEST_ROWS = 500


@dataclass(frozen=True)
class _Trained:
    """What came of one statistic: the rows trained on, and the outcome's figures of it.

    why says what goes on serving instead of a version that is held back; empty where it serves.
    """

    stat: str
    rows: int
    figures: Mapping[str, Any]
    why: str
    holdout_model: Models
    champion: Champion
    part: Part | None = None
    """What a sum's training goes on from; None of a sum."""

    @property
    def version(self) -> str:
        return str(self.figures["version"])


def run(message: TrainingMessage, context: Context) -> Outcome:
    """Train xgboost_v1 and ensemble_v1 of every statistic on everything known before the run's
    as_of; or roll back, where asked to.

    no_data where there are too few rows. A version that is clearly worse than the serving one is
    kept and does not serve: then partial, with the figures, and an alert; partial too where some
    statistics have too few rows. metadata: "stats" by name, each with version, promoted, gate,
    paths and metrics; record_count: rows trained on, added up. Raises as roll_back, and DataError
    where a feature knows the result, before anything is trained.
    """
    if message.rollback_to is not None:
        return roll_back(message, context)
    rows = read_training_rows(context.runtime.warehouse, context.as_of, PREDICTED)
    known = {stat: int(rows[stat].predicted.sum()) if stat in rows else 0 for stat in PREDICTED}
    enough = [stat for stat, number in known.items() if number >= FEWEST_ROWS]
    lacking = [
        f"{number} training rows of {stat} before {context.as_of.isoformat()}, at least {FEWEST_ROWS} are needed:"
        " backfill more history"
        for stat, number in known.items()
        if stat not in enough
    ]
    if not enough:
        return Outcome(status="no_data", reason="; ".join(lacking), event=Event.TOO_FEW_ROWS)
    bases = [stat for stat in enough if not PREDICTED[stat].is_sum]
    for stat in bases:
        refuse_leaks(rows[stat])
    trained: dict[str, _Trained] = {}
    minutes: MinutesTrees = {}
    for stat in bases:
        trained[stat] = _train(rows[stat], minutes, context)
    for stat in enough:
        if PREDICTED[stat].is_sum and all(part in trained for part in PREDICTED[stat].parts):
            trained[stat] = _train_sum(rows[stat], trained, context)
    return _report([trained[stat] for stat in enough if stat in trained], lacking, context)


def _train(rows: TrainingRows, minutes: MinutesTrees, context: Context) -> _Trained:
    """One base statistic's version, serving where the gate lets it."""
    blobs, start = context.runtime.models, window_start(rows)
    folds = read_folds(blobs, rows)
    kept = set(folds)
    training = fit(rows, holdout_before=start, folds=folds, minutes=minutes)
    write_folds(blobs, rows, {first: trees for first, trees in folds.items() if first not in kept})
    if training.holdout_model is None:
        raise Fatal("the training made no holdout model.", next_step="a defect of the fit.")
    part = Part.of(rows, training)
    return _judge_and_save(rows, start, training.models, training.metrics, training.holdout_model, {}, part, context)


def _train_sum(rows: TrainingRows, trained: Mapping[str, _Trained], context: Context) -> _Trained:
    """One sum's version, from its parts' trainings."""
    of_parts = {stat: trained[stat] for stat in PREDICTED[rows.stat].parts}
    parts = {stat: each.part for stat, each in of_parts.items() if each.part is not None}
    start = window_start(rows, *(part.rows for part in parts.values()))
    training = fit_sum(rows, parts, start)
    return _judge_and_save(
        rows, start, training.models, training.metrics, training.holdout_model, of_parts, None, context
    )


def _judge_and_save(
    rows: TrainingRows,
    start: np.datetime64,
    models: Models,
    metrics: dict[str, Any],
    holdout_model: Models,
    parts: Mapping[str, _Trained],
    part: Part | None,
    context: Context,
) -> _Trained:
    """Write a version, and make it serve where the gate lets it. parts: of a sum its parts'
    trainings.
    """
    stat, blobs, now = rows.stat, context.runtime.models, context.runtime.clock.now()
    seen, damage = read_serving_or_none(blobs, stat)
    if damage is not None:
        logger.warning("%s Nothing is taken to serve.", damage)
    version = models.version
    if version is None:
        raise Fatal(f"the training of {stat} made no model.", next_step="a defect of the fit.")
    champion = find_champion(blobs, stat, seen, start)
    challenger = {stat: holdout_model, **{name: each.holdout_model for name, each in parts.items()}}
    champions = {stat: champion, **{name: each.champion for name, each in parts.items()}}
    gate = _decide(rows, start, version, challenger, champions, seen, context)
    metadata: dict[str, Any] = {
        "features": list(rows.names),
        "rows": int(rows.trained.sum()),
        "first_day": str(rows.day.min()),
        "last_day": str(rows.day.max()),
        "twin_last_day": str(rows.day[rows.day < start].max()),
        "data_hash": rows.data_hash,
        "metrics": metrics,
        "gate": gate,
    }
    if parts:
        metadata["parts"] = {name: each.version for name, each in parts.items()}
    paths = save_models(blobs, stat, models, metadata, holdout_model)
    failpoints.reach("training.saved")
    promoted = seen.serves(version) or bool(gate["promoted"])
    if promoted and not seen.serves(version):
        move_pointer(blobs, stat, seen, version, by=context.execution_id, at=now, why=gate["reason"])
    figures = {"version": version, "promoted": promoted, "gate": gate, "paths": paths, "metrics": metrics}
    why = "" if promoted else f"version {version} of {stat} is {gate['reason']}; {seen.version} goes on serving"
    return _Trained(stat, metadata["rows"], figures, why, holdout_model, champion, part)


def _report(trained: Sequence[_Trained], lacking: Sequence[str], context: Context) -> Outcome:
    """One outcome of all statistics; lacking: a sentence of each that has too few rows."""
    held_back = [each for each in trained if each.why]
    event = Event.MODEL_HELD_BACK if held_back else Event.TOO_FEW_ROWS if lacking else None
    return Outcome(
        "partial" if event else "success",
        sum(each.rows for each in trained),
        reason="; ".join([*(each.why for each in held_back), *lacking]),
        metadata={"stats": {each.stat: dict(each.figures) for each in trained}},
        messages=[_alert(each, context) for each in held_back],
        event=event,
    )


def _alert(held_back: _Trained, context: Context) -> OutboxMessage:
    stat, version = held_back.stat, held_back.version
    return alert(
        f"model-not-promoted-{version}",
        Severity.WARNING,
        f"A newly trained model of {stat} does not serve",
        held_back.why,
        context.runtime.clock.now(),
        event=Event.MODEL_HELD_BACK,
        stat=stat,
        version=version,
    )


def _decide(
    rows: TrainingRows,
    start: np.datetime64,
    version: str,
    challenger: ModelsOf,
    champions: Mapping[str, Champion],
    seen: Serving,
    context: Context,
) -> dict[str, Any]:
    """The gate's document; for a version that serves already, at a redelivery or without new games,
    as it was kept.
    """
    blobs = context.runtime.models
    if seen.serves(version) and version in list_saved_versions(blobs, rows.stat):
        kept = _read_kept_gate(blobs, rows.stat, version)
        if kept is not None:
            return kept
    compared = rows.where(rows.predicted & (rows.day >= start))
    found = judge(compared, challenger, seen, champions)
    undone = seen.find_rollback_from(version)
    if undone is not None:
        # the same data again must not undo what somebody decided
        ask = f'{{"rollback_to": "{version}"}}'
        reason = f"withdrawn since the rollback of {undone.at} ({undone.why}) until {ask}"
        found = replace(found, promoted=False, reason=reason)
    return found.document()


def _read_kept_gate(blobs: Blobs, stat: str, version: str) -> dict[str, Any] | None:
    """The gate's decision on a version as it was kept; None where none was, or its metadata is
    damaged: this training of the same rows is what writes it again.
    """
    try:
        kept = read_metadata(blobs, stat, version).get("gate")
    except ModelDamaged as damage:
        logger.warning("judged again: %s", damage)
        return None
    return None if kept is None else dict(kept)
