"""Commands of the API of operations, against a server that answers as it does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.nba.program import main
from tests.support.nba import Api, nba, serve_api

CELL: dict[str, Any] = {
    **{"game_date": "2025-11-14", "phase": "phase4", "verdict": "short", "have": 140, "should": 146, "overdue": False},
    **{
        "seconds": 7.25,
        "usual": {"p50": 6.0},
        "says": "6 players are missing",
        "rerun": "phase4",
        "next_step": "rerun",
        "incident": "",
    },
}
DONE: dict[str, Any] = CELL | {
    "phase": "phase3",
    "verdict": "complete",
    "have": 146,
    "says": "146 of 146",
    "rerun": None,
}
LATE: dict[str, Any] = DONE | {"game_date": "2025-11-13", "phase": "grading", "verdict": "not due", "overdue": True}
LETTER = {
    **{"key": "old.1", "id": "1", "subscription": "old", "reason": "r", "error": "e", "preview": "", "bytes": 3},
    **{"age_seconds": 70.0, "blames": "message"},
}
RUN = {
    **{"game_date": "2025-11-14", "function": "grading", "mode": "results", "status": "success", "seconds": 25.0},
    **{"usual_seconds": 10.5, "record_count": 7, "attempts": 1, "run_id": "r-1", "reason": "", "slow": True},
}
INCIDENT = {
    **{"path": "incidents/i-1", "severity": "error", "says": "No export.", "count": 3, "acknowledged_by": ""},
    **{"opened_at": "2025-11-14T17:00:00+00:00", "resolved_at": None},
}
RED = {
    **{"level": "red", "check": "batch-opened", "subject": "2025-11-14", "says": "No batch of 2025-11-14."},
    **{"next_step": "./nba force 2025-11-14"},
}
GREEN = {"level": "green", "check": "consolidation", "subject": "2025-11-13", "says": "Consolidated.", "next_step": ""}


def make_grid(*days: tuple[str, list[dict[str, Any]]]) -> dict[str, Any]:
    made = [
        {
            **{"game_date": day, "games": 9, "sentence": f"{day}: {len(cells)} phases.", "cells": cells},
            **{"is_well": CELL not in cells, "incident": "", "next_step": ""},
        }
        for day, cells in days
    ]
    return {"phases": ["phase3", "phase4", "grading"], "days": made, "paused": None, "halted": None}


def grid(query: dict[str, str]) -> dict[str, Any]:
    """Of one date that is short; of several, one that is overdue before it."""
    short = ("2025-11-14", [DONE, CELL])
    return make_grid(short) if query["days"] == "1" else make_grid(("2025-11-13", [DONE, LATE]), short)


PLAN = {"says": ["Publishes 1 message to nba-phase4-trigger for 2025-11-14.", "Phases 5 and 6 follow."]}
PREVIEW = {"plan": PLAN, "key": "press-0123456789"}
PERFORMED = {"key": "k", "action": "rerun", "outcome": "published 1 message", "repeated": False}
ANSWERS: dict[str, Any] = {
    "GET /grid": grid,
    "GET /dates/2025-11-14/phases/phase4": {"cell": CELL, "sentence": "short", "executions": [], "rows": []},
    "GET /dates/2025-11-14/players/lukadoncic": {"picks": [], "predictions": [{"batch_id": "b", "system_id": "s"}]},
    "GET /batches/b-1": {"says": "b-1 is open.", "status": "FAILED", "failure": "rows differ", "units": []},
    "GET /health": {"exit_code": 1, "checks": [{"id": "a", "findings": [RED]}, {"id": "b", "findings": [GREEN]}]},
    "GET /slowdown": {"rows": [{"function": "grading", "level": "yellow", "times": 2.52, "share": 0.755}]},
    "GET /latency": {"dates": [{"game_date": "2025-11-14", "seconds": 15_300.0, "is_over_target": False}]},
    "GET /report": {
        "weeks": [{"starts_on": "2025-11-10", "function": "grading", "p50": 1.0}],
        "regressions": [{"function": "grading", "began_on": "2025-11-10", "ended_on": "2025-11-12", "times": 2}],
    },
    "GET /audit": {
        "audit": [{"at": "2025-11-14T17:00:00Z", "who": "ana", "action": "pause", "reason": "x", "details": {}}]
    },
    "GET /picks": {
        "picks": [
            {"rank": 1, "player": "A", "side": "OVER", "stat": "points", "chance": 0.567, "predicted": 20.25},
        ],
    },
    "GET /accuracy": {"windows": [{"stat": "points", "window": "7", "system": "s", "n": 3, "mae": 4.5}]},
    "GET /dates/2025-11-14/actions": {"actions": []},
    "GET /backfills": {"backfills": [{"key": "k-1", "says": "done"}]},
    "GET /backfills/k-1": {"key": "k-1", "units": [{"first": "2025-11-01", "progress": "done"}]},
    "GET /alerts": {"open": [INCIDENT], "lately": []},
    "GET /alerts/i-1": {"incident": INCIDENT, "deliveries": [], "before": []},
    "GET /dead-letters": {"dead_letters": [LETTER]},
    "GET /deferred": {"deferred": []},
    "GET /breakers": {"breakers": [{"name": "b", "state": "open", "failures": 5, "last_error": "[down]"}]},
    "GET /switches": {"pause": None, "halt": {"halted": True, "who": "ana", "reason": "off-season"}},
    "GET /runs": {"runs": [RUN]},
    "POST /admin/idle": {},
}  # fmt: skip


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    for name in ("RUNTIME", "ARCHIVE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("WHO", "ana")
    actions = {name for name, _ in ACTIONS.values()}
    performs = {f"POST /actions/{name}": PERFORMED | {"action": name} for name in actions}
    previews = {f"POST /actions/{name}/preview": PREVIEW for name in actions}
    with serve_api(tmp_path / "state", {**ANSWERS, **performs, **previews}) as serving:
        yield serving


RERUN = './nba rerun 2025-11-14 phase4 --why "..."'
# Of a line: how it ends, what it asks, with which query, and the next command.
READS: dict[str, tuple[int, str, dict[str, str], str]] = {
    "status": (1, "GET /grid", {"days": "1"}, RERUN),
    "status --date 2025-11-14": (1, "GET /grid", {"days": "1", "to": "2025-11-14"}, RERUN),
    "grid": (1, "GET /grid", {"days": "14"}, "./nba show 2025-11-14 phase4"),
    "grid --days 3 --to 2025-11-14": (
        1, "GET /grid", {"days": "3", "to": "2025-11-14"}, "./nba show 2025-11-14 phase4"
    ),
    "show 2025-11-14": (1, "GET /grid", {"days": "1", "to": "2025-11-14"}, RERUN),
    "show 2025-11-14 phase4": (1, "GET /dates/2025-11-14/phases/phase4", {}, RERUN),
    "batch b-1": (1, "GET /batches/b-1", {}, "./nba dlq"),
    "show 2025-11-14 --player lukadoncic": (0, "GET /dates/2025-11-14/players/lukadoncic", {}, ""),
    "health": (1, "GET /health", {"window": "1440"}, "./nba health --verbose"),
    "slowdown --function grading": (1, "GET /slowdown", {"function": "grading"}, "./nba runs --slow"),
    "latency --days 7": (0, "GET /latency", {"days": "7"}, ""),
    "report": (0, "GET /report", {"weeks": "8"}, ""),
    "alerts": (1, "GET /alerts", {"days": "7"}, './nba alerts ack i-1 --why "..."'),
    "alerts list --days 30": (1, "GET /alerts", {"days": "30"}, './nba alerts ack i-1 --why "..."'),
    "alerts show i-1": (1, "GET /alerts/i-1", {}, "./nba alerts list"),
    "dlq --reason r": (1, "GET /dead-letters", {"reason": "r"}, './nba redrive old.1 --why "..."'),
    "deferred": (0, "GET /deferred", {}, ""),
    "breakers": (1, "GET /breakers", {}, './nba reset-breaker b --why "..."'),
    "switches": (1, "GET /switches", {}, './nba lift-halt --why "..."'),
    "runs --slow --days 3 --function grading": (
        1, "GET /runs", {"days": "3", "function": "grading", "slow": "true"}, "./nba logs --run r-1"
    ),
    "audit": (0, "GET /audit", {"limit": "100"}, ""),
    "picks": (0, "GET /picks", {}, ""),
    "accuracy --weeks 4": (0, "GET /accuracy", {"weeks": "4"}, ""),
    "accuracy --stat points": (0, "GET /accuracy", {"weeks": "8", "stat": "points"}, ""),
    "started 2025-11-14": (0, "GET /dates/2025-11-14/actions", {}, ""),
    "backfills": (0, "GET /backfills", {}, ""),
    "backfills k-1": (0, "GET /backfills/k-1", {}, ""),
}  # fmt: skip


@pytest.mark.parametrize("line", READS)
def test_a_read_asks_once_and_ends_by_its_level(api: Api, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, call, query, following = READS[line]
    assert main(line.split()) == code
    assert api.asked == [(call, query)]
    shown = capsys.readouterr()
    assert shown.err == ""
    assert (f"Next: {following}" in shown.out.splitlines()) if following else "\nNext: " not in shown.out


@pytest.mark.parametrize("line", READS)
def test_json_is_the_apis_answer_unchanged(api: Api, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, call, query, _ = READS[line]
    assert main([*line.split(), "--json"]) == code
    shown = capsys.readouterr()
    expected = ANSWERS[call]
    assert json.loads(shown.out) == (expected(query) if callable(expected) else expected)
    assert shown.err == ""


def test_the_grid_is_dates_by_phases(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    main(["grid"])
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert printed == [
        "date        games  phase3    phase4         grading",
        "2025-11-13      9  complete                 not due, overdue",
        "2025-11-14      9  complete  short 140/146",
        "Next: ./nba show 2025-11-14 phase4",
    ]


def test_a_pause_and_a_halt_go_before_everything_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = make_grid(("2025-11-14", [DONE])) | {"paused": "ana since 17:00: a release", "halted": "off-season"}
    with serve_api(tmp_path / "state", {"GET /grid": answer}):
        assert main(["status", "--dir", str(tmp_path / "state")]) == 0
    assert capsys.readouterr().out.splitlines()[:3] == [
        "paused: ana since 17:00: a release",
        "halted: off-season",
        "2025-11-14: 1 phases.",
    ]


def test_health_shows_what_needs_a_person(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    main(["health"])
    brief = capsys.readouterr().out
    assert "No batch of 2025-11-14." in brief
    assert "green" not in brief
    main(["health", "--verbose"])
    assert "green" in capsys.readouterr().out


@pytest.mark.parametrize("code", [0, 1, 2, 7])
def test_an_answers_own_exit_code_counts(
    tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path / "state"))
    with serve_api(tmp_path / "state", {"GET /health": {"exit_code": code, "checks": []}}):
        assert main(["health"]) == min(code, 2)
    assert "Nothing was found." in capsys.readouterr().out


ACTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "rerun 2025-11-14 phase4": ("rerun", {"game_date": "2025-11-14", "phase": "phase4", "scope": "from_here"}),
    "rerun 2025-11-14 phase4 --only": ("rerun", {"game_date": "2025-11-14", "phase": "phase4", "scope": "only"}),
    "rerun 2025-11-14 phase4 --missing": ("rerun", {"game_date": "2025-11-14", "phase": "phase4", "scope": "missing"}),
    "force 2025-11-14": ("force", {"game_date": "2025-11-14"}),
    "consolidate 2025-11-14": ("consolidate", {"game_date": "2025-11-14"}),
    "export 2025-11-14": ("export", {"game_date": "2025-11-14"}),
    "heal 2025-11-14": ("heal", {"game_date": "2025-11-14"}),
    "backfill 2025-11-01 2025-11-14 --which all --at-once 3": (
        "backfill",
        {
            **{"from": "2025-11-01", "to": "2025-11-14", "which": "all", "order": "oldest first", "at_once": 3},
            "fetch_again": False,
        },
    ),
    "cancel-backfill k-1": ("cancel-backfill", {"backfill": "k-1"}),
    "resume-backfill k-1": ("resume-backfill", {"backfill": "k-1"}),
    "fire grading-daily 2025-11-14": ("fire", {"schedule": "grading-daily", "game_date": "2025-11-14"}),
    "rerun-many 2025-11-13/phase4 2025-11-14/phase6": (
        "rerun-many",
        {"cells": ["2025-11-13/phase4", "2025-11-14/phase6"]},
    ),
    "restore 2025-11-14 --as-of 2025-11-15T00:00:00Z": (
        "restore",
        {"game_date": "2025-11-14", "as_of": "2025-11-15T00:00:00Z", "what": "predictions"},
    ),
    "roll-back-model": ("roll-back-model", {"version": "previous"}),
    "halt": ("halt", {}),
    "pause": ("pause", {}),
    "resume": ("resume", {}),
    "release-deferred": ("release-deferred", {}),
    "reset-breaker a b": ("reset-breakers", {"names": ["a", "b"]}),
    "redrive --all": ("redrive", {"all": True}),
    "redrive s.1 s.2": ("redrive", {"ids": ["s.1", "s.2"]}),
    "redrive --reason r --subscription s": ("redrive", {"reason": "r", "subscription": "s"}),
    "lift-halt": ("lift-halt", {}),
    "alerts ack i-1 i-2": ("acknowledge", {"ids": ["i-1", "i-2"]}),
    "alerts mute i-1 --until 2025-11-14T09:00": ("mute", {"ids": ["i-1"], "until": "2025-11-14T14:00:00+00:00"}),
    "alerts unmute i-1": ("unmute", {"ids": ["i-1"]}),
    "alerts note i-1": ("note", {"ids": ["i-1"]}),
    "alerts resolve i-1": ("resolve", {"ids": ["i-1"]}),
    "alerts test slack": ("send-test", {"channel": "slack"}),
}


LOOKS = ["GET /dead-letters", "GET /deferred"]


@pytest.mark.parametrize("line", ACTIONS)
def test_an_action_is_previewed_then_carried_out_once(api: Api, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    name, values = ACTIONS[line]
    assert main([*line.split(), "--why", "a reason", "--yes"]) == 0
    preview, perform = f"POST /actions/{name}/preview", f"POST /actions/{name}"
    assert [call for call, _ in api.asked] == [preview, *LOOKS, perform, "POST /admin/idle", *LOOKS]
    given = dict(api.asked)
    assert given[preview] == {"values": values}
    assert given[perform] == {"values": values, "why": "a reason", "key": "press-0123456789"}
    shown = capsys.readouterr()
    assert shown.err.splitlines() == PLAN["says"]
    assert shown.out.splitlines()[0] == "published 1 message"


@pytest.mark.parametrize(
    ("path", "new", "code", "sentence"),
    [
        ("/dead-letters", {"key": "s.2", "reason": "not_json", "error": "bad", "preview": ""}, 2, "s.2: not_json: bad"),
        ("/deferred", {"name": "s.2", "function": "grading", "reason": "paused"}, 1, "1 message to grading: paused"),
    ],
)
def test_what_came_of_an_action_and_is_not_done(
    tmp_path: Path, path: str, new: dict[str, Any], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A letter or a message that was there before is none of its own."""
    name = path.removeprefix("/").replace("-", "_")
    with serve_api(tmp_path / "state", dict(ANSWERS)) as api:

        def perform(_: object) -> Any:
            api.answers[f"GET {path}"] = {name: [*ANSWERS[f"GET {path}"][name], new]}
            return PERFORMED

        api.answers |= {"POST /actions/force/preview": PREVIEW, "POST /actions/force": perform}
        assert main(["force", "2025-11-14", "--why", "x", "--yes", "--dir", str(tmp_path / "state")]) == code
    shown = capsys.readouterr()
    assert sentence in shown.err.splitlines()[-1]
    following = "dlq" if code == 2 else "deferred"
    assert shown.out == f"published 1 message\nNext: ./nba {following} --dir {tmp_path / 'state'}\n"


@pytest.mark.parametrize("line", ACTIONS)
def test_without_a_terminal_and_without_yes_nothing_is_done(
    api: Api, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*line.split(), "--why", "a reason"]) == 2
    assert [call.endswith("/preview") for call, _ in api.asked] == [True]
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        *PLAN["says"],
        "Nothing was done: there is no terminal to ask at. Next: add --yes.",
    ]


def test_an_action_as_a_document(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["force", "2025-11-14", "--why", "x", "--yes", "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == PERFORMED | {"action": "force"}
    assert shown.err.splitlines() == PLAN["says"]


def test_a_dry_run_asks_for_the_plan_alone_and_needs_no_why(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backfill", "2025-11-01", "2025-11-14", "--dry-run"]) == 0
    assert [call for call, _ in api.asked] == ["POST /actions/backfill/preview"]
    assert capsys.readouterr().out.splitlines() == PLAN["says"]


@pytest.mark.parametrize(
    ("status", "document", "sentence"),
    [
        (400, {"error": "game_date is '1'; it is a day."}, "game_date is '1'; it is a day."),
        (404, {"error": "There is no phase 'x'."}, "There is no phase 'x'."),
        (403, {"error": "No role."}, "No role."),
        (503, {"error": "The disk is full."}, "The disk is full."),
        (404, {"error": "The requested URL was not found on"}, "does not answer GET /dashboard/api/v1/deferred."),
        (404, [], "does not answer GET /dashboard/api/v1/deferred."),
        (500, {"error": "A defect."}, "The runtime answered HTTP 500 to GET"),
        (500, [], "Next: ./nba logs says why."),
    ],
)
def test_what_a_runtime_refuses_is_a_sentence_and_2(tmp_path: Path, status: int, document: Any, sentence: str) -> None:
    with serve_api(tmp_path / "state", {"GET /deferred": (status, document)}):
        ended = nba("deferred", "--dir", tmp_path / "state")
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("step", "follows"),
    [
        ('mend it; then ./nba rerun 2025-11-14 phase1 --why "..."', './nba rerun 2025-11-14 phase1 --why "..."'),
        ('./nba breakers; then ./nba heal 2025-11-14 --why "...": it restarts', './nba heal 2025-11-14 --why "..."'),
        ("buy more of The Odds API", "./nba alerts show odds-quota.1"),
    ],
)
def test_a_date_that_is_whole_needs_attention_while_an_incident_is_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], step: str, follows: str
) -> None:
    found = make_grid(("2025-11-14", [DONE]))
    with serve_api(tmp_path / "state", {"GET /grid": found}):
        place = ["--dir", str(tmp_path / "state")]
        assert [main([name, *place]) for name in ("status", "grid")] == [0, 0]
        assert "Next: " not in capsys.readouterr().out
        found["days"][0] |= {"is_well": False, "incident": "odds-quota.1", "next_step": step}
        assert main(["status", *place]) == 1
        assert f"\nNext: {follows} --dir " in capsys.readouterr().out
        assert main(["grid", *place]) == 1
        assert "\nNext: ./nba status --date 2025-11-14 --dir " in capsys.readouterr().out


def test_a_cell_has_the_command_of_its_incident(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    step = 'mend the cause, then ./nba redrive --reason r --why "..."'
    found = make_grid(("2025-11-14", [CELL | {"incident": "merge.1", "next_step": step}]))
    with serve_api(tmp_path / "state", {"GET /grid": found}):
        assert main(["status", "--dir", str(tmp_path / "state")]) == 1
        assert '\nNext: ./nba redrive --reason r --why "..." --dir ' in capsys.readouterr().out


def test_texts_of_an_answer_do_not_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "[bold]Luka[/bold] \x1b[2J\u202eJokić"
    evil_grid = make_grid(("2025-11-14", [CELL | {"says": evil}]))
    evil_grid["days"][0]["sentence"] = evil
    with serve_api(tmp_path / "state", {"GET /grid": evil_grid}):
        arguments = ["status", "--dir", str(tmp_path / "state")]
        main(arguments)
        assert capsys.readouterr().out.count("[bold]Luka[/bold] Jokić") == 2
        main([*arguments, "--json"])
        shown = capsys.readouterr().out
        assert "\x1b" not in shown
        assert json.loads(shown)["days"][0]["sentence"].startswith("[bold]Luka[/bold] \x1b[2J")


def test_a_phase_and_a_player_are_two_questions(api: Api) -> None:
    ended = nba("show", "2025-11-14", "phase4", "--player", "lukadoncic")
    assert ended.code == 2
    assert "ask one of them" in ended.err
