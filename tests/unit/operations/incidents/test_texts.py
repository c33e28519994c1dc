"""What people read, whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.core.severity import Severity
from shared.operations.incidents.deliveries import Kind
from shared.operations.incidents.records import Incident
from shared.operations.incidents.texts import (
    LONGEST_TEXT,
    LONGEST_TITLE,
    Named,
    Page,
    compose,
    compose_test,
    write_span,
    write_time,
)

NOON = datetime(2025, 11, 14, 17, 0, tzinfo=UTC)
INCIDENT = Incident(
    path="incidents/consolidation-2025-11-14-e66d53ee.2",
    check="consolidation",
    subject="2025-11-14",
    number=2,
    epoch=1,
    severity=Severity.CRITICAL,
    severity_since=NOON,
    says="0 of 146 rows are in place.",
    next_step="publish the date to nba-phase5-batch-complete.",
    figures={"have": 0, "should": 146, "seconds": 8.25, "nothing": None},
    opened_at=NOON,
    last_seen_at=NOON,
    count=3,
)
PAGE = Page("dev-", "https://ops.example.com/")


def text_of(incident: Incident, kind: Kind, *, after: float = 25, page: Page = PAGE) -> str:
    text = compose([Named(incident, kind)], kind, NOON + timedelta(minutes=after), page)
    return f"{text.title}\n{text.body}"


def test_the_text_of_an_opening() -> None:
    assert text_of(INCIDENT, Kind.OPENED) == (
        "[dev] CRITICAL: consolidation 2025-11-14\n"
        "0 of 146 rows are in place.\n"
        "Figures: have 0, should 146, seconds 8.25.\n"
        "Since 12:00 New York (25 min), seen 3 times.\n"
        "By itself: nothing; the monitor looks again at 12:30. It is resolved once its check finds it no more.\n"
        "Next: publish the date to nba-phase5-batch-complete.\n"
        "https://ops.example.com/alerts/consolidation-2025-11-14-e66d53ee.2"
    )


def test_the_texts_of_what_follows() -> None:
    again = replace(
        INCIDENT, previous="consolidation-2025-11-14-e66d53ee.1", figures={"by_itself": "retried at 12:40."}
    )
    assert text_of(again, Kind.STILL, after=70, page=Page()) == (
        "STILL CRITICAL: consolidation 2025-11-14\n"
        "0 of 146 rows are in place.\n"
        "Since 12:00 New York (1 h 10 min), seen 3 times.\n"
        "It was open before: consolidation-2025-11-14-e66d53ee.1.\n"
        "By itself: retried at 12:40. It is resolved once its check finds it no more.\n"
        "Next: publish the date to nba-phase5-batch-complete.\n"
        "Incident consolidation-2025-11-14-e66d53ee.2"
    )
    assert "\nNobody has acknowledged it within 30 min, or the first channel does not work.\n" in text_of(
        INCIDENT, Kind.ESCALATED
    )
    assert "\nIt flaps: opened 3 times in 2 h.\n" in text_of(replace(again, openings=3), Kind.STILL)
    over = replace(INCIDENT, resolved_at=NOON + timedelta(minutes=40), resolution="its check is green again")
    assert text_of(over, Kind.RESOLVED, after=60, page=Page()) == (
        "RESOLVED: consolidation 2025-11-14\n"
        "0 of 146 rows are in place.\n"
        "Figures: have 0, should 146, seconds 8.25.\n"
        "From 12:00 to 12:40 New York (40 min): its check is green again.\n"
        "Incident consolidation-2025-11-14-e66d53ee.2"
    )


def test_the_text_of_a_digest() -> None:
    over = replace(INCIDENT, severity=Severity.WARNING, resolved_at=NOON, says="late", subject="2025-11-13")
    named = [Named(over, Kind.RESOLVED), Named(INCIDENT, Kind.OPENED)]
    named += [
        Named(replace(INCIDENT, severity=Severity.WARNING, subject=str(n), next_step=""), Kind.STILL) for n in range(22)
    ]
    text = compose(named, Kind.DIGEST, NOON, PAGE)
    lines = text.body.splitlines()
    assert text.title == "[dev] Morning digest: 23 open, 1 resolved"
    assert lines[0] == (
        "- CRITICAL consolidation 2025-11-14: 0 of 146 rows are in place."
        " Next: publish the date to nba-phase5-batch-complete."
    )
    assert lines[1] == "- WARNING consolidation 0: 0 of 146 rows are in place."
    assert lines[-2:] == ["and 4 more.", "https://ops.example.com/alerts"]
    few = compose(named[:2], Kind.BUNDLE, NOON, Page())
    assert few.title == "Several at once: 1 open, 1 resolved"
    assert few.body.splitlines()[1] == "- RESOLVED consolidation 2025-11-13: late"


def test_texts_are_bounded_whatever_is_in_them() -> None:
    long = replace(
        INCIDENT, check="c" * 200, says="s" * 1_000, detail="d" * 1_000, next_step="n" * 1_000, resolution="r" * 1_000
    )
    for kind in (Kind.OPENED, Kind.DIGEST):
        text = compose([Named(long, kind)] * 50, kind, NOON, PAGE)
        assert len(text.title) <= LONGEST_TITLE
        assert len(text.body) <= LONGEST_TEXT
    assert (
        max(len(line) for line in compose([Named(long, Kind.OPENED)] * 50, Kind.DIGEST, NOON, PAGE).body.splitlines())
        <= 240
    )


def test_the_text_of_a_test() -> None:
    text = compose_test(NOON, PAGE)
    assert (text.title, text.body) == (
        "[dev] TEST: a message of the NBA pipeline",
        "Sent 12:00 New York. Nothing is wrong.",
    )


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(-5, "0 min"), (0, "0 min"), (59, "59 min"), (60, "1 h 0 min"), (1_439, "23 h 59 min"), (3_000, "2 d 2 h")],
)
def test_spans(minutes: int, expected: str) -> None:
    assert write_span(timedelta(minutes=minutes)) == expected


def test_a_time_of_another_day_says_its_day() -> None:
    assert write_time(NOON, NOON) == "12:00"
    assert write_time(datetime(2025, 11, 14, 4, 10, tzinfo=UTC), NOON) == "Nov 13, 23:10"
