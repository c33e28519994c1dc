"""A hundred seeds without a violation, each replayed exactly when it is asked for again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulation.base import Base
from tests.simulation.faults import Faults
from tests.simulation.plan import KINDS, Plan, draw
from tests.simulation.reference import References
from tests.simulation.seed import Result, run_seed
from tests.simulation.workers import results_of

pytestmark = pytest.mark.heavy

SEEDS = range(1, 101)


@pytest.fixture(scope="module")
def results(base_folder: Path) -> list[Result]:
    return list(results_of(base_folder, SEEDS, workers=2))


def test_no_seed_violates_an_invariant(results: list[Result]) -> None:
    failing = {result.seed: result.violations[0] for result in results if result.failed}
    assert not failing, f"make simulate SEED={min(failing)} tells the story"
    assert [result.seed for result in results] == list(SEEDS)


def test_every_kind_of_fault_was_injected(results: list[Result]) -> None:
    injected = Counter(fault.kind for result in results for fault in result.injected)
    outages = {"state outage", "source down"}
    assert {kind for kind in (*KINDS, *outages) if not injected[kind]} == set()


def test_days_end_before_and_after_tip_off_with_one_run_and_with_two(results: list[Result], base: Base) -> None:
    facts = Counter(
        (result.plan.second_run, any(w.end > base.first_tipoff for w in _of_the_day(result.plan, base)))
        for result in results
    )
    assert set(facts) == {(run, late) for run in (False, True) for late in (False, True)}
    assert 10 <= facts[True, False] + facts[True, True] <= 40, "a second run in about one seed of four"


def _of_the_day(plan: Plan, base: Base) -> list:
    return [window for window in plan.windows if window.start < base.first_tipoff]


def test_a_seed_replays_exactly(base: Base, references: References) -> None:
    first, second = (run_seed(base, references, 8) for _ in range(2))
    assert first.injected, "a seed without faults shows nothing"
    assert replace(first, seconds=0.0) == replace(second, seconds=0.0)


def test_a_spared_fault_does_not_strike_and_the_plan_stays(base: Base, references: References) -> None:
    whole = run_seed(base, references, 8)
    spared = whole.injected[0].place
    without = run_seed(base, references, 8, frozenset({spared}))
    assert spared not in {fault.place for fault in without.injected}
    assert without.plan == whole.plan


def test_whether_a_place_is_struck_depends_on_seed_and_place_alone(base: Base) -> None:
    plan = draw(3, base.game_date, base.first_tipoff)
    within = plan.windows[0].start
    places = [f"place {number}" for number in range(2000)]
    struck = [place for place in places if Faults(plan).draw(place, within, [(next(iter(plan.kinds)), 5.0)])]
    backwards = Faults(plan)
    again = [p for p in reversed(places) if backwards.draw(p, within, [(next(iter(plan.kinds)), 5.0)])]
    assert struck == list(reversed(again))
    assert 0 < len(struck) < len(places)
    assert not any(Faults(plan).draw(place, plan.windows[-1].end, [(k, 5.0) for k in plan.kinds]) for place in places)
