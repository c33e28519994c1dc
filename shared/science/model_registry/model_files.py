"""Whether a trained model's files are the ones that were saved: their sizes and SHA-256, kept in
metadata.json.

    "files": {"models/points/{version}/xgboost_v1/model.points.ubj": {"sha256": ..., ...}, ...},
    "sha256": of the rest

Both are checked before a byte reaches the library that reads it: altered trees may end the process,
never return, or load and predict something else. Versions of earlier releases have neither; their
trees are tried in a process of their own first, and are recorded at the next training of the same
rows, or rollback to them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from shared.core.errors import Fatal, ModelDamaged, NotFound
from shared.nba.stats import STATS
from shared.science.systems.output import ENSEMBLE, XGBOOST
from shared.stores.ports import Blobs

logger = logging.getLogger(__name__)

METADATA = "metadata.json"
FILES, SEAL = "files", "sha256"
Manifest = Mapping[str, Mapping[str, Any]]
# A tree that is never read to its end is refused after this long. Loading takes a second, most of
# it the library.
TRY_SECONDS = 60
_SHOWN = 12
# Gets one file on standard input; "same" where it is written again as it was read.
_TRY = """
import sys, xgboost
data = sys.stdin.buffer.read()
booster = xgboost.Booster(model_file=bytearray(data))
print(xgboost.__version__, "same" if bytes(booster.save_raw(raw_format="ubj")) == data else "other")
"""


def path_of(stat: str, version: str, system: str, name: str = "") -> str:
    """Where a file of a version lies; without a name the folder of a system's files, with its
    slash.
    """
    return f"models/{stat}/{version}/{system}/{name}"


def systems_of(stat: str) -> tuple[str, ...]:
    """The systems of which a statistic's version has models."""
    return (ENSEMBLE,) if stat in STATS and STATS[stat].is_sum else (XGBOOST, ENSEMBLE)


def advise_rollback(stat: str) -> str:
    """What mends a damaged model of a statistic."""
    return (
        f'publish {{"rollback_to": "previous", "stat": "{stat}"}} to nba-training-trigger and the version before serves'
        ' again; where none served before, publish {"game_date": "TODAY"} there: a training writes damaged files again,'
        " or a newer version."
    )


def manifest_of(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """SHA-256 (hex) and size (bytes) of each file, by its path in the bucket."""
    return {path: {"sha256": _digest(data), "size": len(data)} for path, data in sorted(files.items())}


def seal(document: Mapping[str, Any]) -> dict[str, Any]:
    """A version's metadata with the hash of all else in it, which shows damage to it."""
    rest = {key: value for key, value in document.items() if key != SEAL}
    return {**rest, SEAL: _digest(canonical(rest))}


def canonical(document: Mapping[str, Any]) -> bytes:
    """A document as the bytes that are stored of it, keys in order."""
    return json.dumps(document, indent=1, sort_keys=True, allow_nan=False).encode()


def read_metadata_of(blobs: Blobs, stat: str, system: str, version: str) -> dict[str, Any]:
    """A version's metadata, as one of its systems has it.

    Raises ModelDamaged where it is missing, or not what was saved; Fatal where nothing of the
    version is in the bucket: then it was never saved, and whoever names it is wrong.
    """
    path = path_of(stat, version, system, METADATA)
    try:
        data = read(blobs, path)
    except ModelDamaged as missing:
        if blobs.list(f"models/{stat}/{version}/"):
            raise
        raise Fatal(missing.message, next_step=missing.next_step) from missing
    try:
        return parse_metadata(data)
    except ValueError as error:
        raise model_damaged(path, str(error)) from error


def parse_metadata(data: bytes) -> dict[str, Any]:
    """A stored metadata.json. Raises ValueError, with the bytes' number, where it is not what was
    saved.
    """
    try:
        document = json.loads(data)
        if not isinstance(document, dict):
            raise ValueError("it is no JSON object")
        if (FILES in document or SEAL in document) and seal(document).get(SEAL) != document.get(SEAL):
            raise ValueError("its SHA-256 is not the one it names")
        if not all(isinstance(each["size"], int) and each["sha256"] for each in document.get(FILES, {}).values()):
            raise ValueError("it names files without a hash")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{len(data)} bytes: {error}") from error
    return document


def read_verified(blobs: Blobs, path: str, manifest: Manifest | None) -> bytes:
    """A file of a version, checked against its manifest; None: of an earlier release, as it is.

    Raises ModelDamaged where it is missing, is not named in the manifest, or has another size or
    SHA-256.
    """
    data = read(blobs, path)
    wrong = describe_damage(path, data, manifest)
    if wrong is not None:
        raise model_damaged(path, wrong)
    return data


def describe_damage(path: str, data: bytes, manifest: Manifest | None) -> str | None:
    """How a file's bytes differ from what its version's manifest says; None where they do not."""
    if manifest is None:
        return None
    if path not in manifest:
        return "its metadata does not name it"
    size, digest = manifest[path]["size"], manifest[path]["sha256"]
    if len(data) == size and _digest(data) == digest:
        return None
    return f"{len(data)} bytes with SHA-256 {_digest(data)[:_SHOWN]}, saved were {size} bytes with {digest[:_SHOWN]}"


def read(blobs: Blobs, path: str) -> bytes:
    """A file's bytes, unchecked. Raises ModelDamaged where it is missing."""
    try:
        return blobs.read(path).data
    except NotFound as error:
        raise ModelDamaged(f"{path} is not in the models bucket.", next_step=advise_rollback(_stat_of(path))) from error


def try_apart(path: str, data: bytes, library: str | None) -> None:
    """Load trees without a recorded hash in a process of their own, for what it might do to this
    one.

    library is the version of XGBoost that wrote them, where it is known: the same one writes them
    as it read them. Raises ModelDamaged where that process fails, or does not end in TRY_SECONDS,
    or would write something else.
    """
    try:
        tried = subprocess.run(
            [sys.executable, "-c", _TRY], input=data, capture_output=True, timeout=TRY_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise model_damaged(path, f"{len(data)} bytes that XGBoost does not load in {TRY_SECONDS} s") from error
    if tried.returncode:
        raise model_damaged(
            path, f"{len(data)} bytes that XGBoost does not load (its process ended with {tried.returncode})"
        )
    wrote, _, same = tried.stdout.decode().strip().partition(" ")
    if same != "same" and library == wrote:
        raise model_damaged(path, f"{len(data)} bytes that XGBoost {library} loads and would write otherwise")
    logger.warning("%s has no recorded SHA-256: a release before wrote it; it loads", path)


def model_damaged(path: str, what: str) -> ModelDamaged:
    """The error for a file in the models bucket: models/{stat}/{version}/{system}/{file}."""
    _, stat, version, system, name = path.split("/", 4)
    return ModelDamaged(
        f"{name} of {system} {version} for {stat} is damaged ({path}: {what}).", next_step=advise_rollback(stat)
    )


def _stat_of(path: str) -> str:
    return path.split("/", 2)[1]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
