"""The error tree: what may be raised, and what the handler answers for each.

| class     | meaning                                          | the handler answers             |
|-----------|--------------------------------------------------|---------------------------------|
| DataError | the message itself can never succeed (poison)    | dead letter, acknowledged       |
| Fatal     | a defect or a setting that a retry cannot mend   | 500: retried, then dead letter  |
| Retriable | may pass by itself (quota, 5xx, lost connection) | 503: retried with back-off      |
| Skippable | nothing to do, and that is fine                  | acknowledged, with the reason   |

A StorageFault is Retriable and no failure of what was called: no breaker counts it. The embedded
runtime stops at the first, gives the delivery its attempt back, and goes on once the cause is
mended and the same command is run again.
"""

from __future__ import annotations

from typing import ClassVar

from shared.core.events import Event
from shared.core.printable import many_lines
from shared.core.redaction import redact

# Between what failed and what to do next, in the text of an error.
_NEXT = " Next: "


def split_next_step(text: str) -> tuple[str, str]:
    """(what failed, what to do next) of an error's text; the second is empty where it says none."""
    what, _, step = text.partition(_NEXT)
    return what, step


class PipelineError(Exception):
    """Base of every error of ours: what failed (with the value) and what to do next.

    A message may quote what came from outside: it is redacted and made printable here, before it
    goes anywhere. `event` is the code of what happened, its class's where none is given.
    """

    default_event: ClassVar[Event] = Event.DEFECT

    def __init__(self, message: str, *, next_step: str = "", event: Event | None = None) -> None:
        message, next_step = (redact(many_lines(text)) for text in (message, next_step))
        super().__init__(message if not next_step else f"{message}{_NEXT}{next_step}")
        self.message = message
        self.next_step = next_step
        self.event = event or self.default_event

    def __str__(self) -> str:
        # once more: a secret may have become known since
        return redact(super().__str__())


# --- data: the message or a file can never be processed -------------------------------------------


class DataError(PipelineError):
    """The input can never succeed: sent to the dead letters with the reason, never retried."""

    default_event = Event.BAD_MESSAGE


class NameTooLong(DataError):
    """An object's name is longer than a bucket, or the file system under it, takes."""

    default_event = Event.NAME_TOO_LONG


# --- skippable: nothing to do ---------------------------------------------------------------------


class Skippable(PipelineError):
    """There is nothing to do; `status` is what the completion reports (no_data, skipped, superseded
    ...).
    """

    default_event = Event.NOTHING_TO_DO

    def __init__(
        self, message: str, *, status: str = "skipped", next_step: str = "", event: Event | None = None
    ) -> None:
        super().__init__(message, next_step=next_step, event=event)
        self.status = status


# --- retriable: may pass by itself ----------------------------------------------------------------


class Retriable(PipelineError):
    """May succeed later without anybody's help."""

    default_event = Event.RETRIED


class LeaseHeld(Retriable):
    """Another instance is working on the same execution or resource."""

    default_event = Event.LEASE_HELD


class StoreUnavailable(Retriable):
    """The state store, bus, bucket or warehouse did not answer or lost the connection."""

    default_event = Event.STORE_UNAVAILABLE


class WriteConflict(Retriable):
    """A serialisation conflict ("Could not serialize access", ABORTED): the same write may pass
    next time.
    """

    default_event = Event.WRITE_CONFLICT


class SourceUnavailable(Retriable):
    """A source outside answered 429, 5xx, not at all, or with something that is not its format."""

    default_event = Event.SOURCE_UNAVAILABLE


class StagingMismatch(Retriable):
    """Staged or merged rows are not what was reported; staging is preserved, a retry picks up from
    it.
    """

    default_event = Event.STAGING_MISMATCH


# --- storage faults: what a store lies on, never the message --------------------------------------


class StorageFault(StoreUnavailable):
    """What a store lies on cannot be used until somebody mends it. No breaker counts it."""

    default_event = Event.STORAGE_FAULT


class DiskFull(StorageFault):
    """No room for what is to be written: the disk, a quota or the limit of a file's size."""


class StorageDenied(StorageFault):
    """This process may not read or write a file: permissions, or a read-only file system."""


class StorageDamaged(StorageFault):
    """A file of a store holds something else than what was written."""


STORAGE_FAULTS = {each.__name__: each for each in (StorageFault, DiskFull, StorageDenied, StorageDamaged)}


# --- fatal: needs a person ------------------------------------------------------------------------


class Fatal(PipelineError):
    """A retry cannot help: a defect, a missing setting, a schema that does not fit."""


class ConfigError(Fatal):
    """A setting is missing or wrong."""

    default_event = Event.BAD_SETTING


class SchemaMismatch(Fatal):
    """Columns or features are not those declared; the names are in the message."""

    default_event = Event.SCHEMA_MISMATCH


class ModelDamaged(Fatal):
    """A file of a trained model is not the one that was saved: it is never given to the library
    that reads it.
    """

    default_event = Event.MODEL_DAMAGED


# --- outcomes of conditional writes, caught by name where they decide something -------------------


class AlreadyExists(PipelineError):
    """create() found the document there already."""


class NotFound(PipelineError):
    """The document, object or table does not exist."""


class PreconditionFailed(PipelineError):
    """The document or object changed since it was read."""
