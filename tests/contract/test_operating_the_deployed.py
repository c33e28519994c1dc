"""`make dlq`, `redrive`, `pause` ...

RUNTIME=gcp, on the emulators: the deployed adapters, an operator's commands.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import httpx
import pytest

from local.cli import operate
from local.console.exit_codes import DONE, WRONG_INPUT
from local.emulators import prepare
from local.host import deployed
from shared.core.pipeline import load_pipeline
from shared.stores.gcp import stores
from shared.stores.ports import Bus, State

SUBSCRIPTION = load_pipeline().subscriptions["phase5-consolidation-nba-phase5-batch-complete"]
Operate = Callable[..., tuple[int, str]]


@pytest.fixture
def command(
    pubsub_emulator: str,
    firestore_emulator: str,
    storage_emulator: str,
    own_name: str,
    monkeypatch: pytest.MonkeyPatch,
    printed: pytest.CaptureFixture[str],
) -> Operate:
    """Run a command with settings as `make` would; gives the exit code and what it printed."""
    prepare.topics(pubsub_emulator, own_name, load_pipeline(), prefix="dev-")
    prepare.bucket(storage_emulator, own_name, f"{own_name}-dev-nba-raw")
    for name, value in {"RUNTIME": "gcp", "PROJECT_ID": own_name, "NAME_PREFIX": "dev-", "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)

    def run(name: str, **settings: str) -> tuple[int, str]:
        with pytest.MonkeyPatch.context() as patch:
            for key, value in settings.items():
                patch.setenv(key, value)
            code = operate.main([name])
        output = printed.readouterr()
        return code, output.out + output.err

    return run


@pytest.fixture
def bus(command: Operate, own_name: str) -> Bus:
    return stores.bus(deployed.settings({"PROJECT_ID": own_name, "NAME_PREFIX": "dev-"}))


@pytest.fixture
def state(command: Operate, own_name: str) -> State:
    return stores.state(deployed.settings({"PROJECT_ID": own_name}))


def test_dead_letters_are_listed_and_redriven_to_their_topic(
    command: Operate, bus: Bus, pubsub_emulator: str, own_name: str
) -> None:
    watch = f"http://{pubsub_emulator}/v1/projects/{own_name}/subscriptions/watch"
    httpx.put(watch, json={"topic": f"projects/{own_name}/topics/dev-{SUBSCRIPTION.topic}"}).raise_for_status()
    data = json.dumps({"game_date": "2025-11-14"}).encode()
    letter = {
        "origin_subscription": SUBSCRIPTION.name,
        "origin_topic": SUBSCRIPTION.topic,
        "origin_message_id": "7",
        "dead_letter_reason": "max_delivery_attempts",
    }
    bus.publish(SUBSCRIPTION.dead_letter_topic, data, letter)
    code, output = command("dlq")
    assert code == DONE
    assert "max_delivery_attempts" in output
    assert "1 in all" in output
    code, output = command("redrive", ALL="1", WHY="the store is back", WHO="somebody")
    assert code == DONE, output
    assert f"of {SUBSCRIPTION.name}" in output
    answer = httpx.post(f"{watch}:pull", json={"maxMessages": 10}, timeout=30).raise_for_status().json()
    assert [base64.b64decode(each["message"]["data"]) for each in answer["receivedMessages"]] == [data]


def test_the_pause_is_switched_in_the_deployed_state(command: Operate, state: State) -> None:
    code, output = command("pause", WHY="moving house", WHO="somebody")
    assert (code, output) == (DONE, "paused, by somebody: moving house\n")
    assert (document := state.get("control/pause")) is not None
    assert document.data["paused"] is True
    code, output = command("resume", WHY="moved", WHO="somebody")
    assert code == DONE
    assert "running, by somebody: moved" in output
    assert "published message" in output, "the sweep is asked to release what was held"


def test_breakers_are_read_there(command: Operate) -> None:
    assert command("breakers") == (DONE, "No breaker has failures.\n")
    code, output = command("reset-breaker", NAME="processor-phase1_scrape", WHY="mended")
    assert code == WRONG_INPUT
    assert "No breaker 'processor-phase1_scrape' has failures" in output


def test_time_cannot_be_set_there(command: Operate) -> None:
    code, output = command("sweep", AT="2025-11-14T18:10")
    assert code == WRONG_INPUT
    assert "time cannot be set" in output


def test_a_project_has_to_be_named(command: Operate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    code, output = command("dlq", PROJECT_ID="")
    assert code == WRONG_INPUT
    assert output == "RUNTIME=gcp needs PROJECT_ID. Next: say PROJECT_ID=my-nba-project.\n"
