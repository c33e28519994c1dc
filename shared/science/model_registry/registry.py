"""Trained models in the models bucket: a version is written whole, then promotions.py may make it
serve.

models/{stat}/{version}/{system}/model.{*.ubj,json} serve; twin.{...} beside them is the holdout
model. metadata.json there: features in order, training range, rows, data hash, library, metrics,
gate, and what model_files.py needs to tell whether the files of all its systems are the ones that
were saved. A version is of one statistic (shared/nba/stats.py): its name never stands for
another's. A base statistic has models of xgboost_v1 and ensemble_v1, a sum has one of ensemble_v1,
which says how its parts go together.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from shared.core.errors import Fatal, ModelDamaged, PreconditionFailed
from shared.nba.stats import STATS
from shared.science.model_registry.model_files import (
    FILES,
    METADATA,
    SEAL,
    canonical,
    manifest_of,
    path_of,
    read_metadata_of,
    seal,
    systems_of,
)
from shared.science.model_registry.models import Models
from shared.science.model_registry.stored_models import files_of_models, read_models
from shared.science.systems.output import ENSEMBLE
from shared.science.systems.xgboost_v1 import library_version
from shared.stores.ports import Blobs

logger = logging.getLogger(__name__)

MODEL, HOLDOUT_MODEL = "model", "twin"  # the names of stored files
_TYPES = {"ubj": "application/octet-stream", "json": "application/json"}
# What a training decided, and against which version, is not part of what it learned: the first
# decision stays.
_DECIDED = "gate"


# One process serves one bucket, and a batch pins its versions: the last models loaded of a
# statistic are the ones asked for next.
_loaded: dict[str, tuple[Blobs, dict[str, str], Models]] = {}


def load_models(blobs: Blobs, stat: str, versions: Mapping[str, str]) -> Models:
    """The models of these versions of a statistic (a batch's pins, or current_versions), cached per
    process.

    Raises SchemaMismatch where a model was trained on other features than the feature store's,
    ModelDamaged where a file of a version that is named is not in the bucket, or not the one that
    was saved.
    """
    return _load(blobs, stat, versions, None)


def load_usable_models(blobs: Blobs, stat: str, versions: Mapping[str, str]) -> Models:
    """As load_models, but a system with a damaged file is left out and named in `damaged`, and the
    others go on.

    Such models are read again at every call, so that mended files serve at once. Raises Fatal where
    nothing of a version is in the bucket.
    """
    return _load(blobs, stat, versions, {})


def _load(
    blobs: Blobs,
    stat: str,
    versions: Mapping[str, str],
    left_out: dict[str, str] | None,
) -> Models:
    wanted = dict(versions)
    last = _loaded.get(stat)
    if last is not None and last[0] is blobs and last[1] == wanted:
        return last[2]
    models = read_models(blobs, stat, wanted, MODEL, left_out)
    if not models.damaged:
        _loaded[stat] = (blobs, wanted, models)
    return models


def load_version(blobs: Blobs, stat: str, version: str) -> Models:
    """All models of a version as they lie in the bucket now, whatever this process loaded before.

    Raises as load_models.
    """
    return read_models(blobs, stat, dict.fromkeys(systems_of(stat), version), MODEL)


def load_holdout_model(blobs: Blobs, stat: str, version: str) -> Models:
    """The models that a version is judged by: fitted like it, without the days on which the gate
    compares.

    Raises as load_models.
    """
    return read_models(blobs, stat, dict.fromkeys(systems_of(stat), version), HOLDOUT_MODEL)


def read_metadata(blobs: Blobs, stat: str, version: str) -> dict[str, Any]:
    """What is known of a version.

    Raises ModelDamaged where it is missing, or not what was saved.
    """
    return read_metadata_of(blobs, stat, systems_of(stat)[0], version)


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
    """Write the models of one training of a statistic, the holdout models and its metadata;
    nothing serves them by that.

    Versions are immutable, and metadata may hold only what follows from the training, but for the
    gate's decision: the same again writes nothing but what is damaged of it. Returns the paths
    written or found. Raises Fatal where a model is missing, or where the version exists with other
    content or is another statistic's.
    """
    versions, files = _files_of(stat, models, holdout_model)
    _refuse_other_stats(blobs, stat, versions[ENSEMBLE])
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
    documents = {system: read_metadata_of(blobs, stat, system, version) for system in systems_of(stat)}
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
    files = {MODEL: files_of_models(models)}
    if holdout_model is not None:
        files[HOLDOUT_MODEL] = files_of_models(holdout_model)
    versions = {system: version for system, (version, _) in files[MODEL].items()}
    contents = {
        path_of(stat, version, system, f"{name}.{file}"): content
        for system, version in versions.items()
        for name, models_files in files.items()
        for file, content in models_files[system][1].items()
    }
    return versions, contents


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
