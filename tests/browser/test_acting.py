"""Acting in a real browser: every action previewed, refused without a reason, and done; without
script; with the keyboard alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from shared.operations.actions.table import ACTIONS
from shared.operations.incidents.reading import open_incidents
from tests.browser.conftest import Served
from tests.support.prediction_tables import DAY

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.heavy

DATE = {"game_date": str(DAY)}
# What an action is given where it takes something; "": an open incident's id.
GIVEN: Mapping[str, Mapping[str, Any]] = {
    "rerun": {**DATE, "phase": "phase4"},
    "rerun-many": {"cells": [f"{DAY}/phase4", f"{DAY}/grading"]},
    "force": DATE,
    "consolidate": DATE,
    "export": DATE,
    "heal": DATE,
    "fire": {**DATE, "schedule": "overnight-predictions"},
    "reset-breakers": {"names": "source-odds_api"},
    "redrive": {"all": "true"},
    "acknowledge": {"ids": ""},
    "mute": {"ids": ""},
    "unmute": {"ids": ""},
    "resolve": {"ids": ""},
    "note": {"ids": ""},
}
# Of an evening without a deferred message, a second model or a channel these have nothing to do.
NOTHING_TO_DO = ("release-deferred", "roll-back-model", "send-test", "restore")
# tests/pipeline/test_backfill_page.py presses these.
ELSEWHERE = ("backfill", "cancel-backfill", "resume-backfill")
# Each undoes another, which comes first.
UNDOES = {"resume": "pause", "lift-halt": "halt", "unmute": "mute"}


def address_of(name: str, served: Served) -> str:
    incident = open_incidents(served.evening.runtime)[0].id
    values = {key: value or incident for key, value in GIVEN.get(name, {}).items()}
    if name == "mute":
        values["until"] = (served.evening.clock.now() + timedelta(hours=1)).isoformat()
    return f"/actions/{name}?{urlencode(values, doseq=True)}"


@pytest.mark.parametrize("name", [each for each in ACTIONS if each not in (*NOTHING_TO_DO, *ELSEWHERE)])
def test_an_action_is_previewed_refused_without_a_reason_and_done(
    served: Served, open_page: Callable[..., Page], name: str
) -> None:
    page = open_page("/audit")
    if name in UNDOES:
        page.goto(address_of(UNDOES[name], served))
        page.get_by_label("Why").fill("before")
        page.get_by_role("button", name="Do it").click()
        assert "/done/" in page.url
    recorded = len(served.evening.runtime.state.query("operator_actions"))
    page.goto(address_of(name, served))
    plan = page.get_by_role("region", name="What this will do")
    assert plan.get_by_role("listitem").count() >= 1
    do = page.get_by_role("button", name="Do it")
    do.click()
    assert page.url.endswith(address_of(name, served))  # the browser asks for the reason
    page.get_by_label("Why").fill("   ")
    do.click()
    assert "says why" in page.get_by_role("alert").inner_text()
    assert len(served.evening.runtime.state.query("operator_actions")) == recorded
    page.go_back()
    page.get_by_label("Why").fill("seen in the browser")
    page.get_by_role("button", name="Do it").click()
    assert "/done/" in page.url
    assert page.get_by_role("status").last.inner_text().strip()
    page.get_by_role("link", name="Audit", exact=True).click()
    assert "seen in the browser" in page.get_by_role("table").inner_text()


def test_an_action_with_nothing_to_act_on_says_so(open_page: Callable[..., Page]) -> None:
    page = open_page("/actions/release-deferred")
    assert page.get_by_role("alert").inner_text() == "No message is deferred."
    assert page.get_by_role("button", name="Do it").count() == 0


def test_without_script_everything_works(served: Served, open_page: Callable[..., Page]) -> None:
    page = open_page("/", java_script_enabled=False)
    page.get_by_role("link", name="Grid", exact=True).click()
    page.get_by_role("checkbox", name=f"Rerun phase4 of {DAY}").check()
    page.get_by_role("checkbox", name=f"Rerun grading of {DAY}").check()
    page.get_by_role("button", name="Rerun the ticked ones").click()
    assert "Publishes 2 messages." in page.locator("section.plan").inner_text()
    page.get_by_label("Why").fill("both at once")
    page.get_by_role("button", name="Do it").click()
    assert "published 2 messages" in page.get_by_role("status").last.inner_text()
    page.goto("/alerts")
    boxes = page.get_by_role("checkbox")
    assert boxes.count() >= 2
    for box in boxes.all()[:2]:
        box.check()
    page.get_by_role("button", name="Acknowledge").click()
    page.get_by_label("Why").fill("on it")
    page.get_by_role("button", name="Do it").click()
    assert "changed 2 of 2 incidents" in page.get_by_role("status").last.inner_text()


def test_with_the_keyboard_alone_letters_are_redriven(open_page: Callable[..., Page]) -> None:
    page = open_page("/queues")
    page.keyboard.press("Tab")
    assert read_focus(page) == "Skip to the content"
    page.keyboard.press("Enter")
    go_to(page, lambda: "Redrive" in (read_label(page) or "") and is_checkbox(page))
    page.keyboard.press("Space")
    go_to(page, lambda: read_focus(page) == "Redrive the ticked ones …")
    page.keyboard.press("Enter")
    page.wait_for_url("**/actions/redrive**")
    go_to(page, lambda: page.evaluate("document.activeElement.id") == "why")
    page.keyboard.type("by keyboard")
    go_to(page, lambda: read_focus(page) == "Do it: redrive")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/done/**")
    assert "published 1 of 1 dead letters" in page.get_by_role("status").last.inner_text()


def read_focus(page: Page) -> str:
    return str(page.evaluate("document.activeElement.innerText.trim()"))


def read_label(page: Page) -> str | None:
    found: str | None = page.evaluate("document.activeElement.getAttribute('aria-label')")
    return found


def is_checkbox(page: Page) -> bool:
    return bool(page.evaluate("document.activeElement.type === 'checkbox'"))


def go_to(page: Page, is_there: Callable[[], bool]) -> None:
    """Press Tab until the focus is there."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if is_there():
            return
    raise AssertionError("the keyboard does not get there")
