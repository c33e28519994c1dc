"""`make run RUNTIME=gcp-emulators` as a person starts it: the deployed adapters play the day that
the embedded ones play, and Google's own tool publishes to it while it is up.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.cli.compare import main as compare
from local.emulators import google, packaged
from local.emulators.process import Absent
from local.league import write_league
from tests.conftest import ROOT
from tests.support.nba import nba

SECONDS = 300
COMMAND = "gcloud pubsub topics publish nba-phase6-export-trigger"


@pytest.fixture(scope="module")
def league(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A league of four teams."""
    folder = tmp_path_factory.mktemp("archive") / "league"
    write_league(folder, seed=5, seasons=2, teams=4, games_per_team=18)
    return folder


def environment(folder: Path, league: Path, **settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DATE", "RUNTIME", "STAY")}
    ours = {"ARCHIVE": str(league), "LOCAL_DIR": str(folder), "HISTORY_SEASONS": "1", "PYTHONPATH": str(ROOT)}
    return {**kept, **ours, **settings}


def run(module: str, settings: dict[str, str]) -> None:
    line = [sys.executable, "-m", module]
    done = subprocess.run(line, cwd=ROOT, env=settings, check=False, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr


@contextmanager
def staying_up(folder: Path, league: Path) -> Iterator[str]:
    """The command that a day printed which stays up; it is then interrupted, as by Ctrl-C, and must
    end with 0.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "local.cli.run"],
        cwd=ROOT,
        env=environment(folder, league, RUNTIME="gcp-emulators", STAY="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    watchdog = threading.Timer(SECONDS, process.kill)  # ends the reading of one that never comes up
    watchdog.start()
    try:
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if COMMAND in line:
                break
        else:
            pytest.fail(f"The day ended with {process.wait()} before it was up:\n{''.join(lines)}")
        yield lines[-1]
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait() == 0, rest
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


def exports_logged(folder: Path) -> list[dict[str, Any]]:
    """What phase 6 logged of its ends."""
    lines = (folder / "logs" / "functions.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines if line.endswith("}")]
    return [each for each in found if each["message"].startswith("phase6_export: ")]


@pytest.mark.heavy
def test_the_deployed_adapters_play_the_embedded_day_and_gcloud_republishes_its_export(
    league: Path, tmp_path: Path
) -> None:
    try:
        google.check()
        packaged.check()
    except Absent as absent:
        pytest.skip(str(absent))
    if shutil.which("gcloud") is None:
        pytest.skip("needs gcloud")
    embedded, deployed = tmp_path / "embedded", tmp_path / "deployed"
    run("local.cli.run", environment(embedded, league))
    played = deployed / "gcp-emulators"
    with staying_up(deployed, league) as command:
        before = len(exports_logged(played))
        published = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
        assert published.returncode == 0, published.stderr
        assert "messageIds" in published.stdout
        until = time.monotonic() + 60
        while len(exports_logged(played)) == before and time.monotonic() < until:
            threading.Event().wait(0.2)
        (again,) = exports_logged(played)[before:]
    summary = json.loads((played / "summary.json").read_text(encoding="utf-8"))
    assert again["message"] == "phase6_export: success"
    assert again["batch_id"] == summary["batch_id"]
    message = json.dumps({"game_date": summary["game_date"], "batch_id": summary["batch_id"]})
    publish = ("publish", "nba-phase6-export-trigger", message, "--why", "a try", "--yes")
    assert nba(*publish, settings=environment(embedded, league)).code == 0
    assert summary["messages"]["dead_lettered"] == 0
    assert summary["runtime"] == "emulators of Pub/Sub, Firestore and Cloud Storage; DuckDB in BigQuery's place"
    assert compare([str(embedded), str(played)]) == 0


def test_without_an_emulator_it_says_what_to_install(league: Path, tmp_path: Path) -> None:
    settings = environment(tmp_path / "state", league, RUNTIME="gcp-emulators", PATH=str(tmp_path))
    for given in (google.PUBSUB_HOST, google.FIRESTORE_HOST):
        settings.pop(given, None)
    done = subprocess.run(
        [sys.executable, "-m", "local.cli.run"], cwd=ROOT, env=settings, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "gcloud components install" in done.stderr
