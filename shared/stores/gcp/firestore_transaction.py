"""Transactions on Firestore: what the body raises comes out as it is, conflicts run it again,
within bounds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from google.api_core import exceptions as google
from google.api_core.retry import Retry, if_exception_type
from google.cloud import firestore

from shared.core.errors import Fatal, WriteConflict
from shared.stores.document_rules import document_place
from shared.stores.gcp.errors import errors, translate
from shared.stores.gcp.firestore_values import document, encode_document, encode_update
from shared.stores.ports import Document, T, Transaction

_DOING = "The transaction failed"


class _Contended(WriteConflict):
    """Another transaction held a lock, or committed first, or this one expired: it may run again.

    An expired one did nothing, but for a commit whose answer was lost: what a body writes, it bears
    to find written.
    """


# Seconds, drawn at random by the library: those that met would meet again, were they to begin again
# at once.
_AGAIN = Retry(predicate=if_exception_type(_Contended), initial=0.5, maximum=8.0, multiplier=2.0, timeout=60.0)


class FirestoreTransaction:
    """ports.Transaction: reads see one moment, writes are sent together at the end."""

    def __init__(self, client: firestore.Client, inner: firestore.Transaction, reads: Mapping[str, Any]) -> None:
        self._client = client
        self._inner = inner
        self._reads = reads
        self._wrote = False

    def get(self, path: str) -> Document | None:
        reference = self._reference(path)
        if self._wrote:
            raise Fatal(
                f"{path} is read after a write in the same transaction; Firestore refuses that.",
                next_step="read everything first.",
            )
        try:
            with errors(f"Reading {path} in a transaction failed"):
                return document(reference.get(transaction=self._inner, **self._reads))
        except WriteConflict as error:
            raise _Contended(error.message) from error

    def create(self, path: str, data: Mapping[str, Any]) -> None:
        self._inner.create(self._reference_to_write(path), encode_document(path, data))

    def set(self, path: str, data: Mapping[str, Any]) -> None:
        self._inner.set(self._reference_to_write(path), encode_document(path, data))

    def update(self, path: str, fields: Mapping[str, Any]) -> None:
        self._inner.update(self._reference_to_write(path), encode_update(path, fields))

    def _reference_to_write(self, path: str) -> firestore.DocumentReference:
        self._wrote = True
        return self._reference(path)

    def _reference(self, path: str) -> firestore.DocumentReference:
        document_place(path)
        return self._client.document(path)


def run(client: firestore.Client, body: Callable[[Transaction], T], reads: Mapping[str, Any]) -> T:
    """The body's result once its writes are committed; raises what the body raises, and nothing is
    written then.

    `reads` has the time-out and the retry of each read.

    Raises WriteConflict where others kept coming first, and what one of its writes raises
    (AlreadyExists, NotFound).
    """
    outside = sys.exception()
    try:
        return _AGAIN(_once)(client, body, reads, outside)
    except google.RetryError as error:
        raise WriteConflict(f"{_DOING}: {error.cause}.", next_step="nothing: it is tried again by itself.") from error


def _once(
    client: firestore.Client,
    body: Callable[[Transaction], T],
    reads: Mapping[str, Any],
    outside: BaseException | None,
) -> T:
    raised: list[BaseException] = []

    def run_guarded(inner: firestore.Transaction) -> T:
        try:
            return body(FirestoreTransaction(client, inner, reads))
        except BaseException as error:
            raised.append(error)
            raise

    try:
        result: T = firestore.transactional(run_guarded)(client.transaction(max_attempts=1))
        return result
    except (google.GoogleAPIError, OSError, ValueError) as error:
        if raised:  # the library has rolled back; if that failed too, its error is not the news
            raise raised[0] from raised[0].__cause__
        cause = _first_failure(error, outside)
        ours = translate(cause, _DOING)
        if isinstance(ours, WriteConflict):
            raise _Contended(ours.message) from error
        raise ours from error


def _first_failure(error: Exception, outside: BaseException | None) -> Exception:
    """The failure that came first: the library raises another over it where a commit or the
    roll-back after it fails.

    `outside` is what the caller was handling already, which is none of ours.
    """
    found = error
    step = error.__cause__ or error.__context__
    while step is not None and step is not outside:
        if isinstance(step, google.GoogleAPIError):
            found = step
        step = step.__cause__ or step.__context__
    return found
