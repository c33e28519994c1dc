"""The calls of the dashboard's API that commands make, in one place.

A question is a GET. An action is previewed, then carried out, by its name:

    POST /actions/{name}/preview  {"values": {...}}                -> {"plan": {"says"}, "key"}
    POST /actions/{name}          {"values": {...}, "key", "why"}  -> {"outcome", ...}

The key names one press: an action that is carried out twice with one key is done once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from rich.console import Console

from local.console.lines import complain
from local.console.plain import plain
from local.nba.acting import Consent
from local.nba.answer import Answer
from local.nba.client import API, Client, open_client
from local.nba.command import kept_when_interrupted
from local.nba.exit_codes import ATTENTION, DONE, FAILED, HEALTHY
from local.nba.place import Place
from local.nba.rendering import Document, Kind, shower
from local.nba.showing import count_noun

GRID = "/grid"
CELL = "/dates/{game_date}/phases/{phase}"
LINEAGE = "/dates/{game_date}/players/{player}"
BATCH = "/batches/{batch_id}"
HEALTH = "/health"
RUNS = "/runs"
SLOWDOWN = "/slowdown"
LATENCY = "/latency"
REPORT = "/report"
ALERTS = "/alerts"
ALERT = "/alerts/{incident}"
AUDIT = "/audit"
ACCURACY = "/accuracy"
PICKS = "/picks"
ACTIONS_OF_DATE = "/dates/{game_date}/actions"
BACKFILLS = "/backfills"
BACKFILL = "/backfills/{backfill}"
DEAD_LETTERS = "/dead-letters"
DEFERRED = "/deferred"
BREAKERS = "/breakers"
SWITCHES = "/switches"
ON_RECORD = "What was asked for is on record; ./nba sweep goes on with it."


def ask(client: Client, path: str, **given: str) -> Any:
    """Ask a question; names in braces in its path are taken from what is given."""
    of_path = {name: value for name, value in given.items() if f"{{{name}}}" in path}
    query = {name: value for name, value in given.items() if name not in of_path}
    return client.read(API + path.format(**{name: quote(value, safe="") for name, value in of_path.items()}), **query)


def read(
    place: Place,
    path: str,
    *kinds: Kind,
    code: Callable[[Document], int] = lambda _document: HEALTHY,
    following: str = "",
    sentences: Sequence[str] = (),
    **given: str,
) -> Answer:
    """Ask a question, and show the answer by its kinds.

    Args:
        code: how the answer ends.
        following: the next command where something needs attention.
        sentences: fields of the answer with texts that stand on top.
    """
    with open_client(place) as client:
        document = ask(client, path, **given)
    ended = code(document)
    show = shower(document, *kinds, sentences=sentences)
    return Answer(document, ended, show, f"{following}{place.options}" if ended and following else "")


def preview(place: Place, name: str, values: Mapping[str, Any]) -> Answer:
    """Say what an action would do; nothing is done."""
    with open_client(place) as client:
        previewed = client.act(f"{API}/actions/{name}/preview", {"values": _choose_values(values)})
    return Answer(previewed, DONE, shower(previewed, sentences=("plan.says",)))


def _choose_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that are given; the others have the action's defaults."""
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
        signature = consent.sign(place)
        asked = {"values": given, "key": previewed["key"], "why": signature["why"]}
        with kept_when_interrupted(ON_RECORD):
            done = client.act(f"{API}/actions/{name}", asked, who=signature["who"])
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
        letters = ask(client, DEAD_LETTERS)["dead_letters"]
        waiting = ask(client, DEFERRED)["deferred"]
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
