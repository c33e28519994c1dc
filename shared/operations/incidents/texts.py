"""What a message says: for a phone, one thing a line; nothing in it steers a channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.core.clock import NEW_YORK
from shared.core.pipeline import load_pipeline
from shared.core.severity import Severity
from shared.operations.incidents.by_itself import BY_ITSELF, describe_by_itself
from shared.operations.incidents.deliveries import Kind
from shared.operations.incidents.planning import ESCALATED_AFTER
from shared.operations.incidents.records import Incident
from shared.operations.incidents.sightings import cut_text

# Of a whole text, a title, and a line of a digest; and how many incidents one names.
LONGEST_TEXT, LONGEST_TITLE, LONGEST_LINE, MOST_LINES = 3_000, 150, 240, 20
# What a message shows of what an incident keeps.
_SAYS, _NEXT, _FIGURES = 600, 400, 6


@dataclass(frozen=True)
class Text:
    """A message: a title of one line, and the lines below it."""

    title: str
    body: str


@dataclass(frozen=True)
class Named:
    """An incident with what its message is about."""

    incident: Incident
    kind: Kind


@dataclass(frozen=True)
class Page:
    """Where a message comes from: prefix of the environment's names, and the dashboard's address;
    either may be empty.
    """

    environment: str = ""
    dashboard: str = ""

    def link(self, path: str) -> str:
        """The address of a page of the dashboard; empty without one."""
        return f"{self.dashboard.rstrip('/')}/{path}" if self.dashboard else ""


def compose(named: Sequence[Named], kind: Kind, now: datetime, page: Page) -> Text:
    """The text of a message about one incident, or of a digest about many."""
    if kind in (Kind.DIGEST, Kind.BUNDLE):
        return _compose_digest(named, kind, page)
    return _compose_one(named[0].incident, kind, now, page)


def compose_test(now: datetime, page: Page) -> Text:
    """The text that proves a channel."""
    title = f"{_prefix(page)}TEST: a message of the NBA pipeline"
    return Text(title, f"Sent {write_time(now, now)} New York. Nothing is wrong.")


def _compose_one(incident: Incident, kind: Kind, now: datetime, page: Page) -> Text:
    lines = [cut_text(incident.says, _SAYS)]
    if incident.detail and incident.detail not in incident.says:
        lines.append(cut_text(incident.detail, _SAYS))
    if figures := _figures(incident):
        lines.append(f"Figures: {figures}.")
    lines.append(_since(incident, now))
    if incident.is_flapping:
        lines.append(f"It flaps: opened {incident.openings} times in 2 h.")
    elif incident.previous:
        lines.append(f"It was open before: {incident.previous}.")
    if kind is Kind.ESCALATED:
        minutes = ESCALATED_AFTER.seconds // 60
        lines.append(f"Nobody has acknowledged it within {minutes} min, or the first channel does not work.")
    if incident.is_open:
        lines.append(f"By itself: {_by_itself(incident, now)}")
        lines.append(f"Next: {cut_text(incident.next_step, _NEXT) or 'look at it.'}")
    lines.append(page.link(f"alerts/{incident.id}") or f"Incident {incident.id}")
    return Text(_title(incident, kind, page), _bound_text("\n".join(lines)))


def _title(incident: Incident, kind: Kind, page: Page) -> str:
    """STILL CRITICAL: consolidation 2025-11-14."""
    if kind is Kind.RESOLVED:
        word = "RESOLVED"
    else:
        word = f"{'STILL ' if kind is Kind.STILL else ''}{incident.severity.value.upper()}"
    return cut_text(f"{_prefix(page)}{word}: {incident.check} {incident.subject}", LONGEST_TITLE)


def _since(incident: Incident, now: datetime) -> str:
    opened, end = incident.opened_at, incident.resolved_at
    if end is not None:
        return (
            f"From {write_time(opened, now)} to {write_time(end, now)} New York ({write_span(end - opened)}):"
            f" {incident.resolution}."
        )
    often = "once" if incident.count == 1 else f"{incident.count} times"
    return f"Since {write_time(opened, now)} New York ({write_span(now - opened)}), seen {often}."


def _by_itself(incident: Incident, now: datetime) -> str:
    """What the sentence of the day says, too, and what ends it."""
    what = "has been green for an hour" if incident.is_flapping else "finds it no more"
    return f"{describe_by_itself(incident, load_pipeline(), now)}. It is resolved once its check {what}."


def _figures(incident: Incident) -> str:
    shown = [(name, value) for name, value in incident.figures.items() if name != BY_ITSELF and value is not None]
    return ", ".join(f"{name} {_number(value)}" for name, value in shown[:_FIGURES])


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else cut_text(str(value), 60)


def _compose_digest(named: Sequence[Named], kind: Kind, page: Page) -> Text:
    """One line an incident, the worst first."""
    ordered = sorted(named, key=lambda each: (not each.incident.is_open, -each.incident.severity.rank))
    still = sum(each.incident.is_open for each in named)
    what = "Morning digest" if kind is Kind.DIGEST else "Several at once"
    title = f"{_prefix(page)}{what}: {still} open, {len(named) - still} resolved"
    lines = [_line(each.incident) for each in ordered[:MOST_LINES]]
    if len(ordered) > MOST_LINES:
        lines.append(f"and {len(ordered) - MOST_LINES} more.")
    if link := page.link("alerts"):
        lines.append(link)
    return Text(cut_text(title, LONGEST_TITLE), _bound_text("\n".join(lines)))


def _line(incident: Incident) -> str:
    says = cut_text(incident.says, LONGEST_LINE // 2)
    if incident.is_open:
        step = f" Next: {incident.next_step}" if incident.next_step else ""
        return cut_text(
            f"- {incident.severity.value.upper()} {incident.check} {incident.subject}: {says}{step}", LONGEST_LINE
        )
    return cut_text(f"- RESOLVED {incident.check} {incident.subject}: {says}", LONGEST_LINE)


def _prefix(page: Page) -> str:
    name = page.environment.strip("-")
    return f"[{name}] " if name else ""


def _bound_text(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 4]} ..."


def write_time(moment: datetime, now: datetime) -> str:
    """A moment on New York's clock, with the day where it is another one: Nov 14, 23:10."""
    local = moment.astimezone(NEW_YORK)
    today = local.date() == now.astimezone(NEW_YORK).date()
    return f"{local:%H:%M}" if today else f"{local:%b} {local.day}, {local:%H:%M}"


def write_span(span: timedelta) -> str:
    """A time in the two units that matter: 25 min, 3 h 10 min, 2 d 4 h."""
    minutes = max(0, int(span.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def severity_of(named: Sequence[Named]) -> Severity:
    """The worst of a message's incidents."""
    return max((each.incident.severity for each in named), key=lambda each: each.rank)
