"""What publish says of how it ended, and how ages and seconds read."""

from __future__ import annotations

from typing import Any

import pytest

from local.nba.delivering import see_through
from local.nba.showing import seconds
from shared.core.clock import format_age

PUBLISHED = {"event": "published", "message_id": "7"}
IDLE: dict[str, Any] = {"event": "idle", "dead_letters": [], "held": [], "pending": 0}
QUEUED = './nba sweep --why "deliver what is queued"'
HELD = {"function": "grading", "count": 1, "of": 2, "reason": "paused"}


def completion(status: str | None, code: int = 200, reason: str = "") -> dict[str, Any]:
    return {
        **{"event": "completion", "function": "grading", "status": status, "status_code": code},
        **{"record_count": None, "reason": reason},
    }


@pytest.mark.parametrize(
    ("events", "code", "following"),
    [
        ([PUBLISHED, completion("success"), IDLE], 0, ""),
        ([PUBLISHED, completion(None, 503), completion("success"), IDLE], 0, ""),
        ([PUBLISHED, completion("failed"), IDLE], 2, ""),
        ([PUBLISHED, IDLE | {"held": [HELD]}], 1, "./nba deferred"),
        ([PUBLISHED, IDLE | {"pending": 3}], 1, QUEUED),
        ([PUBLISHED, IDLE | {"dead_letters": [{"origin_topic": "t"}]}], 2, "./nba dlq"),
        ([PUBLISHED, {"event": "broken", "reason": "cut off"}], 2, QUEUED),
    ],
)
def test_how_a_publish_ends(events: list[dict[str, Any]], code: int, following: str) -> None:
    delivered = see_through(events)
    assert (delivered.code, delivered.next_command(" --dir x"), delivered.message_id) == (
        code,
        f"{following} --dir x" if following else "",
        "7",
    )


def test_each_completion_is_said_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    resumed = {"event": "resumed", "pending": 2}
    see_through([resumed, PUBLISHED, completion("no_data", reason="no games"), IDLE | {"held": [HELD]}])
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "first, 2 deliveries that were still to come",
        "published message 7",
        "grading               no_data        no games",
    ]
    assert shown.err == "1 of 2 messages to grading are deferred: paused\n"


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "?"), (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (7_300, "2 h"), (180_000, "2 d")]
)
def test_ages(value: float | None, shown: str) -> None:
    assert format_age(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(None, ""), (0.456, "0.46"), (7.25, "7.2"), (83.6, "84")])
def test_seconds(value: float | None, shown: str) -> None:
    assert seconds(value) == shown
