"""The message models: one spelling for sender and receiver, dates resolved, immutable, open to new
fields.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from shared.chain.messages.messages import (
    ATTRIBUTE_FIELDS,
    PhaseCompletion,
    PhaseMessage,
    PredictionRequest,
    TrainingMessage,
)

NOW = datetime(2025, 11, 15, 0, 30, tzinfo=UTC)  # the evening of the 14th in New York
REQUEST = {
    "game_date": "2025-11-14",
    "batch_id": "batch_2025-11-14_r1",
    "revision": 1,
    "unit": "203999",
    "models": {},
    "players": [],
}


def parse(message: dict[str, Any], model: type[PhaseMessage] = PhaseMessage) -> Any:
    return model.model_validate(message, context={"now": NOW})


def completion(**changes: Any) -> PhaseCompletion:
    fields: dict[str, Any] = {
        "game_date": date(2025, 11, 14),
        "processor_name": "phase2_raw",
        "phase": "phase2",
        "run_id": "2025-11-14-nightly",
        "mode": "overnight",
        "as_of": NOW,
        "execution_id": "phase2_raw.2025-11-14-nightly",
        "correlation_id": "1",
        "status": "partial",
        "record_count": 3,
        "records_failed": 1,
        "duration_seconds": 0.5,
        "trigger_source": "scheduler",
        "reason": "one source failed",
        "metadata": {"failed": ["odds"]},
    }
    return PhaseCompletion(**{**fields, **changes})


def test_what_is_announced_is_understood_by_the_next_phase() -> None:
    sent = completion()
    text = sent.model_dump_json(exclude_none=True)
    received = PhaseMessage.model_validate_json(text, context={"now": NOW})
    for name in PhaseMessage.model_fields:
        assert getattr(received, name) == getattr(sent, name), name
    assert completion(as_of=None).as_of is None  # phase 1 has none before it ends


@pytest.mark.parametrize("missing", ["run_id", "mode", "status", "record_count", "execution_id", "phase"])
def test_a_completion_says_everything(missing: str) -> None:
    fields = {name: value for name, value in completion().model_dump().items() if name != missing}
    with pytest.raises(ValidationError, match=missing):
        PhaseCompletion(**fields)


@pytest.mark.parametrize(
    ("word", "day"), [("TODAY", 14), ("tomorrow", 15), ("YESTERDAY", 13), ("2025-11-20", 20), (" TODAY ", 14)]
)
def test_game_date_words(word: str, day: int) -> None:
    message = parse({"game_date": word})
    assert message.first_date == message.last_date == date(2025, 11, day)


def test_a_range_has_two_ends() -> None:
    message = parse({"from_date": "2025-10-21", "to_date": "YESTERDAY"})
    assert (message.first_date, message.last_date) == (date(2025, 10, 21), date(2025, 11, 13))


@pytest.mark.parametrize("bad", ["2025-02-30", "2025-11-31", "soon", "", 20251114, 1.5, True, ["2025-11-14"], {}])
def test_what_is_no_date_is_refused(bad: object) -> None:
    with pytest.raises(ValidationError, match="game_date"):
        parse({"game_date": bad})


def test_null_is_the_same_as_absent() -> None:
    with pytest.raises(ValidationError, match="game_date is missing"):
        parse({"game_date": None})


def test_messages_are_immutable_and_ignore_what_they_do_not_know() -> None:
    message = parse({"game_date": "2025-11-14", "since_version_9": 1})
    assert not hasattr(message, "since_version_9")
    with pytest.raises(ValidationError, match="frozen"):
        message.run_id = "other"


def test_a_rollback_is_of_today_and_a_training_names_its_date() -> None:
    back = parse({"rollback_to": "previous", "reason": "bias"}, TrainingMessage)
    assert (back.rollback_to, back.game_date, back.reason) == ("previous", date(2025, 11, 14), "bias")
    assert parse({"rollback_to": "v1", "game_date": None}, TrainingMessage).game_date == date(2025, 11, 14)
    assert parse({"rollback_to": "v1", "game_date": "2025-11-20"}, TrainingMessage).game_date == date(2025, 11, 20)
    assert parse({"game_date": "TODAY"}, TrainingMessage).rollback_to is None
    for bad in ({}, {"rollback_to": None}):
        with pytest.raises(ValidationError, match="game_date is missing"):
            parse(bad, TrainingMessage)
    for version in ("", "../x", "a b", 7):
        with pytest.raises(ValidationError, match="rollback_to"):
            parse({"rollback_to": version}, TrainingMessage)


def test_a_rollback_may_name_a_statistic_that_is_known_and_a_training_none() -> None:
    assert parse({"rollback_to": "v1", "stat": "points"}, TrainingMessage).stat == "points"
    assert parse({"rollback_to": "v1", "stat": None}, TrainingMessage).stat is None
    for bad in ("dunks", "", 7):
        with pytest.raises(ValidationError, match="stat"):
            parse({"rollback_to": "v1", "stat": bad}, TrainingMessage)
    with pytest.raises(ValidationError, match=r"there is no statistic 'dunks'; there are: points"):
        parse({"rollback_to": "v1", "stat": "dunks"}, TrainingMessage)
    with pytest.raises(ValidationError, match="a training is of every statistic"):
        parse({"game_date": "TODAY", "stat": "points"}, TrainingMessage)


@pytest.mark.parametrize("run_id", ["", "a/b", "a b", "../x", "x" * 201, "naïve", "a\nb", "a'b"])
def test_a_run_id_that_no_store_could_keep_is_refused(run_id: str) -> None:
    with pytest.raises(ValidationError, match="run_id"):
        parse({"game_date": "TODAY", "run_id": run_id})


@pytest.mark.parametrize(
    "run_id", ["2025-11-14-pre-game-predictions", "2025-10-21_2025-11-12-manual-9", "2025-11-14-heal-phase3-1", "r#2"]
)
def test_the_run_ids_of_the_system_are_accepted(run_id: str) -> None:
    assert parse({"game_date": "TODAY", "run_id": run_id}).run_id == run_id


@pytest.mark.parametrize(
    "change",
    [
        {"batch_id": "batch_14-11-2025_r1"},
        {"batch_id": "batch_2025-11-14_r1__x"},
        {"batch_id": "x/../y"},
        {"unit": ""},
        {"unit": "a/b"},
        {"unit": "x' UNION ALL SELECT 1 --"},
        {"unit": None},
        {"players": None},
        {"models": ["xgboost_v1"]},
        {"models": {"points": ["xgboost_v1"]}},
        {"models": {"points": {"xgboost_v1": "1"}, "ensemble_v1": "1"}},
        {"revision": "first"},
        {"game_date": None},
    ],
)
def test_a_request_with_a_bad_field_is_refused(change: dict[str, Any]) -> None:
    assert parse(REQUEST, PredictionRequest).unit == "203999"
    with pytest.raises(ValidationError, match=next(iter(change))):
        parse({**REQUEST, **change}, PredictionRequest)


@pytest.mark.parametrize(
    ("pinned", "read"),
    [
        ({}, {}),
        ({"points": {"xgboost_v1": "1"}}, {"points": {"xgboost_v1": "1"}}),
        ({"xgboost_v1": "1", "ensemble_v1": "2"}, {"points": {"xgboost_v1": "1", "ensemble_v1": "2"}}),
    ],
)
def test_a_request_of_a_release_that_knew_points_alone_pins_their_models(
    pinned: dict[str, Any], read: dict[str, Any]
) -> None:
    assert parse({**REQUEST, "models": pinned}, PredictionRequest).models == read


def test_sequence_begins_at_one() -> None:
    assert parse({"game_date": "TODAY"}).sequence == 1
    with pytest.raises(ValidationError, match="sequence"):
        parse({"game_date": "TODAY", "sequence": 0})


def test_an_as_of_needs_a_time_zone() -> None:
    assert parse({"game_date": "TODAY", "as_of": "2025-11-14T12:00:00-05:00"}).as_of == datetime(
        2025, 11, 14, 17, 0, tzinfo=UTC
    )
    with pytest.raises(ValidationError, match="no time zone"):
        parse({"game_date": "TODAY", "as_of": "2025-11-14T12:00:00"})


def test_attribute_fields_are_fields() -> None:
    assert set(ATTRIBUTE_FIELDS) <= set(PhaseMessage.model_fields)


def test_a_completion_is_plain_json() -> None:
    text = json.loads(completion().model_dump_json(exclude_none=True))
    assert text["game_date"] == "2025-11-14"
    assert text["as_of"] == "2025-11-15T00:30:00Z"
    assert "from_date" not in text
