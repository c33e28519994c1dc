"""Google's errors as the error tree's, in one place.

What BigQuery says of a job comes as an HTTP status and, in `errors`, a reason that tells more:
quota errors are 403, serialisation conflicts 400.
https://cloud.google.com/bigquery/docs/error-messages
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core import exceptions as google
from google.auth import exceptions as auth

from shared.core import errors as ours

# Firestore answers INVALID_ARGUMENT for a transaction that it has retired, and for a commit that
# the library repeated after a lost answer: "The referenced transaction has expired or is no longer
# valid."
_CONFLICTS = ("could not serialize access", "aborted due to concurrent update", "transaction has expired")
# BigQuery queues 20 DML statements of a table and refuses more: 400, "Too many DML statements
# outstanding against ...".
_QUEUE_FULL = "too many dml statements outstanding"
# Firestore answers FAILED_PRECONDITION for a query that no index serves: no write's precondition.
_NO_INDEX = "requires an index"
_BILLED = "bytesBilledLimitExceeded"
_TRANSIENT_REASONS = {
    "backendError",
    "internalError",
    "jobBackendError",
    "jobInternalError",
    "jobRateLimitExceeded",
    "quotaExceeded",
    "rateLimitExceeded",
    "stopped",
    "tableUnavailable",
    "timeout",
}
_TRANSIENT = (google.TooManyRequests, google.ServerError, google.Cancelled, google.RetryError)
_REFUSED = (google.Forbidden, google.Unauthorized)
_AGAIN = "nothing: it is tried again by itself."


@contextmanager
def errors(doing: str) -> Iterator[None]:
    """Within, an error of Google's libraries or of the connection is raised as one of ours; `doing`
    begins its text.
    """
    try:
        yield
    except (google.GoogleAPIError, auth.GoogleAuthError, OSError) as error:
        raise translate(error, doing) from error


def translate(error: Exception, doing: str) -> ours.PipelineError:
    """The error of ours for one of google.api_core, google.auth or the connection (requests' are
    OSErrors).
    """
    if isinstance(error, google.GoogleAPICallError):
        return _of_a_call(error, f"{doing}: {error.message or error}")
    lost = isinstance(error, OSError | google.RetryError | auth.TransportError)
    if lost or (isinstance(error, auth.GoogleAuthError) and error.retryable):
        return ours.StoreUnavailable(f"{doing}: {error}", next_step=_AGAIN)
    if isinstance(error, auth.GoogleAuthError):
        return ours.Fatal(
            f"{doing}: no credentials that Google takes: {error}",
            next_step="run under the function's service account, or `gcloud auth application-default login`.",
        )
    return ours.Fatal(f"{doing}: {error}", next_step="read the message; a retry cannot help.")


def _of_a_call(error: google.GoogleAPICallError, message: str) -> ours.PipelineError:
    text = message.lower()
    if isinstance(error, google.Aborted) or any(conflict in text for conflict in _CONFLICTS):
        return ours.WriteConflict(message, next_step=_AGAIN)
    if isinstance(error, google.MethodNotImplemented):
        return ours.Fatal(message, next_step="the service does not offer this; correct the call.")
    reasons = _reasons(error)
    if _BILLED in reasons:  # before the status: the library gives a job's reason that it does not know as 500
        return ours.Fatal(message, next_step="filter by the partition, or raise MAX_BYTES_BILLED.")
    if isinstance(error, _TRANSIENT) or error.code == 408 or _QUEUE_FULL in text or reasons & _TRANSIENT_REASONS:
        return ours.StoreUnavailable(message, next_step=_AGAIN)
    if _NO_INDEX in text:
        return ours.Fatal(message, next_step="declare the index in infra/terraform and apply it.")
    if isinstance(error, google.Conflict):
        return ours.AlreadyExists(message)
    if isinstance(error, google.PreconditionFailed | google.FailedPrecondition):
        return ours.PreconditionFailed(message)
    if isinstance(error, google.NotFound):
        return ours.NotFound(message, next_step="check the name, and that `terraform apply` or what writes it has run.")
    if isinstance(error, _REFUSED):
        return ours.Fatal(message, next_step="grant the function's service account what pipeline.yaml says it touches.")
    return ours.Fatal(message, next_step="correct what was asked, the SQL or the rows; a retry cannot help.")


def _reasons(error: google.GoogleAPICallError) -> set[str]:
    """Reasons of an answer over HTTP; what gRPC gives in the same place has none."""
    return {str(each["reason"]) for each in error.errors if isinstance(each, dict) and "reason" in each}
