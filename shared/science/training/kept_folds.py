"""Trees of a training's folds, kept in the models bucket: a season's are the same in every training
that follows.

folds/{stat}/{first day}.trees: a line of JSON (key, sizes of the boosters, SHA-256 of their bytes),
then the boosters. The key is a hash of all that the trees follow from: rows, names of the features,
parameters, library. What has another key, or is not what was written, is trained anew and written
over.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.core.errors import NotFound
from shared.nba.stats import STATS
from shared.science.model_registry.stored_models import minutes_features
from shared.science.systems import xgboost_v1
from shared.science.systems.xgboost_v1 import Matrix, Trees, booster_names
from shared.science.training.rows import Mask, TrainingRows
from shared.science.training.walk_forward import FoldTrees, rows_of_folds
from shared.stores.ports import Blobs

logger = logging.getLogger(__name__)


def read_folds(blobs: Blobs, rows: TrainingRows) -> FoldTrees:
    """Trees that earlier trainings kept and that these rows would give again, by their folds' first
    days.
    """
    found: FoldTrees = {}
    for first, key in _keys(rows).items():
        path = _path(rows.stat, first)
        try:
            data = blobs.read(path).data
        except NotFound:
            continue
        trees = _read(path, data, key, rows.stat)
        if trees is not None:
            found[first] = trees
    return found


def write_folds(blobs: Blobs, rows: TrainingRows, folds: Mapping[np.datetime64, Trees]) -> None:
    """Keep the trees of folds that were fitted on these rows, in the place of what is there under
    their days.
    """
    keys = _keys(rows)
    for first, trees in folds.items():
        files = trees.files()
        content = b"".join(files.values())
        header = {
            "key": keys[first],
            "sizes": {name: len(data) for name, data in files.items()},
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        data = json.dumps(header).encode() + b"\n" + content
        blobs.write(_path(rows.stat, first), data, content_type="application/octet-stream")


def _path(stat: str, first: np.datetime64) -> str:
    return f"folds/{stat}/{first}.trees"


def _keys(rows: TrainingRows) -> dict[np.datetime64, str]:
    """Of each fold a hash of what its trees follow from."""
    names = (rows.names, minutes_features())
    inputs = [_plain(xgboost_v1.matrix(rows.features, each)) for each in names]
    recipe = xgboost_v1.recipe(STATS[rows.stat])

    def key(use: Mask) -> str:
        digest = hashlib.sha256(repr((names, recipe, xgboost_v1.library_version())).encode())
        arrays: list[NDArray[Any]] = [*(each[use] for each in inputs), rows.actual[use], rows.minutes[use]]
        for values in arrays:
            digest.update(repr(values.shape).encode() + np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()

    return {first: key(use) for first, use in rows_of_folds(rows).items()}


def _plain(inputs: Matrix) -> Matrix:
    """One NaN and one zero, whatever bits the warehouse's driver gave them."""
    return np.where(np.isnan(inputs), np.float32(np.nan), inputs + np.float32(0.0))


def _read(path: str, data: bytes, key: str, stat: str) -> Trees | None:
    """None where the trees are of another key, or damaged: no byte of such reaches the library that
    reads them.
    """
    line, _, content = data.partition(b"\n")
    names = booster_names(STATS[stat])
    try:
        header = json.loads(line)
        whole = hashlib.sha256(content).hexdigest() == header["sha256"]
        sizes = [int(header["sizes"][name]) for name in names]
        known = header["key"]
    except (ValueError, TypeError, KeyError, RecursionError):
        whole, sizes, known = False, [], None
    if not whole or sum(sizes) != len(content):
        logger.warning("%s is damaged (%d bytes): its trees are trained anew", path, len(data))
        return None
    if known != key:
        return None
    ends = np.cumsum(sizes)
    return xgboost_v1.read_trees({n: content[e - s : e] for n, s, e in zip(names, sizes, ends, strict=True)})
