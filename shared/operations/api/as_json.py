"""Read models as JSON: any frozen dataclass of plain fields, with ISO times."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

from shared.core.errors import Fatal


def as_json(value: Any) -> Any:
    """Turn a read model into what json.dumps takes: dataclasses by their fields, times ISO,
    durations in seconds, enums by value, sets sorted; a number that is not finite becomes null.

    Raises Fatal for a type that no read model may have.
    """
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: as_json(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(as_json(key)): as_json(each) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return [as_json(each) for each in sorted(value)]
    if isinstance(value, Collection) and not isinstance(value, bytes):
        return [as_json(each) for each in value]
    raise Fatal(f"A read model holds a {type(value).__name__}.", next_step="give it plain fields.")
