"""A line of the log is one line of JSON that any viewer may show: redacted, printable, with its
accents.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.host.logs import logs_to
from shared.chain.execution.alerts import alert
from shared.core.events import Event
from shared.core.logs import JsonFormatter, configure_logging, log_context
from shared.core.redaction import protect
from shared.core.severity import Severity

EVIL = "\x1b[2JJokić\u202e\r\x9b31m \u200bDončić\x7f"
KEY = "l0g-s3cret-Kq8!xz"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("logs.tested")
    logger.addHandler(handler)
    protect(KEY)
    yield stream
    logger.removeHandler(handler)


def test_what_is_logged_is_printable_and_redacted(written: io.StringIO) -> None:
    logger = logging.getLogger("logs.tested")
    fields = {EVIL: [EVIL, KEY], "error": ValueError(f"{EVIL}{KEY}"), "n": 3}
    with log_context(run_id=f"{EVIL}{KEY}"):
        try:
            raise ValueError(f"{EVIL} {KEY}")
        except ValueError:
            logger.exception("said %s of %s", EVIL, KEY, extra={"fields": fields})
    (line,) = written.getvalue().splitlines()
    assert "Jokić" in line
    assert not any(sign in line for sign in "\x1b\x7f\x9b\u202e\u200b\r")
    assert "\\u001b" not in line
    assert KEY[2:12] not in line
    found = json.loads(line)
    assert found["message"] == "said Jokić\n Dončić of ***"
    assert found["Jokić Dončić"] == ["Jokić Dončić", "***"]
    assert found["error"] == "Jokić Dončić***"
    assert found["run_id"] == "Jokić Dončić***"
    assert found["exception"].splitlines()[0] == "Traceback (most recent call last):"
    assert found["exception"].endswith("Dončić ***")
    assert found["n"] == 3


@pytest.mark.parametrize(
    ("severity", "level"),
    [
        (Severity.INFO, "INFO"),
        (Severity.WARNING, "WARNING"),
        (Severity.ERROR, "ERROR"),
        (Severity.CRITICAL, "ERROR"),
    ],
)
def test_an_alert_is_logged_where_monitoring_counts(
    severity: Severity, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    """nba-alerts is a topic that somebody has to read; the policy function-errors tells people of
    ERROR.
    """
    with caplog.at_level("INFO"):
        alert("lost", severity, "Predictions are gone", "Next: restore them", datetime.now(UTC), event=Event.LOST)
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == (level, "alert: Predictions are gone: Next: restore them")
    assert vars(record)["fields"] == {"event": "lost", "fingerprint": "lost"}


def test_what_is_logged_to_a_file_later_has_info_whatever_the_level_was_meanwhile(tmp_path: Path) -> None:
    """The level is the process's: a test, or a library, may have set and put back another one."""
    root = logging.getLogger()
    before, handlers = root.level, list(root.handlers)
    try:
        configure_logging()
        root.setLevel(logging.WARNING)
        with logs_to(tmp_path / "functions.jsonl"):
            logging.getLogger("logs.tested").info("it ran")
        assert json.loads((tmp_path / "functions.jsonl").read_text())["message"] == "it ran"
    finally:
        root.setLevel(before)
        for handler in set(root.handlers) - set(handlers):
            root.removeHandler(handler)
