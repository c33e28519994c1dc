"""How pages write moments, ages, figures and levels: beside a colour stand a glyph and a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Any

from flask import Flask

from shared.core.clock import NEW_YORK, at_new_york, format_age, new_york_date
from shared.core.severity import Severity
from shared.operations.levels import Level
from shared.operations.status.model import Verdict

GOOD, WARN, BAD, IDLE, WORK = "good", "warn", "bad", "idle", "work"
_GLYPHS = {GOOD: "✓", WARN: "!", BAD: "✗", IDLE: "–", WORK: "…"}
_TONES: Mapping[Enum, str] = {
    Verdict.COMPLETE: GOOD,
    Verdict.SHORT: BAD,
    Verdict.RUNNING: WORK,
    Verdict.FAILED: BAD,
    Verdict.DEFERRED: WARN,
    Verdict.NOT_DUE: IDLE,
    Verdict.NOTHING_TO_DO: IDLE,
    Verdict.LEFT_OUT: IDLE,
    Level.GREEN: GOOD,
    Level.YELLOW: WARN,
    Level.RED: BAD,
    Severity.INFO: IDLE,
    Severity.WARNING: WARN,
    Severity.ERROR: BAD,
    Severity.CRITICAL: BAD,
}
# Statuses that documents have as texts: of batches, units, executions, messages.
_TONES_OF_TEXTS = {
    "CONSOLIDATED": GOOD, "done": GOOD, "success": GOOD, "closed": GOOD, "sent": GOOD, "win": GOOD,
    "OPEN": WORK, "CLOSED": WORK, "running": WORK, "pending": WORK, "out": WORK, "trial": WORK,
    "partial": WARN, "half_open": WARN, "retried": WARN, "missing": WARN, "given_up": WARN,
    "FAILED": BAD, "failed": BAD, "open": BAD, "abandoned": BAD, "loss": BAD,
}  # fmt: skip
# Words that are apart where the tone is the same.
_GLYPHS_OF: Mapping[Enum, str] = {
    Verdict.SHORT: "◔",
    Verdict.NOT_DUE: "·",
    Verdict.LEFT_OUT: "○",
    Verdict.DEFERRED: "‖",
}
_WORDS: Mapping[Enum, str] = {Level.GREEN: "fine", Level.YELLOW: "look", Level.RED: "act"}
PHASES = {
    "phase1": "1 scrape",
    "phase2": "2 raw",
    "phase3": "3 analytics",
    "phase4": "4 features",
    "phase5_coordinator": "5 batch",
    "phase5_worker": "5 predict",
    "phase5_consolidation": "5 merge",
    "phase6": "6 export",
    "grading": "grading",
}


def install_filters(app: Flask) -> None:
    """Make them filters of the templates."""
    filters = {
        "moment": write_moment,
        "second": write_second,
        "clock": write_clock,
        "age": format_age,
        "seconds": write_seconds,
        "hours": write_hours,
        "count": write_count,
        "share": write_share,
        "figure": write_figure,
        "signed": write_signed,
        "facts": write_facts,
        "phase": lambda name: PHASES.get(name, name),
        "tone": tone_of,
        "glyph": glyph_of,
        "word": word_of,
        "weekday": lambda day: f"{day:%a}",
    }
    app.jinja_env.filters.update(filters)


def tone_of(value: Any) -> str:
    """The class of a verdict, a level, a severity or a status; idle of what has none."""
    if isinstance(value, Verdict | Level | Severity):
        return _TONES[value]
    return _TONES_OF_TEXTS.get(str(value), IDLE)


def glyph_of(value: Any) -> str:
    """The sign of a tone or of what has one."""
    if isinstance(value, Enum):
        return _GLYPHS_OF.get(value, _GLYPHS[tone_of(value)])
    return _GLYPHS.get(value, _GLYPHS[tone_of(value)])


def word_of(value: Any) -> str:
    """Of a level what to do, of everything else its own word."""
    if isinstance(value, Enum):
        return _WORDS.get(value, str(value.value))
    return str(value).replace("_", " ")


def write_moment(moment: datetime | None) -> str:
    """2025-11-14 17:45, New York; a dash where there is none."""
    return "–" if moment is None else f"{moment.astimezone(NEW_YORK):%Y-%m-%d %H:%M}"


def write_second(moment: datetime) -> str:
    """2025-11-14 17:45:09, New York."""
    return f"{moment.astimezone(NEW_YORK):%Y-%m-%d %H:%M:%S}"


def write_clock(moment: datetime | None, day: date | None = None) -> str:
    """17:45, New York; with month and day where it is of another date than `day`."""
    if moment is None:
        return "–"
    local = moment.astimezone(NEW_YORK)
    return f"{local:%m-%d %H:%M}" if day and new_york_date(moment) != day else f"{local:%H:%M}"


def write_seconds(seconds: float | None) -> str:
    """8.2 s; a dash where there are none."""
    return "–" if seconds is None else f"{seconds:,.1f} s"


def write_hours(seconds: float | None) -> str:
    """2.5 h, of less than an hour minutes; a dash where there are none."""
    if seconds is None:
        return "–"
    return f"{seconds / 3_600:.1f} h" if seconds >= 3_600 else f"{seconds / 60:.0f} min"


def write_count(number: int, what: str) -> str:
    """1 game, 2 games, 2 batches."""
    ending = "es" if what.endswith(("s", "ch")) else "s"
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}{ending}"


def write_share(value: float | None, digits: int = 1) -> str:
    """52.4%; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}%}"


def write_figure(value: float | None, digits: int = 2) -> str:
    """5.03; a dash where there is none."""
    return "–" if value is None else f"{value:,.{digits}f}"


def write_signed(value: float | None, digits: int = 2) -> str:
    """+0.03; a dash where there is none."""
    return "–" if value is None else f"{value:+,.{digits}f}"


def write_facts(facts: Mapping[str, Any]) -> str:
    """key: value, key: value; what is empty is left out."""
    found = [(name, value) for name, value in facts.items() if value not in (None, "", [], {}, ())]
    return ", ".join(f"{name.replace('_', ' ')}: {_value(value)}" for name, value in found)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"({write_facts(value)})"
    if isinstance(value, list | tuple):
        return " ".join(map(str, value[:10])) + (f" and {len(value) - 10} more" if len(value) > 10 else "")
    if isinstance(value, float):
        return f"{value:,.2f}"
    return write_moment(value) if isinstance(value, datetime) else str(value)


def moments_ahead(now: datetime) -> Sequence[tuple[str, str]]:
    """What somebody may want to wait for, as a moment and in words."""
    tomorrow = new_york_date(now) + timedelta(days=1)
    ahead = {
        "tomorrow at 08:00, New York": at_new_york(tomorrow, time(8)),
        "an hour from now": now + timedelta(hours=1),
        "four hours from now": now + timedelta(hours=4),
        "a week from now": now + timedelta(days=7),
    }
    return [(f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:00Z}", says) for says, moment in ahead.items()]
