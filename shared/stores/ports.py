"""The four ports the domain talks to. Each has an implementation on Google Cloud and one embedded.

Every method may raise errors.StoreUnavailable (no answer, lost connection) besides what its
docstring names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, runtime_checkable

from shared.core.errors import Fatal, NameTooLong

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")
Params = Mapping[str, Any]


# --- warehouse ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DateRange:
    """Partitions from `first` to `last`, both included (game_date)."""

    first: date
    last: date

    def __str__(self) -> str:
        """As reasons name it: 2025-11-14, or 2025-11-10 to 2025-11-14."""
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"


class Warehouse(Protocol):
    """BigQuery SQL with named parameters (@name).

    Tables are named dataset.table without prefix or project.
    """

    def query(self, sql: str, params: Params | None = None) -> pa.Table:
        """Run one SELECT; every @name in it must be in params."""
        ...

    def execute(self, sql: str, params: Params | None = None) -> int:
        """Run one DML statement (MERGE, INSERT, UPDATE, DELETE); returns the rows affected.

        Raises WriteConflict where another writer got in between.
        """
        ...

    def load(self, table: str, rows: pa.Table, *, mode: Literal["append", "replace"], job_id: str) -> int:
        """Load rows by column name; returns the rows loaded.

        `replace` replaces the whole table, one of nba_staging, and creates it with the rows'
        columns; Fatal for any other. `append` adds to a declared table, absent columns become NULL;
        the same job_id again adds nothing (exactly once). Raises SchemaMismatch for columns that
        the table does not declare.
        """
        ...

    def replace_partition(
        self, table: str, dates: DateRange, select: str, params: Params, *, by: Sequence[str] = ("game_date",)
    ) -> int:
        """Atomically replace, within `dates`, every slice (distinct values of `by`) that `select`
        has rows for.

        A select without rows replaces nothing: zero rows never delete. Columns go by name, as the
        schema declares them; FLOAT64 columns are rounded to six decimals, since neither engine
        promises an order of summation. Returns the rows written. Raises SchemaMismatch,
        WriteConflict.
        """
        ...

    def tables(self, dataset: str, prefix: str) -> dict[str, tuple[str, ...]]:
        """Full names (dataset.table) of the dataset's tables whose name begins with prefix, with
        their columns.
        """
        ...

    def drop(self, tables: Sequence[str]) -> None:
        """Drop tables; one that is not there is no error."""
        ...


@dataclass(frozen=True)
class PastRows:
    """A date of a table now and at a moment: removed are rows that it has now alone, added those
    that it had then alone.
    """

    rows_now: int
    rows_then: int
    removed: int
    added: int


@runtime_checkable
class KeepsPast(Protocol):
    """What a warehouse can besides that keeps its tables as they were: BigQuery does, for seven
    days.
    """

    def compare_with_past(self, tables: Sequence[str], day: date, moment: datetime) -> dict[str, PastRows]:
        """A partition of each table now and at a moment; nothing is written."""
        ...

    def restore_past(self, rows_now: Mapping[str, int], day: date, moment: datetime) -> dict[str, int]:
        """Put a partition of the tables back as it was, in one transaction; the rows of each then.

        Raises DataError for a table that had none, Fatal where one has other rows now than
        `rows_now` says, WriteConflict: nothing has changed then.
        """
        ...


# --- state ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Document:
    """A document as read. `version` serves as precondition and is opaque.

    It changes with every write that changes the document, and when it is deleted and made again; a
    write that leaves every field as it was may keep it (Firestore's does).
    """

    path: str
    data: dict[str, Any]
    version: str

    @property
    def id(self) -> str:
        return self.path.rsplit("/", 1)[1]


@dataclass(frozen=True)
class Increment:
    """Transform: add to a number (absent counts as 0), without reading it."""

    by: int


@dataclass(frozen=True)
class ArrayUnion:
    """Transform: add the values that are not in the list yet."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Filter:
    """field op value; op is one of == != < <= > >= in."""

    field: str
    op: Literal["==", "!=", "<", "<=", ">", ">=", "in"]
    value: Any


class Transaction(Protocol):
    """Reads first, then writes; all of them or none."""

    def get(self, path: str) -> Document | None: ...

    def create(self, path: str, data: Mapping[str, Any]) -> None: ...

    def set(self, path: str, data: Mapping[str, Any]) -> None: ...

    def update(self, path: str, fields: Mapping[str, Any]) -> None: ...


class State(Protocol):
    """Documents with JSON-like data (str, int, float, bool, None, list, dict, aware datetime).

    A path is collection/id, or collection/id/subcollection/id. Field names of update() are
    top-level keys.
    """

    def create(self, path: str, data: Mapping[str, Any]) -> None:
        """Raises AlreadyExists."""
        ...

    def get(self, path: str) -> Document | None: ...

    def update(self, path: str, fields: Mapping[str, Any], *, if_version: str | None = None) -> None:
        """Set or transform top-level fields.

        Raises NotFound; PreconditionFailed where the version is another.
        """
        ...

    def delete(self, path: str) -> None: ...

    def transaction(self, body: Callable[[Transaction], T]) -> T:
        """Run body in a transaction; may run it again after a conflict (bounded), then raises
        WriteConflict.
        """
        ...

    def query(
        self,
        collection: str,
        where: Sequence[Filter] = (),
        *,
        order_by: str | None = None,
        limit: int | None = None,
    ) -> list[Document]:
        """Documents of one collection, by order_by (then id)."""
        ...

    def count(self, collection: str, where: Sequence[Filter] = ()) -> int: ...


# --- bus ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PulledMessage:
    """A message pulled from a dead-letter subscription.

    Its `ack_id` holds until it is acknowledged.
    """

    ack_id: str
    message_id: str
    data: bytes
    attributes: dict[str, str]


@dataclass(frozen=True)
class Publication:
    """A message to publish."""

    data: bytes
    attributes: Mapping[str, str] = field(default_factory=dict)


class Bus(Protocol):
    """Publishing, and pulling from dead-letter subscriptions.

    Delivery to functions is push, outside this port.
    """

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str] | None = None) -> str:
        """Returns the message id once the message is durable.

        Raises NotFound for an unknown topic.
        """
        ...

    def publish_all(self, topic: str, messages: Sequence[Publication]) -> list[str]:
        """Publish many messages, in batches; their ids in order, once all of them are durable.

        Where it raises, any of them may have been published: publish all of them again. Raises
        NotFound, and Fatal for one that Pub/Sub would refuse before the first is published.
        """
        ...

    def pull(self, subscription: str, limit: int = 100) -> list[PulledMessage]:
        """Messages waiting; they stay until acknowledged.

        Raises NotFound for an unknown subscription.
        """
        ...

    def ack(self, subscription: str, ack_ids: Sequence[str]) -> list[str]:
        """Acknowledge pulled messages; returns the ids of those that were not waiting (acknowledged
        before, or out with somebody else who pulled), which are left alone. Raises NotFound for an
        unknown subscription.
        """
        ...


# --- blobs ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Blob:
    """An object as read; generation is positive and grows with each write."""

    path: str
    data: bytes
    generation: int
    content_type: str
    cache_control: str | None


# What Cloud Storage takes of a name, and what a file system takes of one part of it, ".json" of its
# metadata included. https://cloud.google.com/storage/docs/objects#naming
MAX_OBJECT_NAME_BYTES, MAX_PART_BYTES = 1_024, 250


def check_object_name(path: str) -> None:
    """Raises NameTooLong for a name that some implementation could not store, Fatal for one that is
    no UTF-8.
    """
    try:
        lengths = [len(part.encode()) for part in (path, *path.split("/"))]
    except UnicodeEncodeError as error:
        raise Fatal(f"{path[:80]!r} is no object name: {error.reason}.", next_step="write v1/name.json.") from error
    if lengths[0] > MAX_OBJECT_NAME_BYTES or max(lengths[1:]) > MAX_PART_BYTES:
        raise NameTooLong(
            f"The object's name {path[:80]!r} ... has {lengths[0]} bytes, its longest part {max(lengths[1:])};"
            f" at most are {MAX_OBJECT_NAME_BYTES} and {MAX_PART_BYTES}.",
            next_step="shorten what the name is made of.",
        )


class Blobs(Protocol):
    """One bucket.

    Every method may raise StorageFault where a file system lies under it, NameTooLong for a name.
    """

    def write(
        self,
        path: str,
        data: bytes,
        *,
        content_type: str,
        cache_control: str | None = None,
        if_generation: int | None = None,
    ) -> int:
        """Write an object with its metadata in one request; returns the new generation.

        if_generation 0 means "only if absent". Raises PreconditionFailed where the generation is
        another.
        """
        ...

    def read(self, path: str) -> Blob:
        """Raises NotFound."""
        ...

    def read_start(self, path: str, size: int) -> bytes:
        """The first `size` bytes of an object, fewer where it is shorter; the rest is not sent.

        Raises NotFound.
        """
        ...

    def list(self, prefix: str) -> list[str]:
        """Paths that begin with prefix, sorted."""
        ...
