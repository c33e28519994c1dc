"""Self-heal on a played day: each phase's rows are taken away in turn, and the day becomes what it
was.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.self_heal import heal
from local.league import write_league
from local.replay import Archive
from shared.chain.batches.reading import get_batch, latest_batch
from shared.chain.batches.records import BatchStatus
from shared.chain.execution.handler import handle
from shared.chain.messages.messages import PhaseMessage
from shared.chain.resilience import pause_switch
from shared.core import failpoints
from shared.core.clock import at_new_york
from shared.operations.contracts.restarts import Restart
from shared.stores.ports import State
from tests.pipeline.healing import (
    PREDICTIONS,
    TRIGGER,
    Heal,
    batch_records,
    best_bets,
    close_batch,
    context,
    context_of_one_team,
    drop_a_players_file,
    drop_a_third_of_the_predictions,
    export,
    features,
    features_of_one_player,
    feeds,
    open_healing,
    play,
    predictions,
    restore_an_older_export,
    rows_of_a_system,
    the_batch,
    todays_pointer,
    who_was_expected,
)
from tests.pipeline.support import Killed, push

pytestmark = pytest.mark.heavy  # an evening again for every test


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    folder = tmp_path_factory.mktemp("archive") / "league"
    write_league(folder, seed=5, seasons=1, teams=6, games_per_team=24)
    return Archive(folder)


@pytest.fixture(scope="module")
def noon_folder(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("noon") / "state"
    play(folder, archive, "same-day-predictions")
    return folder


@pytest.fixture
def noon(noon_folder: Path, archive: Archive, tmp_path: Path) -> Iterator[Heal]:
    """The day at 12:45, its run of 11:30 through."""
    shutil.copytree(noon_folder, tmp_path / "state")
    with open_healing(tmp_path / "state", archive) as world:
        world.at(12, 45)
        yield world


@pytest.fixture(scope="module")
def graded_folder(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graded") / "state"
    play(folder, archive, "grading-daily", days=1)
    return folder


@pytest.fixture
def graded(graded_folder: Path, archive: Archive, tmp_path: Path) -> Iterator[Heal]:
    """The morning after, graded."""
    shutil.copytree(graded_folder, tmp_path / "state")
    with open_healing(tmp_path / "state", archive) as world:
        world.at(11, 15, days=1)
        yield world


# --- a day to come --------------------------------------------------------------------------------


def test_a_day_that_is_complete_is_left_alone(noon: Heal) -> None:
    statements = sum(noon.embedded.warehouse.statement_counts.values())
    answer = noon.ask()
    assert (answer["result"]["status"], answer["result"]["reason"]) == ("success", "complete")
    assert noon.heals() == []
    # two to look, two for the run history
    assert sum(noon.embedded.warehouse.statement_counts.values()) - statements == 4


@pytest.mark.parametrize(
    ("change", "phase", "reason"),
    [
        (feeds, "phase1", "neither an injury list nor lines of"),
        (context, "phase3", "have no player context of both teams"),
        (context_of_one_team, "phase3", "1 of 2 games"),
        (features, "phase4", "have no feature row"),
        (features_of_one_player, "phase4", "1 players of the newest context have no feature row"),
        (predictions, "phase5_coordinator", "current predictions cover 0 of"),
        (drop_a_third_of_the_predictions, "phase5_coordinator", "less than 80%"),
        (batch_records, "phase5_coordinator", "current predictions cover 0 of"),
        (who_was_expected, "phase5_coordinator", "predicted players are not on record as considered"),
        (the_batch, "phase5_coordinator", "failed: 12 of 13 rows"),
        (export, "phase6", "is not there"),
        (restore_an_older_export, "phase6", "_r1, not of batch_"),
        (best_bets, "phase6", "v1/best-bets/"),
        (drop_a_players_file, "phase6", "v1/tonight/player/"),
        (todays_pointer, "phase6", "v1/predictions/today.json is not there"),
        (rows_of_a_system, "phase5_coordinator", "put in place are gone"),
    ],
)
def test_what_is_taken_away_is_made_again(noon: Heal, change: Callable[[Heal], None], phase: str, reason: str) -> None:
    before, exported = noon.predictions(), noon.read_exported()
    change(noon)
    answer = noon.ask()
    assert answer["result"]["status"] == "partial"
    assert answer["result"]["reason"].startswith(f"restarted {phase}")
    assert reason in answer["result"]["reason"]
    assert noon.heals() == [f"{noon.day}.{phase}.1"]
    assert noon.ask()["result"]["reason"] == "complete"
    assert noon.predictions() == before
    assert noon.read_exported() == exported
    assert noon.heals() == [f"{noon.day}.{phase}.1"], "once was enough"
    # the run has its name, and what follows the restarted phase belongs to it
    run = f"{noon.day}-heal-{phase}-1"
    last = noon.execution(f"phase6_export.{run}")
    assert (last["result"]["status"], last["run_id"]) == ("success", run)
    history = noon.rows("SELECT run_id FROM nba_reference.processor_run_history WHERE run_id LIKE '%heal%'")
    assert {row["run_id"] for row in history} == {run}


def test_a_day_on_which_nothing_ran_is_begun_with_its_sources(archive: Archive, tmp_path: Path) -> None:
    with open_healing(tmp_path / "state", archive) as world:
        played = world.begin()
        for stretch in played.missing_history(0):
            played.load_history(stretch)
        world.at(12, 45)
        answer = world.ask()
        assert answer["metadata"]["phase"] == "phase1"
        assert world.ask()["result"]["reason"] == "complete"
        assert world.execution(f"phase1_scrape.{world.day}-heal-phase1-1")["mode"] == "same_day"
        assert world.execution(f"phase1_scrape.{world.day}-heal-phase1-1")["trigger_source"] == "self_heal"


def test_no_schedule_at_all_is_fetched(noon: Heal) -> None:
    noon.take_away("nba_raw.nbac_schedule", "TRUE")
    answer = noon.ask()
    assert answer["metadata"]["phase"] == "phase1"
    assert "no schedule is loaded" in answer["result"]["reason"]
    assert noon.ask()["result"]["reason"] == "complete"


def test_a_batch_that_closed_and_was_not_consolidated(noon: Heal) -> None:
    """As after an announcement that ended in the dead letters."""
    runtime, before = noon.embedded.runtime, noon.predictions()
    kept = close_batch(noon)
    answer = noon.ask()
    assert answer["metadata"]["phase"] == "phase5_consolidation"
    assert noon.execution(f"phase5_consolidation.{noon.day}-heal-phase5_consolidation-1")["batch_id"] == kept
    found = get_batch(runtime.state, kept)
    assert found is not None
    assert found.status == BatchStatus.CONSOLIDATED
    assert noon.ask()["result"]["reason"] == "complete"
    assert len(noon.predictions()) == len(before)


def test_a_date_to_come_is_restarted_as_tomorrow(archive: Archive, tmp_path: Path) -> None:
    with open_healing(tmp_path / "state", archive) as world:
        eve = world.day - timedelta(days=1)
        world.embedded.clock.set(at_new_york(eve, time(18, 0)))
        history = {"from_date": str(eve - timedelta(days=40)), "to_date": str(eve - timedelta(days=1))}
        world.publish("nba-phase1-trigger", {**history, "mode": "backfill", "run_id": "history"})
        world.embedded.run_until_idle()
        world.publish("nba-phase1-trigger", {"game_date": "TOMORROW", "mode": "tomorrow", "run_id": "eve"})
        world.embedded.run_until_idle()
        assert world.ask()["result"]["reason"] == "complete"
        before = world.predictions()
        predictions(world)
        assert world.ask()["metadata"]["phase"] == "phase5_coordinator"
        run = f"{world.day}-heal-phase5_coordinator-1"
        assert world.execution(f"phase5_coordinator.{run}")["mode"] == "tomorrow"
        assert world.predictions() == before


# --- days on which there is nothing to do ---------------------------------------------------------


def test_a_day_without_games(noon: Heal, archive: Archive) -> None:
    days = archive.game_days()
    free = next(day for day in (days[0] + timedelta(days=n) for n in range(99)) if day not in days)
    answer = noon.ask(free)
    assert (answer["result"]["status"], answer["result"]["reason"]) == ("no_data", f"no games on {free}")
    assert noon.heals() == []


def reschedule(world: Heal, **changes: str) -> None:
    """A newer snapshot of the date's games, with other values in some columns."""
    columns = ", ".join(f"{value} AS {name}" for name, value in changes.items())
    now = "TIMESTAMP_ADD(snapshot_time, INTERVAL 1 SECOND) AS snapshot_time"
    world.embedded.warehouse.execute(
        f"INSERT INTO nba_raw.nbac_schedule SELECT * REPLACE ({columns}, {now}) FROM nba_raw.nbac_schedule"
        " WHERE game_date = @day QUALIFY ROW_NUMBER() OVER (PARTITION BY game_id ORDER BY snapshot_time DESC) = 1",
        {"day": world.day},
    )


def test_a_day_whose_games_are_all_postponed(noon: Heal) -> None:
    predictions(noon)
    reschedule(noon, status="'postponed'")
    answer = noon.ask()
    assert answer["result"]["status"] == "no_data"
    assert answer["result"]["reason"] == f"all 2 games on {noon.day} are postponed"
    assert noon.heals() == []


def test_games_that_have_tipped_off_are_not_short(noon: Heal) -> None:
    predictions(noon)
    features(noon)
    noon.at(22, 30)
    answer = noon.ask()
    assert answer["result"]["status"] == "success"
    assert answer["result"]["reason"] == "complete; 2 of 2 games have tipped off"
    assert noon.heals() == []


def test_nobody_to_predict_is_not_short(noon: Heal) -> None:
    """Everyone left out: the coordinator opens no batch then, and the export has nothing to
    write.
    """
    for table in (PREDICTIONS, "nba_predictions.prediction_batches", "nba_monitoring.expected_outputs"):
        noon.take_away(table)
    noon.embedded.warehouse.execute(
        "UPDATE nba_predictions.ml_feature_store SET minutes_l10 = 3.0 WHERE game_date = @day", {"day": noon.day}
    )
    assert noon.ask()["result"]["reason"] == "complete"
    assert noon.heals() == []


# --- at most three times, and not while somebody is at work ---------------------------------------


def test_after_three_restarts_it_gives_up_and_says_so(noon: Heal) -> None:
    for n in (1, 2, 3):
        predictions(noon)
        assert noon.ask()["metadata"]["n"] == n
    predictions(noon)
    answer = noon.ask()
    assert answer["result"]["status"] == "failed"
    assert answer["result"]["reason"].startswith(f"3 restarts of phase5_coordinator did not mend {noon.day}")
    assert len(noon.heals()) == 3
    (alert,) = noon.embedded.bus.pull("nba-alerts-operators")
    assert json.loads(alert.data)["fingerprint"] == f"self-heal-gave-up-{noon.day}-phase5_coordinator"
    assert json.loads(alert.data)["detail"] == answer["result"]["reason"]
    # another phase is another matter
    features(noon)
    assert noon.ask()["metadata"] == {
        "phase": "phase4", "n": 1, "run_id": f"{noon.day}-heal-phase4-1", "topic": "nba-phase4-trigger",
    }  # fmt: skip


def running(world: Heal, **changes: Any) -> None:
    now = world.embedded.clock.now()
    data = {
        **world.execution(f"phase3_analytics.{world.day}-same-day-predictions"),
        "run_id": "other",
        "status": "running",
        "lease_expires_at": now + timedelta(minutes=5),
        "finished_at": now,
        "attempts": 1,
        **changes,
    }
    world.embedded.runtime.state.create("executions/phase3_analytics.other", data)


def fail_a_moment_ago(world: Heal) -> None:
    running(world, status="failed", final=False)


def unsent(world: Heal) -> None:
    running(world, status="succeeded", outbox_pending=True)


def open_batch(world: Heal) -> None:
    latest = latest_batch(world.embedded.runtime.state, world.day)
    assert latest is not None
    world.embedded.runtime.state.update(latest.path, {"status": BatchStatus.OPEN})


def pause(world: Heal) -> None:
    now = world.embedded.clock.now()
    pause_switch.pause(world.embedded.runtime.state, who="ann", reason="looking into it", now=now)


def defer(world: Heal) -> None:
    pause(world)
    world.publish("nba-phase4-trigger", {"game_date": str(world.day), "run_id": "waits"})
    world.embedded.run_until_idle()
    now = world.embedded.clock.now()
    pause_switch.resume(world.embedded.runtime.state, who="ann", reason="found it", now=now)


def restart_a_moment_ago(world: Heal) -> None:
    pause(world)
    restart = Restart(
        game_date=world.day,
        phase="phase5_coordinator",
        n=1,
        topic="nba-predictions-trigger",
        mode=None,
        batch_id=None,
        reason="short",
        execution_id="self_heal.another",
        run_id=f"{world.day}-heal-phase5_coordinator-1",
        epoch=1,
        at=world.embedded.clock.now(),
    )
    path = f"heals/{world.day}.phase5_coordinator.1"
    world.embedded.runtime.state.create(path, restart.to_document())
    now = world.embedded.clock.now()
    pause_switch.resume(world.embedded.runtime.state, who="ann", reason="done", now=now)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (running, "phase3_analytics.other is running"),
        (fail_a_moment_ago, "phase3_analytics.other failed at attempt 1 and is tried again"),
        (unsent, "phase3_analytics.other is done, its messages are not sent yet"),
        (open_batch, "is open"),
        (pause, "by ann: looking into it"),
        (defer, "1 messages are held, first one of phase4_precompute"),
        (restart_a_moment_ago, "heal-phase5_coordinator-1 was published a moment ago and has not begun"),
    ],
)
def test_nothing_is_restarted_while_somebody_is_at_work(
    noon: Heal, change: Callable[[Heal], None], reason: str
) -> None:
    predictions(noon)
    change(noon)
    before = noon.heals()
    answer = noon.ask()
    assert answer["result"]["status"] == "skipped"
    assert answer["result"]["reason"].startswith("in progress: ")
    assert reason in answer["result"]["reason"]
    assert noon.heals() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"lease_expires_at": at_new_york(date(2025, 1, 1), time(12, 0))},
        {"epoch": 0},
        {"status": "failed", "final": True},
        {"function": "train_model", "phase": "training"},
        {"function": "batch_sweep", "phase": "batch_sweep"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_is_dead_or_of_no_consequence_holds_nothing_up(noon: Heal, changes: dict[str, Any]) -> None:
    predictions(noon)
    running(noon, **changes)
    assert noon.ask()["result"]["status"] == "partial"


def test_what_is_complete_is_complete_whoever_is_at_work(noon: Heal) -> None:
    running(noon)
    assert noon.ask()["result"]["reason"] == "complete"


# --- twice, and cut off ---------------------------------------------------------------------------


def test_a_message_twice_restarts_once(noon: Heal) -> None:
    predictions(noon)
    for _ in range(2):
        noon.publish(TRIGGER, {"game_date": str(noon.day), "schedule": "self-heal-predictions"})
    noon.embedded.run_until_idle()
    noon.publish(TRIGGER, {"game_date": str(noon.day), "schedule": "self-heal-predictions"})
    noon.embedded.run_until_idle()
    assert noon.heals() == [f"{noon.day}.phase5_coordinator.1"]
    assert noon.execution(f"self_heal.{noon.day}-self-heal-predictions")["trigger_source"] == "scheduler"


@pytest.mark.parametrize("point", ["self_heal.recorded", "handler.ran", "handler.recorded", "outbox.published"])
def test_cut_off_it_publishes_the_same_trigger(noon: Heal, point: str) -> None:
    """The second attempt comes when the rows tell another story: the decision on record stands."""
    runtime = noon.embedded.runtime
    features(noon)
    body = push({"game_date": str(noon.day), "run_id": "cut-off"}, message_id="m1")

    def die(reached: str) -> None:
        if reached == point:
            raise Killed(reached)

    failpoints.install(die)
    try:
        with pytest.raises(Killed):
            handle("self_heal", heal.run, PhaseMessage, body, runtime)
    finally:
        failpoints.install(None)
    context(noon)
    noon.embedded.clock.advance_to(noon.embedded.clock.now() + timedelta(minutes=6))
    answer = handle("self_heal", heal.run, PhaseMessage, body, runtime)
    assert (answer.status, answer.body["status"]) == (200, "partial")
    assert noon.heals() == [f"{noon.day}.phase4.1"]
    sent = noon.embedded.bus.due({"phase4_precompute": 9})
    run = f"{noon.day}-heal-phase4-1"
    assert {json.loads(delivery.data)["run_id"] for delivery in sent} == {run}
    assert len(sent) == (2 if point == "outbox.published" else 1)


def test_a_range_of_dates_is_poison(noon: Heal) -> None:
    body = push({"from_date": str(noon.day), "to_date": str(noon.day)}, message_id="m1")
    answer = handle("self_heal", heal.run, PhaseMessage, body, noon.embedded.runtime)
    assert answer.body["status"] == "dead_lettered"


class CompetingState:
    """A state in which another execution records the same restart a moment before we do."""

    def __init__(self, state: State) -> None:
        self._state = state

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)

    def create(self, path: str, data: Mapping[str, Any]) -> None:
        if path.startswith("heals/"):
            self._state.create(path, {**data, "execution_id": "self_heal.competitor"})
        self._state.create(path, data)


def test_of_two_at_the_same_moment_one_restarts(noon: Heal) -> None:
    predictions(noon)
    competing: Any = CompetingState(noon.embedded.runtime.state)
    runtime = replace(noon.embedded.runtime, state=competing)
    answer = handle("self_heal", heal.run, PhaseMessage, push({"game_date": str(noon.day), "run_id": "late"}), runtime)
    assert answer.body["status"] == "skipped"
    assert answer.body["reason"] == f"in progress: phase5_coordinator of {noon.day} was restarted a moment ago"
    assert noon.embedded.bus.pending() == 0


# --- asked by the export --------------------------------------------------------------------------


def test_a_refused_export_asks_once_and_is_made_up_for(noon: Heal) -> None:
    before = noon.predictions()
    predictions(noon)
    export(noon)
    for _ in range(2):
        noon.publish("nba-phase6-export-trigger", {"game_date": str(noon.day), "run_id": "refused"})
    noon.embedded.run_until_idle()
    refused = noon.execution("phase6_export.refused")
    assert refused["result"]["status"] == "no_data"
    assert refused["result"]["reason"].endswith("self-heal is asked")
    assert noon.execution("self_heal.refused-heal-asked")["metadata"]["phase"] == "phase5_coordinator"
    assert noon.heals() == [f"{noon.day}.phase5_coordinator.1"]
    assert noon.predictions() == before
    assert noon.ask()["result"]["reason"] == "complete"
    # the run that only asked has ended, and is in the history
    history = noon.rows("SELECT run_id FROM nba_reference.processor_run_history WHERE run_id LIKE 'refused%'")
    assert {row["run_id"] for row in history} == {"refused", "refused-heal-asked"}


def test_who_asks_is_not_at_work_though_its_outbox_says_so(noon: Heal) -> None:
    predictions(noon)
    unsent(noon)
    assert noon.ask(execution_id="phase3_analytics.other")["result"]["status"] == "partial"


def test_a_run_of_self_heal_does_not_ask_it_again(noon: Heal) -> None:
    predictions(noon)
    run = f"{noon.day}-heal-phase6-1"
    noon.publish("nba-phase6-export-trigger", {"game_date": str(noon.day), "run_id": run})
    noon.embedded.run_until_idle()
    assert noon.execution(f"phase6_export.{run}")["result"]["status"] == "no_data"
    assert noon.embedded.runtime.state.get(f"executions/self_heal.{run}-heal-asked") is None
    assert noon.heals() == []


# --- a day that was played ------------------------------------------------------------------------


def test_a_graded_day_is_complete(graded: Heal) -> None:
    answer = graded.ask()
    assert (answer["result"]["status"], answer["result"]["reason"]) == ("success", "complete")
    assert answer["metadata"] == {"group": "played"}


def grades(world: Heal) -> list[dict[str, Any]]:
    found = world.rows(
        "SELECT * FROM nba_predictions.prediction_accuracy WHERE game_date = @day"
        " ORDER BY game_id, player_id, stat, system_id, line_value"
    )
    return [{name: value for name, value in row.items() if name != "graded_at"} for row in found]


def test_grades_that_are_gone_are_made_again(graded: Heal) -> None:
    before = grades(graded)
    graded.take_away("nba_predictions.prediction_accuracy", "game_date = @day AND MOD(player_id, 3) = 0")
    answer = graded.ask()
    assert answer["metadata"]["phase"] == "grading"
    assert grades(graded) == before
    assert graded.ask()["result"]["reason"] == "complete"


def test_results_that_are_gone_are_made_again_and_the_next_look_grades_them(graded: Heal) -> None:
    before = grades(graded)
    for table in ("nba_predictions.prediction_accuracy", "nba_analytics.player_game_summary"):
        graded.take_away(table)
    answer = graded.ask()
    assert answer["metadata"]["phase"] == "phase1"
    assert graded.execution(f"phase3_analytics.{graded.day}-heal-phase1-1")["mode"] == "results"
    assert graded.ask()["metadata"]["phase"] == "grading"
    assert graded.ask()["result"]["reason"] == "complete"
    assert grades(graded) == before


def test_a_schedule_that_nobody_refreshed_does_not_keep_a_game_going(graded: Heal) -> None:
    reschedule(graded, status="'scheduled'")
    answer = graded.ask()
    assert answer["metadata"]["phase"] == "phase1"
    assert "are over and not final in the schedule" in answer["result"]["reason"]
    assert graded.ask()["result"]["reason"] == "complete"


@pytest.mark.parametrize("name", ["best-bets/{day}.json", "predictions/{day}.json", "results/{day}.json"])
def test_a_file_of_a_played_date_that_is_gone_is_exported_again(graded: Heal, name: str) -> None:
    path = graded.embedded.folder / "exports" / "v1" / name.format(day=graded.day)
    before = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    answer = graded.ask()
    assert answer["metadata"]["phase"] == "phase6"
    after = json.loads(path.read_text(encoding="utf-8"))
    assert {**after, "generated_at": ""} == {**before, "generated_at": ""}
    assert graded.ask()["result"]["reason"] == "complete"


def test_predictions_of_a_played_date_that_are_gone_are_named(graded: Heal) -> None:
    """Nobody predicts a game that was played: no restart, and an alert with what to do."""
    gone = graded.take_away(PREDICTIONS, "game_date = @day AND MOD(player_id, 3) = 0")
    answer = graded.ask()
    assert answer["result"]["status"] == "failed"
    assert "grades are of predictions that are gone" in answer["result"]["reason"]
    assert "restore the date's rows of nba_predictions.player_prop_predictions" in answer["result"]["reason"]
    assert gone > 0
    assert graded.heals() == []
    (alert,) = graded.embedded.bus.pull("nba-alerts-operators")
    assert json.loads(alert.data)["fingerprint"] == f"self-heal-lost-{graded.day}"
