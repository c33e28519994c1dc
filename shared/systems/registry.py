"""Trained models in the models bucket: a version is written whole, then shared/systems/promotions.py may make it serve.

models/{system}/{version}/model.{*.ubj,json} serve; twin.{...} beside them is what later gates judge the version by.
models/{system}/{version}/metadata.json: features in order, training range, rows, data hash, library, metrics, gate.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from shared.errors import Fatal, NotFound, PreconditionFailed, SchemaMismatch
from shared.features.names import model_features
from shared.ports import Blobs
from shared.systems.distribution import START_VARIANCE, Variance
from shared.systems.ensemble import Combination, EnsembleModel
from shared.systems.market import MarketCombination
from shared.systems.output import BASE_SYSTEMS, ENSEMBLE, XGBOOST
from shared.systems.xgboost_v1 import TREES, Trees, XgboostModel, library_version

MODEL, TWIN = "model", "twin"
_TYPES = {"ubj": "application/octet-stream", "json": "application/json"}
_METADATA = "metadata.json"
# What a training decided, and against which version, is not part of what it learned: the first decision stays.
_DECIDED = "gate"


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
    models = _read_models(blobs, wanted, names, MODEL)
    _loaded = (blobs, names, wanted, models)
    return models


def load_twin(blobs: Blobs, version: str, features: Sequence[str] | None = None) -> Models:
    """The models that a version is judged by: fitted like it, without the days on which the gate compares.

    Raises as load_models.
    """
    names = model_features() if features is None else tuple(features)
    return _read_models(blobs, dict.fromkeys((XGBOOST, ENSEMBLE), version), names, TWIN)


def read_metadata(blobs: Blobs, version: str) -> dict[str, Any]:
    """What is known of a version of xgboost_v1. Raises Fatal where it is not in the bucket."""
    return dict(json.loads(_read(blobs, XGBOOST, version, _METADATA)))


def saved_versions(blobs: Blobs) -> list[str]:
    """Versions that are in the bucket whole, the oldest data first: metadata is the last that is written of one."""
    folder = f"models/{ENSEMBLE}/"
    paths = (path.removeprefix(folder).split("/") for path in blobs.list(folder))
    return [version for version, *name in paths if name == [_METADATA]]


def save_models(blobs: Blobs, models: Models, metadata: Mapping[str, Any], twin: Models | None = None) -> list[str]:
    """Write both models of one training, the twins and its metadata; nothing serves them by that.

    Versions are immutable, and metadata may hold only what follows from the training, but for the gate's decision:
    the same again writes nothing. Returns the paths written or found.
    Raises Fatal where a model is missing, or where the version exists with other content.
    """
    files = {MODEL: _files(models)} | ({} if twin is None else {TWIN: _files(twin)})
    paths: list[str] = []
    for system, (version, _) in files[MODEL].items():
        folder = f"models/{system}/{version}"
        paths += [
            _write_once(blobs, f"{folder}/{name}.{file}", content, _TYPES[file.rpartition(".")[2]])
            for name, models_files in files.items()
            for file, content in models_files[system][1].items()
        ]
        document = {**metadata, "system_id": system, "version": version, "xgboost": library_version()}
        paths.append(_write_metadata(blobs, f"{folder}/{_METADATA}", document))
    return paths


def _files(models: Models) -> dict[str, tuple[str, dict[str, bytes]]]:
    """system_id -> version and its files' contents, ensemble_v1 last."""
    trees, combined = models.xgboost, models.ensemble
    if trees is None or combined is None:
        raise Fatal("only a complete training is saved.", next_step="train both xgboost_v1 and ensemble_v1.")
    return {
        XGBOOST: (trees.version, {f"{each}.ubj": content for each, content in trees.trees.files().items()}),
        ENSEMBLE: (combined.version, {"json": _json(_ensemble_document(combined))}),
    }


def _write_metadata(blobs: Blobs, path: str, document: Mapping[str, Any]) -> str:
    try:
        decided = {_DECIDED: json.loads(blobs.read(path).data)[_DECIDED]}
    except (NotFound, KeyError):
        decided = {}
    return _write_once(blobs, path, _json({**document, **decided}), _TYPES["json"])


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


def _read_models(blobs: Blobs, versions: Mapping[str, str], features: tuple[str, ...], name: str) -> Models:
    return Models(
        xgboost=_read_xgboost(blobs, versions[XGBOOST], features, name) if XGBOOST in versions else None,
        ensemble=_read_ensemble(blobs, versions[ENSEMBLE], name) if ENSEMBLE in versions else None,
    )


def _read_xgboost(blobs: Blobs, version: str, features: tuple[str, ...], name: str) -> XgboostModel:
    import xgboost as xgb

    trained = tuple(json.loads(_read(blobs, XGBOOST, version, _METADATA))["features"])
    boosters = {
        each: xgb.Booster(model_file=bytearray(_read(blobs, XGBOOST, version, f"{name}.{each}.ubj"))) for each in TREES
    }
    inputs = {booster.num_features() for booster in boosters.values()}
    if trained != features or inputs != {len(features)}:
        missing = sorted(set(trained) - set(features))
        extra = sorted(set(features) - set(trained))
        raise SchemaMismatch(
            f"{XGBOOST} {version} was trained on {len(trained)} features (trees: {sorted(inputs)}), this"
            f" version of the project has {len(features)}; only in the model: {missing}, only in the project:"
            f" {extra}, {'another order' if not missing and not extra else 'by name'}.",
            next_step="retrain: publish to nba-training-trigger.",
        )
    # A request holds a few players: starting a second thread takes longer than the trees.
    for booster in boosters.values():
        booster.set_param({"nthread": 1})
    return XgboostModel(version, trained, Trees(**boosters))


def _read_ensemble(blobs: Blobs, version: str, name: str) -> EnsembleModel:
    document = json.loads(_read(blobs, ENSEMBLE, version, f"{name}.json"))
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
        with_market=None if market is None else MarketCombination(**market),
        variance={system: Variance(**value) for system, value in sorted(document["variance"].items())},
        variance_with_market=None if spread is None else Variance(**spread),
    )


def _ensemble_document(model: EnsembleModel) -> dict[str, Any]:
    document = asdict(model)
    del document["version"]
    return document


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True, allow_nan=False).encode()
