"""Every page in a real browser: light and dark, wide and narrow, and axe finds nothing serious."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from shared.operations.incidents.reading import open_incidents
from tests.browser.conftest import Served
from tests.support.prediction_tables import DAY

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.heavy

PAGES = (
    "/",
    "/grid",
    "/queues",
    "/alerts",
    "/alerts/INCIDENT",
    "/latency",
    "/accuracy",
    "/health",
    "/audit",
    f"/dates/{DAY}/phases/phase4",
    f"/dates/{DAY}/phases/grading",
    f"/batches/batch_{DAY}_r1",
    f"/dates/{DAY}/players/p1",
    "/actions/rerun",
    f"/actions/rerun?game_date={DAY}&phase=phase4",
    "/actions/mute?ids=INCIDENT",
    "/actions/redrive",
)
NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": WIDE},
    "dark": {"viewport": WIDE, "color_scheme": "dark"},
    "narrow": {"viewport": NARROW},
    "narrow-dark": {"viewport": NARROW, "color_scheme": "dark"},
}
SERIOUS = ("serious", "critical")


def serious(page: Page) -> list[str]:
    """What axe finds that is serious or critical, with the first place of each."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found if each["impact"] in SERIOUS]


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_readable_for_everybody(served: Served, open_page: Callable[..., Page], look: str) -> None:
    incident = open_incidents(served.evening.runtime)[0].id
    page = open_page("/", **LOOKS[look])
    for path in PAGES:
        answer = page.goto(path.replace("INCIDENT", incident))
        assert answer is not None
        assert answer.status == 200, path
        assert serious(page) == [], path
        assert page.locator("h1").count() == 1, path
        # tables scroll by themselves, never the page
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def test_every_table_has_a_caption_and_heads_with_a_scope(served: Served, open_page: Callable[..., Page]) -> None:
    page = open_page("/")
    tables = 0
    for path in PAGES:
        if "INCIDENT" in path:
            continue
        page.goto(path)
        tables += page.locator("table").count()
        assert page.locator("table:not(:has(caption))").count() == 0, path
        assert page.locator("th:not([scope])").count() == 0, path
        assert page.locator("figure.chart").count() <= page.locator("table").count(), path
    assert tables > 20


def test_what_is_wrong_is_a_page_too(open_page: Callable[..., Page]) -> None:
    page = open_page("/", **LOOKS["dark"])
    page.goto("/audit")
    for path, says in (
        (f"/dates/{DAY}/players/nobody", "No prediction of 'nobody' counts"),
        ("/dates/2025-02-30/phases/phase4", "2025-02-30"),
        ("/actions/export?game_date=x", "game_date is 'x'"),
    ):
        page.goto(path)
        assert says in page.get_by_role("alert").inner_text()
        assert serious(page) == []
