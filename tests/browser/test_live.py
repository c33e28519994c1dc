"""A page that stays open: it is asked for again, swapped where something changed, and says when it
is old.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from functions.dashboard.wording import write_second
from shared.chain.resilience import pause_switch
from tests.browser.conftest import Served

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.heavy


def mark(page: Page) -> None:
    """Written on the part that is on the page now."""
    page.evaluate("document.getElementById('live').dataset.seen = 'yes'")


def is_marked(page: Page) -> bool:
    return bool(page.evaluate("document.getElementById('live').dataset.seen === 'yes'"))


def wait_a_minute(page: Page) -> int:
    """The status of the question that the page asks by itself."""
    with page.expect_response(lambda response: "/queues" in response.url) as asked:
        page.clock.fast_forward(61_000)
    asked.value.finished()
    return int(asked.value.status)


def test_nothing_is_swapped_where_nothing_changed_and_ticks_outlive_a_change(
    served: Served, open_page: Callable[..., Page]
) -> None:
    page = open_page("/audit")
    page.clock.install()
    page.goto("/queues")
    mark(page)
    box = page.get_by_role("checkbox", name="Redrive").first
    box.check()
    served.evening.clock.move(seconds=61)
    assert wait_a_minute(page) == 304
    assert is_marked(page)
    runtime = served.evening.runtime
    # nothing is new, and that was read just now
    page.get_by_text(f"read at {write_second(runtime.clock.now())}").wait_for()
    pause_switch.pause(runtime.state, who="bob", reason="the feed is down", now=runtime.clock.now())
    assert wait_a_minute(page) == 200
    page.get_by_text("the feed is down").wait_for()
    assert not is_marked(page)
    assert box.is_checked()
    assert wait_a_minute(page) == 304  # it goes on, with the new tag


def test_a_page_that_cannot_be_asked_for_says_that_it_is_old(open_page: Callable[..., Page]) -> None:
    page = open_page("/audit")
    page.clock.install()
    page.goto("/queues")
    stale = page.get_by_text("what it shows may be old")
    assert not stale.is_visible()
    page.route("**/queues", lambda route: route.fulfill(status=503, body="down"))
    assert wait_a_minute(page) == 503
    stale.wait_for(state="visible")
    page.unroute("**/queues")
    assert wait_a_minute(page) == 304
    stale.wait_for(state="hidden")
