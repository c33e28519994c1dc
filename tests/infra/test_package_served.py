"""Every entry point of the archive under functions-framework's production server, started as it is
deployed, with its locked packages alone, on every supported Python, and sent messages.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.embedded.bus import SqliteBus
from local.embedded.sqlite_file import SqliteFile
from shared.core.clock import SystemClock
from shared.core.pipeline import load_pipeline
from tests.infra.deployed import lay_beside, serve
from tests.infra.prepared_unit import prepare_unit
from tests.pipeline.support import push
from tests.pipeline.test_production_server import log_lines

PIPELINE = load_pipeline()
PUSHED = sorted(name for name, function in PIPELINE.functions.items() if not function.http)
GAME_DATE = "2025-11-14"
BATCH = f"batch_{GAME_DATE}_r1"
# Of a batch that is not there.
WORKER_REQUEST = {"batch_id": BATCH, "revision": 1, "unit": "203999", "models": {}, "players": []}


def asks(method: str) -> tuple[int, str, str]:
    """The answer of a function that came as far as this method of the warehouse: to be tried
    again.
    """
    return 503, "retry", f"The warehouse is out of reach for {method}."


# What a function answers to a good message on empty stores and without a warehouse.
ANSWERS = {
    "batch_sweep": asks("tables"),
    "grading": asks("query"),
    "monitor": (200, "partial", "could not do slowdowns, latency, the record of alerts"),
    "phase1_scrape": (503, "retry", "schedule of 2025-26"),  # no source answers
    "phase2_raw": (200, "no_data", f"there are no raw files of {GAME_DATE}"),
    "phase3_analytics": asks("query"),
    "phase4_precompute": asks("query"),
    "phase5_consolidation": (200, "no_data", f"No batch was opened for {GAME_DATE}."),
    "phase5_coordinator": asks("query"),
    "phase5_worker": (200, "dead_lettered", f"Batch {BATCH} does not exist."),
    "phase6_export": asks("query"),
    "self_heal": asks("query"),
    "train_model": asks("query"),
}


@pytest.fixture(scope="session")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runtime that the functions are tried out on."""
    return lay_beside(tmp_path_factory.mktemp("beside"))


@pytest.mark.parametrize("name", PUSHED)
def test_an_entry_point_answers_as_it_is_deployed(
    name: str, python: Path, archive: Path, beside: Path, tmp_path: Path
) -> None:
    subscription = PIPELINE.functions[name].subscriptions[0]
    message = {"game_date": GAME_DATE, "run_id": "packaged"} | (WORKER_REQUEST if name == "phase5_worker" else {})
    with serve(python, name, archive, beside, tmp_path) as url:
        poison = httpx.post(url, content=push("{broken", subscription=subscription.name), timeout=60)
        answer = httpx.post(url, content=push(message, message_id="2", subscription=subscription.name), timeout=60)
    assert answer.headers["Server"] == "gunicorn"
    assert (poison.status_code, poison.json()["status"]) == (200, "dead_lettered")
    status, expected, reason = ANSWERS[name]
    assert (answer.status_code, answer.json()["status"]) == (status, expected), answer.text
    assert reason in answer.json()["reason"]
    lines = log_lines(tmp_path / "output.txt")
    assert {line["function"] for line in lines} == {name}
    assert [line["severity"] for line in lines if "{broken" in line["message"]] == ["ERROR"]
    assert any(reason in line["message"] or reason in line.get("reason", "") for line in lines)
    with closing(SqliteFile(tmp_path / "stores" / "state.sqlite")) as file:
        letters = SqliteBus(file, PIPELINE, SystemClock()).pull(subscription.dead_letter_subscription)
    assert letters[0].data == b"{broken"


# What proves nothing: no token, one of another kind, and headers that only a front end may set.
PROOFS = {
    "none": {},
    "basic": {"Authorization": "Basic YWRhOmxvdmVsYWNl"},
    "front end's": {
        "X-Goog-Authenticated-User-Email": "accounts.google.com:ada@example.com",
        "X-Goog-IAP-JWT-Assertion": "not.a.token",
        "X-Serverless-Authorization": "Bearer not.a.token",
        "nba.local_user": "ada@example.com",
        "Nba-Local-User": "ada@example.com",
    },
}


def test_the_dashboard_refuses_whoever_proves_nothing_as_it_is_deployed(
    python: Path, archive: Path, beside: Path, tmp_path: Path
) -> None:
    audience = {"DASHBOARD_AUDIENCES": "audience.example.com", "DASHBOARD_OPERATORS": "ada@example.com"}
    paths = ("", "api/v1/whoami", "api/v1/openapi.json", "api/v1/actions", "queues", "assets/style.css", "nowhere")
    with serve(python, "dashboard", archive, beside, tmp_path, **audience) as url, httpx.Client(timeout=60) as client:
        found = {
            (proof, path): client.get(url + path, headers=headers)
            for proof, headers in PROOFS.items()
            for path in paths
        }
        acted = client.post(f"{url}api/v1/actions/pause", json={"values": {}, "why": "x", "key": "k"})
    assert {answer.status_code for answer in (*found.values(), acted)} == {401}
    sentence = "No identity token came with the request. Next: open it with `./nba dashboard`."
    assert {asked: answer.text for asked, answer in found.items() if sentence not in answer.text} == {}
    assert acted.json() == {"error": sentence}
    assert "gunicorn" in acted.headers["Server"]
    assert "default-src 'none'" in acted.headers["Content-Security-Policy"]
    lines = log_lines(tmp_path / "output.txt")
    assert {(line["function"], line["severity"]) for line in lines} == {("dashboard", "WARNING")}
    assert {line["message"] for line in lines} == {f"refused: {sentence}"}
    assert len(lines) == len(found) + 1


def test_the_dashboard_without_an_audience_refuses_everybody(
    deployed_python: Path, archive: Path, beside: Path, tmp_path: Path
) -> None:
    with serve(deployed_python, "dashboard", archive, beside, tmp_path) as url:
        answer = httpx.get(f"{url}api/v1/whoami", headers={"Authorization": "Bearer a.b.c"}, timeout=60)
    assert answer.status_code == 401
    assert answer.json() == {"error": "Nobody may ask before the setting DASHBOARD_AUDIENCES names an audience."}


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A state folder with a batch in it, and the message that asks a worker for its unit."""
    folder = tmp_path_factory.mktemp("prepared")
    return folder / "stores", prepare_unit(folder / "stores", folder)


def test_the_worker_predicts_as_it_is_deployed(
    python: Path, archive: Path, beside: Path, prepared: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """xgboost and scipy come in lazily, in the process that gunicorn forked; what was predicted
    cannot be staged.
    """
    stores, request = prepared
    shutil.copytree(stores, tmp_path / "stores")
    with serve(python, "phase5_worker", archive, beside, tmp_path) as url:
        answer = httpx.post(url, content=push(request, message_id="2"), timeout=60)
    assert (answer.status_code, answer.json()["reason"]) == (503, asks("load")[2])
    assert [line["severity"] for line in log_lines(tmp_path / "output.txt")] == ["WARNING"]


def test_every_entry_point_has_its_answer_written_down() -> None:
    assert set(ANSWERS) == set(PUSHED)
    assert set(PIPELINE.functions) - set(PUSHED) == {"dashboard"}
