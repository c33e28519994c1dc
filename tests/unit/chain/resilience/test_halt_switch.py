"""The halt switch: set and lifted by an operator, each turn on record; by hand as well."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from local.embedded.sqlite_state import SqliteState
from shared.chain.resilience import halt_switch
from shared.chain.resilience.halt_switch import Halt
from tests.support.embedded import START

LATER = START + timedelta(hours=2)


def test_nobody_ever_halted(state: SqliteState) -> None:
    halt_switch.lift(state, who="ann", reason="to be sure", now=START)
    assert halt_switch.read(state) == Halt()
    assert state.query("audit") == []


def test_it_is_set_and_lifted_once_and_audited(state: SqliteState) -> None:
    for who in ("ann", "bob"):
        halt_switch.halt(state, who=who, reason="off-season", now=START)
    assert halt_switch.read(state) == Halt(True, "off-season", "ann", START, turns=1)
    for who in ("bob", "ann"):
        halt_switch.lift(state, who=who, reason="October", now=LATER)
    assert halt_switch.read(state) == Halt(False, "October", "bob", LATER, turns=2)
    found = [(each.data["action"], each.data["who"]) for each in state.query("audit", order_by="at")]
    assert found == [("halt", "ann"), ("lift-halt", "bob")]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ({"halted": True, "reason": "off-season"}, "off-season"),
        ({"halted": True}, "no reason given"),
        ({"halted": "yes"}, "control/halt"),
        ({"halted": True, "reason": 7}, "reason"),
    ],
)
def test_what_was_written_by_hand_halts_and_can_be_lifted(
    state: SqliteState, written: dict[str, Any], why: str
) -> None:
    state.create(halt_switch.PATH, written)
    switch = halt_switch.read(state)
    assert switch.halted
    assert why in switch.why
    halt_switch.lift(state, who="ann", reason="over", now=LATER)
    assert not halt_switch.read(state).halted
