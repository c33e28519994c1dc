"""The dashboard's pages on an evening that is whole, and on one that is not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from functions.dashboard.app import create_app
from functions.dashboard.identity import LOCAL_USER
from shared.chain.resilience import circuit_breaker
from shared.core.errors import StoreUnavailable
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.core.severity import Severity
from shared.operations.checks.health import read_health
from shared.operations.incidents.observing import observe
from shared.operations.levels import Finding, Level
from shared.operations.picks import PATH as PICKS
from shared.science.systems.error_codes import NOTHING_TO_SAY
from tests.pipeline.test_dashboard_api import of_email
from tests.pipeline.test_dashboard_pages import hidden
from tests.support.prediction_tables import DAY, EARLY, NOW, Evening, prediction_row
from tests.support.stores import reset_counts
from tests.unit.operations.status.test_grid import take_away
from tests.unit.operations.status.world import PREDICTIONS, begin_work, make_whole, open_copy, play

PIPELINE = load_pipeline()
CELL = re.compile(r'<a class="level (\w+)" href="([^"]+)"[^>]*><span aria-hidden="true">(.)</span> ([\w ]+)</a>')
HTML = {"Accept": "text/html"}
PART = HTML | {"HX-Request": "true"}
# At most. The first page asks what the grid and what the checks ask.
STATEMENTS = {
    "/": 9,
    "/grid": 4,
    "/grid?days=60": 4,
    f"/dates/{DAY}/phases/phase4": 5,
    f"/batches/batch_{DAY}_r1": 2,
    f"/dates/{DAY}/players/p1": 4,
    "/queues": 0,
    "/alerts": 0,
    "/latency": 5,
    "/accuracy": 2,
    "/health": 5,
    "/audit": 0,
    f"/actions/export?game_date={DAY}": 0,
}


@pytest.fixture(scope="module")
def whole_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_whole(tmp_path_factory.mktemp("whole") / "state")


@pytest.fixture
def whole(whole_folder: Path, tmp_path: Path) -> Iterator[Evening]:
    with open_copy(whole_folder, tmp_path / "state") as opened:
        yield opened


@pytest.fixture
def client(whole: Evening) -> FlaskClient:
    app = create_app(lambda: whole.runtime, PIPELINE)
    client = app.test_client()
    client.environ_base[LOCAL_USER] = "ada"
    return client


def text_of(client: FlaskClient, path: str) -> str:
    response = client.get(path, headers=HTML)
    assert response.status_code == 200, response.text
    return response.text


@pytest.mark.parametrize("path", STATEMENTS)
def test_a_page_is_of_so_many_statements_at_most(whole: Evening, client: FlaskClient, path: str) -> None:
    play(whole)
    reset_counts(whole.warehouse)
    text_of(client, path)
    counts = whole.warehouse.statement_counts
    assert counts.get("query", 0) + counts.get("execute", 0) <= STATEMENTS[path]


def test_the_first_page_says_what_the_grid_says(client: FlaskClient) -> None:
    grid = client.get("/api/v1/grid?days=2").json
    assert grid is not None
    page = text_of(client, "/")
    assert f'<p class="sentence">{grid["days"][-1]["sentence"]}</p>' in page
    assert "tonight&#39;s picks are exported" in page
    assert "picks of" in page


def test_a_cell_has_a_glyph_a_word_and_a_link(client: FlaskClient) -> None:
    page = text_of(client, "/grid?days=1")
    cells = re.findall(
        r'<a class="level (\w+)" href="([^"]+)"[^>]*><span aria-hidden="true">(.)</span> ([\w ]+)</a>', page
    )
    assert len(cells) == 9
    assert {"/dates/2025-11-14/phases/phase6", "/dates/2025-11-14/phases/grading"} <= {href for _, href, _, _ in cells}
    assert ("good", "✓", "complete") in {(tone, glyph, word) for tone, _, glyph, word in cells}
    assert page.count('<th scope="col">') == 10
    assert 'name="cells" value="2025-11-14/phase4"' in page
    assert 'value="2025-11-14/phase5_worker"' not in page  # nothing starts a worker of a date
    for _, href, _, _ in cells:
        text_of(client, href)


def test_what_is_short_is_red_and_ticked_with_what_mends_it(whole: Evening, client: FlaskClient) -> None:
    take_away(whole, PREDICTIONS, "TRUE")
    page = text_of(client, "/grid?days=1")
    assert "◔</span> short" in page
    ticks = re.findall(r'name="cells" value="([^"]+)"', page)
    preview = client.get("/actions/rerun-many", query_string={"cells": ticks}, headers=HTML).text
    assert "What this will do" in preview
    assert 'name="cells" value="2025-11-14/phase4"' in preview


@pytest.mark.parametrize("path", ["/", "/grid", f"/dates/{DAY}/phases/phase4", "/queues", "/alerts", "/latency"])
def test_an_open_page_asks_for_its_part_and_is_told_when_nothing_changed(client: FlaskClient, path: str) -> None:
    page = text_of(client, path)
    [seconds] = re.findall(r'hx-trigger="every (\d+)s"', page)
    [tag] = re.findall(r"If-None-Match&#34;: &#34;\\&#34;(\w+)\\&#34;", page)
    assert seconds == "60"
    part = client.get(path, headers=PART)
    assert part.status_code == 200
    assert part.text.lstrip().startswith('<div id="live"')
    assert "<html" not in part.text
    assert part.headers["ETag"] == f'"{tag}"'
    again = client.get(path, headers=PART | {"If-None-Match": f'"{tag}"'})
    assert (again.status_code, again.text) == (304, "")
    # a whole page has a moment in its footer: it is never answered with 304
    assert client.get(path, headers=HTML | {"If-None-Match": f'"{tag}"'}).status_code == 200


def test_a_change_is_another_tag_and_work_is_asked_for_more_often(whole: Evening, client: FlaskClient) -> None:
    before = client.get("/grid", headers=PART)
    begin_work(whole.runtime)
    after = client.get("/grid", headers=PART | {"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert 'hx-trigger="every 10s"' in after.text


def test_an_alert_leads_to_the_action_that_mends_it(whole: Evening, client: FlaskClient) -> None:
    for n in range(5):
        circuit_breaker.record_failure(whole.runtime, "source-odds_api", ValueError("401"), execution=f"x{n}")
    page = text_of(client, "/")
    assert "source-odds_api is open" in page  # the check says so before the monitor has looked
    assert "/actions/reset-breakers?names=source-odds_api" in page
    health = read_health(whole.runtime, PIPELINE)
    observe(whole.runtime, health.findings, health.covered)
    page = text_of(client, "/")
    assert page.count("source-odds_api is open") == 1  # an incident and its finding are one
    [identity] = set(re.findall(r'/alerts/(breakers-[^"]+)"', page))
    alert = text_of(client, f"/alerts/{identity}")
    assert "/actions/reset-breakers?names=source-odds_api" in alert
    assert "Closes source-odds_api" in text_of(client, "/actions/reset-breakers?names=source-odds_api")
    listed = text_of(client, "/alerts")
    assert f'name="ids" value="{identity}"' in listed
    for action in ("acknowledge", "mute", "resolve", "note"):
        assert f'formaction="/actions/{action}"' in listed


def test_a_mute_asks_until_when_and_keeps_what_was_ticked(whole: Evening, client: FlaskClient) -> None:
    for n in range(5):
        circuit_breaker.record_failure(whole.runtime, "source-odds_api", ValueError("401"), execution=f"x{n}")
    health = read_health(whole.runtime, PIPELINE, only=["breakers"])
    [identity] = observe(whole.runtime, health.findings, health.covered).opened
    form = text_of(client, f"/actions/mute?ids={identity}")
    assert f'<input type="checkbox" name="ids" value="{identity}" checked>' in form
    until = (whole.clock.now() + timedelta(hours=1)).isoformat()
    plan = client.get("/actions/mute", query_string={"ids": identity, "until": until}, headers=HTML).text
    assert f"Mutes {identity}" in plan


def test_a_store_that_is_down_hides_nothing_else(whole: Evening) -> None:
    class Down:
        def __getattr__(self, name: str) -> Any:
            raise StoreUnavailable("the state store does not answer.")

    runtime = replace(whole.runtime, state=Down())
    client = create_app(lambda: runtime, PIPELINE).test_client()
    client.environ_base[LOCAL_USER] = "ada"
    page = text_of(client, "/")
    assert "Where the dates stand cannot be shown: the state store does not answer." in page
    assert "Alerts cannot be shown" in page
    assert "picks of" in page
    assert "the check itself failed: StoreUnavailable: the state store does not answer" in page
    assert "Nothing was graded" in text_of(client, "/accuracy")


def test_a_reader_is_offered_no_action(whole: Evening) -> None:
    runtime = replace(whole.runtime, settings=Settings(dashboard_readers="rea@example.com"))
    client = create_app(lambda: runtime, PIPELINE, lambda _: of_email("rea@example.com")).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = "Bearer signed"
    for path in STATEMENTS:
        if not path.startswith("/actions"):
            assert not re.search(r'<a class="button" href="/actions|<button>Re|formaction', text_of(client, path)), path


def test_a_batch_and_a_pick_lead_back(whole: Evening, client: FlaskClient) -> None:
    batch = text_of(client, f"/batches/batch_{DAY}_r1")
    assert "CONSOLIDATED" in batch
    assert "What consolidation compares before it drops anything." in batch
    pick = text_of(client, f"/dates/{DAY}/players/p1")
    assert f"/batches/batch_{DAY}_r1" in pick
    for path in ("/batches/nonsense", f"/batches/batch_{DAY}_r9", f"/dates/{DAY}/players/nobody", "/alerts/none.1"):
        assert client.get(path, headers=HTML).status_code in (400, 404)


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (
            "injury_list_state = 'listed', opponent_injury_list_state = 'no_list', injury_report_source = 'official',"
            " injury_status = 'QUESTIONABLE', injury_reason = 'Left Knee'",
            "He is QUESTIONABLE (Left Knee); his team lists players (official, ",
        ),
        (
            "injury_list_state = 'nobody_listed', opponent_injury_list_state = 'listed', injury_report_source = 'espn'",
            "<dd>his team lists nobody (espn, ",
        ),
        (
            "injury_list_state = 'no_list', opponent_injury_list_state = 'listed'",
            "<dd>injuries of his team unknown: its list was not there, as of ",
        ),
    ],
)
def test_a_pick_says_what_was_known_of_injuries(whole: Evening, client: FlaskClient, columns: str, shown: str) -> None:
    path = f"/dates/{DAY}/players/p1"
    assert "<dt>Injuries</dt>" not in text_of(client, path), "written before lists were kept by team"
    table = "nba_analytics.upcoming_player_game_context"
    change = f"UPDATE {table} SET {columns}, injury_snapshot_at = @at WHERE game_date = @day AND player_id = 1"
    whole.warehouse.execute(change, {"day": DAY, "at": NOW})
    page = text_of(client, path)
    assert shown in page
    assert ("injuries of the opponent unknown" in page) == ("opponent_injury_list_state = 'no_list'" in columns)


def test_tonights_picks_say_whose_injuries_are_unknown(whole: Evening, client: FlaskClient) -> None:
    assert "injuries unknown" not in text_of(client, "/")
    content = json.loads(whole.runtime.exports.read(PICKS).data)
    content["picks"][0] |= {"injuries_unknown": True, "injury_status": "unknown"}
    content["picks"][1] |= {"injury_status": "PROBABLE", "injury_reason": "Left Knee"}
    whole.runtime.exports.write(PICKS, json.dumps(content).encode(), content_type="application/json")
    page = text_of(client, "/")
    assert ("injuries unknown" in page, "PROBABLE: Left Knee" in page) == (True, True)


def write_picks(whole: Evening, *changes: dict[str, Any], **of_the_list: Any) -> None:
    """The exported list, its two picks with changes and more picks of the same shape."""
    content = json.loads(whole.runtime.exports.read(PICKS).data)
    first, second = content["picks"]
    picks = [first, second, *({**first, "rank": 2 + n} for n in range(1, len(changes) - 1))]
    content["picks"] = [{**pick, **change} for pick, change in zip(picks, changes, strict=True)]
    whole.runtime.exports.write(PICKS, json.dumps({**content, **of_the_list}).encode(), content_type="application/json")


def choices_of(page: str) -> list[tuple[str, str, bool]]:
    """The links between statistics: address, words, whether it is the page's own."""
    found = re.search(r'<nav class="choice" aria-label="Statistic">(.*?)</nav>', page, re.DOTALL)
    links = re.findall(r'<a href="([^"]+)"( aria-current="true")?>([^<]+)</a>', found[1]) if found else []
    return [(href, words, bool(current)) for href, current, words in links]


def test_tonights_picks_of_all_statistics_or_of_one(whole: Evening, client: FlaskClient) -> None:
    """All by their rank, since a better bet is a better bet; and of one all that there are."""
    assert choices_of(text_of(client, "/")) == [], "of points alone there is nothing to choose"
    why = "the list has his best bet alone. Left out: 3 other bets on 2 players of it."
    stats = ["rebounds", "points", *["rebounds"] * 5]
    write_picks(whole, *({"stat": stat} for stat in stats), left_out={"bets": 3, "players": 2, "reason": why})
    page = text_of(client, "/")
    assert choices_of(page) == [
        ("/", "all (7)", True),
        ("/?stat=points", "points (1)", False),
        ("/?stat=rebounds", "rebounds (6)", False),
    ]
    assert (page.count(" rebounds</td>"), page.count(" points</td>")) == (4, 1), "the first five"
    assert why in page
    assert f'href="/dates/{DAY}/players/p1?stat=rebounds"' in page
    page = text_of(client, "/?stat=rebounds")
    assert (page.count(" rebounds</td>"), page.count(" points</td>")) == (6, 0)
    assert ("/?stat=rebounds", "rebounds (6)", True) in choices_of(page)
    assert 'hx-get="/?stat=rebounds"' in page, "what is asked for again is the same"
    none = text_of(client, "/?stat=threes")
    assert "None of them is of threes." in none
    assert [current for _, _, current in choices_of(none)] == [False] * 3
    refused = client.get("/?stat=goals", headers=HTML)
    assert refused.status_code == 400
    assert "ask for one of points" in refused.text


def test_a_pick_leads_back_by_statistic_and_what_says_nothing_is_no_failure(
    whole: Evening, client: FlaskClient
) -> None:
    path = f"/dates/{DAY}/players/p1"
    assert choices_of(text_of(client, path)) == []
    rows = [
        prediction_row(EARLY, 1, "P1", "6.5", stat="rebounds", mean=7.1),
        prediction_row(
            EARLY, 1, "P1", "6.5", stat="rebounds", system="zone_matchup_v1", mean=None, recommendation="PASS",
            error_code=NOTHING_TO_SAY,
        ),
        prediction_row(
            EARLY, 1, "P1", "6.5", stat="rebounds", system="xgboost_v1", mean=None, recommendation="PASS",
            error_code="no_model",
        ),
    ]  # fmt: skip
    whole.add(PREDICTIONS, rows)
    page = text_of(client, path)
    assert choices_of(page) == [
        (f"{path}?stat=points", "points (1)", True),
        (f"{path}?stat=rebounds", "rebounds (3)", False),
    ]
    assert "<td>rebounds</td>" not in page
    page = text_of(client, f"{path}?stat=rebounds")
    assert (page.count("<td>rebounds</td>"), page.count("<td>points</td>")) == (3, 0)
    assert '<td><span class="quiet">nothing to say</span></td>' in page
    assert "<td>PASS <strong>no_model</strong></td>" in page
    assert "None is of assists." in text_of(client, f"{path}?stat=assists")


def test_a_cell_has_its_rows_by_statistic(whole: Evening, client: FlaskClient) -> None:
    """A statistic that lacks rows is seen beside the others."""
    path = f"/dates/{DAY}/phases/phase5_consolidation"
    whole.add(PREDICTIONS, [prediction_row(EARLY, 1, "P1", "6.5", stat="rebounds")])
    page = text_of(client, path)
    assert '<th scope="col" class="number">Points</th><th scope="col" class="number">Rebounds</th>' in page
    answer = client.get(f"/api/v1{path}").json
    assert answer is not None
    assert answer["rows_by_stat"] == [
        {"table": f"nba_predictions.{table}", "rows": {"points": 2, "rebounds": 1}}
        for table in ("current_predictions", "player_prop_predictions")
    ]
    assert [each["rows"] for each in answer["rows"] if "predictions" in each["table"].split(".")[1]] == [3, 3]
    assert "Rows by statistic" not in text_of(client, f"/dates/{DAY}/phases/phase4"), "features have none"


def test_a_cell_shows_who_started_it(whole: Evening, client: FlaskClient) -> None:
    shown = client.get(f"/actions/rerun?game_date={DAY}&phase=phase4", headers=HTML).text
    form = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', shown))
    done = client.post(
        "/actions/rerun", data={**form, "why": "lines came late"}, headers={"Origin": "http://localhost"}
    )
    assert done.status_code == 303
    assert f"/dates/{DAY}/phases/phase4" in text_of(client, done.headers["Location"])
    assert "lines came late" in text_of(client, f"/dates/{DAY}/phases/phase4")


def test_a_cell_shows_the_incidents_about_it_and_what_was_written_beside_them(
    whole: Evening, client: FlaskClient
) -> None:
    says = f"{DAY}: no export of batch_{DAY}_r1"
    finding = Finding("export-written", str(DAY), Level.RED, says, severity=Severity.ERROR, game_date=DAY)
    [identity] = observe(whole.runtime, [finding], {"export-written"}).opened
    page = text_of(client, f"/dates/{DAY}/phases/phase6")
    assert says in page
    assert f"/alerts/{identity}" in page
    assert "/actions/export?game_date=2025-11-14" in page
    form = hidden(client.get(f"/actions/note?ids={identity}", headers=HTML))
    client.post("/actions/note", data={**form, "why": "the bucket was full"}, headers={"Origin": "http://localhost"})
    assert "ada: the bucket was full" in text_of(client, f"/dates/{DAY}/phases/phase6")
    assert says not in text_of(client, f"/dates/{DAY}/phases/phase3")
    answer = client.get(f"/api/v1/dates/{DAY}/phases/phase6").json
    assert answer is not None
    assert [each["check"] for each in answer["incidents"]] == ["export-written"]
    assert [(each["who"], each["text"]) for each in answer["notes"]] == [("ada", "the bucket was full")]


def test_latency_is_drawn_beside_its_table(whole: Evening, client: FlaskClient) -> None:
    play(whole)
    page = text_of(client, "/latency")
    assert '<svg viewBox="0 0 720 250" role="img" aria-label="From the last game' in page
    assert page.count("<figure") <= page.count("<table")
    assert "<rect" in page


def test_accuracy_is_shown_by_system_and_week(whole: Evening, client: FlaskClient) -> None:
    play(whole)
    page = text_of(client, "/accuracy")
    assert "windows end at 2025-11-14" in page
    assert "Calibration of" in page
    assert "No figure is too good to be true." in page
    assert "Mean absolute errors of points" in page
    assert 'name="stat"' not in page, "there is one statistic: nothing to choose"


def test_accuracy_of_one_statistic_at_a_time(whole: Evening, client: FlaskClient) -> None:
    """Points unless the address says another; one that nobody knows is refused with those there
    are.
    """
    play(whole)
    table = "nba_predictions.system_daily_performance"
    [figure] = whole.warehouse.query(f"SELECT * FROM {table} WHERE window_name = 'day'").to_pylist()
    whole.add(table, [figure | {"stat": "of_another_release", "n": 4321}])
    page = text_of(client, "/accuracy")
    assert "4,321" not in page
    assert '<option value="points" selected>' in page
    assert '<option value="of_another_release">' in page
    assert "4,321" in text_of(client, "/accuracy?stat=of_another_release")
    refused = client.get("/accuracy?stat=goals")
    assert refused.status_code == 400
    assert "ask for one of points" in refused.get_data(as_text=True)
