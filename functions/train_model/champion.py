"""The champion that a new version, the challenger, is compared with.

It is the version that serves, by a model of it that has not seen the days compared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from shared.core.errors import Fatal, ModelDamaged
from shared.science.model_registry.promotions import Serving
from shared.science.model_registry.registry import Models, load_holdout_model, load_models, read_metadata
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


def judge(rows: TrainingRows, challenger: Models, serving: Serving, champion: Champion) -> Verdict:
    """The gate's verdict on a challenger's holdout model by rows that neither side has seen.

    Where no champion can be judged the season average stands in; where nothing serves, the
    challenger is better than nothing, and the figures are for the record.
    """
    if champion.models is not None and serving.version is not None:
        compared = compare(rows, forecasts(challenger, rows), forecasts(champion.models, rows))
        return verdict(serving.version, champion.judged_as, rows, compared)
    compared = compare(rows, forecasts(challenger, rows), season_averages(rows))
    found = verdict(SEASON_AVERAGE, SEASON_AVERAGE, rows, compared)
    reason = f"{champion.judged_as}; {found.reason}"
    return replace(found, reason=reason, promoted=found.promoted or not champion.serves)
