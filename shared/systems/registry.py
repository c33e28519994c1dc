"""Trained models in the models bucket: a version is written whole first, then the pointer that makes it current.

models/{system}/{version}/model.{ubj,json}, models/{system}/{version}/metadata.json, models/current.json.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from shared.errors import Fatal, NotFound, PreconditionFailed, SchemaMismatch, WriteConflict
from shared.features.names import model_features
from shared.ports import Blob, Blobs
from shared.systems.distribution import START_VARIANCE, Variance
from shared.systems.ensemble import Combination, EnsembleModel
from shared.systems.output import BASE_SYSTEMS, ENSEMBLE, XGBOOST
from shared.systems.xgboost_v1 import XgboostModel, library_version

POINTER = "models/current.json"
_FILES = {XGBOOST: "model.ubj", ENSEMBLE: "model.json"}
_TYPES = {"model.ubj": "application/octet-stream", "model.json": "application/json"}


@dataclass(frozen=True)
class Models:
    """What the worker predicts with; None where nothing was trained yet. Variances fall back to start values."""

    xgboost: XgboostModel | None = None
    ensemble: EnsembleModel | None = None
    start_variance: Variance = field(default=START_VARIANCE)

    def variance(self, system_id: str) -> Variance:
        """The spread of a system's distribution: trained, else the start values."""
        return self.start_variance if self.ensemble is None else self.ensemble.variance[system_id]

    def formula_version(self, version: str) -> str:
        """Version of an untrained system: its formula's, and where its spread was fitted that fit's."""
        return version if self.ensemble is None else f"{version}-{self.ensemble.version}"


def current_versions(blobs: Blobs) -> dict[str, str]:
    """system_id -> version of the current models; empty where nothing was trained yet."""
    try:
        return dict(json.loads(blobs.read(POINTER).data))
    except NotFound:
        return {}


# One process serves one bucket, and a batch pins its versions: the last models loaded are the ones asked for next.
_loaded: tuple[Blobs, tuple[str, ...], dict[str, str], Models] | None = None


def load_models(blobs: Blobs, versions: Mapping[str, str], features: Sequence[str] | None = None) -> Models:
    """The models of these versions (a batch's pins, or current_versions), cached per process.

    Raises SchemaMismatch where a model was trained on other features than `features` (default: the feature store's),
    Fatal where a version that is named is not in the bucket.
    """
    global _loaded
    wanted, names = dict(versions), model_features() if features is None else tuple(features)
    if _loaded is not None and _loaded[0] is blobs and _loaded[1] == names and _loaded[2] == wanted:
        return _loaded[3]
    models = Models(
        xgboost=_read_xgboost(blobs, wanted[XGBOOST], names) if XGBOOST in wanted else None,
        ensemble=_read_ensemble(blobs, wanted[ENSEMBLE]) if ENSEMBLE in wanted else None,
    )
    _loaded = (blobs, names, wanted, models)
    return models


def save_models(blobs: Blobs, models: Models, metadata: Mapping[str, Any], *, keep_current: bool = False) -> list[str]:
    """Write both models of one training with its metadata (features, rows, range, metrics), then the pointer.

    Versions are immutable, and metadata may hold only what follows from the training: the same again moves the
    pointer only. Returns the paths written or found.
    Raises Fatal where a model is missing, WriteConflict where the pointer changed meanwhile.
    """
    if models.xgboost is None or models.ensemble is None:
        raise Fatal("only a complete training is saved.", next_step="train both xgboost_v1 and ensemble_v1.")
    pointer = _pointer(blobs)
    raw = bytes(models.xgboost.booster.save_raw(raw_format="ubj"))
    paths: list[str] = []
    for system, version, data in (
        (XGBOOST, models.xgboost.version, raw),
        (ENSEMBLE, models.ensemble.version, _json(_ensemble_document(models.ensemble))),
    ):
        folder = f"models/{system}/{version}"
        paths.append(_write_once(blobs, f"{folder}/{_FILES[system]}", data, _TYPES[_FILES[system]]))
        document = _json({**metadata, "system_id": system, "version": version, "xgboost": library_version()})
        paths.append(_write_once(blobs, f"{folder}/metadata.json", document, "application/json"))
    if not keep_current:
        current = {XGBOOST: models.xgboost.version, ENSEMBLE: models.ensemble.version}
        paths.append(_move_pointer(blobs, pointer, current))
    return paths


def _pointer(blobs: Blobs) -> Blob | None:
    try:
        return blobs.read(POINTER)
    except NotFound:
        return None


def _move_pointer(blobs: Blobs, seen: Blob | None, current: Mapping[str, str]) -> str:
    data = _json(current)
    if seen is None or seen.data != data:
        generation = 0 if seen is None else seen.generation
        try:
            blobs.write(POINTER, data, content_type="application/json", if_generation=generation)
        except PreconditionFailed as error:
            raise WriteConflict(
                f"{POINTER} changed while a new version was written.", next_step="the retry writes it again."
            ) from error
    return POINTER


def _write_once(blobs: Blobs, path: str, data: bytes, content_type: str) -> str:
    try:
        blobs.write(path, data, content_type=content_type, if_generation=0)
    except PreconditionFailed:
        if blobs.read(path).data != data:
            raise Fatal(
                f"{path} exists with other content: one version would name two models.",
                next_step="delete the older version, or train on newer games.",
            ) from None
    return path


def _read(blobs: Blobs, system: str, version: str, name: str) -> bytes:
    path = f"models/{system}/{version}/{name}"
    try:
        return blobs.read(path).data
    except NotFound as error:
        raise Fatal(f"{path} is not in the models bucket.", next_step="publish to nba-training-trigger.") from error


def _read_xgboost(blobs: Blobs, version: str, features: tuple[str, ...]) -> XgboostModel:
    import xgboost as xgb

    trained = tuple(json.loads(_read(blobs, XGBOOST, version, "metadata.json"))["features"])
    booster = xgb.Booster(model_file=bytearray(_read(blobs, XGBOOST, version, _FILES[XGBOOST])))
    if trained != features or booster.num_features() != len(features):
        missing = sorted(set(trained) - set(features))
        extra = sorted(set(features) - set(trained))
        raise SchemaMismatch(
            f"{XGBOOST} {version} was trained on {len(trained)} features (trees: {booster.num_features()}), this"
            f" version of the project has {len(features)}; only in the model: {missing}, only in the project:"
            f" {extra}, {'another order' if not missing and not extra else 'by name'}.",
            next_step="retrain: publish to nba-training-trigger.",
        )
    # A request holds a few players: starting a second thread takes longer than the trees.
    booster.set_param({"nthread": 1})
    return XgboostModel(version, trained, booster)


def _read_ensemble(blobs: Blobs, version: str) -> EnsembleModel:
    document = json.loads(_read(blobs, ENSEMBLE, version, _FILES[ENSEMBLE]))
    lacking = sorted({*BASE_SYSTEMS, ENSEMBLE} - set(document["variance"]))
    if lacking:
        raise SchemaMismatch(
            f"{ENSEMBLE} {version} has no variance of {', '.join(lacking)}.",
            next_step="retrain: publish to nba-training-trigger.",
        )
    market, spread = document["with_market"], document["variance_with_market"]
    return EnsembleModel(
        version=version,
        no_market=Combination(**document["no_market"]),
        with_market=None if market is None else Combination(**market),
        variance={system: Variance(**value) for system, value in sorted(document["variance"].items())},
        variance_with_market=None if spread is None else Variance(**spread),
    )


def _ensemble_document(model: EnsembleModel) -> dict[str, Any]:
    document = asdict(model)
    del document["version"]
    return document


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True, allow_nan=False).encode()
