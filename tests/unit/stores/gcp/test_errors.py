"""Google's errors, as their libraries raise them, and what they are here."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from google.api_core import exceptions as google
from google.auth import exceptions as auth

from shared.core import errors as ours
from shared.stores.gcp.errors import errors, translate


def http(status: int, message: str, reason: str = "") -> google.GoogleAPICallError:
    """An error as the REST libraries raise it."""
    found = [{"reason": reason, "message": message}] if reason else ()
    return google.from_http_status(status, message, errors=found)


CASES: list[tuple[Exception, type[ours.PipelineError]]] = [
    # BigQuery: serialisation
    (http(400, "Could not serialize access to table a.b due to concurrent update", "invalidQuery"), ours.WriteConflict),
    (
        http(400, "Transaction is aborted due to concurrent update against table a.b.", "invalidQuery"),
        ours.WriteConflict,
    ),
    (
        http(400, "Too many DML statements outstanding against table a.b, limit is 20.", "invalid"),
        ours.StoreUnavailable,
    ),
    # BigQuery: quotas and its own trouble
    (http(403, "Exceeded rate limits", "rateLimitExceeded"), ours.StoreUnavailable),
    (http(403, "Quota exceeded", "quotaExceeded"), ours.StoreUnavailable),
    (http(403, "Job exceeded rate limits", "jobRateLimitExceeded"), ours.StoreUnavailable),
    (http(400, "Table is temporarily unavailable", "tableUnavailable"), ours.StoreUnavailable),
    (http(200, "Job execution was cancelled: Job timed out after 500s", "stopped"), ours.StoreUnavailable),
    (http(500, "Error encountered during execution", "backendError"), ours.StoreUnavailable),
    (http(502, "Bad gateway"), ours.StoreUnavailable),
    (http(503, "Visibility check was unavailable"), ours.StoreUnavailable),
    (http(504, "Deadline"), ours.StoreUnavailable),
    (http(429, "Slow down"), ours.StoreUnavailable),
    (http(408, "Request timeout"), ours.StoreUnavailable),
    # the library gives a reason that it does not know as 500
    (
        http(500, "Query exceeded limit for bytes billed: 1. 2 or higher required.", "bytesBilledLimitExceeded"),
        ours.Fatal,
    ),
    # BigQuery: what a person has to mend
    (http(400, "Syntax error: Unexpected identifier", "invalidQuery"), ours.Fatal),
    (http(400, "UPDATE/MERGE must match at most one source row for each target row", "invalidQuery"), ours.Fatal),
    (http(403, "Access Denied: Table a.b", "accessDenied"), ours.Fatal),
    (http(401, "Invalid credentials"), ours.Fatal),
    (http(501, "not implemented", "notImplemented"), ours.Fatal),
    (http(404, "Not found: Table p:a.b was not found in location US", "notFound"), ours.NotFound),
    # Cloud Storage
    (http(412, "At least one of the pre-conditions you specified did not hold."), ours.PreconditionFailed),
    (http(409, "Already Exists: Job p:US.x", "duplicate"), ours.AlreadyExists),
    # Firestore and Pub/Sub, over gRPC
    (google.Aborted("Too much contention on these documents."), ours.WriteConflict),
    (google.AlreadyExists("Document already exists: projects/p/databases/(default)/documents/a/1"), ours.AlreadyExists),
    (google.InvalidArgument("The referenced transaction has expired or is no longer valid."), ours.WriteConflict),
    (google.FailedPrecondition("the stored version does not match the required base version"), ours.PreconditionFailed),
    (google.FailedPrecondition("The query requires an index. You can create it here: ..."), ours.Fatal),
    (google.NotFound("No document to update"), ours.NotFound),
    (google.PermissionDenied("Missing or insufficient permissions."), ours.Fatal),
    (google.Unauthenticated("Request had invalid authentication credentials."), ours.Fatal),
    (google.InvalidArgument("exceeds the maximum allowed size of 1,048,576 bytes."), ours.Fatal),
    (google.ResourceExhausted("Quota exceeded"), ours.StoreUnavailable),
    (google.DeadlineExceeded("Deadline Exceeded"), ours.StoreUnavailable),
    (google.ServiceUnavailable("failed to connect to all addresses"), ours.StoreUnavailable),
    (google.InternalServerError("internal"), ours.StoreUnavailable),
    (google.Unknown("Stream removed"), ours.StoreUnavailable),
    (google.Cancelled("cancelled"), ours.StoreUnavailable),
    (google.MethodNotImplemented("no such method"), ours.Fatal),
    (google.RetryError("Timeout of 60.0s exceeded", google.ServiceUnavailable("x")), ours.StoreUnavailable),
    # the connection
    (requests.ConnectionError("('Connection aborted.', RemoteDisconnected())"), ours.StoreUnavailable),
    (requests.Timeout("read timed out"), ours.StoreUnavailable),
    (ConnectionResetError(104, "Connection reset by peer"), ours.StoreUnavailable),
    (TimeoutError("timed out"), ours.StoreUnavailable),
    # credentials
    (auth.TransportError("metadata server is not there"), ours.StoreUnavailable),
    (auth.RefreshError("try again", retryable=True), ours.StoreUnavailable),
    (auth.RefreshError("the account is disabled"), ours.Fatal),
    (auth.DefaultCredentialsError("no credentials"), ours.Fatal),
]


@pytest.mark.parametrize(("error", "expected"), CASES, ids=lambda value: str(value)[:60])
def test_an_error_is_what_it_means_here(error: Exception, expected: type[ours.PipelineError]) -> None:
    found = translate(error, "Reading a/1 failed")
    assert type(found) is expected
    assert found.message.startswith("Reading a/1 failed: ")
    assert len(found.message) > len("Reading a/1 failed: ")


def test_what_is_raised_keeps_its_cause() -> None:
    cause = google.NotFound("No document to update")
    with (
        pytest.raises(ours.NotFound, match=r"^Updating a/1 failed: No document to update") as raised,
        errors("Updating a/1 failed"),
    ):
        raise cause
    assert raised.value.__cause__ is cause


@pytest.mark.parametrize("error", [ours.LeaseHeld("held"), ValueError("a defect"), KeyboardInterrupt()])
def test_what_is_not_googles_passes_through(error: Any) -> None:
    with pytest.raises(type(error)) as raised, errors("Doing"):
        raise error
    assert raised.value is error
