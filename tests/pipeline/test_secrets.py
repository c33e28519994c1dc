"""Secrets in the settings, every kind of failure quoting them: nothing that is kept, logged or
answered has a piece.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from functions.phase1_scrape.scrape import run as scrape
from shared.chain.execution.alerts import alert
from shared.chain.execution.context import Outcome
from shared.chain.execution.entrypoint import pubsub_function
from shared.chain.execution.handler import handle
from shared.chain.messages.messages import PhaseMessage
from shared.chain.resilience import dead_letters
from shared.core.errors import DataError, Fatal, Skippable, SourceUnavailable
from shared.core.events import Event
from shared.core.logs import JsonFormatter
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.core.severity import Severity
from shared.stores.runtime import use_runtime
from tests.pipeline.support import NOW, PipelineHarness, open_world, push
from tests.pipeline.test_handler import Work
from tests.support.fake_sources import FakeSources, Reply, event_odds, events, serving, settings_for

KEY = "Zq7/Vx+9w&K=2p\"R'4t\\8mYb5nHs3"
PASSWORD = "jT/6@fD%8:kLw#3vXe?1"
USER = "zone-8841-xq"
LOGIN = f"{USER}:{quote(PASSWORD, safe='')}"
SECRETS = (KEY, PASSWORD, quote(KEY, safe=""), quote(PASSWORD, safe=""), base64.b64encode(KEY.encode()).decode())
SPELLINGS: list[Callable[[str], str]] = [
    str,
    lambda text: quote(text, safe=""),
    quote,
    repr,
    json.dumps,
    lambda text: json.dumps(json.dumps(text)),
    lambda text: quote(quote(text, safe=""), safe="").replace("%25", "%25"),
    lambda text: base64.b64encode(f"{USER}:{text}".encode()).decode(),
    lambda text: text[: len(text) // 2],
    lambda text: text[len(text) // 2 :],
]
QUOTED = " | ".join(
    [f"http://{LOGIN}@proxy.example:8080", *(spelled(secret) for secret in (KEY, PASSWORD) for spelled in SPELLINGS)]
)
TRIGGER = "nba-phase3-trigger"


def pieces() -> set[str]:
    """Every run of 8 characters of every secret, as it is and as its usual spellings have it."""
    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    texts = [*SECRETS, basic, json.dumps(KEY)[1:-1], repr(KEY)[1:-1], f"{USER}:"]
    texts += [quote(text, safe="").lower() for text in (KEY, PASSWORD) if text.islower()]
    return {text[at : at + 8] for text in texts for at in range(len(text) - 7)}


def raise_chained() -> Exception:
    try:
        try:
            raise OSError(f"no route to {QUOTED}")
        except OSError as error:
            error.add_note(f"asked {QUOTED}")
            raise ValueError(QUOTED) from error
    except ValueError as error:
        return error


def quoting(_message: Any, _context: Any) -> Outcome:
    logging.getLogger("a.library").warning("connecting to %s", QUOTED, extra={"fields": {"url": QUOTED, QUOTED: 1}})
    return Outcome("partial", reason=f"{'x' * 990}{QUOTED}", metadata={"failed": {QUOTED: QUOTED}, "n": [QUOTED]})


def alerting(_message: Any, context: Any) -> Outcome:
    now = context.runtime.clock.now()
    raised = alert("a", Severity.CRITICAL, QUOTED, QUOTED, now, event=Event.DEFECT, error=QUOTED)
    return Outcome("success", messages=[raised])


FAILURES: dict[str, Callable[[Any, Any], Outcome] | Exception] = {
    "a defect with what caused it": raise_chained(),
    "a source": SourceUnavailable(QUOTED, next_step=QUOTED),
    "data": DataError(f"{'é' * 500}{QUOTED}"),
    "a setting": Fatal(QUOTED),
    "nothing to do": Skippable(QUOTED),
    "an outcome": quoting,
    "an alert": alerting,
}


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """As our own formatter writes it, and as a plain one of a library would."""
    stream = io.StringIO()
    handlers = [logging.StreamHandler(stream), logging.StreamHandler(stream)]
    handlers[0].setFormatter(JsonFormatter())
    handlers[1].setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    root, level = logging.getLogger(), logging.getLogger().level
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        root.setLevel(level)
        for handler in handlers:
            root.removeHandler(handler)


def read_all_kept(folder: Path, world: PipelineHarness) -> str:
    """All that a state folder holds: files as they are and unpacked, SQLite's and DuckDB's rows."""
    texts = []
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            data = file.read_bytes()
            texts.append(data.decode("utf-8", "replace"))
            if data[:2] == b"\x1f\x8b":
                texts.append(gzip.decompress(data).decode("utf-8", "replace"))
    with sqlite3.connect(folder / "state.sqlite") as state:
        for (table,) in state.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in state.execute(f'SELECT * FROM "{table}"').fetchall():
                texts += [each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in row]
    for table in ("nba_reference.processor_run_history", "nba_monitoring.pipeline_execution_log"):
        texts += [str(row) for row in world.rows(f"SELECT * FROM {table}")]
    return "\n".join(texts)


def assert_nothing_of_a_secret(text: str) -> None:
    assert len(text) > 1_000
    found = sorted(piece for piece in pieces() if piece in text)
    at = text.find(found[0]) if found else 0
    assert found == [], text[max(0, at - 200) : at + 100]


@pytest.fixture
def planted(tmp_path: Path, template: Path) -> Iterator[PipelineHarness]:
    settings = Settings(odds_api_key=KEY, proxy_url=f"http://{LOGIN}@proxy.example:8080")
    with open_world(tmp_path / "state", template, settings) as world:
        yield world


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_whatever_fails_quoting_them_leaves_nothing_of_the_secrets(
    planted: PipelineHarness, tmp_path: Path, failure: Callable[[Any, Any], Outcome] | Exception
) -> None:
    with everything_logged() as logged:
        # as many runs as open the breaker, whose document and whose held messages quote the last
        # failure
        for number in range(6):
            planted.publish(TRIGGER, {"game_date": f"2025-11-{number + 1:02d}"})
        answers = planted.run_until_idle({"phase3_analytics": (Work(failure), PhaseMessage)}, wait=False)
        for number in range(2, 6):
            body = push({"game_date": "2025-11-20"}, message_id="last", attempt=number, subscription=TRIGGER)
            answers.append(("", handle("phase3_analytics", Work(failure), PhaseMessage, body, planted.runtime)))
    letters = dead_letters.list_dead_letters(planted.bus, load_pipeline(), NOW)
    assert len(answers) >= 6
    assert "***" in logged.getvalue() or isinstance(failure, Skippable) or failure is alerting
    output = "\n".join([read_all_kept(tmp_path / "state", planted), logged.getvalue(), str(answers), str(letters)])
    assert "***" in output
    assert_nothing_of_a_secret(output)


def test_sources_that_echo_them_leave_nothing_of_the_secrets(tmp_path: Path, template: Path) -> None:
    page = b"." * 4_080 + f"your key {KEY} ".encode()
    odds = event_odds("event1", props=True)
    assert odds is not None
    says: list[dict[str, Reply]] = [
        {"live_odds": Reply(500, f"{'x' * 100}apiKey={quote(KEY, safe='')}".encode())},
        {"live_odds event0": Reply(401, page), "live_odds event1": Reply(500, page[:4_100])},
        {"events": Reply(422, json.dumps({"message": f"key {KEY}"}).encode()), "injuries": Reply(503, KEY.encode())},
        {
            "live_odds event1": Reply.of(
                odds | {"request": f"/?apiKey={KEY}"}, **{"x-requests-remaining": "none " + quote(KEY)}
            )
        },
        {"events": Reply.of(events(), **{"Content-Type": f"text/{quote(KEY)}", "x-requests-used": quote(KEY)})},
        {
            "events": Reply(
                302, b"", {"Location": f"https://{LOGIN}@elsewhere.example/{quote(KEY, safe='')}?k={quote(KEY)}"}
            )
        },
        {"events": Reply(200, f"<html>{KEY}".encode(), {"Content-Type": f"text/html; {quote(KEY)}"})},
    ]
    with serving(FakeSources()) as sources, everything_logged() as logged:
        settings = settings_for(sources.base_url, odds_api_key=KEY)
        # NBA.com by way of a proxy at which nobody listens: httpx quotes it
        settings_by_proxy = replace(settings, proxy_url=f"http://{LOGIN}@127.0.0.1:9")
        with open_world(tmp_path / "state", template, settings) as world:
            answers = []
            for number, output in enumerate([*says, {}]):
                sources.says = dict(output)
                world.swap(settings=settings if output else settings_by_proxy)
                for attempt in (1, 5):
                    body = push(
                        {"game_date": "2025-11-14", "mode": "same_day"},
                        message_id=f"m{number}", attempt=attempt, subscription="phase1-scrape-nba-phase1-trigger",
                    )  # fmt: skip
                    answers.append(handle("phase1_scrape", scrape, PhaseMessage, body, world.runtime))
            told_all = "\n".join([read_all_kept(tmp_path / "state", world), logged.getvalue(), str(answers)])
    assert any(params.get("apiKey") == KEY for _, params, _ in sources.requests)
    assert "***" in told_all
    assert '"request": "/?apiKey=***"' in told_all
    assert_nothing_of_a_secret(told_all)


def test_a_wrong_proxy_ends_the_run_without_being_quoted(tmp_path: Path, template: Path) -> None:
    """Settings made in code are not checked as the environment's are; who uses them checks them."""
    for number, proxy in enumerate(
        [
            f"{USER}:{PASSWORD}@proxy.example:8080",
            f"http://{USER}:{PASSWORD}@proxy.example:8080",
            f"http://{PASSWORD}@x:y",
        ]
    ):
        settings = settings_for("http://127.0.0.1:9", proxy_url=proxy)
        folder = tmp_path / f"state{number}"
        with everything_logged() as logged, open_world(folder, template, settings) as world:
            body = push({"game_date": "2025-11-14"}, attempt=5, subscription="phase1-scrape-nba-phase1-trigger")
            answer = handle("phase1_scrape", scrape, PhaseMessage, body, world.runtime)
            assert (answer.status, answer.body["error_type"]) == (500, "ConfigError")
            assert "PROXY_URL" in answer.body["reason"]
            assert_nothing_of_a_secret("\n".join([read_all_kept(folder, world), logged.getvalue(), str(answer)]))


def test_a_wrong_secret_keeps_a_function_from_starting_and_is_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    flask = pytest.importorskip("flask")
    use_runtime(None)
    monkeypatch.setenv("RUNTIME", "gcp")
    monkeypatch.setenv("PROJECT_ID", "p")
    monkeypatch.setenv("PROXY_URL", f"{USER}:{PASSWORD}@proxy.example")
    entry = pubsub_function("phase3_analytics", Work())
    body = push({"game_date": "2025-11-14"}, subscription=TRIGGER)
    with everything_logged() as logged, flask.Flask("x").test_request_context(data=body, method="POST"):
        text, status, _ = entry(flask.request)
    use_runtime(None)
    assert (status, json.loads(text)["error_type"]) == (500, "ConfigError")
    assert "PROXY_URL does not begin with http://" in text
    assert "cannot start: PROXY_URL" in logged.getvalue()
    assert not any(piece in text + logged.getvalue() for piece in pieces())


def test_the_search_finds_what_is_not_redacted(planted: PipelineHarness, tmp_path: Path) -> None:
    planted.state.create("executions/leak", {"run_id": "x", "error": f"half of it: {KEY[3:14]}"})
    with pytest.raises(AssertionError, match="half of it"):
        assert_nothing_of_a_secret(read_all_kept(tmp_path / "state", planted))
