"""The page of backfills: from the form over the preview to the table of dates."""

from __future__ import annotations

from datetime import date
from html import unescape

import pytest

from tests.pipeline.backfilling import Season
from tests.pipeline.support import PipelineHarness
from tests.pipeline.test_backfill_record import go_on
from tests.pipeline.test_dashboard_api import client_of
from tests.pipeline.test_dashboard_pages import HTML, ORIGIN, hidden

FORM = {"from": "2025-10-20", "to": "2025-11-10", "which": "missing", "order": "oldest first", "at_once": "1"}


@pytest.fixture
def season(world: PipelineHarness) -> Season:
    found = Season(world, [date(2025, 10, 25), date(2025, 11, 3)])
    found.load_schedule()
    found.fails.add(date(2025, 11, 3))
    return found


def test_from_the_form_to_the_table_and_resumed_from_there(season: Season) -> None:
    client = client_of(season.world)
    empty = client.get("/backfill", headers=HTML).text
    assert 'action="/actions/backfill"' in empty
    assert 'type="number" id="at_once" name="at_once" value="1" min="1" max="9"' in empty
    preview = client.get("/actions/backfill", query_string=FORM, headers=HTML)
    assert "2025-10-25 to 2025-10-25, 1 dates." in preview.text
    assert season.triggers() == []
    for _ in range(2):
        done = client.post("/actions/backfill", data={**hidden(preview), "why": "holes"}, headers=ORIGIN | HTML)
        assert done.status_code == 303
    assert len(season.triggers()) == 1
    [document] = season.world.state.query("backfills")
    page = client.get("/backfill", headers=HTML).text
    assert "1 backfill under way" in page
    assert page.count('<th scope="row">2025-') == 2
    assert f"/actions/cancel-backfill?backfill={document.id}" in page
    go_on(season, document.id)
    ended = unescape(client.get("/backfill", headers=HTML).text)
    assert "ended; 1 done, 1 failed" in ended
    assert "failed for good: the box scores of 2025-11-03 make no sense." in ended
    assert "cancel-backfill" not in ended
    assert ended.count('<th scope="row">2025-') == 1  # an ended one shows what failed alone
    season.fails.clear()
    again = client.get("/actions/resume-backfill", query_string={"backfill": document.id}, headers=HTML)
    assert "Goes on with 2025-10-20 to 2025-11-10: 1 done, 1 failed." in again.text
    client.post("/actions/resume-backfill", data={**hidden(again), "why": "mended"}, headers=ORIGIN | HTML)
    assert go_on(season, document.id).counts == {"done": 2}
    assert "ended; 2 done" in client.get("/backfill", headers=HTML).text


def test_what_is_wrong_is_said_on_the_preview(season: Season) -> None:
    client = client_of(season.world)
    wrong = client.get("/actions/backfill", query_string={**FORM, "to": "2025-10-01"}, headers=HTML)
    assert "2025-10-20 lies after 2025-10-01" in wrong.text
    unknown = client.get("/actions/resume-backfill", query_string={"backfill": "<b>"}, headers=HTML)
    assert "There is no backfill" in unescape(unknown.text)
    assert "<b>" not in unknown.text
    season.load_scores(season.days)
    nothing = client.get("/actions/backfill", query_string=FORM, headers=HTML)
    assert (
        "No date from 2025-10-20 to 2025-11-10 is to be filled: 2 have what they should, 20 have no games"
        in nothing.text
    )
