"""ESPN's list as rows: statuses, reasons, the time it was known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from functions.phase2_raw.normalise.injuries import InjuryRows
from shared.core.errors import DataError
from shared.nba.teams import TEAMS
from tests.support.fake_sources import DAY, injuries
from tests.support.normalised import FETCHED, normalise


def injury(status: Any, name: Any = "Joel Embiid", **changes: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {"status": status, "athlete": {"displayName": name}} | changes
    return {"timestamp": "2025-11-14T16:00:00Z", "injuries": [{"displayName": "LA Clippers", "injuries": [entry]}]}


def test_an_injury_is_of_the_runs_day_and_known_at_the_feeds_time() -> None:
    tables, problems = normalise(InjuryRows, "injuries", injuries())
    assert problems.sentences == []
    assert tables["nba_raw.injury_report"] == [
        {
            "game_date": DAY, "source": "espn", "team": "PHI", "player_id": None, "player_name": "Joel Embiid",
            "player_lookup": "joelembiid", "player_lookup_base": "joelembiid", "status": "OUT",
            "reason": "Knee, Surgery", "snapshot_time": datetime(2025, 11, 14, 16, 0, tzinfo=UTC), "run_id": "run-1",
            "source_file": "the/path",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(("listed", "submitted"), [([injury("Out")["injuries"][0]], True), ([], False)])
def test_a_list_that_names_anybody_is_every_teams(listed: list[Any], submitted: bool) -> None:
    body = {"timestamp": "2025-11-14T16:00:00Z", "injuries": listed}
    rows = normalise(InjuryRows, "injuries", body)[0]["nba_raw.injury_report_teams"]
    assert [row.pop("team") for row in rows] == sorted(team.abbr for team in TEAMS)
    known = {"snapshot_time": datetime(2025, 11, 14, 16, 0, tzinfo=UTC), "submitted": submitted}
    about = {"game_date": DAY, "source": "espn", "run_id": "run-1", "source_file": "the/path"}
    assert all(row == known | about for row in rows)


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("Out", "OUT"),
        ("Suspension", "OUT"),
        ("Doubtful", "DOUBTFUL"),
        ("Questionable", "QUESTIONABLE"),
        ("Day-To-Day", "QUESTIONABLE"),
        ("Probable", "PROBABLE"),
    ],
)
def test_statuses(status: str, ours: str) -> None:
    rows = normalise(InjuryRows, "injuries", injury(status))[0]["nba_raw.injury_report"]
    assert [(row["status"], row["team"]) for row in rows] == [(ours, "LAC")]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (injury("Resting"), "status of Joel Embiid is 'Resting'"),
        (injury(None), "status of Joel Embiid is None"),
        (injury("Out", None), "without athlete.displayName"),
        (injury("Out", athlete=None), "without athlete.displayName"),
    ],
)
def test_an_unreadable_entry_is_counted_with_its_text(body: Any, message: str) -> None:
    tables, problems = normalise(InjuryRows, "injuries", body)
    assert tables == {}
    assert message in problems.sentences[0]


@pytest.mark.parametrize("teams", [[], [{"displayName": "LA Clippers", "injuries": []}]])
def test_a_list_that_names_nobody_is_a_row_without_a_player(teams: list[Any]) -> None:
    """Without it, the list before would stay in force."""
    tables, problems = normalise(InjuryRows, "injuries", {"timestamp": "2025-11-14T16:00:00Z", "injuries": teams})
    assert problems.sentences == []
    assert tables["nba_raw.injury_report"] == [
        {
            "game_date": DAY, "source": "espn", "team": None, "player_id": None, "player_name": None,
            "player_lookup": None, "player_lookup_base": None, "status": "NONE", "reason": None,
            "snapshot_time": datetime(2025, 11, 14, 16, 0, tzinfo=UTC), "run_id": "run-1", "source_file": "the/path",
        }
    ]  # fmt: skip


def test_two_entries_of_a_player_become_the_graver_one() -> None:
    body = injury("Questionable", shortComment="ankle")
    body["injuries"][0]["injuries"].append(injury("Out", shortComment="knee")["injuries"][0]["injuries"][0])
    rows = normalise(InjuryRows, "injuries", body)[0]["nba_raw.injury_report"]
    assert [(row["status"], row["reason"]) for row in rows] == [("OUT", "ankle; knee")]


@pytest.mark.parametrize("timestamp", [None, "now", "2025-11-14T16:31:00Z", "2025-11-01T00:00:00Z"])
def test_an_implausible_feed_time_gives_way_to_the_fetch(timestamp: Any) -> None:
    rows = normalise(InjuryRows, "injuries", injury("Out") | {"timestamp": timestamp})[0]["nba_raw.injury_report"]
    assert rows[0]["snapshot_time"] == FETCHED


def test_an_unknown_team_is_null() -> None:
    body = injury("Out")
    body["injuries"][0]["displayName"] = "Seattle SuperSonics"
    assert normalise(InjuryRows, "injuries", body)[0]["nba_raw.injury_report"][0]["team"] is None


@pytest.mark.parametrize(
    ("changes", "ours"),
    [
        ({"status": "Ausfall", "type": {"name": "INJURY_STATUS_OUT"}}, "OUT"),
        ({"status": None, "type": {"name": "INJURY_STATUS_OUT"}}, "OUT"),
        ({"status": "", "type": {"name": "INJURY_STATUS_DAYTODAY"}}, "QUESTIONABLE"),
        ({"status": "??", "type": {"name": "INJURY_STATUS_DOUBTFUL"}}, "DOUBTFUL"),
        ({"status": "??", "type": {"name": "INJURY_STATUS_PROBABLE"}}, "PROBABLE"),
        ({"status": "??", "type": {"name": "INJURY_STATUS_SUSPENSION"}}, "OUT"),
        ({"status": "??", "type": {"name": "INJURY_STATUS_IR"}}, "OUT"),
        ({"status": "??", "type": {"name": "?", "description": "out"}}, "OUT"),
        ({"status": "??", "type": {"abbreviation": "GTD"}}, "QUESTIONABLE"),
        ({"status": ["Out"], "type": {"name": "INJURY_STATUS_OUT"}}, "OUT"),
        ({"status": "??", "details": {"fantasyStatus": {"description": "OUT"}}}, "OUT"),
        ({"status": "Questionable", "type": {"name": "INJURY_STATUS_OUT"}}, "QUESTIONABLE"),
        ({"status": "Out For Season"}, "OUT"),
        ({"status": "Game Time Decision"}, "QUESTIONABLE"),
        *(({"status": word}, "OUT") for word in (
            "OUT", " out ", "Ruled Out", "Out (season)", "Out - rest", "Out_For_The_Season", "Not Available",
            "Unavailable", "Will not play", "DNP", "Suspension - league", "Healthy scratch",
            "\uff2f\uff35\uff34", "\u00d3ut",
        )),
        *(({"status": word}, "DOUBTFUL") for word in ("DOUBTFUL.", "Doubt", "Unlikely", "Not expected to play")),
        *(({"status": word}, "QUESTIONABLE") for word in ("day\u2011to\u2011day", "Questionable (knee)", "Game-time")),
        *(({"status": word}, "PROBABLE") for word in ("Prob.", "Probable - ankle", "Expected to play", "Likely")),
        ({"status": "Out of protocols", "type": {"name": "INJURY_STATUS_PROBABLE"}}, "PROBABLE"),
    ],
)  # fmt: skip
def test_the_coded_type_says_what_an_unknown_word_does_not(changes: dict[str, Any], ours: str) -> None:
    tables, problems = normalise(InjuryRows, "injuries", injury(**{"status": "?", **changes}))
    assert [row["status"] for row in tables["nba_raw.injury_report"]] == [ours]
    assert problems.sentences == []


@pytest.mark.parametrize("name", ["Embiid, Joel", "Joel\u00a0 Embiid", "JOEL EMBIID ", "Jo\u00ebl Embiid"])
def test_a_name_in_another_order_or_spacing_is_the_same_name(name: str) -> None:
    body = injury("Out", athlete={"displayName": name})
    [row] = normalise(InjuryRows, "injuries", body)[0]["nba_raw.injury_report"]
    assert (row["player_lookup"], row["player_lookup_base"]) == ("joelembiid", "joelembiid")
    assert row["player_name"].casefold() in ("joel embiid", "jo\u00ebl embiid")


@pytest.mark.parametrize("word", ["Active", "Available", "healthy"])
def test_who_is_available_by_word_and_out_by_code_is_out_and_named(word: str) -> None:
    """Left out, he would be predicted as healthy."""
    tables, problems = normalise(InjuryRows, "injuries", injury(word, type={"name": "INJURY_STATUS_OUT"}))
    assert [row["status"] for row in tables["nba_raw.injury_report"]] == ["OUT"]
    [sentence] = problems.sentences
    assert sentence.endswith(f"status of Joel Embiid is {word!r}, its coded type says OUT, which counts")


def test_a_player_listed_as_available_is_no_injury() -> None:
    tables, problems = normalise(InjuryRows, "injuries", injury("Active", type={"name": "INJURY_STATUS_ACTIVE"}))
    assert "nba_raw.injury_report" not in tables
    assert {row["submitted"] for row in tables["nba_raw.injury_report_teams"]} == {True}
    assert problems.sentences == []
    assert problems.notes == {"players listed as available": 1}


@pytest.mark.parametrize("detail", [["Knee"], {}, 7, "\ud800", float("nan")])
def test_a_reason_that_cannot_be_read_costs_no_status(detail: Any) -> None:
    """He is out all the same, and without the row he would be predicted as healthy."""
    tables, problems = normalise(InjuryRows, "injuries", injury("Out", details={"type": detail, "detail": "Sprain"}))
    assert [(row["status"], row["reason"]) for row in tables["nba_raw.injury_report"]] == [("OUT", "Sprain")]
    assert "details.type of Joel Embiid is " in problems.sentences[0]


@pytest.mark.parametrize("bad", [None, 7, "x", [], {}, {"injuries": None}, {"injuries": {}}])
def test_a_bad_team_costs_no_other_and_is_no_empty_list(bad: Any) -> None:
    body = injury("Out")
    body["injuries"].insert(0, bad)
    tables, problems = normalise(InjuryRows, "injuries", body)
    assert [row["player_name"] for row in tables["nba_raw.injury_report"]] == ["Joel Embiid"]
    assert problems.refused == 1
    with pytest.raises(DataError, match="no team's list can be read"):
        normalise(InjuryRows, "injuries", {"injuries": [bad]})


@pytest.mark.parametrize(
    "bad",
    [None, 7, "x", [], {}, {"athlete": []}, {"status": "Out", "athlete": {"displayName": ["A"]}},
     {"status": "Out", "athlete": {"displayName": "A\ud800"}}, {"status": [], "athlete": {"displayName": "A B"}}],
)  # fmt: skip
def test_a_bad_entry_costs_no_other(bad: Any) -> None:
    body = injury("Out")
    body["injuries"][0]["injuries"].insert(0, bad)
    tables, problems = normalise(InjuryRows, "injuries", body)
    assert [row["player_name"] for row in tables["nba_raw.injury_report"]] == ["Joel Embiid"]
    assert problems.refused == 1


@pytest.mark.parametrize("timestamp", ["0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", 10**26, [], float("nan")])
def test_an_impossible_feed_time_gives_way_to_the_fetch(timestamp: Any) -> None:
    rows = normalise(InjuryRows, "injuries", injury("Out") | {"timestamp": timestamp})[0]["nba_raw.injury_report"]
    assert rows[0]["snapshot_time"] == FETCHED
