"""A backfill from the press of the button to its last date: nothing twice, wherever it is
interrupted, and one date that cannot be filled costs itself alone.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from shared.chain.resilience import pause_switch
from shared.core.errors import DataError, NotFound
from shared.core.pipeline import load_pipeline
from shared.operations.actions.action import Performed, Plan
from shared.operations.actions.perform import perform, preview
from shared.operations.actions.signature import Signature
from shared.operations.actions.table import action_of
from shared.operations.api.as_json import as_json
from shared.operations.api.questions import question_of
from shared.operations.backfill.advancing import advance
from shared.operations.backfill.reading import BackfillView, read_backfill
from tests.pipeline.backfilling import TOPIC, Season
from tests.pipeline.support import Killed, PipelineHarness
from tests.pipeline.sweeping import SWEEP, sweep_once
from tests.support.stores import reset_counts

PIPELINE = load_pipeline()
SIGNED = Signature("ada", "the feed had holes")
KEY = "press-0001"
OCTOBER = [date(2025, 10, day) for day in (22, 23, 25, 28)]
NOVEMBER = [date(2025, 11, day) for day in (2, 3, 8)]
RANGE = {"from": "2025-10-20", "to": "2025-11-10"}


@pytest.fixture
def season(world: PipelineHarness) -> Season:
    """October is scored but for the 25th, November not at all."""
    found = Season(world, [*OCTOBER, *NOVEMBER])
    found.load_schedule()
    found.load_scores(day for day in OCTOBER if day.day != 25)
    return found


def act(world: PipelineHarness, name: str, key: str = KEY, **values: Any) -> Performed:
    return perform(action_of(name), world.runtime, PIPELINE, values, SIGNED, key)


def look(world: PipelineHarness, **values: Any) -> Plan:
    return preview(action_of("backfill"), world.runtime, PIPELINE, {**RANGE, **values})


def view(world: PipelineHarness, key: str = KEY) -> BackfillView:
    return read_backfill(world.runtime, key)


def go_on(season: Season, key: str = KEY) -> BackfillView:
    """The pipeline works and the sweep advances, until nothing is open."""
    for _ in range(20):
        if not view(season.world, key).is_open:
            return view(season.world, key)
        season.play()
        advance(season.world.runtime, PIPELINE, key)
    raise AssertionError(view(season.world, key))


def list_audited(world: PipelineHarness) -> list[str]:
    return [each.data["action"] for each in world.state.query("audit", order_by="at")]


def test_a_dry_run_lists_dates_and_why_and_leaves_no_trace(season: Season) -> None:
    reset_counts(season.world.warehouse)
    plan = look(season.world)
    assert sum(season.world.warehouse.statement_counts.values()) == 1
    assert plan.targets == ("2025-10-25", *map(str, NOVEMBER))
    assert plan.says[0] == "From 2025-10-20 to 2025-11-10: 4 are short, 3 have what they should, 15 have no games."
    assert plan.says[1].startswith(f"Publishes 2 messages to {TOPIC}, 1 at a time, oldest first, for 4 dates;")
    assert "What the raw bucket has is not fetched again." in plan.says
    [quota] = [each for each in plan.says if "quota" in each]
    assert quota == (
        "Past lines cost at most 1,444 of the odds API's quota, less for events that the raw bucket has: 4 games, each"
        " 18 markets in 2 regions at ten times the live price."
    )
    assert plan.says[-2].startswith("2025-10-25 to 2025-10-25, 1 dates. 2025-10-25: 1 of 1 games (")
    assert "have no box scores of both teams" in plan.says[-2]
    assert season.world.bus.published == []
    assert season.world.state.query("backfills") == season.world.state.query("audit") == []


def test_missing_dates_are_filled_a_message_at_a_time(season: Season) -> None:
    done = act(season.world, "backfill", **RANGE)
    assert season.triggers() == [("2025-10-25", "2025-10-25")]
    assert done.outcome == f"backfill {KEY}: 3 waiting, 1 running"
    season.play()
    assert sweep_once(season.world)["metadata"]["backfills"] == {KEY: 1}
    assert season.triggers()[1:] == [("2025-11-02", "2025-11-08")]
    ended = go_on(season)
    assert (ended.counts, ended.is_open) == ({"done": 4}, False)
    assert season.list_scored() == [*OCTOBER, *NOVEMBER]
    [first, _] = season.world.list_published(TOPIC)
    assert first == {
        "from_date": "2025-10-25",
        "to_date": "2025-10-25",
        "mode": "backfill",
        "run_id": f"2025-10-25_2025-10-25-backfill-{KEY}",
        "trigger_source": "manual",
        "use_kept": True,
    }
    assert list_audited(season.world) == ["backfill"]
    assert season.world.state.get(f"backfills/{KEY}").data["expires_at"] > season.world.clock.now()  # type: ignore[union-attr]


def test_pressed_twice_it_is_one_backfill(season: Season) -> None:
    act(season.world, "backfill", **RANGE)
    again = act(season.world, "backfill", **RANGE)
    assert again.repeated
    assert len(season.triggers()) == 1
    go_on(season)
    assert act(season.world, "backfill", **RANGE).repeated
    assert len(season.triggers()) == 2
    with pytest.raises(
        NotFound, match="No date from 2025-10-20 to 2025-11-10 is to be filled: 7 have what they should"
    ):
        look(season.world)


@pytest.mark.parametrize("which", ["missing", "all"])
@pytest.mark.parametrize("order", ["oldest first", "newest first"])
def test_which_and_in_which_order(season: Season, which: str, order: str) -> None:
    act(season.world, "backfill", **RANGE, which=which, order=order, at_once=9)
    expected = {
        "missing": [("2025-10-25", "2025-10-25"), ("2025-11-02", "2025-11-08")],
        "all": [("2025-10-20", "2025-10-31"), ("2025-11-01", "2025-11-10")],
    }[which]
    assert season.triggers() == (expected if order == "oldest first" else expected[::-1])
    ended = go_on(season)
    assert ended.counts == ({"done": 4} if which == "missing" else {"done": 7, "nothing to do": 15})


def test_dates_between_that_are_whole_part_a_unit_and_those_without_games_do_not(season: Season) -> None:
    season.world.warehouse.execute(
        "DELETE FROM nba_analytics.player_game_summary WHERE game_date = @day", {"day": OCTOBER[0]}
    )
    act(season.world, "backfill", **RANGE, at_once=9)
    assert season.triggers() == [
        ("2025-10-22", "2025-10-22"),
        ("2025-10-25", "2025-10-25"),
        ("2025-11-02", "2025-11-08"),
    ]


def test_a_date_that_fails_is_failed_with_its_reason_and_the_others_go_on(season: Season) -> None:
    season.fails.add(date(2025, 10, 25))
    season.without_scores.add(date(2025, 11, 3))
    act(season.world, "backfill", **RANGE)
    ended = go_on(season)
    assert ended.counts == {"done": 2, "failed": 2}
    assert ended.can_resume
    reasons = {str(each.game_date): each.reason for unit in ended.units for each in unit.dates if each.reason}
    assert sorted(reasons) == ["2025-10-25", "2025-11-03"]
    assert "no box scores of both teams; phase3_analytics of run" in reasons["2025-10-25"]
    assert "failed for good: the box scores of 2025-10-25 make no sense." in reasons["2025-10-25"]
    assert reasons["2025-11-03"].endswith(f"; run 2025-11-02_2025-11-08-backfill-{KEY} came through all the same")
    # what failed alone is asked for by `failed`, whoever filled it since is not
    season.load_scores([date(2025, 11, 3)])
    assert look(season.world, which="failed").targets == ("2025-10-25",)


def test_resumed_what_failed_is_tried_again_under_another_name(season: Season) -> None:
    season.fails.add(date(2025, 10, 25))
    season.without_scores.add(date(2025, 11, 3))
    act(season.world, "backfill", **RANGE)
    go_on(season)
    season.fails.clear()
    season.without_scores.clear()
    season.load_scores([date(2025, 11, 3)])  # mended by somebody else
    before = len(season.begun)
    act(season.world, "resume-backfill", "press-0002", backfill=KEY)
    assert go_on(season).counts == {"done": 4}
    assert season.begun[before:] == [f"2025-10-25_2025-10-25-backfill-{KEY}-a2"]
    assert list_audited(season.world) == ["backfill", "resume-backfill"]
    with pytest.raises(DataError, match=f"Nothing is left of the backfill {KEY}: 4 done"):
        act(season.world, "resume-backfill", "press-0003", backfill=KEY)


def test_resumed_twice_at_the_same_moment_each_has_its_audit(season: Season) -> None:
    """Simulated time stands still between two commands."""
    season.fails.add(date(2025, 10, 25))
    act(season.world, "backfill", **RANGE)
    go_on(season)
    moment = season.world.clock.now()
    for press in ("press-0002", "press-0003"):
        season.world.clock.set(moment)
        act(season.world, "resume-backfill", press, backfill=KEY)
        assert go_on(season).counts == {"done": 3, "failed": 1}
    assert list_audited(season.world) == ["backfill", "resume-backfill", "resume-backfill"]
    assert season.begun[-1].endswith("-a3")


def test_cancelled_it_publishes_nothing_more_and_resumed_it_goes_on(season: Season) -> None:
    act(season.world, "backfill", **RANGE)
    cancelled = act(season.world, "cancel-backfill", "press-0002", backfill=KEY)
    assert cancelled.outcome.endswith("3 waiting, 1 running")
    ended = go_on(season)
    assert (ended.counts, len(season.triggers())) == ({"waiting": 3, "done": 1}, 1)
    assert ended.says == "cancelled by ada: the feed had holes; 3 waiting, 1 done"
    with pytest.raises(DataError, match="has ended"):
        act(season.world, "cancel-backfill", "press-0003", backfill=KEY)
    act(season.world, "resume-backfill", "press-0004", backfill=KEY)
    assert go_on(season).counts == {"done": 4}
    assert len(season.triggers()) == 2
    assert list_audited(season.world) == ["backfill", "cancel-backfill", "resume-backfill"]


def test_while_paused_nothing_new_is_published(season: Season) -> None:
    pause_switch.pause(season.world.state, who="bob", reason="moving", now=season.world.clock.now())
    act(season.world, "backfill", **RANGE)
    assert season.triggers() == []
    assert view(season.world).says == "waits until the pipeline is resumed; 4 waiting"
    season.world.move(hours=5)
    sweep_once(season.world)
    assert season.triggers() == []
    pause_switch.resume(season.world.state, who="bob", reason="moved", now=season.world.clock.now())
    assert sweep_once(season.world)["metadata"]["backfills"] == {KEY: 1}
    assert go_on(season).counts == {"done": 4}


def test_a_run_of_which_nothing_moves_fails_after_a_while(season: Season) -> None:
    act(season.world, "backfill", **RANGE)
    season.world.move(minutes=20)
    sweep_once(season.world)
    assert view(season.world).counts == {"waiting": 3, "running": 1}
    season.world.move(hours=3)
    sweep_once(season.world)
    [first, second] = view(season.world).units
    assert first.progress == "failed"
    assert "moved for 200 min; phases that ended: none" in first.dates[0].reason
    assert second.progress == "running"


POINTS = ["operator_action.recorded", "backfill.recorded", "backfill.advanced", "outbox.published"]


@pytest.mark.parametrize("occasion", [1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_interrupted_anywhere_no_run_is_begun_twice(season: Season, point: str, occasion: int) -> None:
    world = season.world
    try:
        with world.kill_at(point, occasion):
            act(world, "backfill", **RANGE)
            go_on(season)
    except Killed:
        world.start()
        world.move(minutes=40)
        act(world, "backfill", **RANGE)
    assert go_on(season).counts == {"done": 4}
    names = [f"{first}_{last}-backfill-{KEY}" for first, last in (("2025-10-25",) * 2, ("2025-11-02", "2025-11-08"))]
    assert season.begun == names
    assert max(Counter(each["run_id"] for each in world.list_published(TOPIC)).values()) <= 2
    assert list_audited(world) == ["backfill"]
    assert season.list_scored() == [*OCTOBER, *NOVEMBER]


@pytest.mark.parametrize("point", ["backfill.advanced", "outbox.published"])
def test_what_a_dead_sweep_had_recorded_the_next_one_publishes(season: Season, point: str) -> None:
    world = season.world
    act(world, "backfill", **RANGE)
    season.play()
    with world.kill_at(point), pytest.raises(Killed):
        sweep_once(world)
    world.start()
    world.move(minutes=40)
    world.run_until_idle(SWEEP)
    assert len(season.triggers()) in (2, 3)
    assert go_on(season).counts == {"done": 4}
    assert len(season.begun) == 2


def test_one_statement_a_step_however_many_dates(season: Season) -> None:
    act(season.world, "backfill", **RANGE, which="all", at_once=9)
    season.play()
    reset_counts(season.world.warehouse)
    advance(season.world.runtime, PIPELINE, KEY)
    assert sum(season.world.warehouse.statement_counts.values()) == 1
    assert advance(season.world.runtime, PIPELINE, KEY).published == 0
    assert sum(season.world.warehouse.statement_counts.values()) == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"from": "2025-11-10", "to": "2025-11-09"}, "2025-11-10 lies after 2025-11-09"),
        ({"from": "2000-01-01", "to": "2025-11-09"}, "at most 3000 are taken"),
        ({"which": "some"}, "which is 'some'; it is one of missing, failed, all"),
        ({"at_once": "10"}, "a whole number from 1 to 9"),
    ],
)
def test_wrong_values_are_refused(season: Season, values: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        look(season.world, **values)


def test_the_questions_show_them_newest_first(season: Season) -> None:
    act(season.world, "backfill", **RANGE)
    season.world.move(minutes=1)
    act(season.world, "backfill", "press-0002", **RANGE, which="all")
    asked: Any = type("Asked", (), {"runtime": season.world.runtime, "values": {"limit": 20, "backfill": KEY}})()
    assert [each.key for each in question_of("backfills").answer(asked)["backfills"]] == ["press-0002", KEY]
    one = as_json(question_of("backfill-dates").answer(asked))
    assert one["units"][0]["dates"] == [{"game_date": "2025-10-25", "progress": "running", "reason": ""}]
    assert one["counts"] == {"waiting": 3, "running": 1}
    asked.values["backfill"] = "press-0009"
    with pytest.raises(NotFound, match="There is no backfill 'press-0009'"):
        question_of("backfill-dates").answer(asked)


def test_dates_to_come_have_nothing_to_do(world: PipelineHarness) -> None:
    today = world.clock.now().date()
    season = Season(world, [today + timedelta(days=n) for n in range(3)])
    season.load_schedule()
    world.add("nba_raw.nbac_schedule", [])
    act(
        world,
        "backfill",
        **{"from": str(today + timedelta(days=3)), "to": str(today + timedelta(days=4)), "which": "all"},
    )
    assert go_on(season).counts == {"nothing to do": 2}
