"""A unit of several players, one of whom is bad: he costs himself alone, whichever way he is
bad.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.phase5_worker import system_breakers
from local.embedded.bus import Delivery
from local.host.dispatcher import envelope
from shared.chain.batches.completion import close_partial, complete_unit
from shared.chain.batches.reading import get_batch, units_of
from shared.chain.batches.records import Batch, BatchStatus, ClosedAs, UnitResult, UnitStatus, path_of
from shared.chain.batches.split import split_unit
from shared.chain.execution.handler import Response, handle
from shared.chain.messages.outbox import OutboxBlob, OutboxMessage, pack_lines
from shared.chain.resilience import circuit_breaker, dead_letters, deferred
from shared.chain.resilience.dead_letters import DeadLetter
from shared.core import failpoints
from shared.core.errors import DataError, LeaseHeld, StorageFault, StoreUnavailable
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.science.predictions.predict import predict_players
from shared.science.systems import moving_average
from tests.pipeline.evening import (
    BATCH,
    EARLY,
    FEATURES,
    GAMES,
    LATE,
    LINES,
    current_predictions,
    feature_row,
    history_rows,
    line_row,
    trigger,
)
from tests.pipeline.staged import open_batch
from tests.pipeline.support import NOW, PHASE5, Killed, PipelineHarness, make_template, open_world
from tests.pipeline.sweeping import WITH_SWEEP, sweep_once

pytestmark = pytest.mark.heavy  # an evening of units for every test

# Twenty players in two units; of each game ten, every other one with a line.
CROWD = range(301, 321)
LINED = frozenset(CROWD[::2])
UNITS = 2
BAD = 307
COORDINATOR = {"phase5_coordinator": PHASE5["phase5_coordinator"]}
WORKERS = {"phase5_worker": PHASE5["phase5_worker"]}
DEAD = "phase5-worker-prediction-request-dead-letter"


@pytest.fixture(scope="module")
def crowd_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crowd")
    with open_world(folder, make_template(tmp_path_factory.mktemp("empty")), on_disk=True) as world:
        games = {player: EARLY if player < 311 else LATE for player in CROWD}
        world.add(FEATURES, [feature_row(player, game) for player, game in games.items()])
        world.add(LINES, [line_row(player, games[player], "20.5", "bookone") for player in sorted(LINED)])
        world.add(GAMES, [row for player in CROWD for row in history_rows(player)])
    return folder / "warehouse.duckdb"


@pytest.fixture
def crowd(tmp_path: Path, crowd_template: Path) -> Iterator[PipelineHarness]:
    with open_world(tmp_path / "state", crowd_template, Settings(max_units=UNITS)) as world:
        yield world


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, crowd_template: Path) -> list[dict[str, Any]]:
    """What is predicted where nobody is bad and every player is a unit of his own."""
    with open_world(tmp_path_factory.mktemp("whole"), crowd_template, Settings(max_units=200)) as world:
        trigger(world)
        world.run_until_idle()
        assert len(batch_of(world).units) == len(CROWD)
        return current_predictions(world)


Bad = Callable[[int], Exception | None]


@pytest.fixture
def predict(monkeypatch: pytest.MonkeyPatch) -> Callable[[Bad], None]:
    """Make the systems' code have a defect that `bad` players bring out: what it raises for a
    player, or None.
    """
    real = predict_players

    def install(bad: Bad) -> None:
        def fail_for_bad(players: Any, *arguments: Any, **options: Any) -> Any:
            for player in players:
                error = bad(player["features"]["player_id"])
                if error is not None:
                    raise error
            return real(players, *arguments, **options)

        monkeypatch.setattr(system_breakers, "predict_players", fail_for_bad)

    return install


def batch_of(world: PipelineHarness) -> Batch:
    found = get_batch(world.state, BATCH)
    assert found is not None
    return found


def unit_with(world: PipelineHarness, player_id: int) -> str:
    """The unit that a player was first put into."""
    (row,) = world.rows("SELECT unit FROM nba_monitoring.expected_outputs WHERE player_id = @id", id=player_id)
    return str(row["unit"])


def units_before(world: PipelineHarness, player_id: int) -> list[int]:
    """Everybody in that unit."""
    sql = "SELECT player_id FROM nba_monitoring.expected_outputs WHERE unit = @unit ORDER BY player_id"
    return [int(row["player_id"]) for row in world.rows(sql, unit=unit_with(world, player_id))]


def without(rows: list[dict[str, Any]], *players: int) -> list[dict[str, Any]]:
    return [row for row in rows if row["player_id"] not in players]


def letters(world: PipelineHarness) -> list[DeadLetter]:
    return dead_letters.list_dead_letters(world.bus, load_pipeline(), world.clock.now())


def list_announced(world: PipelineHarness) -> list[dict[str, Any]]:
    """What was said of the batch's consolidation; a death after it was published says it twice."""
    return world.list_published("nba-phase5-predictions-complete")


def redrive(world: PipelineHarness) -> None:
    dead_letters.redrive(world.runtime, letters(world), who="op", reason="mended")
    world.run_until_idle()


def raising(*players: int) -> Bad:
    return lambda player: ValueError(f"player {player} has odd figures") if player in players else None


def expect_alone(world: PipelineHarness, whole: list[dict[str, Any]], *bad: int) -> None:
    """All others are predicted as if nobody were bad; each bad one is failed, named, and a dead
    letter of his own.
    """
    assert current_predictions(world) == without(whole, *bad)
    names = sorted(str(player) for player in bad)
    batch = batch_of(world)
    assert (batch.status, batch.closed_as, list(batch.missing)) == ("CONSOLIDATED", "complete", names)
    failed = [unit for unit in units_of(world.state, BATCH) if unit.status == UnitStatus.FAILED]
    assert [unit.unit for unit in failed] == names
    assert [unit.error for unit in failed] == [f"ValueError: player {name} has odd figures" for name in names]
    # a request that was published twice, by a death in between, becomes two letters
    assert {json.loads(letter.data)["unit"] for letter in letters(world)} == set(names)
    sent = list_announced(world)
    announced = [(each["status"], each["records_failed"], each["reason"], each["sequence"]) for each in sent]
    assert set(announced) == {("partial", len(bad), f"units missing or failed: {', '.join(names)}", 1)}
    assert world.staging_tables() == []


def expect_mended(world: PipelineHarness, whole: list[dict[str, Any]]) -> None:
    assert current_predictions(world) == whole
    assert list(batch_of(world).missing) == []
    assert letters(world) == []
    assert world.staging_tables() == []
    assert not any(each["outbox_pending"] for each in [*world.documents("batches"), *world.documents("executions")])


# --- who is bad -----------------------------------------------------------------------------------


def test_nobody_is_split_where_nobody_is_bad(crowd: PipelineHarness, whole: list[dict[str, Any]]) -> None:
    trigger(crowd)
    crowd.run_until_idle()
    assert batch_of(crowd).units == ["group-0000", "group-0001"]
    expect_mended(crowd, whole)


def test_one_bad_player_of_twenty_costs_himself_alone_and_redriven_he_is_predicted(
    crowd: PipelineHarness, whole: list[dict[str, Any]], predict: Callable[[Bad], None]
) -> None:
    predict(raising(BAD))
    trigger(crowd)
    answers = crowd.run_until_idle()
    expect_alone(crowd, whole, BAD)
    assert len(letters(crowd)) == 1
    neighbours = [str(player) for player in units_before(crowd, BAD)]
    assert len(neighbours) == len(CROWD) / UNITS
    (other,) = {"group-0000", "group-0001"} - {unit_with(crowd, BAD)}
    assert batch_of(crowd).units == [other, *neighbours]
    assert batch_of(crowd).split == [unit_with(crowd, BAD)]
    tries = load_pipeline().functions["phase5_worker"].max_delivery_attempts
    refused = [answer for name, answer in answers if name == "phase5_worker" and answer.status != 200]
    assert len(refused) == 1 + tries, "the unit once, he as often as anybody is tried"
    predict(raising())
    redrive(crowd)
    expect_mended(crowd, whole)
    assert [each["sequence"] for each in list_announced(crowd)] == [1, 2]


def test_several_bad_players_in_both_units(
    crowd: PipelineHarness, whole: list[dict[str, Any]], predict: Callable[[Bad], None]
) -> None:
    bad = (302, BAD, 311)
    predict(raising(*bad))
    trigger(crowd)
    crowd.run_until_idle()
    assert len({unit_with(crowd, player) for player in bad}) == UNITS
    expect_alone(crowd, whole, *bad)
    predict(raising())
    redrive(crowd)
    expect_mended(crowd, whole)


def test_where_all_are_bad_the_batch_fails_loudly_and_is_mended(
    crowd: PipelineHarness, whole: list[dict[str, Any]], predict: Callable[[Bad], None]
) -> None:
    """Failures without a success between open the worker's breaker, which holds what is left for
    half an hour.
    """
    predict(raising(*CROWD))
    trigger(crowd)
    while batch_of_or_none(crowd) is None or batch_of(crowd).status != "FAILED":
        crowd.run_until_idle()
        crowd.move(minutes=31)
        deferred.release_deferred(crowd.runtime)
        sweep_once(crowd)
    assert "units staged a row" in str(batch_of(crowd).failure)
    assert [alert["severity"] for alert in crowd.alerts() if "consolidation-failed" in alert["fingerprint"]]
    assert current_predictions(crowd) == []
    predict(raising())
    circuit_breaker.reset(crowd.runtime, "processor-phase5_worker", who="op", reason="mended")
    deferred.release_deferred(crowd.runtime)
    crowd.run_until_idle()
    redrive(crowd)
    expect_mended(crowd, whole)


def batch_of_or_none(world: PipelineHarness) -> Batch | None:
    return get_batch(world.state, BATCH)


def test_a_player_for_whom_the_process_dies_costs_himself_alone(
    crowd: PipelineHarness, whole: list[dict[str, Any]], predict: Callable[[Bad], None]
) -> None:
    deaths: list[int] = []

    def kill(player: int) -> None:
        if player == BAD:
            deaths.append(player)
            crowd.kill()
            raise Killed(str(player))

    predict(kill)
    trigger(crowd)
    for _ in range(20):
        try:
            crowd.run_until_idle()
            break
        except Killed:
            crowd.start()
    tries = load_pipeline().functions["phase5_worker"].max_delivery_attempts
    assert len(deaths) == 2 + tries, "twice with the others, then alone"
    (letter,) = letters(crowd)
    assert json.loads(letter.data)["unit"] == str(BAD)
    # nobody could record that he failed: the sweep closes the batch without him
    crowd.move(minutes=10)
    assert [(each["why"], each["missing"]) for each in sweep_once(crowd)["metadata"]["closed"]] == [
        (f"no completion for 10 min, {len(CROWD) / UNITS:.0f} of {1 + len(CROWD) / UNITS:.0f} units recorded", ["307"])
    ]
    crowd.run_until_idle()
    assert current_predictions(crowd) == without(whole, BAD)
    predict(raising())
    redrive(crowd)
    expect_mended(crowd, whole)


def test_a_request_with_damaged_lines_of_one_player_spares_the_others(
    crowd: PipelineHarness, whole: list[dict[str, Any]]
) -> None:
    """No defect but data: what was kept of the requests says of his line what no line can be."""
    trigger(crowd)
    with crowd.kill_at("coordinator.requests_written"), pytest.raises(Killed):
        crowd.run_until_idle()
    crowd.start()
    path = f"requests/2025-11-14/{BATCH}.e1.jsonl.gz"
    requests = [json.loads(line) for line in gzip.decompress(crowd.raw.read(path).data).splitlines()]
    (his,) = [one for each in requests for one in each["players"] if one["features"]["player_id"] == BAD]
    his["lines"]["points"]["main"] = "about twenty"
    crowd.raw.write(path, pack_lines(map(json.dumps, requests)), content_type="application/gzip")
    crowd.run_until_idle()
    assert current_predictions(crowd) == without(whole, BAD)
    (unit,) = [each for each in units_of(crowd.state, BATCH) if each.status == UnitStatus.FAILED]
    assert unit.unit == str(BAD)
    assert "InvalidOperation" in str(unit.error)


def test_a_system_that_fails_for_one_player_is_left_out_for_him_alone(
    crowd: PipelineHarness, whole: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = moving_average.predict
    odd = {row["points_ewma_20"] for row in [feature_row(BAD, EARLY)]}

    def predict(features: Any, *arguments: Any) -> Any:
        if odd & set(features["points_ewma_20"].tolist()):
            raise ZeroDivisionError("no games of his count")
        return real(features, *arguments)

    monkeypatch.setattr(moving_average, "predict", predict)
    trigger(crowd)
    crowd.run_until_idle()
    assert list(batch_of(crowd).missing) == []
    found = current_predictions(crowd)
    assert without(found, BAD) == without(whole, BAD)
    codes = {(row["system_id"], row["error_code"]) for row in found if row["player_id"] == BAD}
    assert ("moving_average", "system_failed") in codes
    assert ("similarity_balanced_v1", None) in codes


# --- what is nobody's fault -----------------------------------------------------------------------


class _LoadsFail:
    """The warehouse, but loads into one unit's staging table fail so often."""

    def __init__(self, warehouse: Any, unit: str, times: int, error: Exception) -> None:
        self._warehouse, self._unit, self.left, self._error = warehouse, unit, times, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._warehouse, name)

    def load(self, table: str, *arguments: Any, **options: Any) -> int:
        if table.endswith(f"__{self._unit}") and self.left:
            self.left -= 1
            raise self._error
        return int(self._warehouse.load(table, *arguments, **options))


@pytest.mark.parametrize(("times", "split"), [(1, []), (2, ["group-0000"]), (99, ["group-0000"])])
def test_what_waiting_may_mend_splits_nothing_before_the_third_delivery(
    crowd: PipelineHarness, whole: list[dict[str, Any]], times: int, split: list[str]
) -> None:
    healthy = crowd.runtime.warehouse
    crowd.swap(warehouse=_LoadsFail(healthy, "group-0000", times, StoreUnavailable("quota exceeded")))
    trigger(crowd)
    crowd.run_until_idle()
    assert batch_of(crowd).split == split
    expect_mended(crowd, whole)


def test_a_storage_fault_splits_nothing(crowd: PipelineHarness, whole: list[dict[str, Any]]) -> None:
    crowd.swap(warehouse=_LoadsFail(crowd.runtime.warehouse, "group-0000", 9, StorageFault("the disk is full")))
    trigger(crowd)
    crowd.run_until_idle(COORDINATOR)
    for _ in range(12):
        for delivery in crowd.bus.due({"phase5_worker": 1}):
            push(crowd, delivery)
    crowd.run_until_idle()
    assert batch_of(crowd).split == []
    expect_mended(crowd, whole)


def push(world: PipelineHarness, delivery: Delivery) -> Response:
    """Push a delivery as the dispatcher does; after a storage fault it counts as none."""
    run, model = PHASE5["phase5_worker"]
    answer = handle("phase5_worker", run, model, envelope(delivery), world.runtime)
    if answer.body.get("error_type") == "StorageFault":
        world.bus.give_back(delivery)
    elif answer.status == 200:
        world.bus.acknowledge(delivery)
    return answer


# --- who dies, stands still or comes late while a unit is split -----------------------------------


@pytest.mark.parametrize(
    ("point", "occasion"),
    [
        ("split.requests_kept", 1),
        ("split.recorded", 1),
        ("outbox.published", 1),
        ("handler.taken", 3),
        ("batch.unit_recorded", 5),
    ],
)
def test_a_death_while_a_unit_is_split_loses_nobody(
    crowd: PipelineHarness, whole: list[dict[str, Any]], predict: Callable[[Bad], None], point: str, occasion: int
) -> None:
    predict(raising(BAD))
    trigger(crowd)
    crowd.run_until_idle(COORDINATOR)
    with crowd.kill_at(point, occasion):
        with pytest.raises(Killed):
            crowd.run_until_idle()
        crowd.start()
        crowd.run_until_idle()
    expect_alone(crowd, whole, BAD)


def test_who_stood_still_reports_a_unit_that_was_split_meanwhile(
    crowd: PipelineHarness, whole: list[dict[str, Any]], predict: Callable[[Bad], None]
) -> None:
    """The first delivery's process comes back when the players are at work alone: what it says
    counts for nothing.
    """
    stood_still: list[str] = []

    def stand_still(point: str) -> None:
        if point == "worker.staged" and not stood_still:
            stood_still.append(point)
            crowd.move(minutes=12)
            predict(raising(BAD))
            for _ in range(3):
                crowd.run_until_idle(WORKERS, wait=False)
            predict(raising())

    trigger(crowd)
    crowd.run_until_idle(COORDINATOR)
    order = units_before(crowd, BAD)
    failpoints.install(stand_still)
    try:
        crowd.run_until_idle()
    finally:
        failpoints.install(None)
    assert stood_still
    assert len(order) == len(CROWD) / UNITS
    crowd.run_until_idle()
    expect_mended(crowd, whole)


def test_a_unit_that_a_closed_batch_names_as_missing_is_split_into_missing_players(
    crowd: PipelineHarness, whole: list[dict[str, Any]], predict: Callable[[Bad], None]
) -> None:
    trigger(crowd)
    crowd.run_until_idle(COORDINATOR)
    late = unit_with(crowd, BAD)
    claimed = {json.loads(each.data)["unit"]: each for each in crowd.bus.due({"phase5_worker": UNITS})}
    (other,) = set(claimed) - {late}
    crowd.deliver(claimed[other])
    crowd.move(minutes=31)
    assert sweep_once(crowd)["metadata"]["closed"][0]["missing"] == [late]
    predict(raising(BAD))
    crowd.run_until_idle(WITH_SWEEP)
    assert list(batch_of(crowd).missing) == [str(BAD)]
    assert current_predictions(crowd) == without(whole, BAD)
    predict(raising())
    redrive(crowd)
    expect_mended(crowd, whole)


# --- the split itself -----------------------------------------------------------------------------

REQUESTS = OutboxBlob("prediction-request", "held/units/x.jsonl.gz")


def split(world: PipelineHarness, **changes: Any) -> bool:
    return split_unit(world.state, BATCH, "group-0000", ("1", "2"), REQUESTS, **changes)


@pytest.fixture
def opened(world: PipelineHarness) -> PipelineHarness:
    open_batch(world, "group-0000", "9")
    world.raw.write(REQUESTS.path, pack_lines(["{}", "{}"]), content_type="application/gzip")
    return world


def test_a_unit_is_split_once_and_its_requests_are_in_the_same_write(opened: PipelineHarness) -> None:
    assert split(opened)
    assert not split(opened)
    batch = batch_of(opened)
    assert (batch.units, batch.unit_count, batch.split) == (["9", "1", "2"], 3, ["group-0000"])
    assert [entry["blob"] for entry in batch.outbox] == [REQUESTS.path]
    assert batch.outbox_pending


def result(unit: str, status: UnitStatus) -> UnitResult:
    return UnitResult(unit, status, 0, None, 2, None, NOW)


def test_what_is_done_or_superseded_is_not_split(opened: PipelineHarness) -> None:
    opened.state.update(path_of(BATCH), {"status": BatchStatus.SUPERSEDED})
    assert not split(opened)
    opened.state.update(path_of(BATCH), {"status": BatchStatus.OPEN})
    complete_unit(opened.state, BATCH, result("group-0000", UnitStatus.DONE), never)
    assert not split(opened)
    assert batch_of(opened).split == []


def never(batch: Batch, sequence: int) -> Any:
    raise AssertionError(f"{batch.batch_id} is announced although its units are not recorded")


@pytest.mark.parametrize("reported", [UnitStatus.DONE, UnitStatus.FAILED])
def test_what_a_split_unit_reports_closes_nothing_and_is_nobodys_failure(
    opened: PipelineHarness, reported: UnitStatus
) -> None:
    """Of three units two and the split one have reported: one more than a count would ask for."""
    split(opened)
    for unit in ("9", "1"):
        complete_unit(opened.state, BATCH, result(unit, UnitStatus.DONE), never)
    complete_unit(opened.state, BATCH, result("group-0000", reported), never)
    assert batch_of(opened).status == BatchStatus.OPEN
    sequences: list[int] = []

    def announcement(batch: Batch, sequence: int) -> Any:
        sequences.append(sequence)
        return OutboxMessage("nba-phase5-batch-complete", "{}")

    complete_unit(opened.state, BATCH, result("2", UnitStatus.DONE), announcement)
    assert (batch_of(opened).status, list(batch_of(opened).missing), sequences) == (BatchStatus.CLOSED, [], [1])


def test_a_sweep_calls_a_batch_partial_whose_split_unit_reported_in_anothers_place(opened: PipelineHarness) -> None:
    split(opened)
    for unit in ("9", "1", "group-0000"):
        complete_unit(opened.state, BATCH, result(unit, UnitStatus.DONE), never)
    missing = close_partial(
        opened.state, batch_of(opened), NOW, lambda batch, sequence: OutboxMessage("nba-phase5-batch-complete", "{}")
    )
    assert (missing, batch_of(opened).closed_as) == (["2"], ClosedAs.PARTIAL)


def test_who_was_taken_over_splits_nothing(opened: PipelineHarness) -> None:
    def fence(transaction: Any) -> None:
        raise LeaseHeld("another has taken over")

    with pytest.raises(LeaseHeld):
        split(opened, fence=fence)
    assert batch_of(opened).split == []


def test_a_batch_that_does_not_exist_is_named(world: PipelineHarness) -> None:
    with pytest.raises(DataError, match=BATCH):
        split(world)
