"""The official injury report through phases 1 and 2: the newest that answers, eight requests at
most, and whatever it is, ESPN's list is there.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.replay.report_pdf import Entry
from shared.chain.execution.context import Outcome
from shared.chain.resilience import circuit_breaker
from shared.core.clock import NEW_YORK
from shared.stores.raw_files import CONTENT_TYPE, Response, decode_raw, encode_raw, raw_path
from tests.pipeline.test_scrape_faults import MORNING, Chain, open_chain
from tests.support.fake_sources import DAY, GAMES, HTML, Reply, draw_lists, report_name, schedule_game

PDF = {"Content-Type": "application/pdf"}
AT_1030 = MORNING - timedelta(hours=1)
CUT = Reply(200, draw_lists(MORNING)[:-40], PDF)
ABSENT = Reply(403, b"<Error><Code>AccessDenied</Code></Error>")


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with open_chain(tmp_path) as found:
        yield found


def list_asked(chain: Chain) -> list[str]:
    """Names of the reports that were asked for, as far as they differ."""
    paths = [path for path, _, _ in chain.sources.requests if path.startswith("/official/")]
    return [path.removeprefix("/official/Injury-Report_").removesuffix(".pdf") for path in paths]


def read_kept(chain: Chain, scraped: Outcome) -> bytes:
    """The report that a run has."""
    [path] = [file["path"] for file in scraped.metadata["files"] if file["source"] == "official"]
    [answer] = decode_raw(path, chain.runtime.raw.read(path).data).answers
    return base64.b64decode(answer.body)


def play_at(chain: Chain, local: str) -> Outcome:
    """A run for the day of a moment in New York, which has a game in the evening."""
    moment = datetime.fromisoformat(local).replace(tzinfo=NEW_YORK)
    chain.clock.move(seconds=(moment - chain.clock.now()).total_seconds())
    tipoff = datetime.combine(moment.date() + timedelta(days=1), datetime.min.time(), UTC)
    game = schedule_game(*GAMES[0][:5], f"{tipoff:%Y-%m-%dT%H:%M:%SZ}", day=moment.date())
    chain.sources.says["schedule"] = Reply.of({"leagueSchedule": {"gameDates": [{"games": [game]}]}})
    return chain.scrape("same_day", moment.date())


def teams(chain: Chain, source: str = "official") -> dict[str, bool]:
    rows = chain.rows(f"injury_report_teams WHERE source = '{source}'", "team, submitted")
    return {row["team"]: row["submitted"] for row in rows}


# --- which report ---------------------------------------------------------------------------------


def test_the_newest_is_asked_for_first_and_is_enough(chain: Chain) -> None:
    scraped = chain.scrape("same_day")
    assert (scraped.status, list_asked(chain)) == ("success", ["2025-11-14_11AM"])
    assert read_kept(chain, scraped) == draw_lists(MORNING)
    assert chain.load(scraped).status == "success"
    assert teams(chain) == {"DET": True, "LAC": True, "LAL": False, "PHI": True}


@pytest.mark.parametrize("absent", [Reply(403), Reply(404)])
def test_where_the_newest_is_not_there_the_one_before_is_asked_for(chain: Chain, absent: Reply) -> None:
    for name in ("11AM", "10AM"):
        chain.sources.says[f"official Injury-Report_2025-11-14_{name}.pdf"] = absent
    scraped = chain.scrape("same_day")
    assert list_asked(chain) == ["2025-11-14_11AM", "2025-11-14_10AM", "2025-11-14_09AM"]
    assert read_kept(chain, scraped) == draw_lists(MORNING - timedelta(hours=2))
    assert scraped.status == "success"
    assert scraped.metadata["notes"]["official_report"] == {
        "not_there": "newer reports, Injury-Report_2025-11-14_11AM.pdf back to Injury-Report_2025-11-14_10AM.pdf are"
        " not there yet"
    }
    assert circuit_breaker.read(chain.runtime, "source-official").failures == 0


@pytest.mark.parametrize(
    ("local", "names"),
    [
        ("2025-11-14T01:45:00", ["2025-11-14_01AM", "2025-11-14_12AM", "2025-11-13_11PM", "2025-11-13_10PM",
                                 "2025-11-13_09PM", "2025-11-13_08PM", "2025-11-13_07PM", "2025-11-13_06PM"]),
        ("2026-01-14T00:20:00", ["2026-01-14_12_15AM", "2026-01-14_12_00AM", "2026-01-13_11_45PM", "2026-01-13_11_30PM",
                                 "2026-01-13_11_15PM", "2026-01-13_11_00PM", "2026-01-13_10_45PM",
                                 "2026-01-13_10_30PM"]),
        ("2025-12-23T00:20:00", ["2025-12-23_12_15AM", "2025-12-23_12_00AM", "2025-12-22_11PM", "2025-12-22_10PM",
                                 "2025-12-22_09PM", "2025-12-22_08PM", "2025-12-22_07PM", "2025-12-22_06PM"]),
    ],
    ids=["midnight", "midnight by quarters", "the change of names"],
)  # fmt: skip
def test_eight_are_asked_for_and_then_the_source_has_failed(chain: Chain, local: str, names: list[str]) -> None:
    chain.sources.says["official"] = ABSENT
    scraped = play_at(chain, local)
    assert list_asked(chain) == names
    assert scraped.status == "partial"
    failed = scraped.metadata["failed"]["official_report"]
    first, last = f"Injury-Report_{names[0]}.pdf", f"Injury-Report_{names[-1]}.pdf"
    assert failed.startswith(
        f"official injury report: no report in 8 requests: {first} back to {last} are not there (403 or 404)"
    )
    assert "PROXY_URL" in failed
    assert [file["source"] for file in scraped.metadata["files"] if file["kind"] != "schedule"][-1:] == ["espn"]


@pytest.mark.parametrize("fault", [Reply(500), HTML, CUT, Reply(200)], ids=["500", "html", "cut", "empty"])
def test_one_that_cannot_be_had_is_passed_over_for_the_one_before(chain: Chain, fault: Reply) -> None:
    chain.sources.says["official Injury-Report_2025-11-14_11AM.pdf"] = fault
    scraped = chain.scrape("same_day")
    assert list_asked(chain) == ["2025-11-14_11AM", "2025-11-14_11AM", "2025-11-14_10AM"]
    assert read_kept(chain, scraped) == draw_lists(AT_1030)
    note = scraped.metadata["notes"]["official_report"]["unreadable"]
    assert note.startswith("Injury-Report_2025-11-14_11AM.pdf is not given: official injury report /Injury-Report_")
    assert scraped.status == "success"


@pytest.mark.parametrize("attempts", [1, 2, 3, 20])
@pytest.mark.parametrize("fault", [Reply(500), HTML, CUT], ids=["500", "html", "cut"])
def test_whatever_it_answers_eight_requests_are_sent_at_most(tmp_path: Path, attempts: int, fault: Reply) -> None:
    with open_chain(tmp_path, http_attempts=attempts) as chain:
        chain.sources.says["official"] = fault
        scraped = chain.scrape("same_day")
        assert len(list_asked(chain)) == 8
        assert list(scraped.metadata["failed"]) == ["official_report"]
        assert "not given, the first so: " in scraped.metadata["failed"]["official_report"]
        assert chain.load(scraped).status == "success"
        assert set(teams(chain, "espn").values()) == {True}


def test_a_source_that_asks_to_wait_is_not_asked_for_another(chain: Chain) -> None:
    chain.sources.says["official"] = Reply(429, headers={"Retry-After": "3600"})
    assert "asks to wait 3600 s" in chain.scrape("same_day").metadata["failed"]["official_report"]
    assert len(list_asked(chain)) == 1


# --- once a run -----------------------------------------------------------------------------------


def test_a_retry_of_the_execution_finds_its_report(chain: Chain) -> None:
    first = chain.scrape("same_day")
    chain.clock.move(hours=2)
    second = chain.scrape("same_day", attempt=2)
    assert len(list_asked(chain)) == 1
    assert second.metadata["files"] == first.metadata["files"]


def test_another_run_asks_for_the_report_of_its_own_moment(chain: Chain) -> None:
    chain.scrape("same_day")
    chain.clock.move(hours=6)
    chain.scrape("same_day", run_id="run-2")
    assert list_asked(chain) == ["2025-11-14_11AM", "2025-11-14_05PM"]


def test_results_ask_for_none(chain: Chain) -> None:
    assert chain.results().status == "success"
    assert list_asked(chain) == []


def test_without_its_address_the_source_is_left_out(tmp_path: Path) -> None:
    with open_chain(tmp_path, official_reports_base_url="") as chain:
        scraped = chain.scrape("same_day")
        assert (scraped.status, scraped.metadata["failed"]) == ("success", {})
        assert "official" not in {file["source"] for file in scraped.metadata["files"]}


# --- its breaker ----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Reply(500), ABSENT, HTML], ids=["500", "403", "html"])
def test_five_runs_without_a_report_open_its_breaker_alone(chain: Chain, fault: Reply) -> None:
    chain.sources.says["official"] = fault
    for number in range(5):
        assert list(chain.scrape("same_day", run_id=f"run-{number}").metadata["failed"]) == ["official_report"]
        assert circuit_breaker.read(chain.runtime, "source-official").failures == number + 1
    chain.sources.requests.clear()
    scraped = chain.scrape("same_day", run_id="run-5")
    assert list_asked(chain) == []
    assert "not asked: breaker source-official is open" in scraped.metadata["failed"]["official_report"]
    assert circuit_breaker.state_of(chain.runtime, "source-espn") == "closed"
    chain.clock.move(minutes=30)
    del chain.sources.says["official"]
    assert chain.scrape("same_day", run_id="run-6").status == "success"
    assert circuit_breaker.state_of(chain.runtime, "source-official") == "closed"


# --- what the tables say --------------------------------------------------------------------------


def test_a_report_that_is_not_understood_is_named_and_espn_s_list_is_loaded(chain: Chain) -> None:
    drawn = draw_lists(MORNING, {"PHI": [Entry("Joel Embiid", "RESTED", "-")]})
    chain.sources.says["official"] = Reply(200, drawn, PDF)
    loaded = chain.load(chain.scrape("same_day"))
    assert (loaded.status, loaded.records_failed) == ("partial", 1)
    [why] = loaded.metadata["failed_files"].values()
    assert "Injury-Report_2025-11-14_11AM.pdf: row " in why
    assert "has the status 'Rested', none of OUT" in why
    assert chain.rows("injury_report", "source, status, team") == [{"source": "espn", "status": "OUT", "team": "PHI"}]
    assert (teams(chain), len(teams(chain, "espn"))) == ({}, 30)


def test_a_report_of_one_date_in_a_run_of_another_is_no_row(chain: Chain) -> None:
    chain.sources.says["official"] = Reply(200, draw_lists(MORNING, day=date(2025, 11, 15)), PDF)
    loaded = chain.load(chain.scrape("same_day"))
    assert (loaded.status, teams(chain)) == ("success", {})
    assert loaded.metadata["left_out"] == {
        "players of other days' games in an official injury report": 3,
        "teams of other days' games in an official injury report": 4,
    }


def write(chain: Chain, report_time: datetime, lists: Any, *, fetched: datetime) -> str:
    """A raw file of one report."""
    path = raw_path("official", "injury_report", DAY, fetched, f"{report_time:%H%M}")
    body = b'"' + base64.b64encode(draw_lists(report_time, lists)) + b'"'
    response = Response("injury_report", {"path": f"/{report_name(report_time)}"}, {}, body)
    data = encode_raw("official", "injury_report", DAY, "run-1", fetched, [response], {})
    chain.runtime.raw.write(path, data, content_type=CONTENT_TYPE)
    return path


NEWEST = "team = 'PHI' QUALIFY RANK() OVER (ORDER BY snapshot_time DESC) = 1"


def test_a_report_of_half_past_four_that_is_loaded_last_changes_nothing(chain: Chain) -> None:
    """A late file, one that is loaded twice, and one after the other way round: the report's own
    time decides.
    """
    later, earlier = datetime(2025, 11, 14, 22, 30, tzinfo=UTC), datetime(2025, 11, 14, 21, 30, tzinfo=UTC)
    out, well = {"PHI": [Entry("Joel Embiid", "OUT", "-")]}, {"PHI": [Entry("Joel Embiid", "PROBABLE", "-")]}
    fetched = later + timedelta(minutes=10)
    newest = write(chain, later, out, fetched=fetched)
    late = write(chain, earlier, well, fetched=fetched)
    for number, path in enumerate((newest, late, late, newest, late)):
        scraped = Outcome("success", metadata={"files": [{"path": path}]})
        assert chain.load(scraped, run_id=f"run-{number}").status == "success"
        [row] = chain.rows(f"injury_report WHERE {NEWEST}", "DISTINCT status, snapshot_time")
        assert row == {"status": "OUT", "snapshot_time": later}
        [team] = chain.rows(f"injury_report_teams WHERE {NEWEST}", "DISTINCT submitted, snapshot_time")
        assert team == {"submitted": True, "snapshot_time": later}


def test_a_load_that_is_delivered_twice_adds_nothing(chain: Chain) -> None:
    scraped = chain.scrape("same_day")
    for _ in range(2):
        chain.load(scraped)
    assert len(chain.rows("injury_report WHERE source = 'official'", "*")) == 3
    assert len(chain.rows("injury_report_teams", "*")) == 34
