"""One server for many functions: each loaded clean by functions-framework, all on one port."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from local.embedded.sqlite_file import SqliteFile
from local.host.logs import logs_to
from local.host.server import Server, load_function, mount_functions
from local.host.simulated_clock import SimClock, SimulationNotes
from shared.core.errors import ConfigError
from tests.support.embedded import write_function


def test_functions_of_any_signature_live_side_by_side(tmp_path: Path) -> None:
    write_function(
        tmp_path,
        "event_first",
        """
        import functions_framework
        WHO = "event_first"

        @functions_framework.cloud_event
        def event_first(event):
            assert event["type"] == "test"
        """,
    )
    write_function(tmp_path, "plain", "WHO = 'plain'\ndef plain(request):\n    return {'who': WHO}\n")
    write_function(
        tmp_path,
        "failing",
        "WHO = 'failing'\ndef failing(request):\n    raise ValueError(f'{WHO} with {request.path}')\n",
    )
    before = dict(os.environ), list(sys.path), sys.modules.get("main")
    server = Server()
    with logs_to(tmp_path / "log.jsonl"):
        mount_functions(server, {"event_first": 0, "plain": 0, "failing": 0}, tmp_path)
        assert (dict(os.environ), list(sys.path), sys.modules.get("main")) == before
        server.start()
        url, headers = f"{server.base_url}/functions", server.endpoint.headers
        assert httpx.post(f"{url}/plain", json={}, headers=headers).json() == {"who": "plain"}
        large = {"much": "x" * 2_000_000}
        assert httpx.post(f"{url}/plain/deeper", json=large, headers=headers).json() == {"who": "plain"}
        failed = httpx.post(f"{url}/failing", json={}, headers=headers)
        assert failed.status_code == 500
        event = {"specversion": "1.0", "id": "1", "source": "test", "type": "test", "data": {}}
        sent = httpx.post(
            f"{url}/event_first", json=event, headers=headers | {"Content-Type": "application/cloudevents+json"}
        )
        assert sent.status_code == 200
        assert httpx.post(f"{url}/nobody", json={}, headers=headers).status_code == 404
        assert httpx.get(server.base_url, headers=headers).status_code == 404
        server.stop()
    assert '"severity": "ERROR"' in (tmp_path / "log.jsonl").read_text()
    assert "ValueError: failing with /" in (tmp_path / "log.jsonl").read_text()


def test_a_missing_source_or_entry_point_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing.*main\.py"):
        load_function("nothing", tmp_path)
    write_function(tmp_path, "other", "def another(request):\n    return ''\n")
    with pytest.raises(ConfigError, match="'other'"):
        load_function("other", tmp_path)


def test_a_function_that_does_not_load_says_its_own_error(tmp_path: Path) -> None:
    write_function(tmp_path, "broken", "raise ZeroDivisionError('at import')\n")
    with pytest.raises(ZeroDivisionError, match="at import"):
        load_function("broken", tmp_path)
    assert os.environ.get("FUNCTION_TARGET") != "broken"


def test_a_port_that_is_taken_is_named() -> None:
    taken = Server()
    with pytest.raises(ConfigError, match=f"Port {taken.port} cannot be used: Address already in use"):
        Server(taken.port)
    taken.stop()


def test_a_line_has_the_simulated_time_beside_the_machines(tmp_path: Path) -> None:
    """Also with fields of its own; without a simulated clock there is none."""
    logger, moment = logging.getLogger("shared.example"), datetime(2025, 11, 14, 17, 0, tzinfo=UTC)
    clock = SimClock(SimulationNotes(SqliteFile(tmp_path / "state.sqlite")))
    clock.set(moment)
    before = datetime.now(UTC)
    with logs_to(tmp_path / "log.jsonl", clock):
        logger.info("plain")
        clock.set(moment + timedelta(hours=1))
        logger.info("with fields", extra={"fields": {"record_count": 3}})
    with logs_to(tmp_path / "log.jsonl"):
        logger.info("without")
    plain, fields, without = (json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines())
    assert plain["simulated_time"] == "2025-11-14T17:00:00+00:00"
    assert (fields["simulated_time"], fields["record_count"]) == ("2025-11-14T18:00:00+00:00", 3)
    assert "simulated_time" not in without
    assert before <= datetime.fromisoformat(plain["time"]) <= datetime.now(UTC)


def test_logs_go_to_the_file_and_no_further_after_the_block(tmp_path: Path) -> None:
    logger = logging.getLogger("shared.example")
    with logs_to(tmp_path / "logs" / "functions.jsonl"):
        logger.info("inside")
    logger.info("after")
    with logs_to(tmp_path / "logs" / "functions.jsonl"):
        logger.info("again")
    lines = (tmp_path / "logs" / "functions.jsonl").read_text().splitlines()
    assert [('"message": "inside"' in line, '"message": "again"' in line) for line in lines] == [
        (True, False),
        (False, True),
    ]
