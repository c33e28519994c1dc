"""Which versions of a statistic serve, and how they came to it: models/{stat}/current.json, one
object, moved on the generation it was read.

    {"xgboost_v1": version, "ensemble_v1": version, "promotions": [oldest, ..., the one in force]}

(of a sum ensemble_v1 alone: model_files.systems_of).

The history lies in the pointer itself, because a bucket writes one object at a time: no crash
leaves a pointer without its record or a record of what never served. A year of weekly promotions is
some 20 kB.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from shared.core.errors import ModelDamaged, NotFound, PreconditionFailed, WriteConflict
from shared.science.model_registry.model_files import systems_of
from shared.science.systems.output import ENSEMBLE
from shared.stores.ports import Blob, Blobs

HISTORY = "promotions"


@dataclass(frozen=True)
class Promotion:
    """One move of the pointer, made by a training or a rollback: what serves from then on, and what
    it replaced.

    by is the execution that moved it, at an ISO moment, why a sentence.
    """

    action: Literal["promotion", "rollback"]
    versions: Mapping[str, str]
    replaced: Mapping[str, str]
    by: str
    at: str
    why: str


@dataclass(frozen=True)
class Serving:
    """The pointer as read: system_id -> version (empty: nothing serves yet), its history,
    generation 0 if absent.
    """

    versions: Mapping[str, str]
    promotions: tuple[Promotion, ...]
    generation: int

    @property
    def version(self) -> str | None:
        """The version that serves; all systems have the same."""
        return self.versions.get(ENSEMBLE)

    def serves(self, version: str) -> bool:
        """Whether a version's models serve."""
        return set(self.versions.values()) == {version}

    def find_move_by(self, execution: str) -> Promotion | None:
        """What an execution has done already, so that its redelivery does not do it twice."""
        return next((each for each in reversed(self.promotions) if each.by == execution), None)

    def previous(self) -> Mapping[str, str] | None:
        """What a rollback goes back to: served before the one that serves, and was not rolled back
        from since.
        """
        stack: list[Mapping[str, str]] = []
        for each in self.promotions:
            if not stack and each.replaced:
                stack.append(each.replaced)
            if each.action == "rollback" and each.versions in stack:
                del stack[stack.index(each.versions) + 1 :]
            else:
                stack.append(each.versions)
        return next((versions for versions in reversed(stack) if versions != self.versions), None)

    def find_rollback_from(self, version: str) -> Promotion | None:
        """The rollback from a version, where nobody made it serve again since."""
        for each in reversed(self.promotions):
            if each.versions.get(ENSEMBLE) == version:
                return None
            if each.action == "rollback" and each.replaced.get(ENSEMBLE) == version:
                return each
        return None


class PointerDamaged(ModelDamaged):
    """A statistic's pointer cannot be read: which of its versions serves, and what did before, is
    not known any more.
    """

    def __init__(self, stat: str, what: str, generation: int) -> None:
        super().__init__(
            f"{pointer_of(stat)}, which names the version that serves, is damaged: {what}.",
            next_step='publish {"rollback_to": VERSION} to nba-training-trigger with the version that is to serve'
            f" (a folder of models/{stat}), or train: both write it again.",
        )
        self.stat = stat
        self.generation = generation


def pointer_of(stat: str) -> str:
    """Where a statistic's pointer lies in the models bucket."""
    return f"models/{stat}/current.json"


def read_serving_or_none(blobs: Blobs, stat: str) -> tuple[Serving, PointerDamaged | None]:
    """The pointer; where it is damaged that nothing serves, and the damage: what makes a version
    serve mends it.
    """
    try:
        return read_serving(blobs, stat), None
    except PointerDamaged as damage:
        return Serving({}, (), damage.generation), damage


def read_serving(blobs: Blobs, stat: str) -> Serving:
    """A statistic's pointer and its history.

    Raises PointerDamaged where it is not what move_pointer writes.
    """
    try:
        blob = blobs.read(pointer_of(stat))
    except NotFound:
        return Serving({}, (), 0)
    try:
        return parse_pointer(blob)
    except ValueError as error:
        raise PointerDamaged(stat, str(error), blob.generation) from error


def parse_pointer(blob: Blob) -> Serving:
    """A stored pointer. Raises ValueError, with the bytes' number, where it is not what
    move_pointer writes.
    """
    try:
        document: dict[str, Any] = json.loads(blob.data)
        history = tuple(Promotion(**each) for each in document.pop(HISTORY, []))
        _check(document, history, _stat_of(blob.path))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise ValueError(f"{len(blob.data)} bytes: {error}") from error
    return Serving(document, history, blob.generation)


def _check(versions: Mapping[str, str], history: tuple[Promotion, ...], stat: str) -> None:
    """Raises ValueError where a pointer is JSON, but not one: its last promotion says once more
    what serves.
    """
    moves = [versions, *(each.versions for each in history), *(each.replaced for each in history if each.replaced)]
    for each in moves:
        if set(each) != set(systems_of(stat)) or not all(isinstance(version, str) for version in each.values()):
            raise ValueError(f"{each} does not name a version of {' and '.join(systems_of(stat))}")
    if history and history[-1].versions != versions:
        raise ValueError(f"it names {versions}, and its last promotion {history[-1].versions}")


def current_versions(blobs: Blobs, stat: str) -> dict[str, str]:
    """system_id -> version of a statistic's current models; empty where nothing was trained yet."""
    return dict(read_serving(blobs, stat).versions)


def _stat_of(path: str) -> str:
    return path.split("/")[1]


def move_pointer(
    blobs: Blobs,
    stat: str,
    seen: Serving,
    version: str,
    *,
    action: Literal["promotion", "rollback"] = "promotion",
    by: str,
    at: datetime,
    why: str,
) -> Promotion:
    """Make the models of a version of a statistic serve, and record it. Returns the record.

    Raises WriteConflict where its pointer is no longer the one that was seen.
    """
    promotion = Promotion(action, dict.fromkeys(systems_of(stat), version), seen.versions, by, at.isoformat(), why)
    document = {**promotion.versions, HISTORY: [asdict(each) for each in (*seen.promotions, promotion)]}
    data = json.dumps(document, indent=1, sort_keys=True).encode()
    try:
        blobs.write(pointer_of(stat), data, content_type="application/json", if_generation=seen.generation)
    except PreconditionFailed as error:
        raise WriteConflict(
            f"{pointer_of(stat)} changed while {version} was about to be made current.",
            next_step="the retry looks again.",
        ) from error
    return promotion
