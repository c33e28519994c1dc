"""Rollback: an earlier version of a statistic's models serves again, by one message, without
training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PREVIOUS, TrainingMessage
from shared.core.errors import DataError, Fatal
from shared.core.events import Event
from shared.nba.stats import PREDICTED
from shared.science.model_registry.promotions import Promotion, Serving, move_pointer, read_serving_or_none
from shared.science.model_registry.registry import list_saved_versions, load_version, record_files
from shared.science.systems.output import ENSEMBLE
from shared.stores.ports import Blobs


@dataclass(frozen=True)
class _Moved:
    """What came of one statistic; promotion is None where the version serves already."""

    stat: str
    version: str
    promotion: Promotion | None

    def describe(self) -> str:
        if self.promotion is None:
            return f"version {self.version} of {self.stat} serves already"
        before, why = self.promotion.replaced.get(ENSEMBLE), self.promotion.why
        return f"version {self.version} of {self.stat} serves again instead of {before} ({why})"

    def figures(self) -> dict[str, str | None]:
        """What the outcome's metadata says of the statistic."""
        if self.promotion is None:
            return {"version": self.version}
        return {"version": self.version, "rolled_back_from": self.promotion.replaced.get(ENSEMBLE)}


def roll_back(message: TrainingMessage, context: Context) -> Outcome:
    """Make message.rollback_to ("previous" or a version) serve, from the next batch on, and record
    it.

    It is of message.stat. Without that "previous" is of every statistic that has a version before,
    and a version of the statistic that has it. skipped where all serve already; partial where
    "previous" can be had of some statistics and is refused for others, which the reason names.
    Raises DataError, the pointer untouched, where there is no such version or this version of the
    project cannot load it; WriteConflict where the pointer moved meanwhile. A damaged pointer is
    written again by a rollback to a version that is named.
    """
    asked = str(message.rollback_to)
    if message.stat is not None:
        return _report([_move(message.stat, asked, message, context)], [])
    if asked != PREVIOUS:
        return _report([_move(_find_stat(asked, context.runtime.models), asked, message, context)], [])
    moved: list[_Moved] = []
    refusals: list[DataError] = []
    for stat in PREDICTED:
        try:
            moved.append(_move(stat, asked, message, context))
        except DataError as refusal:
            refusals.append(refusal)
    if not moved:
        raise _join(refusals)
    return _report(moved, [each for each in refusals if each.event is not Event.NO_PREVIOUS_VERSION])


def _find_stat(version: str, blobs: Blobs) -> str:
    """The statistic that has a version; a version is of one alone."""
    for stat in PREDICTED:
        if version in list_saved_versions(blobs, stat):
            return stat
    raise _make_refusal(f"there is no version {version}", list(PREDICTED), blobs, Event.UNKNOWN_VERSION)


def _move(stat: str, asked: str, message: TrainingMessage, context: Context) -> _Moved:
    """Move one statistic's pointer; its own history says whether this execution has done so."""
    blobs = context.runtime.models
    seen, damage = read_serving_or_none(blobs, stat)
    if damage is not None and asked == PREVIOUS:
        raise _make_refusal(damage.message.rstrip("."), [stat], blobs, Event.POINTER_DAMAGED)
    done = seen.find_move_by(context.execution_id)
    if done is not None:
        # died after it: "previous" would now mean another version
        return _Moved(stat, done.versions[ENSEMBLE], done)
    version = _find_target(asked, stat, seen, blobs)
    _check_loads(blobs, stat, version)
    if seen.serves(version):
        return _Moved(stat, version, None)
    why = message.reason or "asked for by message"
    now = context.runtime.clock.now()
    by = context.execution_id
    return _Moved(stat, version, move_pointer(blobs, stat, seen, version, action="rollback", by=by, at=now, why=why))


def _find_target(asked: str, stat: str, seen: Serving, blobs: Blobs) -> str:
    if asked == PREVIOUS:
        before = seen.previous()
        if before is None:
            what = f"nothing of {stat} served before {seen.version}"
            raise _make_refusal(what, [stat], blobs, Event.NO_PREVIOUS_VERSION)
        asked = before[ENSEMBLE]
    if asked not in list_saved_versions(blobs, stat):
        raise _make_refusal(f"there is no version {asked} of {stat}", [stat], blobs, Event.UNKNOWN_VERSION)
    return asked


def _check_loads(blobs: Blobs, stat: str, version: str) -> None:
    """As the worker will load it; what an earlier release saved without hashes gets them.

    Raises DataError: only another version of the project, or of the model, can help.
    """
    try:
        load_version(blobs, stat, version)
        record_files(blobs, stat, version)
    except Fatal as misfit:
        raise DataError(
            f"version {version} of {stat} cannot serve: {misfit.message}",
            next_step="roll back to another version, or deploy the code that it was trained with first.",
            event=Event.VERSION_DOES_NOT_FIT,
        ) from misfit


def _make_refusal(what: str, stats: Sequence[str], blobs: Blobs, event: Event) -> DataError:
    versions = "; ".join(f"of {stat}: {', '.join(list_saved_versions(blobs, stat)) or 'none'}" for stat in stats)
    return DataError(
        f"{what}; the versions in the bucket are {versions}.",
        next_step='publish {"rollback_to": VERSION} to nba-training-trigger with one of them.',
        event=event,
    )


def _join(refusals: Sequence[DataError]) -> DataError:
    """One error of all statistics; its event is the first that says more than that nothing served
    before.
    """
    worst = next((each for each in refusals if each.event is not Event.NO_PREVIOUS_VERSION), refusals[0])
    return DataError(
        " ".join(each.message for each in refusals),
        next_step=worst.next_step,
        event=worst.event,
    )


def _report(moved: Sequence[_Moved], refusals: Sequence[DataError]) -> Outcome:
    again = any(each.promotion is not None for each in moved)
    return Outcome(
        "partial" if refusals else "success" if again else "skipped",
        reason="; ".join([*(each.describe() for each in moved), *(each.message for each in refusals)]),
        metadata={"stats": {each.stat: each.figures() for each in moved}},
        event=Event.ROLLED_BACK if again else Event.ALREADY_SERVING,
    )
