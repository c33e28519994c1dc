"""Trained models in the models bucket: a version is written whole, then promotions.py may make it
serve.

models/{stat}/{version}/{system}/model.{*.ubj,json} serve; twin.{...} beside them is the holdout
model. metadata.json there: features in order, training range, rows, data hash, library, metrics,
gate, and what model_files.py needs to tell whether the files of both systems are the ones that were
saved. A version is of one statistic (shared/nba/stats.py): its name never stands for another's.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, TypeVar

from shared.core.errors import Fatal, ModelDamaged, PreconditionFailed, SchemaMismatch
from shared.core.events import Event
from shared.nba.stats import STATS
from shared.science.features.names import model_features
from shared.science.model_registry.model_files import (
    FILES,
    METADATA,
    SEAL,
    Manifest,
    canonical,
    manifest_of,
    model_damaged,
    path_of,
    read_metadata_of,
    read_verified,
    seal,
    try_apart,
)
from shared.science.systems.distribution import START_VARIANCE, Variance
from shared.science.systems.ensemble import Combination, EnsembleModel
from shared.science.systems.market import MarketCombination
from shared.science.systems.output import BASE_SYSTEMS, ENSEMBLE, XGBOOST
from shared.science.systems.xgboost_v1 import TREES, Trees, XgboostModel, library_version
from shared.stores.ports import Blobs

logger = logging.getLogger(__name__)

T = TypeVar("T")
MODEL, HOLDOUT_MODEL = "model", "twin"  # the names of stored files
_TYPES = {"ubj": "application/octet-stream", "json": "application/json"}
# What a training decided, and against which version, is not part of what it learned: the first
# decision stays.
_DECIDED = "gate"


@dataclass(frozen=True)
class Models:
    """What the worker predicts with; None where nothing was trained yet, or a file of the model is
    damaged.

    damaged says for such a system what is wrong and what mends it. Variances fall back to start
    values.
    """

    xgboost: XgboostModel | None = None
    ensemble: EnsembleModel | None = None
    start_variance: Variance = field(default=START_VARIANCE)
    damaged: Mapping[str, str] = field(default_factory=dict)

    def variance(self, system_id: str) -> Variance:
        """The spread of a system's distribution: trained, else the start values."""
        return self.start_variance if self.ensemble is None else self.ensemble.variance[system_id]

    def formula_version(self, version: str) -> str:
        """Version of an untrained system: its formula's, and where its spread was fitted that
        fit's.
        """
        return version if self.ensemble is None else f"{version}-{self.ensemble.version}"


# One process serves one bucket, and a batch pins its versions: the last models loaded of a
# statistic are the ones asked for next.
_loaded: dict[str, tuple[Blobs, tuple[str, ...], dict[str, str], Models]] = {}


def load_models(blobs: Blobs, stat: str, versions: Mapping[str, str], features: Sequence[str] | None = None) -> Models:
    """The models of these versions of a statistic (a batch's pins, or current_versions), cached per
    process.

    Raises SchemaMismatch where a model was trained on other features than `features` (default: the
    feature store's), ModelDamaged where a file of a version that is named is not in the bucket, or
    not the one that was saved.
    """
    return _load(blobs, stat, versions, features, None)


def load_usable_models(
    blobs: Blobs, stat: str, versions: Mapping[str, str], features: Sequence[str] | None = None
) -> Models:
    """As load_models, but a system with a damaged file is left out and named in `damaged`, and the
    others go on.

    Such models are read again at every call, so that mended files serve at once. Raises Fatal where
    nothing of a version is in the bucket.
    """
    return _load(blobs, stat, versions, features, {})


def _load(
    blobs: Blobs,
    stat: str,
    versions: Mapping[str, str],
    features: Sequence[str] | None,
    left_out: dict[str, str] | None,
) -> Models:
    wanted, names = dict(versions), model_features() if features is None else tuple(features)
    last = _loaded.get(stat)
    if last is not None and last[0] is blobs and last[1:3] == (names, wanted):
        return last[3]
    models = _read_models(blobs, stat, wanted, names, MODEL, left_out)
    if not models.damaged:
        _loaded[stat] = (blobs, names, wanted, models)
    return models


def load_version(blobs: Blobs, stat: str, version: str) -> Models:
    """Both models of a version as they lie in the bucket now, whatever this process loaded before.

    Raises as load_models.
    """
    return _read_models(blobs, stat, dict.fromkeys((XGBOOST, ENSEMBLE), version), model_features(), MODEL)


def load_holdout_model(blobs: Blobs, stat: str, version: str, features: Sequence[str] | None = None) -> Models:
    """The models that a version is judged by: fitted like it, without the days on which the gate
    compares.

    Raises as load_models.
    """
    names = model_features() if features is None else tuple(features)
    return _read_models(blobs, stat, dict.fromkeys((XGBOOST, ENSEMBLE), version), names, HOLDOUT_MODEL)


def read_metadata(blobs: Blobs, stat: str, version: str) -> dict[str, Any]:
    """What is known of a version of xgboost_v1.

    Raises ModelDamaged where it is missing, or not what was saved.
    """
    return read_metadata_of(blobs, stat, XGBOOST, version)


def list_saved_versions(blobs: Blobs, stat: str) -> list[str]:
    """Versions of a statistic that are in the bucket whole, the oldest data first: metadata is the
    last that is written of one.
    """
    folder = f"models/{stat}/"
    paths = (path.removeprefix(folder).split("/") for path in blobs.list(folder))
    return [version for version, *name in paths if name == [ENSEMBLE, METADATA]]


def save_models(
    blobs: Blobs, stat: str, models: Models, metadata: Mapping[str, Any], holdout_model: Models | None = None
) -> list[str]:
    """Write both models of one training of a statistic, the holdout models and its metadata;
    nothing serves them by that.

    Versions are immutable, and metadata may hold only what follows from the training, but for the
    gate's decision: the same again writes nothing but what is damaged of it. Returns the paths
    written or found. Raises Fatal where a model is missing, or where the version exists with other
    content or is another statistic's.
    """
    versions, files = _files_of(stat, models, holdout_model)
    _refuse_other_stats(blobs, stat, versions[XGBOOST])
    manifest = manifest_of(files)
    paths: list[str] = []
    for system, version in versions.items():
        paths += [
            _write_once(
                blobs, path, content, _TYPES[path.rpartition(".")[2]], partial(_is_recorded, blobs, path, content)
            )
            for path, content in files.items()
            if path.startswith(path_of(stat, version, system))
        ]
        document = {**metadata, "system_id": system, "version": version, "xgboost": library_version(), FILES: manifest}
        paths.append(_write_metadata(blobs, path_of(stat, version, system, METADATA), document))
    return paths


def _refuse_other_stats(blobs: Blobs, stat: str, version: str) -> None:
    """A rollback names a version alone, so it must be of one statistic."""
    for other in STATS:
        if other != stat and blobs.list(f"models/{other}/{version}/"):
            raise Fatal(
                f"Version {version} of {stat} is one of {other} already: it would name the models of two statistics.",
                next_step=f"delete models/{other}/{version} where nothing serves it, or train on newer games.",
            )


def record_files(blobs: Blobs, stat: str, version: str) -> None:
    """Record the sizes and hashes of a version that an earlier release saved without; nothing for
    any other.

    Raises ModelDamaged where its metadata is.
    """
    documents = {system: read_metadata_of(blobs, stat, system, version) for system in (XGBOOST, ENSEMBLE)}
    if all(FILES in document for document in documents.values()):
        return
    paths = [path for path in blobs.list(f"models/{stat}/{version}/") if not path.endswith(METADATA)]
    manifest = manifest_of({path: blobs.read(path).data for path in paths})
    for system in documents:
        blob = blobs.read(path_of(stat, version, system, METADATA))
        data = canonical(seal({**documents[system], FILES: manifest}))
        blobs.write(blob.path, data, content_type=_TYPES["json"], if_generation=blob.generation)


def _files_of(stat: str, models: Models, holdout_model: Models | None) -> tuple[dict[str, str], dict[str, bytes]]:
    """system_id -> version, ensemble_v1 last; and every file's content by its path."""
    files = {MODEL: _files(models)} | ({} if holdout_model is None else {HOLDOUT_MODEL: _files(holdout_model)})
    versions = {system: version for system, (version, _) in files[MODEL].items()}
    contents = {
        path_of(stat, version, system, f"{name}.{file}"): content
        for system, version in versions.items()
        for name, models_files in files.items()
        for file, content in models_files[system][1].items()
    }
    return versions, contents


def _files(models: Models) -> dict[str, tuple[str, dict[str, bytes]]]:
    """system_id -> version and its files' contents, ensemble_v1 last."""
    trees, combined = models.xgboost, models.ensemble
    if trees is None or combined is None:
        raise Fatal("only a complete training is saved.", next_step="train both xgboost_v1 and ensemble_v1.")
    return {
        XGBOOST: (trees.version, {f"{each}.ubj": content for each, content in trees.trees.files().items()}),
        ENSEMBLE: (combined.version, {"json": canonical(_ensemble_document(combined))}),
    }


def _write_metadata(blobs: Blobs, path: str, document: Mapping[str, Any]) -> str:
    """Write a version's metadata; the first decision on it stays.

    What is damaged, or lacks the hashes, is replaced.
    """
    _, stat, version, system, _ = path.split("/")
    try:
        before: dict[str, Any] | None = read_metadata_of(blobs, stat, system, version)
    except ModelDamaged:  # or not there yet, beside the files that are
        before = None
    decided = {_DECIDED: before[_DECIDED]} if before and _DECIDED in before else {}
    new = seal({**document, **decided})
    unrecorded = {key: value for key, value in new.items() if key not in (FILES, SEAL)}
    replaceable = before is None or before == unrecorded
    return _write_once(blobs, path, canonical(new), _TYPES["json"], lambda: replaceable)


def _write_once(blobs: Blobs, path: str, data: bytes, content_type: str, replaceable: Callable[[], bool]) -> str:
    """Write a file where it is absent, or where another content that is there may be replaced.

    Raises Fatal else.
    """
    try:
        blobs.write(path, data, content_type=content_type, if_generation=0)
    except PreconditionFailed:
        there = blobs.read(path)
        if there.data == data:
            return path
        if not replaceable():
            raise Fatal(
                f"{path} exists with other content: one version would name two models.",
                next_step="delete the older version, or train on newer games.",
            ) from None
        logger.warning("%s was not what was saved (%d bytes) and is written again", path, len(there.data))
        blobs.write(path, data, content_type=content_type, if_generation=there.generation)
    return path


def _is_recorded(blobs: Blobs, path: str, data: bytes) -> bool:
    """Whether a version's metadata says that this is the content of its file, so that any other is
    damage.

    Where the metadata cannot tell, because it is damaged too, the version does, which is named by
    its content.
    """
    _, stat, version, system, _ = path.split("/", 4)
    try:
        manifest = read_metadata_of(blobs, stat, system, version).get(FILES, {})
    except ModelDamaged:
        return True
    return bool(manifest.get(path) == manifest_of({path: data})[path])


def _read_models(
    blobs: Blobs,
    stat: str,
    versions: Mapping[str, str],
    features: tuple[str, ...],
    name: str,
    left_out: dict[str, str] | None = None,
) -> Models:
    """left_out: where damaged systems are noted, instead of raising for the first."""

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
        return _read_xgboost(blobs, stat, versions[XGBOOST], metadata, features, name)

    def ensemble_model() -> EnsembleModel:
        version = versions[ENSEMBLE]
        # a training's two systems have one manifest: what was read of the one is not read again of
        # the other
        metadata = known.get((XGBOOST, version)) or read_metadata_of(blobs, stat, ENSEMBLE, version)
        return _read_ensemble(blobs, stat, version, metadata.get(FILES), name)

    return Models(
        xgboost=usable(XGBOOST, xgboost_model),
        ensemble=usable(ENSEMBLE, ensemble_model),
        damaged=left_out or {},
    )


def _read_xgboost(
    blobs: Blobs, stat: str, version: str, metadata: Mapping[str, Any], features: tuple[str, ...], name: str
) -> XgboostModel:
    folder = path_of(stat, version, XGBOOST)
    try:
        trained = tuple(metadata["features"])
    except (KeyError, TypeError) as error:
        raise model_damaged(f"{folder}{METADATA}", "it names no features") from error
    manifest = metadata.get(FILES)
    boosters = {each: _read_trees(blobs, f"{folder}{name}.{each}.ubj", manifest, metadata) for each in TREES}
    inputs = {booster.num_features() for booster in boosters.values()}
    if trained != features or inputs != {len(features)}:
        missing = sorted(set(trained) - set(features))
        extra = sorted(set(features) - set(trained))
        raise SchemaMismatch(
            f"{XGBOOST} {version} for {stat} was trained on {len(trained)} features (trees: {sorted(inputs)}), this"
            f" version of the project has {len(features)}; only in the model: {missing}, only in the project:"
            f" {extra}, {'another order' if not missing and not extra else 'by name'}.",
            next_step="retrain: publish to nba-training-trigger.",
        )
    # A request holds a few players: starting a second thread takes longer than the trees.
    for booster in boosters.values():
        booster.set_param({"nthread": 1})
    return XgboostModel(version, trained, Trees(**boosters))


def _read_trees(blobs: Blobs, path: str, manifest: Manifest | None, metadata: Mapping[str, Any]) -> Any:
    """A booster of bytes that were checked. Raises ModelDamaged."""
    import xgboost as xgb

    data = read_verified(blobs, path, manifest)
    if manifest is None:
        try_apart(path, data, metadata.get("xgboost"))
    try:
        return xgb.Booster(model_file=bytearray(data))
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
    lacking = sorted({*BASE_SYSTEMS, ENSEMBLE} - set(model.variance))
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


def _ensemble_document(model: EnsembleModel) -> dict[str, Any]:
    document = asdict(model)
    del document["version"]
    return document
