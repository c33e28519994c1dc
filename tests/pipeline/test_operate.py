"""What operators do from the command line: dead letters, pause, sweep; what it prints and how it
ends.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from local.cli import operate
from local.cli import publish as publish_command
from local.cli.operate import ask
from local.cli.publish import CommandRefused
from local.console.exit_codes import DONE, FAILED, WRONG_INPUT
from local.embedded.bus import SqliteBus
from local.embedded.sqlite_file import SqliteFile
from local.host.runtime import STATE_FILE, open_runtime
from shared.chain.resilience import circuit_breaker
from shared.core.clock import SystemClock, format_age
from shared.core.errors import StoreUnavailable
from shared.core.pipeline import load_pipeline
from shared.stores.ports import PulledMessage
from tests.conftest import ROOT
from tests.pipeline.support import NOW, PipelineHarness, open_world

SUBSCRIPTION = "phase5-consolidation-nba-phase5-batch-complete"
DEAD = f"{SUBSCRIPTION}-dead-letter"
GOOD = {"origin_subscription": SUBSCRIPTION, "dead_letter_reason": "max_delivery_attempts", "origin_message_id": "7"}
BAD = {"origin_subscription": SUBSCRIPTION, "dead_letter_reason": "not_json", "dead_letter_error": "is not JSON"}
SETTINGS = (
    "TOPIC",
    "MESSAGE",
    "ATTRIBUTES",
    "PORT",
    "ID",
    "ALL",
    "NAME",
    "REASON",
    "SUBSCRIPTION",
    "WHY",
    "WHO",
    "AT",
    "ARCHIVE",
)


def lay_out(world: PipelineHarness) -> None:
    """Two dead letters: one that goes through now (beyond its mode: nothing to do), one that never
    will.
    """
    world.bus.publish(DEAD, b'{"game_date": "2025-11-14", "mode": "results"}', GOOD)
    world.bus.publish(DEAD, b"nonsense", BAD)


@pytest.fixture
def state(tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    with open_world(folder, template) as world:
        lay_out(world)
    monkeypatch.setenv("LOCAL_DIR", str(folder))
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    return folder


def pull_waiting(folder: Path) -> list[PulledMessage]:
    """What waits, read without a runtime."""
    with closing(SqliteFile(folder / STATE_FILE)) as file:
        return SqliteBus(file, load_pipeline(), SystemClock()).pull(DEAD)


def letters_left(folder: Path) -> list[str]:
    return [message.attributes["dead_letter_reason"] for message in pull_waiting(folder)]


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in (*SETTINGS, "MAKEFLAGS", "MAKELEVEL")}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=ROOT, env=environment | {"LOCAL_DIR": str(folder)},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


@pytest.mark.heavy
def test_make_dlq_and_redrive(state: Path) -> None:
    """As a person types it, on a folder that no process has open; a reason is taken as it
    stands.
    """
    listed = make(state, "dlq")
    assert listed.returncode == 0, listed.stderr
    assert "max_delivery_attempts" in listed.stdout
    assert "2 in all." in listed.stdout
    why = "WHY=it's mended, cost $5"
    redriven = make(state, "redrive", "REASON=max_delivery_attempts", why)
    assert redriven.returncode == 0, redriven.stderr
    assert "published to nba-phase5-batch-complete" in redriven.stdout
    left = make(state, "dlq")
    assert "1 in all." in left.stdout
    assert "not_json" in left.stdout
    with open_runtime(state) as embedded:
        (audit,) = [document.data for document in embedded.stores.state.query("audit")]
    assert (audit["action"], audit["reason"]) == ("redrive", why.removeprefix("WHY="))


def test_listing_takes_nothing_away(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [operate.main(["dlq"]), operate.main(["dlq"])] == [DONE, DONE]
    first, second = capsys.readouterr().out.split(" in all.")[:2]
    assert first.split() == second.split('WHY="..."\n')[1].split()
    assert letters_left(state) == ["max_delivery_attempts", "not_json"]


def test_filters_of_the_list(state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("REASON", "not_json")
    assert operate.main(["dlq"]) == DONE
    assert "1 in all." in capsys.readouterr().out
    monkeypatch.setenv("SUBSCRIPTION", "grading-nba-grading-trigger")
    assert operate.main(["dlq"]) == DONE
    assert "No dead letters such as these." in capsys.readouterr().out
    monkeypatch.setenv("SUBSCRIPTION", "nonsense")
    assert operate.main(["dlq"]) == WRONG_INPUT
    assert "no dead-letter subscription 'nonsense'" in capsys.readouterr().err


def test_one_by_its_id_that_fails_again(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (bad,) = [message.message_id for message in pull_waiting(state) if message.data == b"nonsense"]
    monkeypatch.setenv("ID", bad)
    monkeypatch.setenv("WHY", "trying")
    assert operate.main(["redrive"]) == FAILED
    assert "failed again, now dead letter" in capsys.readouterr().err
    assert letters_left(state) == ["max_delivery_attempts", "not_json"]


@pytest.mark.parametrize(
    ("command", "settings", "output"),
    [
        ("redrive", {"WHY": "x"}, "Say which: ID="),
        ("redrive", {"ALL": "1"}, "Say why, for the audit"),
        ("redrive", {"ALL": "1", "WHY": "  "}, "Say why, for the audit"),
        ("redrive", {"ID": "999999", "WHY": "x"}, "There is no dead letter 999999."),
        ("pause", {}, "Say why, for the audit"),
        ("reset-breaker", {"WHY": "x"}, "Say which: NAME="),
        ("reset-breaker", {"WHY": "x", "NAME": "processor-x"}, "No breaker 'processor-x' has failures"),
        ("sweep", {"AT": "nonsense"}, "is no moment such as"),
        ("dance", {}, "Say one of: dlq, redrive, pause, resume, sweep, breakers, reset-breaker."),
    ],
)
def test_wrong_input(
    state: Path,
    command: str,
    settings: dict[str, str],
    output: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert operate.main([command]) == WRONG_INPUT
    assert output in capsys.readouterr().err
    assert letters_left(state) == ["max_delivery_attempts", "not_json"]


def test_a_folder_without_state_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path / "nowhere"))
    assert operate.main(["dlq"]) == WRONG_INPUT
    assert "holds no state. Next: `make run` first" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()


def test_pause_holds_what_is_redriven_and_resume_sees_it_through(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WHY", "a release")
    monkeypatch.setenv("WHO", "ana")
    assert operate.main(["pause"]) == DONE
    assert capsys.readouterr().out == "paused, by ana: a release\n"
    monkeypatch.setenv("ALL", "1")
    assert operate.main(["redrive"]) == FAILED, "the poison is a dead letter again"
    assert "held back: 1 of phase5_consolidation (paused since" in capsys.readouterr().out
    assert operate.main(["resume"]) == DONE
    output = capsys.readouterr().out
    assert "running, by ana: a release" in output
    assert "batch_sweep           success" in output
    assert "phase5_consolidation  skipped" in output
    with open_runtime(state) as embedded:
        actions = [document.data["action"] for document in embedded.stores.state.query("audit")]
    assert sorted(actions) == ["pause", "redrive", "redrive", "resume"]


def test_a_publish_that_is_held_back_does_not_end_well(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a pause, and of a breaker that stands open: it says how many, why, and what to do."""
    monkeypatch.setenv("TOPIC", "nba-phase5-batch-complete")
    monkeypatch.setenv("MESSAGE", '{"game_date": "2025-11-14", "mode": "results"}')
    monkeypatch.setenv("WHY", "a release")
    assert operate.main(["pause"]) == DONE
    assert publish_command.main() == FAILED
    printed = capsys.readouterr()
    assert "held" in printed.out
    assert "1 of 1 messages to phase5_consolidation are held back: paused since" in printed.err
    assert "Next: `make resume`" in printed.err
    assert operate.main(["resume"]) == DONE
    assert publish_command.main() == DONE
    name = circuit_breaker.name_of("processor", "phase5_consolidation")
    with open_runtime(state) as embedded:
        for number in range(circuit_breaker.THRESHOLD):
            circuit_breaker.record_failure(
                embedded.runtime, name, StoreUnavailable("[down]"), execution=f"run-{number}"
            )
    capsys.readouterr()
    assert publish_command.main() == FAILED
    printed = capsys.readouterr()
    assert f"1 of 1 messages to phase5_consolidation are held back: breaker {name}" in printed.err
    assert "see `make breakers`" in printed.err


def test_fields_of_another_kind_are_refused_and_nothing_is_redriven(state: Path) -> None:
    odd: dict[str, tuple[object, ...]] = {
        "ids": (5, "7", [7], [{}], {"7": 1}, True),
        "all": ("yes", 1, 0, 1.0, []),
        **dict.fromkeys(("reason", "subscription", "who", "why"), ([], {"a": 1}, 5, True)),
        "why": ([], 5, "x" * 1_001),
    }
    bodies = [{name: value} for name, values in odd.items() for value in values]
    with open_runtime(state) as embedded:
        for body in bodies:
            with pytest.raises(CommandRefused, match=r" is a text| is a list of texts| is true or false|at most 1000"):
                ask(embedded.server.endpoint, "POST", "/redrive", {"who": "ana", "why": "x", "all": True} | body)
        with pytest.raises(CommandRefused, match="name is a text"):
            ask(embedded.server.endpoint, "POST", "/reset-breaker", {"who": "ana", "why": "x", "name": ["a"]})
        assert len(embedded.bus.pull(DEAD)) == 2
        assert embedded.stores.state.query("audit") == []


def test_a_breaker_is_shown_and_closed_by_hand(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it holds goes through at once, instead of after half an hour."""
    assert operate.main(["breakers"]) == DONE
    assert capsys.readouterr().out == "No breaker has failures.\n"
    name = circuit_breaker.name_of("processor", "phase5_consolidation")
    with open_runtime(state) as embedded:
        for number in range(circuit_breaker.THRESHOLD):
            circuit_breaker.record_failure(
                embedded.runtime, name, StoreUnavailable("[down]"), execution=f"run-{number}"
            )
    monkeypatch.setenv("WHY", "mended")
    monkeypatch.setenv("REASON", "max_delivery_attempts")
    assert operate.main(["redrive"]) == DONE
    assert "held back: 1 of phase5_consolidation (breaker processor-phase5_consolidation" in capsys.readouterr().out
    assert operate.main(["breakers"]) == DONE
    output = capsys.readouterr().out
    assert output.startswith(f"{name}: open, 5 failures in a row")
    assert "[down]" in output
    monkeypatch.setenv("NAME", name)
    assert operate.main(["reset-breaker"]) == DONE
    assert "phase5_consolidation  skipped" in capsys.readouterr().out


def test_a_sweep_at_a_moment(state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AT", "2025-11-15T18:10")
    assert operate.main(["sweep"]) == DONE
    assert "batch_sweep           no_data" in capsys.readouterr().out
    with open_runtime(state) as embedded:
        assert embedded.clock.now().isoformat() == "2025-11-15T23:10:00+00:00"


def test_no_moment_bricks_a_state_folder(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the environment of a command, sweep and publish alike: refused, and the time stays what
    it was.
    """
    monkeypatch.setenv("TOPIC", operate.SWEEP)
    monkeypatch.setenv("MESSAGE", '{"game_date": "TODAY"}')
    commands = (("9999-12-31", lambda: operate.main(["sweep"])), ("1900-01-01", publish_command.main))
    for at, command in commands:
        monkeypatch.setenv("AT", at)
        assert command() == WRONG_INPUT
        assert re.search("AT=.*(lies outside the days|is no moment)", capsys.readouterr().err)
    with open_runtime(state) as embedded:
        assert embedded.clock.now() == NOW
        assert embedded.bus.counters()["delivered"] == 0


def test_through_the_process_that_has_the_folder_open(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_runtime(state) as embedded:
        assert operate.main(["dlq"]) == DONE
        assert "2 in all." in capsys.readouterr().out
        port = embedded.server.endpoint
        for body in ({}, {"who": "x", "why": ""}, {"why": "x"}):
            for path in ("/redrive", "/pause", "/resume"):
                with pytest.raises(CommandRefused, match="An operator's action says"):
                    ask(port, "POST", path, body)
        with pytest.raises(CommandRefused, match="Say which"):
            ask(port, "POST", "/redrive", {"who": "x", "why": "y"})
        assert ask(port, "GET", "/pause") == {"paused": False}
        assert len(embedded.bus.pull(DEAD)) == 2


@pytest.mark.parametrize(
    ("seconds", "output"), [(None, "?"), (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (7_300, "2 h"), (180_000, "2 d")]
)
def test_ages(seconds: float | None, output: str) -> None:
    assert format_age(seconds) == output


def test_the_sweeps_trigger_is_its_topic() -> None:
    assert operate.SWEEP in load_pipeline().functions["batch_sweep"].topics
    assert json.loads('{"game_date": "TODAY"}') == load_pipeline().schedules["batch-sweep"].message
