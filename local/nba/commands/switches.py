"""What stops work and lets it through: the pause, the halt, the breakers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console

from local.console.plain import plain
from local.nba import calls
from local.nba.acting import Consent, acts
from local.nba.answer import Answer
from local.nba.client import open_client
from local.nba.command import command
from local.nba.exit_codes import ATTENTION, DONE
from local.nba.place import Place
from local.nba.showing import table


@command("switches")
def switches(place: Place) -> Answer:
    """Say whether the pipeline is paused or its files halted, by whom and why."""
    with open_client(place) as client:
        found = calls.ask(client, calls.SWITCHES)
    paused = bool(found["pause"] and found["pause"]["paused"])
    halted = bool(found["halt"] and found["halt"]["halted"])

    def show(console: Console) -> None:
        console.print(plain(f"{'paused' if paused else 'running'}{_by(found['pause'])}"))
        console.print(plain(f"{'halted' if halted else 'files give advice'}{_by(found['halt'])}"))

    following = "resume" if paused else "lift-halt"
    mends = f'./nba {following} --why "..."{place.options}' if paused or halted else ""
    return Answer(found, ATTENTION if paused or halted else DONE, show, mends)


def _by(switch: Mapping[str, Any] | None) -> str:
    return f", by {switch['who']}: {switch['reason']}" if switch and switch.get("who") else ""


@command("pause")
@acts
def pause(place: Place, consent: Consent) -> Answer:
    """Defer new work, losing none; what runs finishes."""
    return calls.act(place, consent, "pause", {}, './nba resume --why "..."')


@command("resume")
@acts
def resume(place: Place, consent: Consent) -> Answer:
    """Let work through again, and publish what was deferred."""
    return calls.act(place, consent, "resume", {})


@command("breakers")
def breakers(place: Place) -> Answer:
    """List the circuit breakers that have failures, open or not."""
    with open_client(place) as client:
        found = calls.ask(client, calls.BREAKERS)
    failing = found["breakers"]
    stopping = [each for each in failing if each["state"] != "closed"]

    def show(console: Console) -> None:
        if not failing:
            console.print("No breaker has failures.")
            return
        heads = ("breaker", "state", "failures", "last error")
        console.print(table(heads, ([e["name"], e["state"], e["failures"], e["last_error"]] for e in failing)))

    following = f'./nba reset-breaker {stopping[0]["name"]} --why "..."{place.options}' if stopping else ""
    return Answer(found, ATTENTION if stopping else DONE, show, following)


@command("reset-breaker")
@acts
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def reset_breaker(place: Place, consent: Consent, names: tuple[str, ...]) -> Answer:
    """Close breakers once their cause is mended, and publish what they deferred."""
    return calls.act(place, consent, "reset-breakers", {"names": list(names)})


@command("halt")
@acts
def halt(place: Place, consent: Consent) -> Answer:
    """Have every exported file say that no advice is given."""
    return calls.act(place, consent, "halt", {}, './nba export DATE --why "..."')


@command("lift-halt")
@acts
def lift_halt(place: Place, consent: Consent) -> Answer:
    """Have files give advice again."""
    return calls.act(place, consent, "lift-halt", {}, './nba export DATE --why "..."')
