"""The pause switch: turned by an operator, once each way, each turn on record."""

from __future__ import annotations

from datetime import timedelta

from local.embedded.sqlite_state import SqliteState
from shared.chain.resilience import pause_switch
from shared.chain.resilience.pause_switch import Pause
from tests.support.embedded import START

LATER = START + timedelta(hours=2)


def actions(state: SqliteState) -> list[tuple[str, str]]:
    return [(each.data["action"], each.data["who"]) for each in state.query("audit", order_by="at")]


def test_nobody_ever_paused(state: SqliteState) -> None:
    assert pause_switch.read(state) is None
    pause_switch.resume(state, who="ann", reason="to be sure", now=START)
    assert pause_switch.read(state) is None
    assert actions(state) == []


def test_pause_and_resume_are_turned_once_and_audited(state: SqliteState) -> None:
    for minutes, who in ((0, "ann"), (1, "bob")):
        pause_switch.pause(state, who=who, reason="odd odds", now=START + timedelta(minutes=minutes))
    assert pause_switch.read(state) == Pause(True, START, None, "odd odds", "ann", turns=1)
    for who in ("bob", "ann"):
        pause_switch.resume(state, who=who, reason="they are right", now=LATER)
    assert pause_switch.read(state) == Pause(False, START, LATER, "they are right", "bob", turns=2)
    assert actions(state) == [("pause", "ann"), ("resume", "bob")]


def test_a_switch_turned_again_and_again_at_the_same_moment_is_on_record_each_time(state: SqliteState) -> None:
    for _ in range(2):
        pause_switch.pause(state, who="ann", reason="r", now=START)
        pause_switch.resume(state, who="ann", reason="r", now=START)
    assert sorted(actions(state)) == [("pause", "ann")] * 2 + [("resume", "ann")] * 2
