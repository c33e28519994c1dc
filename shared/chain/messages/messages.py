"""Every message between functions, one model for sender and receiver; unknown fields ignored, new
ones optional.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from shared.core.clock import YEARS, parse_timestamp, resolve_date
from shared.nba.stats import POINTS, PREDICTED

Mode = Literal["results", "overnight", "same_day", "tomorrow", "backfill"]
Status = Literal["success", "partial", "no_data", "failed", "skipped", "joined", "superseded", "halted"]
TriggerSource = Literal["scheduler", "pubsub", "manual", "self_heal", "redrive"]

# What rollback_to asks for besides a version by name.
PREVIOUS = "previous"

# Fields that a message may also carry as Pub/Sub attributes (a publish without data, a scheduler's
# job name).
ATTRIBUTE_FIELDS = (
    "game_date",
    "from_date",
    "to_date",
    "mode",
    "run_id",
    "batch_id",
    "force",
    "schedule",
    "trigger_source",
    "origin_message_id",
)


# Parts of document paths and table names: no slash, no quote, nothing that a store would refuse.
_ID = r"^[A-Za-z0-9_.:#-]+$"
_BATCH_ID = r"^batch_[0-9]{4}-[0-9]{2}-[0-9]{2}_r[0-9]{1,9}$"
_UNIT = r"^[A-Za-z0-9_-]+$"
# Firestore's ids have at most 1,500 bytes, and an execution's is made of a function, a run, a batch
# and a unit.
MAX_RUN_ID = 200
# A reason may list what is missing of a whole day; it is kept in a document of 1 MiB.
MAX_REASON = 20_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TEXT_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("it has control characters")
    return text


def _printable(text: str) -> str:
    if _TEXT_CONTROL.search(text):
        raise ValueError("it has control characters")
    return text


# A name in logs and indexed fields (Firestore's have at most 1,500 bytes); an id that we made; a
# text for people.
Name = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
Id = Annotated[str, Field(max_length=1_000), AfterValidator(_one_line)]
Reason = Annotated[str, Field(max_length=MAX_REASON), AfterValidator(_printable)]
# A repetition of simulated time sets the clock back, so that a duration may be negative.
Seconds = Annotated[float, Field(ge=-1e10, le=1e10, allow_inf_nan=False, strict=True)]
Count = Annotated[int, Field(ge=0, le=10**12, strict=True)]
Version = Annotated[str, Field(pattern=_ID, max_length=100)]


class PhaseMessage(BaseModel):
    """What a function accepts: a trigger as small as {"game_date": ...}, or the completion of the
    phase before.

    Parsing needs the validation context {"now": datetime}: dates may be TODAY, TOMORROW or
    YESTERDAY in New York.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    game_date: date | None = None
    from_date: date | None = None
    to_date: date | None = None
    run_id: str | None = Field(default=None, pattern=_ID, max_length=MAX_RUN_ID)
    mode: Mode | None = None
    as_of: datetime | None = None
    batch_id: str | None = Field(default=None, pattern=_BATCH_ID, max_length=100)
    force: bool = False
    only: bool = Field(default=False, exclude=True)
    """Whether the run ends with this function, which then announces nothing."""
    use_kept: bool = Field(default=False, exclude=True)
    """Of a backfill: whether raw files of earlier runs serve where they have what is asked for."""
    schedule: str | None = Field(default=None, pattern=_ID, max_length=100)
    trigger_source: TriggerSource | None = None
    correlation_id: Name | None = None
    parent_processor: Name | None = None
    trigger_message_id: Name | None = None
    origin_message_id: str | None = Field(default=None, pattern=_ID, max_length=100)
    """Of a message published once more (deferred and released, redriven): the id under which it
    first came.
    """
    # completion of the phase before
    processor_name: Name | None = None
    phase: Name | None = None
    execution_id: Id | None = None
    output_table: Name | None = None
    output_dataset: Name | None = None
    status: Status | None = None
    record_count: Count | None = None
    records_failed: Count | None = None
    duration_seconds: Seconds | None = None
    event: Name | None = None
    """The code of what happened (shared/core/events.py); a newer release may send one that is not
    known here.
    """
    error_type: Name | None = None
    error_message: Reason | None = None
    reason: Reason | None = None
    sequence: int = Field(default=1, ge=1, le=1_000_000, strict=True)
    """How often this was announced for the run: above 1 after a late completion, and then part of
    the execution key.
    """
    metadata: dict[str, Any] = Field(default_factory=dict)

    @field_validator("game_date", "from_date", "to_date", mode="before")
    @classmethod
    def _date_word(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            if value is None or isinstance(value, date):
                return value
            raise ValueError(f"{value!r} is not a date such as 2025-12-31")
        return resolve_date(value, (info.context or {})["now"])

    @field_validator("batch_id")
    @classmethod
    def _of_a_day(cls, value: str | None) -> str | None:
        if value is not None and date.fromisoformat(value.split("_")[1]).year not in YEARS:
            raise ValueError(f"{value!r} is of no year that a game can be of")
        return value

    @field_validator("as_of", mode="before")
    @classmethod
    def _aware(cls, value: object) -> datetime | None:
        """In UTC, whatever zone it was written in."""
        if value is None:
            return None
        if not isinstance(value, str | datetime):
            raise ValueError("as_of is no moment such as 2025-12-31T22:30:00Z")
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("as_of has no time zone; write 2025-12-31T22:30:00Z")
        return parse_timestamp(moment.isoformat())

    @model_validator(mode="after")
    def _has_dates(self) -> Self:
        if self.game_date is None and (self.from_date is None or self.to_date is None):
            raise ValueError("game_date is missing (or from_date and to_date for a backfill)")
        if self.from_date and self.to_date and self.from_date > self.to_date:
            raise ValueError(f"from_date {self.from_date} is after to_date {self.to_date}")
        return self

    @property
    def first_date(self) -> date:
        """First day the message is about."""
        return self.game_date or self.from_date  # type: ignore[return-value]  # _has_dates proved one is set

    @property
    def last_date(self) -> date:
        """Last day the message is about."""
        return self.game_date or self.to_date  # type: ignore[return-value]


class TrainingMessage(PhaseMessage):
    """What train_model accepts: a date to train on, or what to roll back to, which needs no date
    (then it is today).
    """

    rollback_to: str | None = Field(default=None, pattern=_ID, max_length=100)
    """A version of the models bucket, or "previous": the one that served before.

    `reason` may say why.
    """
    stat: str | None = Field(default=None, max_length=100)
    """Of a rollback: the statistic whose version it is. Without it "previous" is of every statistic
    that has one before, and a version of the statistic that has it.
    """

    @field_validator("stat")
    @classmethod
    def _known_stat(cls, stat: str | None) -> str | None:
        if stat is not None and stat not in PREDICTED:
            raise ValueError(f"there is no statistic {stat!r}; there are: {', '.join(PREDICTED)}")
        return stat

    @model_validator(mode="after")
    def _stat_is_of_a_rollback(self) -> Self:
        if self.stat is not None and self.rollback_to is None:
            raise ValueError("stat is of a rollback: a training is of every statistic")
        return self

    @model_validator(mode="before")
    @classmethod
    def _rollback_is_of_today(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and fields.get("rollback_to") is not None:
            return {"game_date": "TODAY"} | {name: value for name, value in fields.items() if value is not None}
        return fields


class PredictionRequest(PhaseMessage):
    """One unit of a batch: everything a worker needs, so that it makes no warehouse query."""

    game_date: date
    batch_id: str = Field(pattern=_BATCH_ID, max_length=100)
    revision: int = Field(ge=1, le=999_999_999, strict=True)
    unit: str = Field(pattern=_UNIT, max_length=100)
    models: dict[Name, dict[Name, Version]]
    """Pinned model versions: statistic -> system_id -> version, the same for every unit of the
    batch.
    """
    players: list[dict[str, Any]]
    """One entry a player: features (a feature-store row), history (last 30 games, newest first),
    lines by statistic.
    """

    @field_validator("models", mode="before")
    @classmethod
    def _by_stat(cls, models: Any) -> Any:
        """A request of a release that knew points alone pins system_id -> version."""
        is_flat = isinstance(models, dict) and models and all(isinstance(each, str) for each in models.values())
        return {POINTS.name: models} if is_flat else models

    @field_validator("players")
    @classmethod
    def _whole(cls, players: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for player in players:
            if not isinstance(player.get("features"), dict):
                raise ValueError("a player without an object of features")
            for name in ("history", "lines"):
                if player.get(name) is not None and not isinstance(player[name], dict):
                    raise ValueError(f"a player whose {name} is neither an object nor null")
        return players


class PhaseCompletion(PhaseMessage):
    """What a function announces: the fields below are always set."""

    processor_name: Name
    phase: Name
    run_id: str = Field(pattern=_ID, max_length=MAX_RUN_ID)
    mode: Mode
    as_of: datetime | None
    execution_id: Id
    correlation_id: Name
    status: Status
    record_count: Count
    records_failed: Count
    duration_seconds: Seconds
    trigger_source: TriggerSource
