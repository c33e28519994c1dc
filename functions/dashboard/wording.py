"""How pages write moments, ages and facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Flask

from shared.core.clock import NEW_YORK

_GLYPHS = {"good": "✓", "warn": "!", "bad": "✗", "idle": "–"}


def install_filters(app: Flask) -> None:
    """Make them filters of the templates: moment, age, seconds, facts, glyph."""
    filters = {
        "moment": write_moment,
        "age": write_age,
        "seconds": write_seconds,
        "facts": write_facts,
        "glyph": _GLYPHS.__getitem__,
    }
    app.jinja_env.filters.update(filters)


def write_moment(moment: datetime | None) -> str:
    """2025-11-14 17:45, New York; a dash where there is none."""
    return "–" if moment is None else f"{moment.astimezone(NEW_YORK):%Y-%m-%d %H:%M}"


def write_age(seconds: float | None) -> str:
    """45 s, 12 min, 3 h, 2 d; ? where it is not known."""
    if seconds is None:
        return "?"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


def write_seconds(seconds: float | None) -> str:
    """8.2 s; a dash where there are none."""
    return "–" if seconds is None else f"{seconds:.1f} s"


def write_facts(facts: Mapping[str, Any]) -> str:
    """key: value, key: value; what is empty is left out."""
    found = [(name, value) for name, value in facts.items() if value not in (None, "", [], {}, ())]
    return ", ".join(f"{name}: {_value(value)}" for name, value in found)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"({write_facts(value)})"
    if isinstance(value, list | tuple):
        return " ".join(map(str, value[:10])) + (f" and {len(value) - 10} more" if len(value) > 10 else "")
    return write_moment(value) if isinstance(value, datetime) else str(value)
