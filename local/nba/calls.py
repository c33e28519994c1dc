"""The calls of the API of operations that commands make, in one place: method and path below
/api/v1.

An action is previewed and carried out by its name:

    POST /actions/{name}/preview  {"values": {...}}                -> {"plan": {"says"}, "key"}
    POST /actions/{name}          {"values": {...}, "key", "why"}  -> {"outcome", ...}

The key names one press: the same action carried out twice with one key is done once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from local.console.lines import complain
from local.console.plain import plain
from local.nba.acting import Consent
from local.nba.answer import Answer
from local.nba.client import API, Client, open_client
from local.nba.command import kept_when_interrupted
from local.nba.exit_codes import ATTENTION, DONE, FAILED
from local.nba.place import Place
from local.nba.rendering import Kind, code_of, shower
from local.nba.showing import count_noun

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
RUNS = f"{API}/runs"
DEAD_LETTERS = f"{API}/dead-letters"
DEFERRED = f"{API}/deferred"
BREAKERS = f"{API}/breakers"
SWITCHES = f"{API}/switches"


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
    return Answer(plan, DONE, shower(plan, Kind(sentences=("plan.says",))))


def _choose_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that are said; the others have the action's defaults."""
    return {key: value for key, value in values.items() if value not in (None, "", [], ())}


def act(place: Place, consent: Consent, name: str, values: Mapping[str, Any], following: str = "") -> Answer:
    """Preview an action, ask, carry it out once, and see through what it published.

    It fails where a dead letter came of it, and needs attention where a message waits.

    Args:
        following: the next command where all went well.
    """
    given = _choose_values(values)
    with open_client(place) as client:
        previewed = client.act(f"{API}/actions/{name}/preview", {"values": given})
        consent.ask(previewed["plan"]["says"])
        before = Waiting.of(client, place)
        asked = {"values": given, "key": previewed["key"], "why": consent.why}
        with kept_when_interrupted("What was asked for is on record; ./nba sweep goes on with it."):
            done = client.act(f"{API}/actions/{name}", asked)
            # a folder that nobody else has open is delivered by this process; on Google Cloud it
            # answers at once
            client.act("/admin/idle")
        left = Waiting.of(client, place).since(before)
    left.complain()

    def show(console: Console) -> None:
        console.print(plain(done["outcome"]))

    following = left.next_command or following
    return Answer(done, left.code, show, f"{following}{place.options}" if following else "")


@dataclass(frozen=True)
class Waiting:
    """Dead letters by key and deferred messages by name, each with its reason."""

    letters: Mapping[str, str]
    deferred: Mapping[str, str]

    @classmethod
    def of(cls, client: Client, place: Place) -> Waiting:
        """What waits now; on Google Cloud nothing, for nothing is awaited there."""
        if place.on_google:
            return cls({}, {})
        letters = client.read(DEAD_LETTERS)["dead_letters"]
        waiting = client.read(DEFERRED)["deferred"]
        return cls(
            {each["key"]: f"{each['reason']}: {each['error'] or each['preview']}" for each in letters},
            {each["name"]: f"{each['function']}: {each['reason']}" for each in waiting},
        )

    def since(self, before: Waiting) -> Waiting:
        """What came since another look."""
        return Waiting(
            {key: why for key, why in self.letters.items() if key not in before.letters},
            {name: why for name, why in self.deferred.items() if name not in before.deferred},
        )

    @property
    def code(self) -> int:
        return FAILED if self.letters else ATTENTION if self.deferred else DONE

    @property
    def next_command(self) -> str:
        return "./nba dlq" if self.letters else "./nba deferred" if self.deferred else ""

    def complain(self) -> None:
        """Say what came, a line each."""
        for key, why in self.letters.items():
            complain(f"now a dead letter, {key}: {why}")
        for why, count in sorted(Counter(self.deferred.values()).items()):
            complain(f"{count_noun(count, 'message')} to {why}")
