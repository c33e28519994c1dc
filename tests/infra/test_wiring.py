"""pipeline.yaml against itself, the folders and the code, in both directions: nothing is published
into the void, nothing waits for what nobody sends.
"""

from __future__ import annotations

import ast
import heapq
import importlib
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
import yaml

from shared.chain.messages.messages import Mode, PhaseMessage
from shared.core import pipeline
from shared.core.clock import GAME_LENGTH, at_new_york, resolve_date
from shared.core.errors import ConfigError
from shared.core.pipeline import GRADING, PIPELINE_FILE, Contract, Pipeline, Subscription, load_pipeline
from shared.operations.contracts.rules import CHECKS
from shared.operations.slowdown.slowdowns import timeout_of
from tests.conftest import ROOT
from tests.pipeline.support import NOW

PIPELINE = load_pipeline()
RAW = yaml.safe_load(PIPELINE_FILE.read_text(encoding="utf-8"))
FUNCTIONS = sorted(PIPELINE.functions)
CONTRACTS = [contract for listed in PIPELINE.contracts.values() for contract in listed]
SUBSCRIPTIONS = sorted(PIPELINE.subscriptions.values(), key=lambda s: s.name)
# Pub/Sub and Cloud Functions (gen2, event-driven) allow no more.
MOST_TIMEOUT, MOST_ACK_DEADLINE, MOST_BACKOFF = 540, 600, 600
FEWEST_ATTEMPTS, MOST_ATTEMPTS = 5, 100


def published_topics(pipeline: Pipeline) -> set[str]:
    """Topics that a function, a schedule or a dead-letter policy publishes to."""
    found = {s.topic for s in pipeline.schedules.values()}
    for function in pipeline.functions.values():
        found |= function.sends
        found |= {s.dead_letter_topic for s in function.subscriptions}
    return found


def read_topics(pipeline: Pipeline) -> set[str]:
    """Topics with a subscription, push or pull."""
    return {s.topic for s in pipeline.subscriptions.values()} | set(pipeline.pullable.values())


# --- topics ---------------------------------------------------------------------------------------


def test_every_topic_has_a_publisher() -> None:
    assert sorted(read_topics(PIPELINE) - published_topics(PIPELINE)) == []


def test_every_topic_has_a_subscriber() -> None:
    assert sorted(published_topics(PIPELINE) - read_topics(PIPELINE)) == []


def test_topics_lists_them_all() -> None:
    assert set(PIPELINE.topics) == published_topics(PIPELINE) | read_topics(PIPELINE)


def test_pull_subscriptions_are_for_topics_that_no_function_reads() -> None:
    for topic, subscription in PIPELINE.pull_subscriptions.items():
        readers = PIPELINE.function_of_topic(topic)
        assert readers == [], f"{topic} is read by {readers}: take {subscription} from pull_subscriptions"


def test_every_dead_letter_topic_has_a_pull_subscription_and_every_subscription_its_own() -> None:
    topics = [s.dead_letter_topic for s in SUBSCRIPTIONS]
    assert len(topics) == len(set(topics))
    for subscription in SUBSCRIPTIONS:
        assert PIPELINE.pullable[subscription.dead_letter_subscription] == subscription.dead_letter_topic
        # a dead letter that were pushed again would go round for ever
        assert PIPELINE.function_of_topic(subscription.dead_letter_topic) == []


def test_a_topic_belongs_to_one_function_and_chain_has_no_loop() -> None:
    readers = {s.topic: PIPELINE.function_of_topic(s.topic) for s in SUBSCRIPTIONS}
    shared = {topic: names for topic, names in readers.items() if len(names) > 1}
    assert shared == {}, "a topic has one function in pipeline.yaml: let one publish a topic of the other's own"
    for function in PIPELINE.functions.values():
        seen, topic = set(), function.announces
        while topic and (reader := PIPELINE.function_of_topic(topic)):
            assert reader[0] not in seen, f"{function.name} leads to {reader[0]} twice"
            seen.add(reader[0])
            topic = PIPELINE.functions[reader[0]].announces


def test_the_chain_goes_through_the_phases_in_their_order() -> None:
    by_phase = {f.phase: f for f in PIPELINE.functions.values()}
    for before, after in pairwise(PIPELINE.phase_order):
        assert by_phase[before].announces in by_phase[after].topics, f"{before} does not lead to {after}"


@pytest.mark.parametrize("name", [*PIPELINE.topics, *PIPELINE.pullable, *PIPELINE.subscriptions])
def test_names_are_what_pubsub_takes(name: str) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]{2,254}", name)
    assert not name.startswith("goog")


# --- functions ------------------------------------------------------------------------------------


def folders() -> list[str]:
    return sorted(path.name for path in (ROOT / "functions").iterdir() if path.is_dir() and path.name != "__pycache__")


def test_every_function_has_a_folder_and_every_folder_a_function() -> None:
    lacking = [f"functions/{name}/" for name in FUNCTIONS if name not in folders()]
    unknown = [f"functions/{name}/ in pipeline.yaml" for name in folders() if name not in FUNCTIONS]
    assert lacking + unknown == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_entry_point_has_the_functions_name(name: str) -> None:
    file = ROOT / "functions" / name / "main.py"
    assert file.is_file(), f"functions/{name}/main.py is missing"
    entry = getattr(importlib.import_module(f"functions.{name}.main"), name, None)
    assert callable(entry), f"functions/{name}/main.py has no entry point called {name}"
    assert entry.__name__ == name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_limits_of_the_platform(name: str) -> None:
    function = PIPELINE.functions[name]
    assert 0 < function.timeout_seconds <= MOST_TIMEOUT
    assert function.max_instances >= max(1, function.min_instances)
    assert function.concurrency >= 1
    assert function.memory_mb >= 256


def test_a_function_is_pushed_to_or_asked_by_people_and_never_both() -> None:
    for function in PIPELINE.functions.values():
        assert bool(function.topics) is not function.http, function.name
        # nobody waits for the end of what somebody reads
        assert not (function.http and function.announces), function.name
    assert {function.name for function in PIPELINE.functions.values() if function.http} == {"dashboard"}


@pytest.mark.parametrize("subscription", SUBSCRIPTIONS, ids=lambda s: s.name)
def test_a_crash_never_turns_a_good_message_into_a_dead_letter(subscription: Subscription) -> None:
    """The waits between the allowed attempts together outlast the lease that a dead process
    left.
    """
    function = PIPELINE.functions[subscription.function]
    waits = [subscription.backoff_seconds(attempt) for attempt in range(1, subscription.max_delivery_attempts)]
    assert sum(waits) >= function.lease_seconds
    assert function.lease_seconds > function.timeout_seconds
    assert MOST_ACK_DEADLINE >= subscription.ack_deadline_seconds >= function.lease_seconds
    assert subscription.max_delivery_attempts >= FEWEST_ATTEMPTS
    assert 0 < subscription.min_backoff_seconds <= subscription.max_backoff_seconds <= MOST_BACKOFF


@pytest.mark.parametrize("subscription", SUBSCRIPTIONS, ids=lambda s: s.name)
def test_what_comes_at_once_is_no_dead_letter_for_want_of_an_instance(subscription: Subscription) -> None:
    """Each refusal counts as an attempt: played with every instance busy for as long as the
    platform lets it run.
    """
    function = PIPELINE.functions[subscription.function]
    at_once = {**RAW["defaults"], **RAW["functions"][function.name]}["at_once"]
    free = [0] * (function.max_instances * function.concurrency)
    retries = [(0, attempt) for attempt in [1] * at_once]
    while retries:
        now, attempt = heapq.heappop(retries)
        slot = min(range(len(free)), key=free.__getitem__)
        if free[slot] <= now:
            free[slot] = now + function.timeout_seconds
        else:
            assert attempt < subscription.max_delivery_attempts, f"{at_once} at once: a dead letter after {now} s"
            heapq.heappush(retries, (now + subscription.backoff_seconds(attempt), attempt + 1))


def test_attempts_end_before_the_alert_that_they_do_not_explain() -> None:
    """Half an hour is also what the sweep waits at least before it takes an execution for
    abandoned.
    """
    for subscription in SUBSCRIPTIONS:
        waits = [subscription.backoff_seconds(attempt) for attempt in range(1, subscription.max_delivery_attempts)]
        assert subscription.ack_deadline_seconds + sum(waits) <= RAW["alerts"]["oldest-unacked-message"]["seconds"]
        assert subscription.max_delivery_attempts <= MOST_ATTEMPTS


def test_back_off_doubles_up_to_its_bound() -> None:
    subscription = Subscription("s", "t", "f", 600, 40, 300, 6)
    assert [subscription.backoff_seconds(attempt) for attempt in range(1, 7)] == [40, 80, 160, 300, 300, 300]


def test_datasets_and_buckets_are_known() -> None:
    from shared.stores.warehouse.schemas import DATASETS

    for function in PIPELINE.functions.values():
        assert set(function.datasets) <= set(DATASETS), function.name
        assert set(function.buckets) <= {"raw", "exports", "models"}, function.name
        assert {*function.datasets.values(), *function.buckets.values()} <= {"read", "write"}, function.name


def test_no_key_of_the_file_is_misspelt() -> None:
    known = {
        *RAW["defaults"],
        *("phase", "http", "topics", "announces", "publishes", "publishes_any"),
        *("pulls_alerts", "pulls_dead_letters"),
        *("datasets", "buckets", "collections", "secrets"),
    }
    for name, raw in RAW["functions"].items():
        assert set(raw) <= known, name


# --- modes and schedules --------------------------------------------------------------------------


def test_modes_are_those_of_the_messages_and_end_with_a_phase() -> None:
    assert set(PIPELINE.modes) == set(get_args(Mode))
    assert set(PIPELINE.modes.values()) <= set(PIPELINE.phase_order)


def test_beyond_the_modes_last_phase() -> None:
    assert not PIPELINE.beyond_mode("phase3", "results")
    assert PIPELINE.beyond_mode("phase4", "results")
    assert PIPELINE.beyond_mode("phase5_worker", "backfill")
    assert not PIPELINE.beyond_mode("phase6", "same_day")
    assert not PIPELINE.beyond_mode("grading", "results")


@pytest.mark.parametrize("name", sorted(PIPELINE.schedules))
def test_a_schedule_publishes_a_message_that_its_function_understands(name: str) -> None:
    schedule = PIPELINE.schedules[name]
    assert len(PIPELINE.function_of_topic(schedule.topic)) == 1
    message = PhaseMessage.model_validate({**schedule.message, "schedule": name}, context={"now": NOW})
    assert message.first_date == resolve_date(schedule.message["game_date"], NOW)
    assert set(schedule.message) <= {"game_date", "mode"}
    if schedule.topic == "nba-phase1-trigger":
        assert message.mode in PIPELINE.modes
    minute, hour, *days = schedule.cron.split()
    assert len(days) == 3
    if schedule.repeats:
        # the same firings every hour, all day long
        assert 60 % (schedule.every_minutes or 0) == 0
        assert (hour, *days) == ("*", "*", "*", "*")
    else:
        assert 0 <= int(minute) < 60
        assert 0 <= int(hour) < 24


def minutes(name: str) -> int:
    minute, hour = PIPELINE.schedules[name].cron.split()[:2]
    return int(hour) * 60 + int(minute)


def test_the_days_schedules_are_in_the_order_that_their_work_needs() -> None:
    order = [
        "results-overnight",
        "grading-overnight",
        "daily-yesterday-analytics",
        "grading-early",
        "overnight-predictions",
        "grading-daily",
        "self-heal-results",
        "same-day-predictions",
        "self-heal-grades",
        "self-heal-predictions",
        "phase6-tonight-picks",
        "pre-game-predictions",
        "same-day-predictions-tomorrow",
    ]
    daily = {name for name, each in PIPELINE.schedules.items() if each.cron.endswith(" * * *") and not each.repeats}
    assert set(order) == daily
    assert [minutes(name) for name in order] == sorted(minutes(name) for name in order)
    # self-heal came 75 minutes after the export it should have saved; it needs time to do it, too
    room = minutes("phase6-tonight-picks") - minutes("self-heal-predictions")
    assert room * 60 >= max(PIPELINE.functions[f].timeout_seconds for f in FUNCTIONS if f.startswith("phase"))
    # results that were restarted are graded by the next look at the day
    assert minutes("self-heal-grades") - minutes("self-heal-results") >= 15
    about = {name: PIPELINE.schedules[name].message["game_date"] for name in order}
    after_games = ("grading-overnight", "grading-early", "grading-daily", "self-heal-results", "self-heal-grades")
    assert {about[name] for name in after_games} == {"YESTERDAY"}
    assert about["self-heal-predictions"] == about["phase6-tonight-picks"] == "TODAY"


def deadline_of(ended: datetime, day: date) -> datetime:
    """By when a date is to be graded whose last game ended at a moment."""
    (deadline,) = (each for each in PIPELINE.deadlines if each.phase == GRADING)
    by = deadline.of(day, ended)
    assert by is not None
    return by


@pytest.mark.parametrize(
    ("results", "grading", "ended"),
    [
        ("results-overnight", "grading-overnight", at_new_york(date(2025, 11, 14), time(19)) + GAME_LENGTH),
        # and a game that was not final when those of the night were fetched
        ("daily-yesterday-analytics", "grading-early", at_new_york(date(2025, 11, 15), time(3, 30))),
    ],
)
def test_a_night_whose_last_game_began_at_seven_or_later_is_graded_in_time(
    results: str, grading: str, ended: datetime
) -> None:
    """Its results are fetched a quarter of an hour before, and a retry of grading is in time,
    too.
    """
    begins = at_new_york(date(2025, 11, 15), time(0)) + timedelta(minutes=minutes(grading))
    takes = timedelta(seconds=2 * PIPELINE.functions[GRADING].timeout_seconds)
    assert begins + takes <= deadline_of(ended, date(2025, 11, 14))
    assert minutes(grading) - minutes(results) >= 15


def test_the_latest_games_are_over_when_the_nights_results_are_fetched() -> None:
    """A last game begins at half past ten; none of two seasons began later than ten past eleven."""
    over = at_new_york(date(2025, 11, 14), time(23, 10)) + GAME_LENGTH
    fetched = at_new_york(date(2025, 11, 15), time(0)) + timedelta(minutes=minutes("results-overnight"))
    assert over <= fetched


def test_a_schedule_that_fires_all_day_gives_every_firing_a_name() -> None:
    sweep = PIPELINE.schedules["batch-sweep"]
    assert sweep.repeats
    night = datetime(2025, 11, 2, 4, 0, tzinfo=UTC)
    # on the night that repeats an hour: 25 hours, six firings each
    firings = [night + timedelta(minutes=minute) for minute in range(0, 25 * 60, 10)]
    names = [sweep.slot(moment) for moment in firings]
    assert len(set(names)) == len(names) == 150
    assert names[:2] == ["0000", "0010"]
    # Cloud Scheduler is late by seconds, and may fire twice: the same firing
    assert sweep.slot(datetime(2025, 11, 14, 22, 49, 59, tzinfo=UTC)) == "1740"
    assert not PIPELINE.schedules["self-heal-predictions"].repeats


# --- who tells operators --------------------------------------------------------------------------


def test_google_times_the_requests_that_no_run_history_does() -> None:
    """The others' are the check slowdown's: a worker's rows are of a whole batch, a look of the
    monitor and an answer of the dashboard have none.
    """
    alone = {name for name in FUNCTIONS if PIPELINE.functions[name].http or timeout_of(PIPELINE, name) is None}
    assert set(RAW["alerts"]["latency-above-target"]["functions"]) == alone | {pipeline.MONITOR}


# --- contracts ------------------------------------------------------------------------------------


def test_every_contract_has_a_rule_and_every_rule_a_contract() -> None:
    assert sorted(contract.check for contract in CONTRACTS) == sorted(CHECKS)
    assert set(PIPELINE.contracts) == {"coming", "played"}


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.check)
def test_a_contract_restarts_the_phase_that_it_names(contract: Contract) -> None:
    if contract.restart is None:
        assert contract.phase in {function.phase for function in PIPELINE.functions.values()}
        return
    (reader,) = PIPELINE.function_of_topic(contract.restart)
    assert PIPELINE.functions[reader].phase == contract.phase
    assert contract.restart in PIPELINE.functions["self_heal"].publishes
    assert contract.mode is None or contract.mode in PIPELINE.modes


def test_contracts_are_in_the_order_of_the_chain() -> None:
    chain, graded = list(PIPELINE.phase_order), ["phase1", "grading", "phase6"]
    for group, phases in (("coming", chain), ("played", graded)):
        listed = [each for each in PIPELINE.contracts[group] if each.restart and each.check != "consolidation"]
        places = [phases.index(contract.phase) for contract in listed]
        assert places == sorted(places)
        # what nobody makes again comes last: what can be mended is mended first
        assert all(each.restart for each in PIPELINE.contracts[group][:-1])
    # a batch that closed is consolidated before anybody opens another: a trigger would only join it
    coming = [contract.check for contract in PIPELINE.contracts["coming"]]
    assert coming.index("consolidation") < coming.index("predictions")


def test_every_phase_of_the_chain_has_a_contract_or_says_why_not() -> None:
    restarted = {contract.phase for contract in CONTRACTS if contract.restart}
    assert set(PIPELINE.phase_order) - restarted == set(PIPELINE.without_contract)
    assert all(PIPELINE.without_contract.values())


def test_contracts_count_rows_of_declared_tables_that_self_heal_may_read() -> None:
    from shared.stores.warehouse.schemas import all_schemas

    views = {path.stem for path in (ROOT / "shared" / "stores" / "warehouse" / "views").glob("*.sql")}
    declared = {schema.name for schema in all_schemas()} | views
    folder = ROOT / "shared" / "operations" / "contracts" / "sql"
    sql = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.sql"))
    for contract in CONTRACTS:
        assert set(contract.tables) <= declared, contract.check
        assert all(table in sql for table in contract.tables), f"{contract.check}: rows that nobody counts"
        assert {table.partition(".")[0] for table in contract.tables} <= set(PIPELINE.functions["self_heal"].datasets)


def test_a_deadline_is_of_a_phase_that_some_function_has() -> None:
    phases = {function.phase for function in PIPELINE.functions.values()}
    assert {deadline.phase for deadline in PIPELINE.deadlines} <= phases
    assert all(deadline.says for deadline in PIPELINE.deadlines)


def test_schedulers_retry() -> None:
    defaults = RAW["schedule_defaults"]
    assert defaults["time_zone"] == "America/New_York"
    assert (defaults["retry_count"], defaults["max_retry_seconds"]) == (3, 600)
    assert (defaults["min_backoff_seconds"], defaults["max_backoff_seconds"], defaults["max_doublings"]) == (10, 300, 5)


# --- code -----------------------------------------------------------------------------------------


def name_of(argument: ast.expr) -> str:
    """The function that an expression names: a text, or a constant of shared/core/pipeline.py."""
    return str(argument.value) if isinstance(argument, ast.Constant) else str(getattr(pipeline, ast.unparse(argument)))


def list_sent(folder: Path) -> Iterator[str]:
    """The topics that a folder's code sends to, by the ways there are to come by a topic's name."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="trigger_of"), args=[function]):
                    yield pipeline.trigger_of(name_of(function))
                case ast.Call(func=ast.Name(id="alert" | "batch_alert")):
                    yield PIPELINE.alerts_topic
                case ast.Call(func=ast.Name(id="batch_complete")):
                    yield PIPELINE.functions[pipeline.CONSOLIDATION].topics[0]
                case ast.Attribute(attr="topics", value=ast.Subscript(slice=function)):
                    yield PIPELINE.functions[name_of(function)].topics[0]


def test_what_a_function_sends_is_declared_for_it_and_nothing_else_is() -> None:
    for function in PIPELINE.functions.values():
        found = set(list_sent(ROOT / "functions" / function.name))
        if function.name == pipeline.SELF_HEAL:
            found |= {contract.restart for contract in CONTRACTS if contract.restart}
        assert set(function.publishes) == found - {function.announces}, f"{function.name}: declared, or sent, in vain"


# --- the test itself, and the file's errors -------------------------------------------------------


def write(folder: Path, old: str, new: str) -> Path:
    text = PIPELINE_FILE.read_text(encoding="utf-8")
    assert old in text
    path = folder / "pipeline.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_a_topic_without_subscriber_or_publisher_is_noticed(tmp_path: Path) -> None:
    broken = load_pipeline(write(tmp_path, "announces: nba-phase2-raw-complete", "announces: nba-phase2-raw-done"))
    assert published_topics(broken) - read_topics(broken) == {"nba-phase2-raw-done"}
    assert read_topics(broken) - published_topics(broken) == {"nba-phase2-raw-complete"}


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="announces"):
        load_pipeline(write(tmp_path, "    announces: nba-phase2-raw-complete\n", ""))
    with pytest.raises(ConfigError, match=r"pipeline\.yaml"):
        load_pipeline(tmp_path / "absent" / "pipeline.yaml")
