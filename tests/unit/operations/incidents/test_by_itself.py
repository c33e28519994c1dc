"""What happens by itself is what pipeline.yaml's schedules will do next, and never what they will
not.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from shared.core.pipeline import load_pipeline
from shared.core.severity import Severity
from shared.operations.incidents.by_itself import describe_by_itself
from shared.operations.incidents.records import Incident, incident_path

PIPELINE = load_pipeline()
DAY, YESTERDAY = date(2025, 11, 14), date(2025, 11, 13)
NIGHT = datetime(2025, 11, 14, 12, 31, tzinfo=UTC)  # 07:31 in New York
LETTER = "nothing; a dead letter waits for a person"
LOOKS = "nothing; the monitor looks again at"


def describe(check: str, subject: str, day: date | None, now: datetime = NIGHT, **figures: Any) -> str:
    found = Incident(
        path=incident_path("x.1"), check=check, subject=subject, number=1, epoch=0, severity=Severity.ERROR,
        severity_since=NIGHT, says="x", figures=figures, game_date=day, opened_at=NIGHT, last_seen_at=NIGHT, count=1,
    )  # fmt: skip
    return describe_by_itself(found, PIPELINE, now)


@pytest.mark.parametrize(
    ("check", "subject", "day", "figures", "says"),
    [
        ("source-fresh", "player_lines", DAY, {}, "same-day-predictions runs at 11:30"),
        ("source-fresh", "box_scores", YESTERDAY, {}, "self-heal looks at it at 11:15"),
        ("consolidation", f"{DAY}", DAY, {}, "same-day-predictions runs at 11:30"),
        ("latency", f"{YESTERDAY}", YESTERDAY, {}, "grading-daily runs at 11:00"),
        ("schedules", "overnight-predictions", DAY, {}, "same-day-predictions runs at 11:30"),
        ("schedules", "grading-early", YESTERDAY, {}, "grading-daily runs at 11:00"),
        ("schedules", "batch-sweep", DAY, {}, "self-heal looks at it at 12:45"),
        ("breakers", "source-nba", None, {}, "same-day-predictions tries it once at 11:30"),
        ("breakers", "processor-grading", None, {}, "grading-daily tries it once at 11:00"),
        ("breakers", "system-trees", None, {}, "same-day-predictions tries it once at 11:30"),
        ("breakers", "processor-train_model", None, {}, "the first run after 30 minutes tries it once"),
        ("dead-letters", "a/b", None, {}, LETTER),
        ("state-store", "state", None, {"reason": "max_delivery_attempts"}, LETTER),
        ("state-store", "state", None, {}, f"{LOOKS} 07:45"),
        ("deferred", "grading/source-nba", None, {"gate": "source-nba"}, "the sweep looks at it at 07:40"),
        ("deferred", "grading/pause", None, {"gate": "pause"}, "nothing until somebody resumes the pipeline"),
        ("pause", "pause", None, {}, "nothing until somebody resumes the pipeline"),
        ("stuck-executions", "x", DAY, {}, "the sweep looks at it at 07:40"),
        ("odds-quota", "odds_api", None, {}, f"{LOOKS} 07:45"),
        ("source-fresh", "player_lines", date(2025, 11, 9), {}, f"{LOOKS} 07:45"),
        ("delivery", "slack", None, {"by_itself": "it is sent again at 07:50."}, "it is sent again at 07:50"),
    ],
)
def test_what_comes_next(check: str, subject: str, day: date | None, figures: dict[str, Any], says: str) -> None:
    assert describe(check, subject, day, **figures) == says


def test_after_the_last_run_of_a_date_nothing_is_promised_for_it() -> None:
    evening = NIGHT + timedelta(hours=11)
    assert describe("source-fresh", "player_lines", DAY, evening) == f"{LOOKS} 18:45"
    assert describe("breakers", "source-nba", None, evening + timedelta(hours=1)) == (
        "results-overnight tries it once at 03:30 on 2025-11-15"
    )
