"""The breakers of single parts: a prediction system that fails is left out, a source that is down
is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.phase1_scrape.scrape import run as scrape
from shared.chain.execution.context import Outcome
from shared.chain.messages.messages import Mode, PhaseMessage
from shared.chain.resilience import circuit_breaker
from shared.core.concurrency import use_sequential
from shared.core.errors import (
    STORAGE_FAULTS,
    DataError,
    SchemaMismatch,
    SourceUnavailable,
    StorageFault,
    StoreUnavailable,
)
from shared.science.predictions.predict import predict_players
from shared.science.systems import zone_matchup
from shared.science.systems.error_codes import NOTHING_TO_SAY
from shared.science.systems.output import ZONE_MATCHUP
from shared.stores.runtime import Runtime
from tests.pipeline.evening import PLAYERS, PREDICTIONS, TOTAL_ROWS, current_predictions, trigger
from tests.pipeline.support import PHASE5, PipelineHarness
from tests.pipeline.test_deferred import StateLost
from tests.pipeline.test_scrape_faults import MORNING
from tests.support.embedded import ManualClock
from tests.support.fake_sources import DAY, FakeSources, Reply, serving, settings_for
from tests.support.stores import context_of, open_stores

COORDINATOR = {"phase5_coordinator": PHASE5["phase5_coordinator"]}
WORKERS = {"phase5_worker": PHASE5["phase5_worker"]}
EMPTY_SEASON = {"leagueSchedule": {"seasonYear": "2052-53", "leagueId": "00", "gameDates": []}}
SYSTEM = f"system-{ZONE_MATCHUP}"


def defective(*arguments: Any) -> Any:
    raise ZeroDivisionError("no games")


def system_failures(world: PipelineHarness, times: int) -> None:
    for number in range(times):
        circuit_breaker.record_failure(world.runtime, SYSTEM, ZeroDivisionError("no games"), execution=f"unit-{number}")


def rows_of(world: PipelineHarness) -> list[dict[str, Any]]:
    return world.rows(
        f"SELECT system_id, error_code, error_message, recommendation FROM {PREDICTIONS} ORDER BY system_id"
    )


def codes_of_zones(world: PipelineHarness) -> set[str | None]:
    """What the rows of zone_matchup_v1 lack, of the statistics that it speaks of."""
    return {row["error_code"] for row in rows_of(world) if row["system_id"] == ZONE_MATCHUP} - {NOTHING_TO_SAY}


# --- a system -------------------------------------------------------------------------------------


def test_a_system_that_fails_five_units_is_left_out_and_the_others_are_served(
    evening: PipelineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    system_failures(evening, 1)  # of an earlier batch: this one has four units
    monkeypatch.setattr(zone_matchup, "predict", defective)
    trigger(evening)
    answers = [answer for function, answer in evening.run_until_idle() if function == "phase5_worker"]
    assert [answer.status for answer in answers[:3]] == [500] * 3
    assert f"{ZONE_MATCHUP}: ZeroDivisionError: no games" in answers[0].body["reason"]
    assert {answer.body["status"] for answer in answers[3:]} == {"success"}
    assert len(answers) == 3 + len(PLAYERS)
    rows = rows_of(evening)
    assert len(rows) == TOTAL_ROWS
    left_out = [row for row in rows if row["error_code"] == "breaker_open"]
    assert codes_of_zones(evening) == {"breaker_open"}
    assert {row["recommendation"] for row in left_out} == {"PASS", "NO_LINE"}
    assert all(row["error_message"].startswith(f"breaker {SYSTEM} is open until") for row in left_out)
    assert all("ZeroDivisionError: no games" in row["error_message"] for row in left_out)
    assert "breaker_open" not in {row["error_code"] for row in rows if row["system_id"] != ZONE_MATCHUP}
    # the units that then succeeded closed the worker's own
    assert list(circuit_breaker.read_kind(evening.runtime, "processor")) == []


def test_one_unit_alone_is_served_at_its_fifth_attempt(
    evening: PipelineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger(evening)
    evening.run_until_idle(COORDINATOR)
    first, *others = evening.bus.due(dict.fromkeys(WORKERS, len(PLAYERS)))
    for delivery in others:
        evening.deliver(delivery)
    monkeypatch.setattr(zone_matchup, "predict", defective)
    assert evening.deliver(first).status == 500
    evening.run_until_idle()
    (batch,) = evening.documents("batches")
    assert (batch["status"], batch["missing_units"]) == ("CONSOLIDATED", [])
    left_out = [row for row in rows_of(evening) if row["error_code"] == "system_failed"]
    assert {(row["system_id"], row["error_message"]) for row in left_out} == {
        (ZONE_MATCHUP, f"{ZONE_MATCHUP}: ZeroDivisionError: no games")
    }
    assert len(left_out) == 5 + 1, "his points at five lines, and his threes"
    # one unit's trouble is nobody else's
    assert circuit_breaker.read(evening.runtime, SYSTEM).failures == 1
    assert circuit_breaker.state_of(evening.runtime, SYSTEM) == "closed"


def test_a_half_open_system_is_tried_by_one_unit_and_closes(
    evening: PipelineHarness, undisturbed: PipelineHarness
) -> None:
    system_failures(evening, 5)
    evening.move(minutes=30)
    trigger(evening)
    evening.run_until_idle()
    # deliveries are one after the other here: the first unit's trial closed it for all
    assert circuit_breaker.read_kind(evening.runtime, "system") == {}
    assert codes_of_zones(evening) == {None}
    assert len(current_predictions(evening)) == len(current_predictions(undisturbed))


def test_while_another_unit_has_the_trial_the_system_is_left_out(evening: PipelineHarness) -> None:
    system_failures(evening, 5)
    evening.move(minutes=30)
    assert circuit_breaker.acquire_permit(evening.runtime, SYSTEM, trial=timedelta(minutes=5)).granted
    trigger(evening)
    evening.run_until_idle()
    assert codes_of_zones(evening) == {"breaker_open"}


def test_a_trial_that_fails_is_served_without_the_system_at_once(
    evening: PipelineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zone_matchup, "predict", defective)
    system_failures(evening, 5)
    evening.move(minutes=30)
    trigger(evening)
    answers = evening.run_until_idle()
    assert {answer.status for _, answer in answers} == {200}
    assert circuit_breaker.state_of(evening.runtime, SYSTEM) == "open"


def test_a_clean_day_writes_nothing_about_breakers(evening: PipelineHarness) -> None:
    trigger(evening)
    evening.run_until_idle()
    assert evening.documents("breakers") == []


def test_a_unit_whose_system_failed_is_retried_although_the_breaker_cannot_be_told(
    evening: PipelineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zone_matchup, "predict", defective)
    trigger(evening)
    evening.run_until_idle(COORDINATOR)
    evening.swap(state=StateLost(evening.runtime.state))
    (delivery,) = evening.bus.due(dict.fromkeys(WORKERS, 1))
    assert f"{ZONE_MATCHUP}: ZeroDivisionError" in evening.deliver(delivery).body["reason"]


def test_wrong_features_are_nobody_s_single_failure(evening: PipelineHarness) -> None:
    """What all systems need is loud and counts for no system."""
    trigger(evening)
    evening.run_until_idle(COORDINATOR)
    (request, *_) = evening.list_published("prediction-request")
    del request["players"][0]["features"]["points_ewma_20"]
    evening.publish("prediction-request", request)
    with pytest.raises(SchemaMismatch, match="points_ewma_20"):
        predict_players(request["players"], {}, evening.settings)
    evening.run_until_idle(WORKERS)
    assert circuit_breaker.read_kind(evening.runtime, "system") == {}


# --- the disk -------------------------------------------------------------------------------------


class Unusable:
    """A port whose disk does not take what is written."""

    def __init__(self, port: Any, fault: StorageFault) -> None:
        self._port = port
        self._fault = fault

    def load(self, *_arguments: Any, **_named: Any) -> int:
        raise self._fault

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


@pytest.mark.parametrize("kind", STORAGE_FAULTS.values())
def test_a_disk_that_cannot_be_used_counts_for_no_breaker_and_gives_no_unit_up(
    evening: PipelineHarness, kind: type[StorageFault]
) -> None:
    trigger(evening)
    evening.run_until_idle(COORDINATOR)
    evening.swap(warehouse=Unusable(evening.runtime.warehouse, kind("warehouse.duckdb", next_step="make room.")))
    deliveries = evening.bus.due(dict.fromkeys(WORKERS, len(PLAYERS)))
    answers = [evening.deliver(replace(delivery, attempt=5)) for delivery in deliveries for _ in range(2)]
    assert {(answer.status, answer.body["error_type"]) for answer in answers} == {(503, kind.__name__)}
    assert circuit_breaker.read_kind(evening.runtime, "processor") == {}
    (batch,) = evening.documents("batches")
    assert batch["status"] != "CONSOLIDATED", "no unit was recorded as failed"


# --- a source -------------------------------------------------------------------------------------


class Scraper:
    """Phase 1 on real stores, its sources at a real server; every run is another."""

    def __init__(self, runtime: Runtime, sources: FakeSources, clock: ManualClock) -> None:
        self.runtime, self.sources, self.clock = runtime, sources, clock
        self.runs = 0

    def run(self, mode: Mode = "same_day", *, attempt: int = 1, run_id: str = "", day: date = DAY) -> Outcome:
        self.runs += 1
        context = context_of(
            self.runtime, "phase1_scrape", day, mode=mode, attempt=attempt, run_id=run_id or f"run-{self.runs}"
        )
        return scrape(PhaseMessage(game_date=day), context)

    def standing(self, source: str) -> str:
        return circuit_breaker.state_of(self.runtime, f"source-{source}")

    def failures(self, source: str) -> int:
        return circuit_breaker.read(self.runtime, f"source-{source}").failures


@pytest.fixture
def scraper(tmp_path: Path) -> Iterator[Scraper]:
    with ExitStack() as stack:
        sources = stack.enter_context(serving(FakeSources()))
        clock = ManualClock(MORNING)
        runtime = stack.enter_context(open_stores(tmp_path, clock, settings=settings_for(sources.base_url)))
        yield Scraper(runtime, sources, clock)


def test_a_source_that_failed_five_times_is_not_asked_and_the_phase_says_so(scraper: Scraper) -> None:
    scraper.sources.says["injuries"] = Reply(500)
    for number in range(5):
        assert scraper.run().metadata["failed"].keys() == {"injuries"}
        assert scraper.failures("espn") == number + 1  # one a run, although each asks twice
    scraper.sources.asked.clear()
    outcome = scraper.run()
    assert outcome.status == "partial"
    assert "not asked: breaker source-espn is open until 2025-11-14T17:00:00Z" in outcome.metadata["failed"]["injuries"]
    assert "injuries" not in scraper.sources.asked
    assert {scraper.standing(source) for source in ("nba", "odds_api")} == {"closed"}


def test_attempts_of_one_run_are_one_failure_of_its_sources(scraper: Scraper) -> None:
    scraper.sources.says = {"schedule": Reply(503)}
    for attempt in range(1, 6):
        with pytest.raises(SourceUnavailable, match="answered 503"):
            scraper.run(attempt=attempt, run_id="unlucky")
    assert (scraper.failures("nba"), scraper.standing("nba")) == (1, "closed")
    scraper.sources.says = {"box P": Reply(500), "box T": Reply(500)}
    scraper.sources.final = True
    scraper.run("results", run_id="two tasks", attempt=5)
    assert scraper.failures("nba") == 1


@pytest.mark.parametrize(
    "reply", [Reply.of(EMPTY_SEASON), Reply(404, b"{}"), Reply(400, b"{}")], ids=["empty", "404", "400"]
)
@pytest.mark.parametrize("day", [date(2027, 3, 1), date(1950, 1, 15), date(2025, 6, 1)], ids=str)
def test_a_season_that_the_source_does_not_have_is_the_message_s_fault(
    scraper: Scraper, day: date, reply: Reply
) -> None:
    scraper.sources.says["schedule"] = reply
    for attempt in range(1, 6):
        with pytest.raises(DataError, match="has no game of the season") as refused:
            scraper.run(attempt=attempt, run_id="far", day=day)
        assert refused.value.event == "no_such_season"
    assert (scraper.failures("nba"), len(scraper.sources.asked)) == (0, 5)


@pytest.mark.parametrize("reply", [Reply.of(EMPTY_SEASON), Reply(404, b"{}")], ids=["empty", "404"])
def test_the_current_season_missing_is_the_source_s_fault(scraper: Scraper, reply: Reply) -> None:
    scraper.sources.says["schedule"] = reply
    with pytest.raises(SourceUnavailable):
        scraper.run()
    assert scraper.failures("nba") == 1


def test_a_source_down_is_its_own_fault_whatever_season_it_was_asked_for(scraper: Scraper) -> None:
    for number, reply in enumerate([Reply(503), Reply(403), Reply(200, b"<html>")], start=1):
        scraper.sources.says["schedule"] = reply
        with pytest.raises(SourceUnavailable):
            scraper.run(day=date(2024, 1, 15))
        assert scraper.failures("nba") == number


def test_after_half_an_hour_it_is_asked_again_and_closes(scraper: Scraper) -> None:
    scraper.sources.says["injuries"] = Reply(500)
    for _ in range(5):
        scraper.run()
    scraper.clock.move(minutes=30)
    scraper.run()
    assert scraper.standing("espn") == "open"
    scraper.clock.move(minutes=30)
    del scraper.sources.says["injuries"]
    assert scraper.run().status == "success"
    assert scraper.standing("espn") == "closed"


def test_all_tasks_of_the_run_that_has_the_trial_are_asked(scraper: Scraper) -> None:
    for number in range(5):
        error = SourceUnavailable("down")
        circuit_breaker.record_failure(scraper.runtime, "source-odds_api", error, execution=f"run-of-before-{number}")
    scraper.clock.move(minutes=30)
    assert scraper.run().status == "success"
    assert scraper.standing("odds_api") == "closed"


def test_the_schedule_s_source_fails_the_phase_as_long_as_it_is_left_alone(scraper: Scraper) -> None:
    scraper.sources.says["schedule"] = Reply(503)
    for _ in range(5):
        with pytest.raises(SourceUnavailable, match="answered 503"):
            scraper.run()
    scraper.sources.asked.clear()
    with pytest.raises(SourceUnavailable, match="not asked: breaker source-nba is open"):
        scraper.run()
    assert scraper.sources.asked == []


def test_what_was_fetched_before_needs_no_source_and_tells_its_breaker_nothing(scraper: Scraper) -> None:
    use_sequential(lambda n: list(reversed(range(n))))  # the players, which are kept, come after the teams, which fail
    try:
        scraper.sources.says["box T"] = Reply(500)
        scraper.sources.final = True
        runs = [f"run-with-players-{number}" for number in range(5)]
        for run_id in runs:
            scraper.run("results", run_id=run_id, attempt=5)
            assert scraper.failures("nba") == 0
        for number, run_id in enumerate(runs):
            for _ in range(2):  # a later attempt is the same execution
                scraper.run("results", run_id=run_id, attempt=5)
                assert scraper.failures("nba") == number + 1
        outcome = scraper.run("results", run_id=runs[0], attempt=5)
    finally:
        use_sequential(None)
    assert list(outcome.metadata["failed"]) == ["team_boxscores"]
    assert "not asked" in outcome.metadata["failed"]["team_boxscores"]


def test_a_source_that_has_nothing_yet_is_not_down(scraper: Scraper) -> None:
    scraper.sources.says["events"] = Reply.of([])
    for _ in range(6):
        outcome = scraper.run()
        assert "lists no event" in outcome.metadata["failed"]["odds"]
    assert scraper.failures("odds_api") == 0


def test_a_source_s_failure_that_cannot_be_counted_stays_that_failure(scraper: Scraper) -> None:
    scraper.sources.says["injuries"] = Reply(500)
    lost: Any = StateLost(scraper.runtime.state)
    scraper.runtime = replace(scraper.runtime, state=lost)
    assert "answered 500" in scraper.run().metadata["failed"]["injuries"]


def test_a_state_store_that_is_down_is_no_source_s_failure(scraper: Scraper) -> None:
    class Down:
        def get(self, path: str) -> Any:
            raise StoreUnavailable("no answer")

    down: Any = Down()
    scraper.runtime = replace(scraper.runtime, state=down)
    with pytest.raises(StoreUnavailable):
        scraper.run()
    assert scraper.sources.asked == []
