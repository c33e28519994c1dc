"""Rollback: an earlier version serves again, by one message, without training."""

from __future__ import annotations

from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PREVIOUS, TrainingMessage
from shared.core.errors import DataError, Fatal
from shared.core.events import Event
from shared.science.model_registry.promotions import Promotion, Serving, move_pointer, read_serving_or_none
from shared.science.model_registry.registry import list_saved_versions, load_version, record_files
from shared.science.systems.output import XGBOOST
from shared.stores.ports import Blobs


def roll_back(message: TrainingMessage, context: Context) -> Outcome:
    """Make message.rollback_to ("previous" or a version) serve, from the next batch on, and record
    it.

    skipped where it serves already. Raises DataError, the pointer untouched, where there is no such
    version or this version of the project cannot load it; WriteConflict where the pointer moved
    meanwhile. A damaged pointer is written again by a rollback to a version that is named.
    """
    blobs = context.runtime.models
    seen, damage = read_serving_or_none(blobs)
    if damage is not None and message.rollback_to == PREVIOUS:
        raise _make_refusal(damage.message.rstrip("."), blobs, Event.POINTER_DAMAGED)
    done = seen.find_move_by(context.execution_id)
    if done is not None:
        # died after it: "previous" would now mean another version
        return _done(done)
    version = _find_target(str(message.rollback_to), seen, blobs)
    _check_loads(blobs, version)
    if seen.serves(version):
        why = f"version {version} serves already"
        return Outcome("skipped", reason=why, metadata={"version": version}, event=Event.ALREADY_SERVING)
    why = message.reason or "asked for by message"
    now = context.runtime.clock.now()
    return _done(move_pointer(blobs, seen, version, action="rollback", by=context.execution_id, at=now, why=why))


def _find_target(asked: str, seen: Serving, blobs: Blobs) -> str:
    if asked == PREVIOUS:
        before = seen.previous()
        if before is None:
            raise _make_refusal(f"nothing served before {seen.version}", blobs, Event.NO_PREVIOUS_VERSION)
        asked = before[XGBOOST]
    if asked not in list_saved_versions(blobs):
        raise _make_refusal(f"there is no version {asked}", blobs, Event.UNKNOWN_VERSION)
    return asked


def _check_loads(blobs: Blobs, version: str) -> None:
    """As the worker will load it; what an earlier release saved without hashes gets them.

    Raises DataError: only another version of the project, or of the model, can help.
    """
    try:
        load_version(blobs, version)
        record_files(blobs, version)
    except Fatal as misfit:
        raise DataError(
            f"version {version} cannot serve: {misfit.message}",
            next_step="roll back to another version, or deploy the code that it was trained with first.",
            event=Event.VERSION_DOES_NOT_FIT,
        ) from misfit


def _make_refusal(what: str, blobs: Blobs, event: Event) -> DataError:
    versions = ", ".join(list_saved_versions(blobs)) or "none"
    return DataError(
        f"{what}; the versions in the bucket are: {versions}.",
        next_step='publish {"rollback_to": VERSION} to nba-training-trigger with one of them.',
        event=event,
    )


def _done(promotion: Promotion) -> Outcome:
    now, before = promotion.versions[XGBOOST], promotion.replaced.get(XGBOOST)
    return Outcome(
        "success",
        reason=f"version {now} serves again instead of {before} ({promotion.why})",
        metadata={"version": now, "rolled_back_from": before},
        event=Event.ROLLED_BACK,
    )
