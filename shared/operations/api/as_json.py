"""Read models as JSON: any frozen dataclass of plain fields, with ISO times."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from types import MappingProxyType
from typing import Any

from shared.core.errors import Fatal

# Metadata of a field that is another at every look though nothing has changed: when it was read,
# how long a store took.
OF_THE_MOMENT: Mapping[str, Any] = MappingProxyType({"of the moment": True})


def as_json(value: Any, *, lasting: bool = False) -> Any:
    """Turn a read model into what json.dumps takes: dataclasses by their fields, times ISO,
    durations in seconds, enums by value, sets sorted; a number that is not finite becomes null.

    `lasting`: without the fields that are OF_THE_MOMENT, so that equal answers say that nothing has
    changed.

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
        wanted = [each.name for each in fields(value) if not (lasting and "of the moment" in each.metadata)]
        return {name: as_json(getattr(value, name), lasting=lasting) for name in wanted}
    if isinstance(value, Mapping):
        return {str(as_json(key)): as_json(each, lasting=lasting) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return [as_json(each, lasting=lasting) for each in sorted(value)]
    if isinstance(value, Collection) and not isinstance(value, bytes):
        return [as_json(each, lasting=lasting) for each in value]
    raise Fatal(f"A read model holds a {type(value).__name__}.", next_step="give it plain fields.")
