"""A models bucket of a release that knew points alone, laid out by statistic.

| before                           | copied to                               |
|----------------------------------|-----------------------------------------|
| folds/{first day}.trees          | folds/points/{first day}.trees          |
| models/{system}/{version}/{file} | models/points/{version}/{system}/{file} |
| models/current.json              | models/points/current.json, last        |

Nothing of before is deleted: the release before reads it, should somebody go back to it. What is
there already stays as it is, so that a migration that died goes on and a second one does nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from shared.core.errors import NotFound, PreconditionFailed, WriteConflict
from shared.nba.stats import POINTS
from shared.science.model_registry.model_files import (
    FILES,
    METADATA,
    canonical,
    describe_damage,
    parse_metadata,
    path_of,
    seal,
)
from shared.science.model_registry.promotions import parse_pointer, pointer_of
from shared.science.systems.output import ENSEMBLE, XGBOOST
from shared.stores.ports import Blob, Blobs

OLD_POINTER = "models/current.json"
_STAT = POINTS.name
_TREES = re.compile(r"folds/([^/]+\.trees)")
_FILE = re.compile(rf"models/({XGBOOST}|{ENSEMBLE})/([^/]+)/([^/]+)")


def migrate_models(blobs: Blobs) -> list[str]:
    """Copy the models of points, the trees of their folds, and the pointer with its history to
    where they are looked for now.

    Returns the paths written, in order; where something is wrong with one, "path: what". Damaged
    bytes are copied as they are, and what is missing stays missing, so that loading reports the
    damage as before. Empty where there is nothing to do. A pointer that the release before moved
    since the last migration is taken over, where nothing has moved the new one meanwhile. Raises
    WriteConflict where something moves it just now: a second call looks again.
    """
    there = {*blobs.list("folds/"), *blobs.list("models/")}
    done = [note for path in sorted(there) for note in _copy_trees(blobs, path, there)]
    systems = {(found[2], found[1]) for path in there if (found := _FILE.fullmatch(path))}
    # ensemble_v1 last: its metadata is what makes a version one that is there whole
    for version, system in sorted(systems, key=lambda each: (each[0], each[1] == ENSEMBLE)):
        done += _copy_system(blobs, system, version, there)
    return done + _copy_pointer(blobs)


def _copy_trees(blobs: Blobs, path: str, there: Collection[str]) -> list[str]:
    found = _TREES.fullmatch(path)
    target = f"folds/{_STAT}/{found[1]}" if found else ""
    if not found or target in there:
        return []
    return _copy(blobs, blobs.read(path), target)


def _copy_system(blobs: Blobs, system: str, version: str, there: Collection[str]) -> list[str]:
    """Files of a version and system, its metadata last."""
    folder = f"models/{system}/{version}/"
    names = sorted(path.removeprefix(folder) for path in there if path.startswith(folder))
    new = [name for name in names if path_of(_STAT, version, system, name) not in there]
    if not new:
        return []
    metadata, wrong = _read_metadata(blobs, folder, names)
    manifest = metadata.get(FILES)
    done: list[str] = []
    for name in sorted(new, key=lambda each: each == METADATA):
        blob, target = blobs.read(folder + name), path_of(_STAT, version, system, name)
        if name != METADATA:
            done += _copy(blobs, blob, target, wrong=describe_damage(blob.path, blob.data, manifest))
        elif manifest is None:
            done += _copy(blobs, blob, target, wrong=wrong)
        else:
            renamed = {_rename(path): entry for path, entry in manifest.items()}
            done += _copy(blobs, blob, target, data=canonical(seal({**metadata, FILES: renamed})))
    lost = [path.removeprefix(folder) for path in manifest or () if path.startswith(folder)] or [METADATA]
    return done + [
        f"{path_of(_STAT, version, system, name)}: it was not in the bucket" for name in lost if name not in names
    ]


def _read_metadata(blobs: Blobs, folder: str, names: Collection[str]) -> tuple[Mapping[str, Any], str | None]:
    """What is known of the files, empty where it is not to be had; and what is wrong with it."""
    if METADATA not in names:
        return {}, None
    try:
        return parse_metadata(blobs.read(folder + METADATA).data), None
    except ValueError as error:
        return {}, str(error)


def _rename(path: str) -> str:
    found = _FILE.fullmatch(path)
    return path_of(_STAT, found[2], found[1], found[3]) if found else path


def _copy_pointer(blobs: Blobs) -> list[str]:
    try:
        old = blobs.read(OLD_POINTER)
    except NotFound:
        return []
    try:
        new = blobs.read(pointer_of(_STAT))
    except NotFound:
        return _copy(blobs, old, pointer_of(_STAT), wrong=_describe_pointer(old))
    if not _goes_on(old, new):
        return []
    try:
        blobs.write(new.path, old.data, content_type=old.content_type, if_generation=new.generation)
    except PreconditionFailed as error:
        raise WriteConflict(f"{new.path} changed while it was migrated.", next_step="migrate again.") from error
    return [new.path]


def _describe_pointer(blob: Blob) -> str | None:
    try:
        parse_pointer(blob)
    except ValueError as error:
        return str(error)
    return None


def _goes_on(old: Blob, new: Blob) -> bool:
    """Whether the release before moved its pointer on from exactly where the new one stands."""
    if _describe_pointer(old) or _describe_pointer(new):
        return False
    earlier, later = parse_pointer(new), parse_pointer(old)
    known = len(earlier.promotions)
    return (
        len(later.promotions) > known
        and later.promotions[:known] == earlier.promotions
        and later.promotions[known].replaced == earlier.versions
    )


def _copy(blobs: Blobs, blob: Blob, target: str, *, data: bytes | None = None, wrong: str | None = None) -> list[str]:
    """What a copy is reported as; nothing where somebody else has just made it."""
    try:
        blobs.write(target, blob.data if data is None else data, content_type=blob.content_type, if_generation=0)
    except PreconditionFailed:
        return []
    return [target if wrong is None else f"{target}: {wrong}"]
