"""Who a new version is compared with: the version that serves, by a model of it that has not seen the days compared."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from shared.core.errors import Fatal, ModelDamaged
from shared.science.model_registry.promotions import Serving
from shared.science.model_registry.registry import Models, load_models, load_twin, read_metadata
from shared.science.training.gate import SEASON_AVERAGE, Verdict, compare, forecasts, season_averages, verdict
from shared.science.training.rows import TrainingRows
from shared.stores.ports import Blobs

ITSELF, TWIN = "itself", "twin"


@dataclass(frozen=True)
class Rival:
    """Models that stand for the serving version, and as what; None and why where none can.

    serves is False where nothing serves that could be kept instead of a new version.
    """

    models: Models | None
    judged_as: str
    serves: bool


def find_rival(blobs: Blobs, serving: Serving, start: np.datetime64) -> Rival:
    """The serving version as it stands where it was trained on days before start only, else its twin."""
    if serving.version is None:
        return Rival(None, "nothing serves yet", serves=False)
    try:
        metadata = read_metadata(blobs, serving.version)
        models = load_models(blobs, serving.versions)
    except Fatal as unusable:  # other features, or gone: the worker cannot load it either
        return Rival(None, f"{serving.version} cannot serve: {unusable.message}", serves=False)
    first_day = str(start)
    if metadata.get("last_day", first_day) < first_day:
        return Rival(models, ITSELF, serves=True)
    if metadata.get("twin_last_day", first_day) < first_day:
        try:
            return Rival(load_twin(blobs, serving.version), TWIN, serves=True)
        except ModelDamaged as unusable:  # only the gate needs it: the version itself serves
            return Rival(None, f"the twin of {serving.version} cannot judge: {unusable.message}", serves=True)
    return Rival(None, f"every model of {serving.version} has seen days from {first_day} on", serves=True)


def judge(rows: TrainingRows, candidate: Models, serving: Serving, rival: Rival) -> Verdict:
    """The gate's verdict on a candidate's twin by rows that neither side has seen.

    Where no rival can be judged the season average stands in; where nothing serves, the candidate is better than
    nothing, and the figures are for the record.
    """
    if rival.models is not None and serving.version is not None:
        compared = compare(rows, forecasts(candidate, rows), forecasts(rival.models, rows))
        return verdict(serving.version, rival.judged_as, rows, compared)
    compared = compare(rows, forecasts(candidate, rows), season_averages(rows))
    found = verdict(SEASON_AVERAGE, SEASON_AVERAGE, rows, compared)
    reason = f"{rival.judged_as}; {found.reason}"
    return replace(found, reason=reason, promoted=found.promoted or not rival.serves)
