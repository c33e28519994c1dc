"""A message as its channel sends it: text for people, JSON for a web-hook."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.core.redaction import redact_json
from shared.operations.api.as_json import as_json
from shared.operations.incidents.deliveries import Kind
from shared.operations.incidents.records import Incident
from shared.operations.incidents.texts import Named, Page, Text, severity_of

WEB_HOOK = "webhook"
_FIELDS = (
    "check",
    "subject",
    "severity",
    "says",
    "detail",
    "next_step",
    "figures",
    "game_date",
    "opened_at",
    "last_seen_at",
    "resolved_at",
    "resolution",
    "count",
    "openings",
    "previous",
    "acknowledged_by",
)


def render(channel: str, name: str, kind: Kind, named: Sequence[Named], text: Text, now: datetime, page: Page) -> Text:
    """The title, and what is sent: the text, or for a web-hook a JSON object with the incidents."""
    if channel != WEB_HOOK:
        return text
    content = {
        "id": name,
        "kind": kind.value,
        "severity": severity_of(named).value if named else "info",
        "title": text.title,
        "text": text.body,
        "recorded_at": as_json(now),
        "incidents": [_describe(each.incident, each.kind, page) for each in named],
    }
    return Text(text.title, json.dumps(redact_json(content)))


def _describe(incident: Incident, kind: Kind, page: Page) -> dict[str, Any]:
    found = {name: as_json(getattr(incident, name)) for name in _FIELDS}
    return {"id": incident.id, "change": kind.value, "url": page.link(f"alerts/{incident.id}"), **found}
