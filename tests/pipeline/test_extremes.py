"""Extremes in what is pushed: dead letters before an execution, a lease, a permit or any other
state is written.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from shared.chain.execution.context import Outcome
from shared.chain.execution.run_identity import Delivery
from shared.chain.messages.dead_letter import Facts, encode
from shared.chain.messages.messages import (
    ATTRIBUTE_FIELDS,
    MAX_REASON,
    PhaseMessage,
    PredictionRequest,
    TrainingMessage,
)
from shared.chain.messages.push_envelope import read_envelope, read_message
from shared.chain.resilience import deferred, pause_switch
from shared.core.clock import new_york_date
from shared.core.errors import DataError, SourceUnavailable
from shared.core.pipeline import load_pipeline
from shared.stores.document_rules import plain_fields
from shared.stores.message_limits import check_message
from tests.pipeline.support import NOW, PipelineHarness, push
from tests.pipeline.test_handler import DAY, FEED, TRIGGER, Work, dead_letters, send

pytestmark = pytest.mark.heavy  # hundreds of messages


def each(name: str, *values: Any) -> list[dict[str, Any]]:
    return [{name: value} for value in values]


def make_push(**changes: Any) -> bytes:
    """A push of a good message, but for what is changed of its envelope."""
    message: dict[str, Any] = {"data": base64.b64encode(json.dumps(DAY).encode()).decode(), "messageId": "1", **changes}
    attempt = message.pop("deliveryAttempt", 1)
    whole = {"message": message, "subscription": f"projects/p/subscriptions/{TRIGGER}", "deliveryAttempt": attempt}
    return json.dumps(whole).encode()


def lists(depth: int) -> Any:
    inner: Any = []
    for _ in range(depth):
        inner = [inner]
    return inner


LONG = "x" * 900_000
TEXTS = (
    *("correlation_id", "parent_processor", "trigger_message_id", "processor_name", "phase", "execution_id"),
    *("output_table", "output_dataset", "event", "error_type", "error_message", "reason"),
    *("run_id", "schedule", "origin_message_id"),
)
# By field, what of the kind extremes are: each is a dead letter before an execution is taken.
EXTREMES: Mapping[str, Any] = {
    "as_of": [
        *("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59Z"),
        *("1945-12-31T00:00:00Z", "2100-01-01T00:00:00Z", "2052-12-30T00:00:00Z", "1763136000", "soon", ""),
        *(0, 1763136000, 1e300, -1, True, [], {}, LONG, 10**400, "2025-11-14T12:00:00+99:99"),
    ],
    "game_date": [
        *("0001-01-01", "9999-12-31", "1946-10-31", "2052-12-30", "2100-01-01", "2027-12-01", "1000-W01-1"),
        *(1, -1, 1e300, 10**400, 2**63, False, [], {}, LONG, "\ud800", "2025-11-14\x00", "٢٠٢٥-١١-١٤"),
    ],
    "sequence": [2**63, -(2**63), 10**400, 1e300, -1, 0, 1.5, True, "1", [], {}, 1_000_001, None],
    "record_count": [2**63, 10**400, -1, 1e300, True, "7", [], {}, 10**13],
    "records_failed": [2**63, -1, True],
    "duration_seconds": [1e300, 10**400, True, "1", [], {}],
    "metadata": [
        *(lists(40), {"a": lists(900)}, {"a": "\ud800"}, {"\udfff": 1}, {"a": ["\x00"]}, {"a": 2**63}, {"a": 10**400}),
        *([], "x", 1, True),
    ],
    "force": [2, "perhaps", [], {}, 10**400, "\ud800"],
    "mode": [LONG, "\ud800", 1, [], {}, True],
    "batch_id": [
        *("batch_9999-12-31_r1", "batch_2025-02-30_r1", "batch_0001-01-01_r1", "batch_2025-11-14_r" + "9" * 80),
        *("batch_2025-11-14_r1\n", LONG, 7, [], {}, True),
    ],
    **{name: [LONG, "\ud800", "a\x00b", "a\x1bb", "x" * 30_000, 1, True, [], {}] for name in TEXTS},
}
MESSAGES = [(name, value) for name, values in EXTREMES.items() for value in values]
RANGES: list[dict[str, Any]] = [
    {"from_date": "0001-01-01", "to_date": "9999-12-31"},
    {"from_date": "1946-11-01", "to_date": "9946-11-01"},
    {"from_date": "1946-10-31", "to_date": "2025-11-14"},
    {"from_date": "2025-11-14", "to_date": "2052-12-30"},
    {"from_date": "2025-11-14", "to_date": 10**400},
    {"game_date": None, "from_date": "\ud800", "to_date": "TODAY"},
]
FIELDS: list[dict[str, Any]] = [*({**DAY, name: value} for name, value in MESSAGES), *RANGES]
JSON_TEXTS = [
    *(
        b'{"game_date": "2025-11-14", "record_count": %s}' % number
        for number in (b"9" * 5_000, b"1e999", b"NaN", b"-0.5")
    ),
    b'{"game_date": "2025-11-14", "duration_seconds": Infinity}',
    b'{"game_date": "2025-11-14", "metadata": {"a": NaN}}',
    b'{"game_date": "2025-11-14", "metadata": {"a": "\xed\xa0\x80"}}',
    b'{"game_date": "2025-11-14", "correlation_id": "\xed\xa0\x80"}',
    b'{"game_date": "2025-11-14", "metadata": ' + b'{"a":' * 990 + b"1" + b"}" * 991,
    b"[" * 980 + b"]" * 980,
    b"9" * 4_000,
    b"9" * 5_000,
    b'"' + b"x" * 900_000 + b'"',
]


def touched_nothing(world: PipelineHarness) -> bool:
    collections = ("executions", "breakers", "held", "locks", "batches")
    return not any(world.documents(name) for name in collections) and world.warehouse.statement_counts == {}


@pytest.mark.parametrize("paused", [False, pytest.param(True, marks=pytest.mark.heavy)], ids=["running", "paused"])
def test_extremes_in_a_message_are_dead_letters_before_any_work(world: PipelineHarness, paused: bool) -> None:
    if paused:  # held, they would be published once more, for ever
        pause_switch.pause(world.state, who="ann", reason="odd odds", now=NOW)
    work, texts = Work(), [*(json.dumps(fields).encode() for fields in FIELDS), *JSON_TEXTS]
    for text in texts:
        answer = send(world, work, push(text, subscription=TRIGGER))
        assert (answer.status, answer.body["status"]) == (200, "dead_lettered"), text[:120]
        assert len(answer.body["reason"]) < 40_000
        json.dumps(answer.body).encode()
    assert work.calls == 0
    assert touched_nothing(world)
    letters = world.bus.pull(f"{TRIGGER}-dead-letter", 1_000)
    assert [letter.data for letter in letters] == texts
    assert {letter.attributes["dead_letter_blames"] for letter in letters} == {"message"}
    assert {letter.attributes["dead_letter_reason"] for letter in letters} == {
        *("invalid_message", "not_json", "no_such_season"),
    }


REQUEST: dict[str, Any] = {
    **DAY,
    **{"batch_id": "batch_2025-11-14_r1", "revision": 1, "unit": "101", "models": {}},
    "players": [{"features": {}, "history": None, "lines": None}],
}
REQUESTS = [
    *each("revision", 2**63, 10**400, 0, -1, True, "1", 1.5, None),
    *each("unit", LONG, "\ud800", 7, []),
    *each("models", [], {"a": "../.."}, {"a": LONG}, {LONG: "v1"}, {"\ud800": "v1"}, {"a": 1}, {"a": None}),
    *each("players", {}, [1], [[]], [{}], [{"features": 1}], [None], "x", [{"features": {"a": "\ud800"}}]),
    *({"players": [{"features": {}, **bad}]} for bad in each("history", 1, [], "x", True)),
    *({"players": [{"features": {}, **bad}]} for bad in each("lines", 1, [], {"main": 10**400}, {"main": lists(50)})),
]


def test_extremes_in_a_unit_s_request_are_dead_letters_before_any_work(world: PipelineHarness) -> None:
    assert send(world, Work(), push(REQUEST), "phase5_worker", PredictionRequest).body["status"] == "success"
    work = Work()
    for change in REQUESTS:
        body = push({**REQUEST, "run_id": "other", **change})
        answer = send(world, work, body, "phase5_worker", PredictionRequest)
        assert (answer.status, answer.body["status"]) == (200, "dead_lettered"), str(change)[:120]
    assert work.calls == 0
    assert len(world.documents("executions")) == 1


FAR = ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00")
ENVELOPES = [
    *each("deliveryAttempt", 10**400, 2**63, -1, 1e300, True, "1", [], {}, 1.5),
    *each("publishTime", *FAR, 1e300, True, [], {}, LONG, "\ud800"),
    *each("attributes", [], "x", 1, [["a", "b"]]),
    *each("attributes", *each("origin_published_at", *FAR, "soon")),
    *each("attributes", *each("a", {}, {"b": 1}, [], 1, None, True, LONG, "\ud800", "\x00", 10**400)),
    *each("attributes", *({name: "x"} for name in ("", "x" * 257, "\ud800", 'a"b', "$ts", "__a__"))),
    *each("messageId", "", LONG, "x" * 101, "\ud800", "a b", "a\nb", "é", "²", "../x", True, 1.5, [], {}, 10**400),
    *each("data", 0, False, [], {}, 1, "é", "\ud800", "===="),
]
REQUESTS_THAT_ARE_NONE = [
    *(json.dumps({**json.loads(push(DAY)), **bad}).encode() for bad in each("subscription", 1, True, [], {}, 10**400)),
    *(json.dumps(bad).encode() for bad in each("message", LONG, [], 1, True, None, lists(500))),
    b"[" * 100_000,
    b'{"message": ' * 5_000,
    b'{"message": {"messageId": "1", "deliveryAttempt": 1}, "deliveryAttempt": ' + b"9" * 5_000 + b"}",
    b"\xed\xa0\x80",
    b"\x00",
    '{"message": {"messageId": "1"}}'.encode("utf-16")[:-1],
]


def test_extremes_of_the_envelope_are_dead_letters_before_any_work(world: PipelineHarness) -> None:
    work, bodies = Work(), [*(make_push(**changes) for changes in ENVELOPES), *REQUESTS_THAT_ARE_NONE]
    for body in bodies:
        answer = send(world, work, body)
        assert (answer.status, answer.body.get("error_type")) == (200, "not_an_envelope"), body[:200]
    assert work.calls == 0
    assert touched_nothing(world)
    letters = world.bus.pull(f"{FEED}-dead-letter", 1_000)
    assert [letter.data for letter in letters] == bodies
    assert all(letter.attributes["dead_letter_error"] for letter in letters)
    assert send(world, work, make_push()).body["status"] == "success"


def test_a_dead_letter_fits_into_a_message_whatever_it_was(world: PipelineHarness) -> None:
    """What the bus refused would be tried for ever."""
    named = {f"{n:03d}-" + "k" * 252: "v" * 1_024 for n in range(150)}
    bodies = [
        push(DAY, attributes=dict(list(named.items())[:100]), subscription=TRIGGER),
        push(DAY, attributes=named, subscription=TRIGGER),
        push(b"x" * 9_990_000, attributes=dict(list(named.items())[:100]), subscription=TRIGGER),
        b'{"message": "' + b"x" * 12_000_000 + b'"}',
    ]
    for body in bodies:
        assert send(world, Work(), body).body["status"] == "dead_lettered"
    first, whole, large = world.bus.pull(f"{TRIGGER}-dead-letter")
    (cut,) = world.bus.pull(f"{FEED}-dead-letter")
    for letter in (first, whole, large, cut):
        check_message("x", letter.data, letter.attributes)
        assert letter.attributes["origin_topic"]
    assert (first.attributes["dead_letter_reason"], first.attributes["dead_letter_attributes"]) == ("too_large", "100")
    assert json.loads(first.data) == DAY
    assert large.attributes["dead_letter_bytes"] == "9990000"
    assert (cut.attributes["dead_letter_bytes"], bodies[3].startswith(cut.data)) == ("12000015", True)
    assert len(cut.data) > 9_900_000


@pytest.mark.parametrize(
    "message",
    [
        {"run_id": "r" * 190, "force": True},
        {"run_id": "r" * 200, "force": True},
        {"schedule": "s" * 100, "force": True},
    ],
)
def test_a_run_whose_id_would_be_too_long_for_what_follows_is_refused_at_once(
    world: PipelineHarness, message: dict[str, Any]
) -> None:
    body = push({**DAY, **message}, message_id="m" * 100, subscription=TRIGGER)
    assert send(world, work := Work(), body).body["status"] == "dead_lettered"
    assert (work.calls, touched_nothing(world)) == (0, True)


def test_the_largest_that_is_taken_goes_through_the_whole_of_it(world: PipelineHarness) -> None:
    """Also through a pause, whose copy has attributes of ours."""
    message = {**DAY, "run_id": "r" * 99, "force": True, "correlation_id": "日" * 200, "reason": "n" * MAX_REASON}
    message |= {"sequence": 1_000_000, "as_of": "2025-11-14T23:59:59.999999-05:00", "execution_id": "e" * 1_000}
    attributes = {f"{n:02d}-" + "k" * 250: "日" * 341 for n in range(80)}
    pause_switch.pause(world.state, who="ann", reason="odd odds", now=NOW)
    body = push(message, message_id="m" * 100, attributes=attributes, subscription=TRIGGER)
    assert send(world, Work(), body).body["status"] == "held"
    pause_switch.resume(world.state, who="ann", reason="they are right", now=NOW)
    deferred.release_deferred(world.runtime)
    work = Work()
    answers = world.run_until_idle({"phase3_analytics": (work, PhaseMessage)})
    assert [answer.body["status"] for _, answer in answers] == ["success"]
    assert work.contexts[0].correlation_id == "日" * 200
    assert work.contexts[0].as_of == datetime(2025, 11, 15, 4, 59, 59, 999_999, tzinfo=UTC)


def odd_value(random: Random, depth: int = 0) -> Any:
    kinds: list[Callable[[], Any]] = [
        lambda: random.choice([2**63, 2**62, -(2**63), 10 ** random.randint(1, 400), 0, -1, 1, 5, 1e300, 1e-300, -0.0]),
        lambda: random.choice(
            ["", "\ud800", "\x00", "²", "日" * 300, "x" * random.choice([99, 101, 201, 1025, 70_000])]
        ),
        lambda: random.choice(
            ["true", "1", "None", "TODAY", "today ", "2025-11-14", "2025-11-14T12:00:00Z", "a/b", "..", "a\n"]
        ),
        lambda: (
            f"{random.choice([1, 1945, 1946, 2025, 2026, 2099, 2100, 9999]):04d}-{random.randint(1, 12):02d}-01"
            + random.choice(
                ["", "T00:00:00", "T23:59:59Z", "T00:00:00+14:00", "T23:59:59.999999-23:59", "T00:00:00.1234567891Z"]
            )
        ),
        lambda: random.choice([None, True, False, float("inf"), float("nan")]),
        lambda: lists(random.choice([1, 31, 33, 300])),
        lambda: random.choice(
            ["results", "backfill", "success", "manual", "batch_2025-11-14_r1", "batch_2025-13-14_r1"]
        ),
    ]
    if depth < 3:
        kinds += [
            lambda: {str(odd_value(random, 3))[:300]: odd_value(random, depth + 1) for _ in range(random.randint(0, 3))}
        ]
        kinds += [lambda: [odd_value(random, depth + 1) for _ in range(random.randint(0, 3))]]
    return random.choice(kinds)()


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_pushed_is_an_execution_or_a_dead_letter_that_the_bus_takes(
    world: PipelineHarness, seed: int
) -> None:
    """200 pushes a seed: no error but ours, and whatever is taken can be held, announced and
    dead-lettered.
    """
    random, models = Random(seed), (PhaseMessage, PredictionRequest, TrainingMessage)
    outcomes: Counter[str] = Counter()
    for _ in range(200):
        model = random.choice(models)
        fields: dict[str, Any] = dict(REQUEST if model is PredictionRequest else DAY)
        for name in random.sample(sorted(model.model_fields), random.choice([0, 1, 1, 1, 2, 4])):
            fields[name] = odd_value(random)
        message: dict[str, Any] = {"data": base64.b64encode(json.dumps(fields).encode()).decode(), "messageId": "7"}
        whole: dict[str, Any] = {"message": message, "subscription": f"projects/p/subscriptions/{TRIGGER}"}
        if random.random() < 0.3:
            place = random.choice([message, message, whole])
            place[random.choice(["attributes", "messageId", "publishTime", "deliveryAttempt", "data"])] = odd_value(
                random
            )
        if random.random() < 0.2:
            message["attributes"] = {random.choice(ATTRIBUTE_FIELDS): str(odd_value(random))[:1_100] for _ in range(3)}
        body = json.dumps(whole).encode()
        outcomes[_push(body, model, world)] += 1
    assert outcomes["taken"] > 10
    assert outcomes["invalid_message"] > 50
    assert outcomes.keys() <= {"taken", "not_an_envelope", "not_json", "invalid_message", "no_such_season", "too_large"}


def _push(body: bytes, model: type[PhaseMessage], world: PipelineHarness) -> str:
    """What the handler does before and after the work, without the stores."""
    function = load_pipeline().functions["phase3_analytics"]
    envelope = None
    try:
        envelope = read_envelope(body)
        message = read_message(envelope, model, NOW)
        delivery = Delivery.of(function, message, envelope, world.runtime)
    except DataError as error:
        facts = Facts(error.event, "t", "s", "1", NOW, error=str(error))
        data, own = (envelope.data, envelope.attributes) if envelope else (body, {})
        check_message("dead letters", *encode(data, own, facts))
        return error.event
    assert len(delivery.key.id.encode()) < 1_500
    document = {**envelope.attributes, "id": delivery.key.id, "as_of": message.as_of, "sequence": message.sequence}
    plain_fields("executions/x", document, str)
    day = message.first_date - timedelta(days=400), message.last_date + timedelta(days=400)
    assert day[0] < day[1]
    assert message.as_of is None or new_york_date(message.as_of - timedelta(days=400)) < new_york_date(message.as_of)
    message.model_dump_json().encode()
    return "taken"


ODD = "a source said \ud800\x00"


def test_what_a_failure_quotes_is_kept_whatever_it_is(world: PipelineHarness) -> None:
    for number in range(5):
        body = push(DAY, message_id=f"m{number}", attempt=5, subscription=TRIGGER)
        answer = send(world, Work(SourceUnavailable(ODD) if number else ValueError(ODD)), body)
        assert answer.status == (503 if number else 500)
    assert all(each["error_message"].startswith("a source said") for each in world.documents("executions"))
    assert "a source said" in world.documents("breakers")[0]["last_error"]
    held_back = send(world, Work(), push(DAY, message_id="next", subscription=TRIGGER))
    assert held_back.body["status"] == "held"


def test_what_an_outcome_quotes_is_announced_whatever_it_is(world: PipelineHarness) -> None:
    outcome = Outcome("partial", reason=ODD * 5_000, metadata={"failed": {ODD: [ODD, {"a": ODD}]}, "rows": 3})
    assert send(world, Work(lambda *_: outcome), push(DAY, subscription=TRIGGER)).body["status"] == "partial"
    (announced,) = world.list_published("nba-phase3-analytics-complete")
    assert (announced["metadata"]["rows"], len(announced["reason"])) == (3, MAX_REASON)
    message = "a source said \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    assert announced["metadata"]["failed"] == {message: [message, {"a": message}]}
    # and understood by whoever reads it
    assert send(world, Work(), push(announced, message_id="2"), "phase4_precompute").body["status"] == "success"


def test_five_attempts_of_a_message_about_2052_open_no_breaker_and_the_next_trigger_runs(
    world: PipelineHarness,
) -> None:
    trigger = "phase1-scrape-nba-phase1-trigger"
    work = Work(SourceUnavailable("NBA.com /scheduleleaguev2: answered 404"))
    for attempt in range(1, 6):
        body = push({"game_date": "2052-12-30"}, message_id="bad", attempt=attempt, subscription=trigger)
        assert send(world, work, body, "phase1_scrape").body["status"] == "dead_lettered"
    assert (work.calls, touched_nothing(world)) == (0, True)
    ((_, letters),) = dead_letters(world).items()
    assert [letter.attributes["dead_letter_reason"] for letter in letters] == ["no_such_season"] * 5
    assert (
        "is about 2052-12-30: the games that can be known lie between 1946-11-01 and 2027-05-18"
        in (letters[0].attributes["dead_letter_error"])
    )
    good = push({"game_date": "TODAY"}, message_id="good", subscription=trigger)
    assert send(world, Work(), good, "phase1_scrape").body["status"] == "success"


@pytest.mark.parametrize("day", ["1946-11-01", "2025-11-14", "2026-06-20", "2027-05-18"])
def test_days_that_a_season_can_have_are_taken(world: PipelineHarness, day: str) -> None:
    assert send(world, Work(), push({"game_date": day}, subscription=TRIGGER)).body["status"] == "success"
