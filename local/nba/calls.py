"""The calls of the API of operations that commands make, in one place: method and path below
/api/v1.

An action is previewed and carried out by its name:

    POST /actions/{name}/preview  {"values": {...}}                       -> {"says": [...], ...}
    POST /actions/{name}          {"values": {...}, "key", "who", "why"}  -> {"outcome", ...}
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from local.console.plain import plain
from local.nba.acting import Consent
from local.nba.answer import Answer
from local.nba.client import API, open_client
from local.nba.exit_codes import DONE
from local.nba.place import Place
from local.nba.rendering import Kind, code_of, shower

STATUS = f"{API}/status"
GRID = f"{API}/grid"
DAY = f"{API}/day"
CELL = f"{API}/cell"
HEALTH = f"{API}/health"
SLOWDOWN = f"{API}/slowdown"
LATENCY = f"{API}/latency"
REPORT = f"{API}/report"
INCIDENTS = f"{API}/incidents"
AUDIT = f"{API}/audit"


def read(place: Place, path: str, *kinds: Kind, following: str = "", **query: str) -> Answer:
    """Ask a read model, and show it by its kinds. It ends by its level, or the worst of its
    rows.

    Args:
        following: the next command where something needs attention.
    """
    with open_client(place) as client:
        document = client.read(path, **query)
    code = code_of(document, next((kind.rows for kind in kinds if kind.rows), ""))
    return Answer(document, code, shower(document, *kinds), f"{following}{place.options}" if code and following else "")


def preview(place: Place, name: str, values: Mapping[str, Any]) -> Answer:
    """Say what an action would do; nothing is done."""
    with open_client(place) as client:
        plan = client.act(f"{API}/actions/{name}/preview", {"values": _choose_values(values)})
    return Answer(plan, DONE, shower(plan, Kind(sentences=("says",))))


def _choose_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that are said; the others have the action's defaults."""
    return {key: value for key, value in values.items() if value not in (None, "", [], ())}


def act(place: Place, consent: Consent, name: str, values: Mapping[str, Any], following: str) -> Answer:
    """Preview an action, ask, carry it out once, and deliver what it published."""
    given = _choose_values(values)
    with open_client(place) as client:
        plan = client.act(f"{API}/actions/{name}/preview", {"values": given})
        consent.ask(plan["says"])
        asked = {"values": given, "key": uuid.uuid4().hex, **consent.signature}
        done = client.act(f"{API}/actions/{name}", asked)
        # a folder that nobody else has open is delivered by this process; on Google Cloud it
        # answers at once
        client.act("/admin/idle")

    def show(console: Console) -> None:
        console.print(plain(done["outcome"]))

    return Answer(done, DONE, show, f"{following}{place.options}")
