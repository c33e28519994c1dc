"""./nba on a real state folder and on a runtime that has it open: every command, its document and
its exit code.
"""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import click
import httpx
import pytest

from local.host.deployed import serve_operations
from local.host.runtime import EmbeddedRuntime, open_runtime
from local.nba.client import API, Client, NoApi
from local.nba.delivering import see_through
from local.nba.lazy import LazyGroup
from local.nba.program import main, make_program
from shared.chain.resilience import circuit_breaker
from shared.core.errors import DataError, NotFound, StoreUnavailable
from shared.operations.incidents.observing import observe
from shared.operations.levels import Finding, Level
from tests.conftest import ROOT
from tests.pipeline.support import open_world
from tests.support.dead_letters import DEAD, SUBSCRIPTION, lay_out
from tests.support.nba import environment, hooks_put_back, nba

pytestmark = pytest.mark.heavy  # every command in a process of its own

BREAKER = circuit_breaker.name_of("processor", "phase5_consolidation")
RESULTS = '{"game_date": "2025-11-14", "mode": "results"}'
SIGNED = ("--why", "it's mended, cost $5", "--yes")
DAY = "2025-11-14"
# Of every command but those below: arguments, and how it ends on the state that is laid out.
LINES: dict[str, tuple[tuple[str, ...], int]] = {
    "dlq": ((), 1),
    "deferred": ((), 0),
    "breakers": ((), 0),
    "switches": ((), 0),
    "audit": (("--limit", "5"), 0),
    "release-deferred": (SIGNED, 2),  # none is there
    "halt": (SIGNED, 0),
    "lift-halt": (SIGNED, 0),
    "export": ((DAY, "--why", "x"), 2),  # nobody is asked here
    "roll-back-model": (("--why", "x"), 2),
    "runs": ((), 0),
    "runs slow": (("--slow",), 0),
    "logs": ((), 0),
    "pause": (SIGNED, 0),
    "resume": (SIGNED, 0),
    "sweep": (SIGNED, 0),
    "publish": (("nba-phase5-batch-complete", RESULTS, *SIGNED), 0),
    "redrive": (("--reason", "max_delivery_attempts", *SIGNED), 0),
    "reset-breaker": ((BREAKER, *SIGNED), 2),  # it has no failures here
}
# Read models and actions of the API: what they answer is tried against it in
# tests/unit/local/nba/test_calls.py.
CALLS: dict[str, tuple[str, ...]] = {
    "status": (),
    "grid": (),
    "show": (DAY, "--player", "lukadoncic"),
    "health": (),
    "slowdown": (),
    "latency": (),
    "report": (),
    "alerts": (),
    "alerts list": (),
    "alerts ack": ("1", *SIGNED),
    "alerts mute": ("1", "--until", "2025-11-14T09:00", *SIGNED),
    "alerts show": ("1",),
    "alerts unmute": ("1", *SIGNED),
    "alerts note": ("1", *SIGNED),
    "alerts resolve": ("1", *SIGNED),
    "batch": ("batch_2025-11-14_r1",),
    "alerts test": ("slack", *SIGNED),
    "rerun": (DAY, "phase4", *SIGNED),
    "force": (DAY, *SIGNED),
    "consolidate": (DAY, *SIGNED),
    "heal": (DAY, *SIGNED),
    "backfill": (DAY, DAY, *SIGNED),
    "backfills": (),
    "cancel-backfill": ("press-0001", *SIGNED),
    "resume-backfill": ("press-0001", *SIGNED),
    "restore": (DAY, "--as-of", "2025-11-14T17:00:00Z", *SIGNED),
    "fire": ("grading-daily", DAY, *SIGNED),
    "rerun-many": (f"{DAY}/phase4", *SIGNED),
    "picks": (),
    "accuracy": (),
    "started": (DAY,),
}
# Of a process or of two folders: tests of their own below, and tests/unit/local/nba.
OF_THEIR_OWN = {"play", "backtest", "compare", "dashboard", "injury-report", "completion"}


@pytest.fixture(autouse=True)
def _hooks() -> Iterator[None]:
    with hooks_put_back():
        yield


@pytest.fixture
def state(tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two dead letters, a log, and nothing else; LOCAL_DIR names it."""
    folder = tmp_path / "state"
    with open_world(folder, template, on_disk=True) as world:
        lay_out(world)
    for name in ("RUNTIME", "ARCHIVE", "PROJECT_ID", "PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOCAL_DIR", str(folder))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("WHO", "ana")
    (folder / "logs").mkdir()
    (folder / "logs" / "functions.jsonl").write_text('{"severity": "INFO", "message": "hello"}\n', encoding="utf-8")
    return folder


@pytest.fixture
def running(state: Path) -> Iterator[EmbeddedRuntime]:
    with open_runtime(state) as embedded:
        yield embedded


def document(capsys: pytest.CaptureFixture[str]) -> Any:
    """Standard output as one JSON document, and nothing else."""
    return json.loads(capsys.readouterr().out)


def names(group: LazyGroup, before: str = "") -> Iterator[str]:
    for name in group.list_commands(click.Context(group)):
        yield f"{before}{name}"
        command = group.get_command(click.Context(group), name)
        if isinstance(command, LazyGroup):
            yield from names(command, f"{before}{name} ")


def test_every_command_of_the_program_is_tried_here() -> None:
    assert set(names(make_program())) == {*LINES, *CALLS, *OF_THEIR_OWN} - {"runs slow"}


def test_every_command_on_a_running_runtime(running: EmbeddedRuntime, capsys: pytest.CaptureFixture[str]) -> None:
    for line, (arguments, code) in LINES.items():
        command = line.partition(" ")[0]
        assert main([command, *arguments, "--json"]) == code, line
        assert isinstance(document(capsys), dict), line
    for line, arguments in CALLS.items():
        code = main([*line.split(), *arguments, "--json"])
        answer = document(capsys)
        assert code in (0, 1, 2), line
        assert code == 2 or "error" not in answer, line
    assert running.bus.pending() == 0


@pytest.mark.parametrize("line", [*LINES, "status", "force"])
def test_commands_on_a_folder_that_nobody_has_open(state: Path, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, code = LINES.get(line) or (CALLS[line], None)
    ended = main([line.partition(" ")[0], *arguments, "--json"])
    assert isinstance(document(capsys), dict)
    assert ended == code if code is not None else ended in (0, 1, 2)


def test_dead_letters_are_listed_and_redriven(running: EmbeddedRuntime, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dlq"]) == 1
    printed = capsys.readouterr().out
    (identity,) = [line.split()[0] for line in printed.splitlines() if "max_delivery_attempts" in line]
    assert "is not JSON" in printed
    assert printed.splitlines()[-1] == f'Next: ./nba redrive {DEAD}.{identity} --why "..."'
    assert main(["redrive", identity, "--why", "mended", "--yes"]) == 0
    shown = capsys.readouterr()
    assert shown.err.startswith("Publishes 1 dead letters once more, each to the topic it came from.\n")
    assert shown.out == "published 1 of 1 dead letters\n"
    assert [each.attributes["dead_letter_reason"] for each in running.bus.pull(DEAD)] == ["not_json"]
    assert main(["redrive", "--all", "--why", "again", "--yes"]) == 2, "it is poison"
    shown = capsys.readouterr()
    assert f"now a dead letter, {DEAD}." in shown.err
    assert shown.out.endswith("Next: ./nba dlq\n")
    assert main(["dlq", "--reason", "max_delivery_attempts"]) == 0
    assert capsys.readouterr().out == "No dead letters such as these.\n"
    for arguments, sentence in (
        (["dlq", "--subscription", "nonsense"], "no dead-letter subscription 'nonsense'"),
        (["redrive", "999999", "--why", "x", "--yes"], "No dead letter is of this choice."),
        (["redrive", "--why", "x"], "Say which dead letters: ids, reason, subscription or all."),
    ):
        assert main(arguments) == 2
        assert sentence in capsys.readouterr().err
    audits = [each.data for each in running.stores.state.query("audit") if each.data["action"] == "redrive"]
    assert {each["reason"] for each in audits} == {"mended", "again"}


def test_a_phase_is_shown_with_its_incidents_and_their_notes(
    running: EmbeddedRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    finding = Finding("export-written", DAY, Level.RED, "no export.", game_date=date.fromisoformat(DAY))
    [identity] = observe(running.runtime, [finding], {"export-written"}).opened
    assert main(["alerts", "note", identity, "--why", "the bucket is full", "--yes"]) == 0
    capsys.readouterr()
    main(["show", DAY, "phase6"])
    shown = capsys.readouterr().out
    for words in ("Open incidents", identity, "no export.", "Notes", "the bucket is full"):
        assert words in shown
    main(["show", DAY, "phase3"])
    shown = capsys.readouterr().out
    assert "None is about it." in shown
    assert "Notes" not in shown


def test_a_pause_keeps_messages_back_and_resume_lets_them_through(
    running: EmbeddedRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pause", "--why", "a release", "--who", "Zoë", "--yes"]) == 0
    assert capsys.readouterr().out == 'paused\nNext: ./nba resume --why "..."\n'
    assert main(["pause", "--why", "again", "--yes"]) == 0
    assert capsys.readouterr().err.endswith(": a release. Nothing changes.\n")
    assert main(["switches"]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("paused, by Zoë: a release")
    assert printed.endswith('Next: ./nba resume --why "..."\n')
    assert main(["publish", "nba-phase5-batch-complete", RESULTS, "--why", "a try", "--yes"]) == 1
    shown = capsys.readouterr()
    assert "1 of 1 messages to phase5_consolidation are deferred: paused since" in shown.err
    assert shown.out.endswith("Next: ./nba deferred\n")
    assert main(["deferred"]) == 1
    shown = capsys.readouterr()
    assert "phase5_consolidation" in shown.out
    assert shown.out.endswith("Next: ./nba switches\n")
    assert main(["resume", "--why", "over", "--yes"]) == 0
    assert capsys.readouterr().out == "resumed; 1 deferred messages published\n"
    assert main(["deferred"]) == 0
    assert running.bus.pending() == 0
    assert main(["audit", "--json"]) == 0
    capsys.readouterr()
    found = [each.data for each in running.stores.state.query("audit")]
    assert {(each["action"], each["who"]) for each in found} >= {("pause", "Zoë"), ("resume", "ana")}
    audits = sorted(each["action"] for each in found)
    assert audits.count("publish") == 1, "what was published by hand"


def test_a_breaker_is_listed_and_closed(running: EmbeddedRuntime, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["breakers"]) == 0
    assert capsys.readouterr().out == "No breaker has failures.\n"
    circuit_breaker.record_failure(running.runtime, BREAKER, StoreUnavailable("[down]"), execution="run-0")
    assert main(["breakers"]) == 0, "one failure opens nothing"
    for number in range(1, circuit_breaker.THRESHOLD):
        circuit_breaker.record_failure(running.runtime, BREAKER, StoreUnavailable("[down]"), execution=f"run-{number}")
    capsys.readouterr()
    assert main(["breakers"]) == 1
    printed = capsys.readouterr().out
    assert "[down]" in printed
    assert printed.endswith(f'Next: ./nba reset-breaker {BREAKER} --why "..."\n')
    assert main(["publish", "nba-phase5-batch-complete", RESULTS, "--why", "a try", "--yes"]) == 1
    assert main(["deferred"]) == 1
    assert capsys.readouterr().out.endswith("Next: ./nba breakers\n")
    assert main(["reset-breaker", BREAKER, "--why", "mended", "--yes"]) == 0
    shown = capsys.readouterr()
    assert shown.err.startswith(f"Closes {BREAKER}: 5 failures in a row, ")
    assert shown.out == f"closed {BREAKER}; 1 deferred messages published\n"
    assert running.bus.pending() == 0
    assert main(["reset-breaker", "processor-x", "--why", "x", "--yes"]) == 2
    assert "No breaker processor-x has failures" in capsys.readouterr().err


def test_google_cloud_is_asked_by_endpoints_of_this_process(state: Path, template: Path, tmp_path: Path) -> None:
    """The same calls, here on embedded stores in place of Google's."""
    with open_world(tmp_path / "other", template) as world:
        lay_out(world)
        with serve_operations(world.runtime) as endpoint:
            client = Client(endpoint)
            assert len(client.read(f"{API}/dead-letters")["dead_letters"]) == 2
            key = client.act(f"{API}/actions/pause/preview", {"values": {}})["key"]
            done = client.act(f"{API}/actions/pause", {"values": {}, "why": "a release", "key": key})
            assert done["outcome"] == "paused"
            assert client.act("/admin/idle") == {}
            asked = {"topic": "nba-grading-trigger", "message": "{}", "who": "ana", "why": "a try"}
            delivered = see_through(client.publish(asked))
            assert (delivered.code, delivered.completions) == (0, [])
            with pytest.raises(DataError, match="An operator's action says why"):
                list(client.publish(asked | {"why": " "}))
            with pytest.raises(NotFound, match="There is no action 'dance'"):
                client.act(f"{API}/actions/dance/preview", {"values": {}})
            with pytest.raises(NoApi, match="does not answer GET /dashboard/api/v1/nowhere"):
                client.read(f"{API}/nowhere")
        assert world.list_published("nba-grading-trigger") == [{}]
        assert {each["action"] for each in world.documents("audit")} == {"pause", "publish"}


def test_what_is_published_by_hand_is_audited(running: EmbeddedRuntime, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", "nba-phase5-batch-complete", RESULTS, "--why", "a try", "--yes", "--json"]) == 0
    answer = document(capsys)
    (audit,) = [each.data for each in running.stores.state.query("audit")]
    assert (audit["action"], audit["who"], audit["reason"]) == ("publish", "ana", "a try")
    assert audit["details"] == {
        "topic": "nba-phase5-batch-complete",
        "message_id": answer["message_id"],
        "message": RESULTS,
    }
    assert [(each["function"], each["status"]) for each in answer["completions"]] == [
        ("phase5_consolidation", "skipped")
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nba-nowhere", "{}"], "There is no topic 'nba-nowhere'; there are: nba-alerts, "),
        (["nba-grading-trigger", "{"], "JSON is no JSON object: '{'. Next: quote it for the shell: "),
        (["nba-grading-trigger", "[]"], "JSON is no JSON object: '[]'."),
        (["nba-grading-trigger", '{"a": "caf\udce9"}'], 'JSON is no JSON object: \'{"a": "caf'),
        (["nba-grading-trigger", "[" * 50_000], "JSON is no JSON object: '[[["),
        (["nba-grading-trigger", "{}", "--at", "9999-12-31"], "lies outside the days"),
        (["nba-grading-trigger", "{}", "--attributes", "5"], "--attributes is no JSON object: '5'."),
        (["nba-grading-trigger", "{}", "--at", "nonsense"], "is no moment such as"),
        (["nba-grading-trigger", "{}", "--attributes", '{"a": 5}'], "is no object of texts"),
    ],
)
def test_what_cannot_be_published(
    running: EmbeddedRuntime, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = running.bus.last_number()
    assert main(["publish", *arguments, "--why", "x", "--yes"]) == 2
    assert sentence in capsys.readouterr().err
    assert running.bus.last_number() == before
    assert running.stores.state.query("audit") == []


def test_a_message_that_ends_in_the_dead_letters_fails(
    running: EmbeddedRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", "nba-grading-trigger", '{"game_date": "nonsense"}', "--why", "x", "--yes"]) == 2
    shown = capsys.readouterr()
    assert "dead letter of nba-grading-trigger: " in shown.err
    assert shown.out.endswith("Next: ./nba dlq\n")


def test_a_sweep_at_a_moment(running: EmbeddedRuntime) -> None:
    assert main(["sweep", "--at", "2025-11-15T18:10", "--why", "x", "--yes"]) == 0
    assert running.clock.now().date() == date(2025, 11, 15)


def test_runs_are_of_the_history_and_the_ledger(running: EmbeddedRuntime, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"]) == 0
    assert capsys.readouterr().out == "Nothing has run.\n"
    message = '{"game_date": "2025-11-14", "mode": "results", "run_id": "2025-11-14-mine"}'
    assert main(["publish", "nba-grading-trigger", message, "--why", "x", "--yes"]) == 0
    capsys.readouterr()
    assert main(["runs", "--function", "grading"]) == 0
    shown = capsys.readouterr().out
    assert "2025-11-14-mine" in shown
    assert shown.endswith("Next: ./nba logs --run 2025-11-14-mine\n")
    assert main(["runs", "--function", "gradin"]) == 2
    assert "There is no function 'gradin'" in capsys.readouterr().err
    assert main(["logs", "--run", "2025-11-14-mine"]) == 0
    assert "grading" in capsys.readouterr().out


# --- as a process -------------------------------------------------------------------------------


def test_from_another_folder_on_a_folder_named_by_the_caller(state: Path) -> None:
    ended = nba("dlq", "--dir", "state", "--json", cwd=state.parent)
    assert (ended.code, ended.err) == (1, "")
    assert len(ended.document["dead_letters"]) == 2


@contextmanager
def at_a_terminal(*arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A command whose input and standard error are a terminal, and the terminal's other side."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "local.nba", *arguments],
        cwd=ROOT, env=environment(WHO="ana"), stdin=theirs, stdout=subprocess.PIPE, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    with process:
        try:
            yield process, ours
        finally:
            process.kill()
            os.close(ours)


def read_rest(terminal: int) -> str:
    """What is left once the other side is closed."""
    seen = b""
    while select.select([terminal], [], [], 5)[0]:
        try:
            seen += os.read(terminal, 4096)
        except OSError:  # nobody has the other side open any more
            break
    return seen.decode()


def read_until(terminal: int, what: str) -> str:
    seen = ""
    while what not in seen:
        assert select.select([terminal], [], [], 60)[0], seen
        seen += os.read(terminal, 4096).decode()
    return seen


@pytest.mark.parametrize(("reply", "code"), [("y\n", 0), ("\n", 2), ("\x04", 2)], ids=["yes", "enter", "end of input"])
def test_at_a_terminal_it_asks_once(running: EmbeddedRuntime, reply: str, code: int) -> None:
    with at_a_terminal("pause", "--dir", str(running.folder), "--why", "a release", "--json") as (process, terminal):
        assert "what runs finishes." in read_until(terminal, "Do it? [y/N]")
        os.write(terminal, reply.encode())
        out, _ = process.communicate(timeout=60)
    assert process.returncode == code
    answer = json.loads(out)
    assert answer["outcome"] == "paused" if code == 0 else answer == {"error": "Nothing was done."}
    assert (running.stores.state.get("control/pause") is not None) == (code == 0)


def test_ctrl_c_at_the_question_does_nothing(running: EmbeddedRuntime) -> None:
    with at_a_terminal("pause", "--dir", str(running.folder), "--why", "a release") as (process, terminal):
        read_until(terminal, "Do it? [y/N]")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert read_rest(terminal).strip() == ""
    assert running.stores.state.get("control/pause") is None


@contextmanager
def serving(folder: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "local.nba", "dashboard", "--dir", str(folder), "--port", "0"],
        cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def test_the_dashboard_serves_until_ctrl_c_and_is_found_by_others(state: Path) -> None:
    with serving(state) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.endswith("the runtime serves it until Ctrl-C.\n")
        address = line.split()[0]
        opened = httpx.get(address)
        assert (opened.status_code, opened.headers["Location"]) == (303, "/dashboard/")
        page = httpx.get(httpx.URL(address).join("/dashboard/queues"), cookies=opened.cookies)
        assert page.status_code == 200
        again = nba("dashboard", "--dir", state, "--json")
        assert (again.code, again.document) == (0, {"address": address, "folder": str(state)})
        assert nba("dlq", "--dir", state, "--json").code == 1
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


def test_where_a_dashboard_is_deployed_is_no_matter_of_a_state_folder() -> None:
    ended = nba("dashboard", "--address", "https://dashboard-abc-uc.a.run.app")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith("no project is named. Next: add --project.\n")
    nowhere = nba("dashboard", settings={"RUNTIME": "gcp", "GOOGLE_CLOUD_PROJECT": ""})
    assert (nowhere.code, nowhere.err) == (2, "No project is named. Next: say --project my-nba-project.\n")


@pytest.mark.parametrize("command", ["play", "backtest"])
def test_what_is_of_one_machine_is_refused_on_google_cloud(command: str) -> None:
    ended = nba(command, "--project", "p")
    assert (ended.code, ended.out) == (2, "")
    assert f"{command} works on a state folder, not on Google Cloud. Next: " in ended.err


def test_a_day_without_games_and_a_day_outside(day_league: Path, tmp_path: Path) -> None:
    place = ("--dir", str(tmp_path / "state"), "--archive", str(day_league), "--history-seasons", "1")
    idle = nba("play", *place, "--date", "2025-11-15", "--json")
    assert (idle.code, idle.document) == (0, {"played": False})
    assert "There are no games on 2025-11-15" in idle.err
    wrong = nba("play", *place, "--date", "1999-01-01", "--json")
    assert wrong.code == 2
    assert "lies outside the archive" in wrong.document["error"]


def test_what_a_backtest_cannot_learn_from_is_named(day_league: Path, tmp_path: Path) -> None:
    ended = nba("backtest", "--dir", str(tmp_path / "state"), "--archive", str(day_league), "--learn", "boxes")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "LEARN=boxes is none of lists, derived. Next: leave it out for lists.\n"


@pytest.mark.heavy
def test_a_day_is_played_compared_and_said(day_base: Path, day_league: Path, day_played: Path, tmp_path: Path) -> None:
    """As `make run` plays it: the same predictions, grades and exports."""
    folder = tmp_path / "state"
    shutil.copytree(day_base, folder)
    place = ("--dir", str(folder), "--archive", str(day_league))
    ended = nba("play", *place, "--history-seasons", "1", "--json")
    assert ended.code in (0, 1), ended.err
    assert ended.document == json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert bool(ended.document["gaps"]) == (ended.code == 1)
    same = nba("compare", folder, day_played, "--json")
    assert (same.code, same.document["same"], same.document["differences"]) == (0, True, [])
    different = nba("compare", folder, day_base)
    assert different.code in (1, 2)


def test_the_subscription_of_the_letters_is_known() -> None:
    assert SUBSCRIPTION in nba(settings={
        "_NBA_COMPLETE": "bash_complete", "COMP_WORDS": "nba dlq --subscription phase5", "COMP_CWORD": "3",
    }).out  # fmt: skip
