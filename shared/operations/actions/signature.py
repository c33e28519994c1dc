"""Who acts and why."""

from __future__ import annotations

from dataclasses import dataclass

from shared.core.errors import DataError

# Of a name, and of a reason; a document of the audit has both.
MOST_NAME, MOST_REASON = 200, 2_000


@dataclass(frozen=True)
class Signature:
    """Who acts and why.

    Raises DataError where one of them is blank, or longer than the audit takes.
    """

    who: str
    why: str

    def __post_init__(self) -> None:
        missing = [name for name in ("who", "why") if not getattr(self, name).strip()]
        if missing:
            raise DataError(f"An operator's action says {' and '.join(missing)}.")
        if len(self.who) > MOST_NAME or len(self.why) > MOST_REASON:
            raise DataError(
                f"An operator's action says who in {MOST_NAME} characters and why in {MOST_REASON} at most; these have "
                f"{len(self.who)} and {len(self.why)}."
            )
