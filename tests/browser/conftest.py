"""A real browser on a dashboard that is served on a port of its own."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.serving import make_server

from functions.dashboard.app import create_app
from functions.dashboard.identity import LOCAL_USER
from shared.chain.batches.records import LatestBatch, date_path
from shared.chain.resilience import circuit_breaker
from shared.core.pipeline import load_pipeline
from shared.operations.checks.health import read_health
from shared.operations.incidents.observing import observe
from tests.support.dead_letters import BAD, DEAD, GOOD
from tests.support.prediction_tables import DAY, Evening
from tests.unit.operations.status.world import make_whole, open_copy, play

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

PIPELINE = load_pipeline()
# What the browser and htmx say of an answer that is no success.
STATUSES = ("Failed to load resource", "Response Status Error Code")


@dataclass
class Served:
    """An evening behind an address."""

    evening: Evening
    url: str


@pytest.fixture(scope="session")
def whole_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_whole(tmp_path_factory.mktemp("whole") / "state")


@pytest.fixture
def served(whole_folder: Path, tmp_path: Path) -> Iterator[Served]:
    """The evening played and graded, with two dead letters, an open breaker and its incident."""
    with open_copy(whole_folder, tmp_path / "state") as opened:
        play(opened)
        lay_out(opened)
        app = create_app(lambda: opened.runtime, PIPELINE)

        def as_ada(environ: Any, start: Any) -> Any:
            return app(environ | {LOCAL_USER: "ada"}, start)

        server = make_server("127.0.0.1", 0, as_ada, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Served(opened, f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def lay_out(opened: Evening) -> None:
    """What needs a person."""
    runtime = opened.runtime
    runtime.state.create(date_path(DAY), LatestBatch(f"batch_{DAY}_r1", 1).to_document())
    runtime.bus.publish(DEAD, b'{"game_date": "2025-11-14", "mode": "results"}', GOOD)
    runtime.bus.publish(DEAD, b"nonsense", BAD)
    for n in range(5):
        circuit_breaker.record_failure(runtime, "source-odds_api", ValueError("401 Unauthorized"), execution=f"x{n}")
    health = read_health(runtime, PIPELINE)
    observe(runtime, health.findings, health.covered)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium, or what CHROMIUM names; skipped where there is none."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.skip("needs chromium: apt-get install chromium, or CHROMIUM=/path/to/it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Browser, served: Served) -> Iterator[Callable[..., Page]]:
    """Open a page of the dashboard; what the console complains of fails the test at its end."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_at(path: str, **options: Any) -> Page:
        context = browser.new_context(base_url=served.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if is_error(message) else None)
        page.goto(path)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert complaints == []


def is_error(message: Any) -> bool:
    """Of a script or a policy; an answer's status is the test's own to judge."""
    return message.type == "error" and not message.text.startswith(STATUSES)
