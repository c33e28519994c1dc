"""The champion that a new version, the challenger, is compared with.

It is the version that serves, by a model of it that has not seen the days compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from shared.core.errors import Fatal, ModelDamaged
from shared.science.model_registry.models import Models
from shared.science.model_registry.promotions import Serving
from shared.science.model_registry.registry import load_holdout_model, load_models, read_metadata
from shared.science.predictions.outputs import ModelsOf
from shared.science.training.gate import SEASON_AVERAGE, Verdict, compare, forecasts, season_averages, verdict
from shared.science.training.rows import TrainingRows
from shared.stores.ports import Blobs

# How the gate's decision in metadata.json names who was judged; "twin" is what stored decisions
# say.
ITSELF, HOLDOUT_MODEL = "itself", "twin"


@dataclass(frozen=True)
class Champion:
    """Models that stand for the serving version, and as what; None and why where none can.

    serves is False where nothing serves that could be kept instead of a new version.
    """

    models: Models | None
    judged_as: str
    serves: bool


def find_champion(blobs: Blobs, stat: str, serving: Serving, start: np.datetime64) -> Champion:
    """A statistic's serving version as it stands where it was trained on days before start only,
    else its holdout model.
    """
    if serving.version is None:
        return Champion(None, "nothing serves yet", serves=False)
    try:
        metadata = read_metadata(blobs, stat, serving.version)
        models = load_models(blobs, stat, serving.versions)
    except Fatal as unusable:  # other features, or gone: the worker cannot load it either
        return Champion(None, f"{serving.version} cannot serve: {unusable.message}", serves=False)
    first_day = str(start)
    if metadata.get("last_day", first_day) < first_day:
        return Champion(models, ITSELF, serves=True)
    if metadata.get("twin_last_day", first_day) < first_day:
        try:
            return Champion(load_holdout_model(blobs, stat, serving.version), HOLDOUT_MODEL, serves=True)
        except ModelDamaged as unusable:  # only the gate needs it: the version itself serves
            return Champion(
                None, f"the holdout model of {serving.version} cannot judge: {unusable.message}", serves=True
            )
    return Champion(None, f"every model of {serving.version} has seen days from {first_day} on", serves=True)


def judge(rows: TrainingRows, challenger: ModelsOf, serving: Serving, champions: Mapping[str, Champion]) -> Verdict:
    """The gate's verdict on a challenger's holdout models by rows that neither side has seen.

    challenger and champions are the statistic's, and of a sum its parts' too, by name. Where a
    champion cannot be judged the season average stands in; where nothing serves, the challenger is
    better than nothing, and the figures are for the record.
    """
    own = champions[rows.stat]
    unable = next((each for each in (own, *champions.values()) if each.models is None), None)
    if unable is None and serving.version is not None:
        models = {stat: each.models for stat, each in champions.items() if each.models is not None}
        compared = compare(rows, forecasts(challenger, rows), forecasts(models, rows))
        return verdict(serving.version, own.judged_as, rows, compared)
    compared = compare(rows, forecasts(challenger, rows), season_averages(rows))
    found = verdict(SEASON_AVERAGE, SEASON_AVERAGE, rows, compared)
    reason = f"{(unable or own).judged_as}; {found.reason}"
    return replace(found, reason=reason, promoted=found.promoted or not own.serves)
