"""The filter that finds a function's log lines in Cloud Logging."""

from __future__ import annotations

from datetime import date

# https://cloud.google.com/logging/docs/view/logging-query-language: values stand in double quotes.
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"'})


def log_query(function: str, day: date, run_id: str | None = None, name_prefix: str = "") -> str:
    """A filter text for a function's lines about a date, or of one run.

    Args:
        name_prefix: of the environment (NAME_PREFIX), as services are named.
    """
    service = f"{name_prefix}{function.replace('_', '-')}"
    terms = [
        'resource.type="cloud_run_revision"',
        f"resource.labels.service_name={_quote(service)}",
        f"jsonPayload.game_date={_quote(day.isoformat())}",
    ]
    if run_id is not None:
        terms.append(f"jsonPayload.run_id={_quote(run_id)}")
    return " AND ".join(terms)


def _quote(value: str) -> str:
    return f'"{value.translate(_ESCAPED)}"'
