"""./nba --project on the emulators, BigQuery's too: every command that reads, and an action of each
kind, through the deployed adapters.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.emulators import prepare
from local.host import deployed
from local.nba.program import main
from local.nba.table import ENTRIES
from shared.chain.resilience import circuit_breaker
from shared.core.pipeline import load_pipeline
from shared.operations.incidents.observing import observe
from shared.operations.levels import Finding, Level
from shared.stores.runtime import Runtime, open_deployed_runtime
from tests.support.cloud_run import Gcloud
from tests.support.nba import Ended, hooks_put_back

PIPELINE = load_pipeline()
PREFIX = "dev-"
DAY = "2025-11-14"
WHY = "it's mended, cost $5"
# Whom gcloud is signed in as.
WHO = "ada@example.com"
SIGNED = ("--why", WHY, "--yes")
SUBSCRIPTION = PIPELINE.subscriptions["phase5-consolidation-nba-phase5-batch-complete"]
BREAKER = circuit_breaker.name_of("source", "odds_api")
# Every command that only reads: arguments, and how it ends where nothing was ever done.
READS: dict[str, tuple[tuple[str, ...], int]] = {
    "status": (("--date", DAY), 1),
    "grid": ((), 1),
    "show": ((DAY, "phase4"), 0),
    "batch": (("batch_2025-11-14_r1",), 2),
    "show --player": (("lukadoncic", DAY), 2),
    "runs": ((), 0),
    "slowdown": ((), 0),
    "latency": ((), 0),
    "report": ((), 0),
    "picks": ((), 0),
    "accuracy": ((), 0),
    "started": ((DAY,), 0),
    "audit": ((), 0),
    "dlq": ((), 0),
    "deferred": ((), 0),
    "switches": ((), 0),
    "breakers": ((), 0),
    "alerts list": ((), 0),
    "backfills": ((), 0),
}
# What the commands say that look for one thing, which is not there.
NOT_THERE = {"batch": "There is no batch batch_2025-11-14_r1.", "show --player": "No prediction of 'lukadoncic' counts"}
# Actions that publish one message: arguments, and the topic.
PUBLISHES: dict[str, tuple[tuple[str, ...], str]] = {
    "rerun": ((DAY, "phase4"), "nba-phase4-trigger"),
    "rerun-many": ((f"{DAY}/phase3",), "nba-phase3-trigger"),
    "force": ((DAY,), "nba-predictions-trigger"),
    "export": ((DAY,), "nba-phase6-export-trigger"),
    "heal": ((DAY,), "nba-self-heal-trigger"),
    "fire": (("grading-daily", DAY), "nba-grading-trigger"),
    "publish": (("nba-phase6-export-trigger", json.dumps({"game_date": DAY})), "nba-phase6-export-trigger"),
    "sweep": ((), "nba-batch-sweep-trigger"),
    "roll-back-model": ((), "nba-training-trigger"),
    "backfill": ((DAY, DAY), "nba-phase1-trigger"),
}
# Tests of their own below.
ALONE = {"health", "pause", "resume", "halt", "lift-halt", "redrive", "reset-breaker", "alerts"}
# Of an empty project these do nothing, and say so.
REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "release-deferred": ((), "No message is deferred."),
    "consolidate": ((DAY,), f"{DAY} has no batch to consolidate."),
    "cancel-backfill": (("press-0001",), "There is no backfill 'press-0001'."),
    "resume-backfill": (("press-0001",), "There is no backfill 'press-0001'."),
    "restore": ((DAY, "--as-of", f"{DAY}T17:00:00Z"), "is not within the 7 days before"),
}
# Of one machine, or of Cloud Logging, which has no emulator.
ELSEWHERE = {"play", "backtest", "compare", "completion", "dashboard", "injury-report", "logs"}


@dataclass
class Project:
    """A project in the emulators, as Terraform makes it, and who operates it."""

    name: str
    runtime: Runtime
    pubsub: str
    run: Callable[..., Ended]

    def __call__(self, *arguments: str, code: int = 0) -> Any:
        """The document of a command that ends with this code."""
        ended = self.run(*arguments, "--project", self.name, "--prefix", PREFIX, "--json")
        assert ended.code == code, ended
        return ended.document

    def watch(self, topic: str) -> None:
        """Keep what is published to a topic from now on."""
        path = f"{self.pubsub}/subscriptions/watch-{topic}"
        httpx.put(path, json={"topic": f"projects/{self.name}/topics/{PREFIX}{topic}"}).raise_for_status()

    def pull(self, topic: str) -> list[bytes]:
        """What was kept, once."""
        path = f"{self.pubsub}/subscriptions/watch-{topic}"
        answer = httpx.post(f"{path}:pull", json={"maxMessages": 10}, timeout=30).raise_for_status().json()
        found = answer.get("receivedMessages", [])
        taken = {"ackIds": [each["ackId"] for each in found]}
        httpx.post(f"{path}:acknowledge", json=taken).raise_for_status()
        return [base64.b64decode(each["message"]["data"]) for each in found]


@pytest.fixture
def project(
    pubsub_emulator: str,
    firestore_emulator: str,
    storage_emulator: str,
    bigquery_emulator: str,
    own_name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    printed: pytest.CaptureFixture[str],
) -> Iterator[Project]:
    prepare.topics(pubsub_emulator, own_name, PIPELINE, prefix=PREFIX)
    for bucket in deployed.BUCKETS:
        prepare.bucket(storage_emulator, own_name, f"{own_name}-{PREFIX}nba-{bucket}")
    prepare.tables(bigquery_emulator, own_name)
    for name in (
        "RUNTIME",
        "LOCAL_DIR",
        "ARCHIVE",
        "PROJECT_ID",
        "NAME_PREFIX",
        "DATASET_PREFIX",
        "SLACK_WEBHOOK",
        "WHO",
    ):
        monkeypatch.delenv(name, raising=False)

    gcloud = Gcloud.write(tmp_path / "bin")
    gcloud.print_account(WHO)
    monkeypatch.setenv("PATH", gcloud.path(os.environ["PATH"]))

    def run(*arguments: str) -> Ended:
        code = main(list(arguments))
        output = printed.readouterr()
        return Ended(code, output.out, output.err)

    settings = deployed.settings({"PROJECT_ID": own_name, "NAME_PREFIX": PREFIX})
    with hooks_put_back():
        pubsub = f"http://{pubsub_emulator}/v1/projects/{own_name}"
        yield Project(own_name, open_deployed_runtime(settings), pubsub, run)


def test_every_command_runs_there_or_says_why_not() -> None:
    here = {name.split()[0] for name in (*READS, *PUBLISHES, *REFUSED)}
    assert here | ALONE | ELSEWHERE == set(ENTRIES)


def test_every_question_is_answered(project: Project) -> None:
    for name, (arguments, code) in READS.items():
        document = project(*name.split(), *arguments, code=code)
        if name in NOT_THERE:
            assert document["error"].startswith(NOT_THERE[name])
        else:
            assert "error" not in document, name


def test_every_check_of_health_is_answered_there(project: Project) -> None:
    document = project("health", code=1)
    assert [each["id"] for each in document["checks"] if each["failed"]] == []


def test_what_is_started_is_published_once_and_on_record(project: Project) -> None:
    for name, (arguments, topic) in PUBLISHES.items():
        if name == "publish":
            continue  # to the topic of export
        project.watch(topic)
        project(name, *arguments, *SIGNED)
        messages = project.pull(topic)
        assert len(messages) == 1, name
        assert DAY in messages[0].decode() or name in ("sweep", "roll-back-model"), name
    project("publish", *PUBLISHES["publish"][0], *SIGNED)
    assert project.pull("nba-phase6-export-trigger") == [PUBLISHES["publish"][0][1].encode()]
    started = {each["action"] for each in project("started", DAY)["actions"]}
    assert {"rerun", "rerun-many", "force", "export", "heal", "fire"} <= started
    audit = project("audit", "--limit", "50")["audit"]
    assert {(each["who"], each["reason"]) for each in audit} == {(WHO, WHY)}
    backfills = project("backfills", code=0)["backfills"]
    assert [(each["first"], each["last"], each["is_open"]) for each in backfills] == [(DAY, DAY, True)]


def test_what_there_is_nothing_for_is_refused(project: Project) -> None:
    for name, (arguments, sentence) in REFUSED.items():
        assert sentence in project(name, *arguments, *SIGNED, code=2)["error"], name
    assert project("audit")["audit"] == []


def test_switches_are_thrown_and_seen(project: Project) -> None:
    for throw, back in (("pause", "resume"), ("halt", "lift-halt")):
        project(throw, *SIGNED)
        found = project("switches", code=1)[throw]
        assert (found["who"], found["reason"]) == (WHO, WHY)
        project(back, *SIGNED)
        project("switches", code=0)


def test_a_dead_letter_is_listed_and_redriven_to_its_topic(project: Project) -> None:
    project.watch(SUBSCRIPTION.topic)
    data = json.dumps({"game_date": DAY}).encode()
    letter = {
        "origin_subscription": SUBSCRIPTION.name,
        "origin_topic": SUBSCRIPTION.topic,
        "dead_letter_reason": "max_delivery_attempts",
    }
    project.runtime.bus.publish(SUBSCRIPTION.dead_letter_topic, data, letter)
    listed = project("dlq", code=1)["dead_letters"]
    assert [(each["reason"], each["subscription"]) for each in listed] == [
        ("max_delivery_attempts", SUBSCRIPTION.dead_letter_subscription)
    ]
    project("redrive", listed[0]["key"], *SIGNED)
    assert project.pull(SUBSCRIPTION.topic) == [data]


def test_an_open_breaker_is_listed_and_closed(project: Project) -> None:
    for number in range(5):
        error = ValueError("401 Unauthorized")
        circuit_breaker.record_failure(project.runtime, BREAKER, error, execution=f"x{number}")
    listed = project("breakers", code=1)["breakers"]
    assert [each["name"] for each in listed] == [BREAKER]
    project("reset-breaker", BREAKER, *SIGNED)
    assert project("breakers")["breakers"] == []


def test_an_incident_is_listed_acknowledged_muted_and_resolved(project: Project) -> None:
    finding = Finding(
        "sources", "odds_api", Level.RED, "401 since 18:00", "renew the key", game_date=date(2025, 11, 14)
    )
    (incident,) = observe(project.runtime, [finding], ["sources"]).opened
    assert [each["says"] for each in project("alerts", "list", code=1)["open"]] == [finding.says]
    project("alerts", "note", incident, *SIGNED)
    project("alerts", "ack", incident, *SIGNED)
    until = (project.runtime.clock.now() + timedelta(hours=2)).isoformat()
    project("alerts", "mute", incident, "--until", until, *SIGNED)
    shown = project("alerts", "show", incident)["incident"]
    assert (shown["acknowledged_by"], shown["muted_by"]) == (WHO, WHO)
    project("alerts", "unmute", incident, *SIGNED)
    project("alerts", "resolve", incident, *SIGNED)
    assert project("alerts", "list")["open"] == []
    assert "is not set" in project("alerts", "test", "slack", *SIGNED)["outcome"]
