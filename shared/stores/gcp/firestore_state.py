"""The state port on Firestore: create-once documents, preconditions by update time, transforms,
queries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.api_core import exceptions as google
from google.api_core.retry import Retry, if_exception_type
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.core.errors import Fatal
from shared.stores.document_rules import MAX_IN_VALUES, check_collection, document_place
from shared.stores.gcp.errors import errors
from shared.stores.gcp.firestore_transaction import run
from shared.stores.gcp.firestore_values import document, encode_document, encode_update, filter_value, unchanged_since
from shared.stores.gcp.limits import Limits
from shared.stores.ports import Document, Filter, Increment, T, Transaction

# Seconds. A write that lost against another (ABORTED) or was not admitted did not happen: any of
# them may be repeated.
_NOT_DONE = Retry(
    predicate=if_exception_type(google.Aborted, google.ResourceExhausted),
    initial=0.05,
    maximum=2.0,
    multiplier=2.0,
    timeout=20.0,
)
# One whose answer was lost may have happened: only what comes to the same when done twice is
# repeated here.
_REPEATABLE = _NOT_DONE.with_predicate(
    if_exception_type(google.Aborted, google.ResourceExhausted, google.ServiceUnavailable, google.InternalServerError)
)
_READ = Retry(
    predicate=if_exception_type(google.DeadlineExceeded, google.InternalServerError, google.ServiceUnavailable),
    initial=0.1,
    maximum=10.0,
    multiplier=1.3,
)
_LIMITS = Limits()
_INEQUALITIES = ("!=", "<", "<=", ">", ">=")


class FirestoreState:
    """ports.State on a Firestore database; safe to use from many threads.

    The library reads for five minutes by itself, `limits` say for how long here.
    """

    def __init__(self, client: firestore.Client, limits: Limits = _LIMITS) -> None:
        self._client = client
        self._reads: dict[str, Any] = {"timeout": limits.request, "retry": _READ.with_timeout(limits.request)}

    def create(self, path: str, data: Mapping[str, Any]) -> None:
        reference = self._reference(path)
        with errors(f"Creating {path} failed"):
            reference.create(encode_document(path, data), retry=_NOT_DONE)

    def get(self, path: str) -> Document | None:
        reference = self._reference(path)
        with errors(f"Reading {path} failed"):
            return document(reference.get(**self._reads))

    def update(self, path: str, fields: Mapping[str, Any], *, if_version: str | None = None) -> None:
        reference = self._reference(path)
        option = None if if_version is None else unchanged_since(if_version, path)
        # repeated under a precondition, it would fail against its own first try
        once = option is not None or any(isinstance(value, Increment) for value in fields.values())
        with errors(f"Updating {path} failed"):
            reference.update(encode_update(path, fields), option=option, retry=_NOT_DONE if once else _REPEATABLE)

    def delete(self, path: str) -> None:
        reference = self._reference(path)
        with errors(f"Deleting {path} failed"):
            reference.delete(retry=_REPEATABLE)

    def transaction(self, body: Callable[[Transaction], T]) -> T:
        return run(self._client, body, self._reads)

    def query(
        self,
        collection: str,
        where: Sequence[Filter] = (),
        *,
        order_by: str | None = None,
        limit: int | None = None,
    ) -> list[Document]:
        """As Firestore does it, a document without the order_by field is not among the results."""
        query = self._query(collection, where)
        if limit == 0:
            return []
        # Firestore gives what an inequality finds by that field's order; the port's order is by id.
        by_id_here = order_by is None and any(each.op in _INEQUALITIES for each in where)
        if order_by is not None:
            query = query.order_by(firestore.Client.field_path(order_by))  # and, of equals, by id
        if limit is not None and not by_id_here:
            query = query.limit(limit)
        with errors(f"Querying {collection} failed"):
            found = [each for snapshot in query.stream(**self._reads) if (each := document(snapshot)) is not None]
        if by_id_here:
            found = sorted(found, key=lambda each: each.id)[:limit]
        return found

    def count(self, collection: str, where: Sequence[Filter] = ()) -> int:
        query = self._query(collection, where)
        with errors(f"Counting {collection} failed"):
            ((result, *_), *_) = query.count(alias="found").get(**self._reads)
            return int(result.value)

    def _reference(self, path: str) -> firestore.DocumentReference:
        document_place(path)
        return self._client.document(path)

    def _query(self, collection: str, where: Sequence[Filter]) -> Any:
        check_collection(collection)
        query: Any = self._client.collection(collection)
        for each in where:
            field = firestore.Client.field_path(each.field)
            query = query.where(filter=FieldFilter(field, each.op, _comparable(each)))
        return query


def _comparable(each: Filter) -> object:
    if each.op != "in":
        if (each.value is None or isinstance(each.value, bool)) and each.op not in ("==", "!="):
            raise Fatal(f"{each.field} {each.op} {each.value!r} has no order.", next_step="compare with == or !=.")
        return filter_value(each.field, each.value)
    if not isinstance(each.value, list | tuple) or not 1 <= len(each.value) <= MAX_IN_VALUES:
        raise Fatal(
            f"Filter {each.field} in {each.value!r}: Firestore takes a list of 1 to {MAX_IN_VALUES} values.",
            next_step="ask in several queries.",
        )
    return [filter_value(each.field, value) for value in each.value]
