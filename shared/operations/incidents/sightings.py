"""What was seen of a fingerprint at one time: findings and alerts alike, many as one."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from shared.core.printable import one_line
from shared.core.redaction import redact
from shared.core.severity import Severity
from shared.core.storable import MAX_INTEGER, storable
from shared.operations.levels import Figure, Finding, Level

# More subjects of one check that are new at once have one cause: they are one incident.
MOST_SUBJECTS = 10
MANY = "many"
# Characters of what is kept of a sentence, a next step, a name; and how many figures.
LONGEST, LONGEST_NAME, MOST_FIGURES = 1_000, 200, 20
_NAMED = 5
# Of a figure: what some store would not take as the name of a field.
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_ .%-]")


@dataclass(frozen=True)
class Sighting:
    """What a check found, or an alert says, of one subject."""

    check: str
    subject: str
    severity: Severity
    says: str
    detail: str = ""
    next_step: str = ""
    figures: Mapping[str, Figure] = field(default_factory=dict)
    game_date: date | None = None
    count: int = 1
    by_alert: bool = False
    """Whether a function raised it, and no check found it."""

    @property
    def fingerprint(self) -> str:
        return f"{self.check}:{self.subject}"


def cut_text(text: str, longest: int = LONGEST) -> str:
    """A text as it is kept and sent: without secrets, on one line, bounded."""
    clean = storable(one_line(redact(text))).strip()
    return clean if len(clean) <= longest else f"{clean[: longest - 4].rstrip()} ..."


def bound(sighting: Sighting) -> Sighting:
    """The sighting with every text as it may be kept."""
    figures = list(sighting.figures.items())[:MOST_FIGURES]
    return replace(
        sighting,
        check=cut_text(sighting.check, LONGEST_NAME) or "unnamed",
        subject=cut_text(sighting.subject, LONGEST_NAME) or "unnamed",
        says=cut_text(sighting.says),
        detail=cut_text(sighting.detail),
        next_step=cut_text(sighting.next_step),
        figures={_figure_name(name): _figure(value) for name, value in figures},
    )


def _figure_name(name: str) -> str:
    return _NOT_IN_NAMES.sub("", redact(name))[:LONGEST_NAME].strip("_") or "unnamed"


def _figure(value: Figure) -> Figure:
    """A figure as every store takes it."""
    if isinstance(value, str):
        return cut_text(value, LONGEST_NAME)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value)[:LONGEST_NAME] if isinstance(value, int) and abs(value) > MAX_INTEGER else value


def sightings_of(findings: Iterable[Finding]) -> list[Sighting]:
    """Those of the findings that are not green."""
    return [
        Sighting(
            check=each.check,
            subject=each.subject,
            severity=each.severity,
            says=each.says,
            next_step=each.next_step,
            figures=each.figures,
            game_date=each.game_date,
        )
        for each in findings
        if each.level is not Level.GREEN
    ]


def fold(sightings: Iterable[Sighting], open_ones: Collection[str]) -> dict[str, Sighting]:
    """One sighting a fingerprint, the worst of each with the count of all.

    Where more than MOST_SUBJECTS of a check are not among the open fingerprints, or its collective
    incident is open already, they are one, of the subject MANY.
    """
    # joined twice: bounding a text is slow, and may make two fingerprints one
    bounded = _join_all(bound(each) for each in _join_all(sightings))
    found: dict[str, Sighting] = {}
    fresh: dict[str, list[Sighting]] = defaultdict(list)
    for each in bounded:
        if each.fingerprint in open_ones:
            found[each.fingerprint] = each
        else:
            fresh[each.check].append(each)
    for check, new in fresh.items():
        together = f"{check}:{MANY}" in open_ones or len(new) > MOST_SUBJECTS
        for each in [_collect(check, new)] if together else new:
            known = found.get(each.fingerprint)
            found[each.fingerprint] = each if known is None else _join(known, each)
    return found


def _join_all(sightings: Iterable[Sighting]) -> list[Sighting]:
    joined: dict[str, Sighting] = {}
    for each in sightings:
        known = joined.get(each.fingerprint)
        joined[each.fingerprint] = each if known is None else _join(known, each)
    return list(joined.values())


def _join(first: Sighting, second: Sighting) -> Sighting:
    """Two of one fingerprint: the worse of them, of equals the later."""
    worse = first if first.severity.rank > second.severity.rank else second
    return replace(worse, count=first.count + second.count, by_alert=first.by_alert and second.by_alert)


def _collect(check: str, new: list[Sighting]) -> Sighting:
    worst = max(new, key=lambda each: each.severity.rank)
    names = sorted(each.subject for each in new)
    listed = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    return bound(
        replace(
            worst,
            subject=MANY,
            says=f"{len(new)} at once: {listed}. One of them, {worst.subject}: {worst.says}",
            figures={"subjects": len(new)},
            game_date=None,
            count=sum(each.count for each in new),
        )
    )
