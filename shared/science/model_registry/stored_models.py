"""A statistic's models as files of the models bucket: what is written of each, and how it is read
again.

Trees are XGBoost's own binary JSON, combinations and sums JSON of their numbers. No byte reaches
the library before model_files.py has checked it.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from shared.core.errors import Fatal, ModelDamaged, SchemaMismatch
from shared.core.events import Event
from shared.nba.stats import POINTS, STATS
from shared.science.features.names import model_features
from shared.science.model_registry.model_files import (
    FILES,
    METADATA,
    Manifest,
    canonical,
    model_damaged,
    path_of,
    read_metadata_of,
    read_verified,
    try_apart,
)
from shared.science.model_registry.models import Models
from shared.science.systems.distribution import Variance
from shared.science.systems.ensemble import Combination, EnsembleModel
from shared.science.systems.formulas import speaking_systems
from shared.science.systems.market import MarketCombination
from shared.science.systems.output import ENSEMBLE, XGBOOST
from shared.science.systems.sums import WITH_MARKET, SumMarket, SumModel, pairs_of
from shared.science.systems.xgboost_v1 import MINUTES, Trees, XgboostModel, booster_names, library_version
from shared.stores.ports import Blobs

if TYPE_CHECKING:
    import xgboost as xgb

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Boosters in use, by a hash of their file: the one of minutes is in the files of every statistic.
_IN_USE: WeakValueDictionary[bytes, xgb.Booster] = WeakValueDictionary()


def minutes_features() -> tuple[str, ...]:
    """The inputs of the model of minutes, which all statistics share: those that are no other
    statistic's.
    """
    return model_features(POINTS.name)


def files_of_models(models: Models) -> dict[str, tuple[str, dict[str, bytes]]]:
    """system_id -> version and its files' contents by what follows the model's name, ensemble_v1
    last.

    Raises Fatal where a model is missing.
    """
    if models.sums is not None:
        return {ENSEMBLE: (models.sums.version, {"json": canonical(_document(models.sums))})}
    trees, combined = models.xgboost, models.ensemble
    if trees is None or combined is None:
        raise Fatal("only a complete training is saved.", next_step="train both xgboost_v1 and ensemble_v1.")
    return {
        XGBOOST: (trees.version, {f"{each}.ubj": content for each, content in trees.trees.files().items()}),
        ENSEMBLE: (combined.version, {"json": canonical(_document(combined))}),
    }


def _document(model: EnsembleModel | SumModel) -> dict[str, Any]:
    document = asdict(model)
    del document["version"]
    return document


def read_models(
    blobs: Blobs, stat: str, versions: Mapping[str, str], name: str, left_out: dict[str, str] | None = None
) -> Models:
    """The models of these versions of a statistic's systems, from the files of a name.

    left_out: where damaged systems are noted, instead of raising for the first. Raises
    SchemaMismatch where a model was trained on other features than the feature store's,
    ModelDamaged where a file is not in the bucket, or not the one that was saved.
    """

    def usable(system: str, read: Callable[[], T]) -> T | None:
        if system not in versions:
            return None
        try:
            return read()
        except ModelDamaged as error:
            if left_out is None:
                raise
            fields = {"event": Event.MODEL_DAMAGED, "stat": stat, "system_id": system}
            logger.error("%s", error, extra={"fields": fields})
            left_out[system] = str(error)
            return None

    known: dict[tuple[str, str], dict[str, Any]] = {}

    def xgboost_model() -> XgboostModel:
        known[XGBOOST, versions[XGBOOST]] = metadata = read_metadata_of(blobs, stat, XGBOOST, versions[XGBOOST])
        return _read_xgboost(blobs, stat, versions[XGBOOST], metadata, name)

    def ensemble_model() -> EnsembleModel:
        version = versions[ENSEMBLE]
        # a training's two systems have one manifest: what was read of the one is not read again of
        # the other
        metadata = known.get((XGBOOST, version)) or read_metadata_of(blobs, stat, ENSEMBLE, version)
        return _read_ensemble(blobs, stat, version, metadata.get(FILES), name)

    def sum_model() -> SumModel:
        version = versions[ENSEMBLE]
        metadata = read_metadata_of(blobs, stat, ENSEMBLE, version)
        return _read_sum(blobs, stat, version, metadata.get(FILES), name)

    if stat in STATS and STATS[stat].is_sum:
        return Models(sums=usable(ENSEMBLE, sum_model), damaged=left_out or {})
    return Models(
        xgboost=usable(XGBOOST, xgboost_model),
        ensemble=usable(ENSEMBLE, ensemble_model),
        damaged=left_out or {},
    )


def _read_xgboost(blobs: Blobs, stat: str, version: str, metadata: Mapping[str, Any], name: str) -> XgboostModel:
    folder, features = path_of(stat, version, XGBOOST), model_features(stat)
    try:
        trained = tuple(metadata["features"])
    except (KeyError, TypeError) as error:
        raise model_damaged(f"{folder}{METADATA}", "it names no features") from error
    manifest, of_minutes = metadata.get(FILES), minutes_features()
    boosters = {
        each: _read_trees(blobs, f"{folder}{name}.{each}.ubj", manifest, metadata)
        for each in booster_names(STATS[stat])
    }
    trees = Trees(**boosters)
    inputs = {booster.num_features() for each, booster in trees.boosters().items() if each != MINUTES}
    of_these = trees.minutes.num_features()
    if trained != features or inputs != {len(features)} or of_these != len(of_minutes):
        missing = sorted(set(trained) - set(features))
        extra = sorted(set(features) - set(trained))
        raise SchemaMismatch(
            f"{XGBOOST} {version} for {stat} was trained on {len(trained)} features (trees:"
            f" {sorted({*inputs, of_these})}), this"
            f" version of the project has {len(features)}; only in the model: {missing}, only in the project:"
            f" {extra}, {'another order' if not missing and not extra else 'by name'}.",
            next_step="retrain: publish to nba-training-trigger.",
        )
    # A request holds a few players: starting a second thread takes longer than the trees.
    for booster in trees.boosters().values():
        booster.set_param({"nthread": 1})
    return XgboostModel(version, trained, of_minutes, trees)


def _read_trees(blobs: Blobs, path: str, manifest: Manifest | None, metadata: Mapping[str, Any]) -> Any:
    """A booster of bytes that were checked. Raises ModelDamaged."""
    import xgboost as xgb

    data = read_verified(blobs, path, manifest)
    if manifest is None:
        try_apart(path, data, metadata.get("xgboost"))
    digest = hashlib.sha256(data).digest()
    try:
        booster = _IN_USE.get(digest) or xgb.Booster(model_file=bytearray(data))
        return _IN_USE.setdefault(digest, booster)
    except xgb.core.XGBoostError as error:
        # the rest of its text is a stack of the library's own
        what = str(error).strip().partition("\n")[0]
        raise model_damaged(path, f"XGBoost {library_version()} does not load it: {what}") from None


def _read_ensemble(blobs: Blobs, stat: str, version: str, manifest: Manifest | None, name: str) -> EnsembleModel:
    path = path_of(stat, version, ENSEMBLE, f"{name}.json")
    data = read_verified(blobs, path, manifest)
    try:
        document = json.loads(data)
        model = _ensemble(version, document)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise model_damaged(path, f"{len(data)} bytes: {type(error).__name__} {error}") from error
    lacking = sorted({*speaking_systems(STATS[stat]), ENSEMBLE} - set(model.variance))
    if lacking:
        raise SchemaMismatch(
            f"{ENSEMBLE} {version} for {stat} has no variance of {', '.join(lacking)}.",
            next_step="retrain: publish to nba-training-trigger.",
        )
    return model


def _ensemble(version: str, document: Mapping[str, Any]) -> EnsembleModel:
    market, spread = document["with_market"], document["variance_with_market"]
    return EnsembleModel(
        version=version,
        no_market=Combination(**document["no_market"]),
        with_market=None if market is None else MarketCombination(**market),
        variance={system: Variance(**value) for system, value in sorted(document["variance"].items())},
        variance_with_market=None if spread is None else Variance(**spread),
    )


def _read_sum(blobs: Blobs, stat: str, version: str, manifest: Manifest | None, name: str) -> SumModel:
    path = path_of(stat, version, ENSEMBLE, f"{name}.json")
    data = read_verified(blobs, path, manifest)
    try:
        model = _sum(version, json.loads(data))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise model_damaged(path, f"{len(data)} bytes: {type(error).__name__} {error}") from error
    wanted = {*speaking_systems(STATS[stat]), ENSEMBLE, WITH_MARKET}
    pairs = set(pairs_of(STATS[stat]))
    lacking = sorted(system for system in wanted if not pairs <= set(model.correlations.get(system, ())))
    if lacking:
        raise SchemaMismatch(
            f"{ENSEMBLE} {version} for {stat} has no correlations of {', '.join(lacking)}.",
            next_step="retrain: publish to nba-training-trigger.",
        )
    return model


def _sum(version: str, document: Mapping[str, Any]) -> SumModel:
    market = document["with_market"]
    return SumModel(
        version=version,
        correlations={system: dict(pairs) for system, pairs in sorted(document["correlations"].items())},
        width=dict(sorted(document["width"].items())),
        with_market=None if market is None else SumMarket(**market),
    )
