"""How long requests, their repetitions and jobs may take, from how long the function lives that
waits for them.

What outlives its function goes on unseen: it may write when the lease has ended and a retry has
begun.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds; `function` is the function's own time-out (FUNCTION_TIMEOUT_SECONDS)."""

    function: float = 540.0

    @property
    def job(self) -> float:
        """After which BigQuery ends a job; what is left then is for recording it."""
        return max(self.function - 40.0, self.function / 4)

    @property
    def request(self) -> float:
        """Of one request."""
        return min(60.0, self.function / 4)

    @property
    def retry(self) -> float:
        """Of a request's repetitions. BigQuery's library goes on for ten minutes by itself."""
        return min(25.0, self.function / 12)

    @property
    def job_retry(self) -> float:
        """Of a failed query's.

        More than twice a request's: of a query that has failed, BigQuery answers a request for its
        results with an error, too, which is repeated to its end before anybody looks at the query.
        """
        return min(120.0, self.function / 4)
