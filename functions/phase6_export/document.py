"""What every export file has in common: the header, its place in the order of runs, and numbers as JSON has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from functions.phase6_export.schema_check import check
from shared.core.clock import format_timestamp
from shared.core.errors import SchemaMismatch
from shared.core.printable import printable_json

SCHEMA_VERSION = 2
ROOT = "v1"
# Seconds a reader may keep a file: pointers change several times a day, a dated file hardly, the status at any time.
POINTER_AGE, DATED_AGE, STATUS_AGE = 300, 86_400, 60
# As the schema bounds it: no book pays a tenth of that.
LONGEST_FAIR_PRICE = 1_000_000


@dataclass(frozen=True, order=True)
class Order:
    """Which of two versions of a file is newer, compared field by field.

    The epoch (repetition of simulated time; deployed, of the restored state) goes before any clock; then the date the
    file is about, the newest batch revision in it, and when what it holds was last consolidated (or graded). Not the
    run's as_of: of two exports the one that read more is newer, whichever run asked for it.
    """

    epoch: int
    game_date: str
    revision: int
    content_at: str

    @classmethod
    def read(cls, body: Any) -> Order | None:
        """The order a file carries; None where it carries none of our making."""
        match body:
            case {"order": [int(epoch), str(game_date), int(revision), str(content_at)]}:
                return cls(epoch, game_date, revision, content_at)
        return None

    def as_json(self) -> list[Any]:
        return [self.epoch, self.game_date, self.revision, self.content_at]


@dataclass(frozen=True)
class Header:
    """Fields at the top of every file. `halted` is the operator's switch: a reader then shows no advice."""

    game_date: date
    generated_at: datetime
    order: Order
    batches: tuple[str, ...]
    halted: bool
    halt_reason: str | None
    sources: Sequence[dict[str, Any]]
    """What each source had said when the content was predicted (sources.py)."""

    def as_json(self) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "game_date": self.game_date.isoformat(),
            "generated_at": format_optional_timestamp(self.generated_at),
            "order": self.order.as_json(),
            "batches": [{"batch_id": batch_id} for batch_id in self.batches],
            "halted": self.halted,
            "halt_reason": self.halt_reason,
            "sources": list(self.sources),
        }


@dataclass(frozen=True)
class Document:
    """One file ready to be written. Made by `document` alone, so that none exists that was not checked."""

    path: str
    body: dict[str, Any]
    order: Order
    max_age: int


def document(path: str, schema: str, header: Header, content: dict[str, Any], max_age: int) -> Document:
    """A checked file `v1/{path}`. Raises SchemaMismatch naming the file, the place in it and the value."""
    # rows of an earlier release may hold names as a feed sent them; a page is to show them as they are
    body = printable_json({**header.as_json(), **content})
    full = f"{ROOT}/{path}"
    check(body, schema, full)
    return Document(full, body, header.order, max_age)


def half_points(line: Decimal | None) -> float | None:
    """A line as a JSON number (halves are exact in binary). Raises SchemaMismatch for a line between halves."""
    if line is None:
        return None
    if line * 2 != int(line * 2):
        raise SchemaMismatch(f"Line {line} is not in half points.", next_step="correct the rows of this line.")
    return float(line)


def points(value: float | None) -> float | None:
    """Points and units, to two decimals."""
    return None if value is None else round(float(value), 2)


def fair_price(value: float | None) -> float | None:
    """American odds of a probability; None beyond a million, where one side is as good as certain."""
    return points(value) if value is not None and abs(value) <= LONGEST_FAIR_PRICE else None


def share(value: float | None) -> float | None:
    """Probabilities, rates and profit per unit staked, to four decimals."""
    return None if value is None else round(float(value), 4)


def format_optional_timestamp(value: datetime | None) -> str | None:
    """Write a moment as 2025-11-14T22:30:00Z; None stays None."""
    return None if value is None else format_timestamp(value)
