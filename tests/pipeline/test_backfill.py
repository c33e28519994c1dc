"""`./nba backfill --follow`: a month a message, the next one when the month before is through phase
4; on real stores.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from local.cloud.backfill import Asked, on_a_folder, on_google
from local.cloud.runs import NotThrough, Waiting
from local.host.runtime import open_runtime
from local.nba.client import Client
from local.nba.exit_codes import FAILED
from local.nba.program import main
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PhaseMessage
from shared.chain.resilience import pause_switch
from shared.core.errors import Fatal
from shared.core.pipeline import load_pipeline
from shared.operations.actions.signature import Signature
from shared.operations.backfill.records import MODE
from shared.stores.ports import DateRange
from tests.pipeline.backfilling import TOPIC, Season
from tests.pipeline.support import PipelineHarness, Run
from tests.support.embedded import START, function_spec, small_pipeline, write_function
from tests.support.nba import hooks_put_back

WINTER = Asked(DateRange(date(2024, 12, 15), date(2025, 2, 3)), minutes=120.0, anew=False)
MONTHS = [("2024-12-15", "2024-12-31"), ("2025-01-01", "2025-01-31"), ("2025-02-01", "2025-02-03")]
CHAIN = ("phase1_scrape", "phase2_raw", "phase3_analytics", "phase4_precompute")
ANEW = Asked(WINTER.dates, WINTER.minutes, anew=True)
SIGNED = Signature("ada", "a season more")
Chain = dict[str, tuple[Run, type[PhaseMessage]]]


@pytest.fixture
def season(world: PipelineHarness) -> Season:
    """One game of the winter, and one after it."""
    return Season(world, [date(2025, 1, 7), date(2025, 2, 20)])


def waiting(season: Season, minutes: float = 120.0, **other: Run) -> Waiting:
    """Resting is when the pipeline works, and time passes."""
    chain: Chain = season.chain | {name: (run, PhaseMessage) for name, run in other.items()}

    def rest(seconds: float) -> None:
        season.world.run_until_idle(chain, wait=False)
        season.world.move(seconds=seconds)

    return Waiting(minutes, rest)


def fill(season: Season, wait: Waiting | None = None, asked: Asked = WINTER) -> list[str]:
    lines: list[str] = []
    on_google(season.world.runtime, asked, wait or waiting(season), lines.append, SIGNED)
    return lines


def test_a_month_is_published_when_the_month_before_is_through(season: Season) -> None:
    ended: list[str] = []

    def last(message: PhaseMessage, context: Context) -> Outcome:
        ended.append(str(message.from_date))
        assert season.triggers() == MONTHS[: len(ended)], "a month was published before the one before it was through"
        return Outcome("success")

    lines = fill(season, waiting(season, phase4_precompute=last))
    assert season.triggers() == MONTHS
    assert ended == [first for first, _ in MONTHS]
    assert [line for line in lines if not line.startswith(" ")] == [f"{first} to {last}" for first, last in MONTHS]
    assert sum("phase4_precompute" in line for line in lines) == 3
    assert {data["mode"] for data in season.world.documents("executions")} == {"backfill"}


def test_the_same_command_again_does_no_month_twice(season: Season) -> None:
    for _ in range(2):
        fill(season)
    assert season.begun == [f"{first}_{last}-backfill" for first, last in MONTHS]
    assert {each["use_kept"] for each in season.world.list_published(TOPIC)} == {True}
    fill(season, asked=ANEW)
    assert len(set(season.begun)) == len(season.begun) == 6
    assert [each["use_kept"] for each in season.world.list_published(TOPIC)][3:] == [False] * 3
    fill(season, asked=ANEW)
    assert len(season.begun) == 9


def test_a_month_that_fails_for_good_is_named_and_the_others_go_on(season: Season) -> None:
    season.fails.add(date(2025, 1, 7))
    with pytest.raises(
        NotThrough,
        match=r"1 dates are not through, first 2025-01-07: .* run 2025-01-01_2025-01-31-backfill failed for good: the",
    ):
        fill(season)
    assert season.triggers() == MONTHS
    with pytest.raises(NotThrough, match="run 2025-01-01_2025-01-31-backfill-a2 failed for good") as raised:
        fill(season)
    assert "./nba redrive" in raised.value.next_step
    assert season.triggers()[3:] == MONTHS[1:2]
    season.fails.clear()
    completions = season.world.list_published("nba-phase2-raw-complete")
    again = next(each for each in completions if each["from_date"] == "2025-01-01")
    season.world.publish("nba-phase2-raw-complete", again)  # as a redrive does
    season.play()
    assert fill(season) == []
    assert len(season.triggers()) == 4


def test_interrupted_twice_the_same_command_goes_on_with_what_is_left(season: Season) -> None:
    for month in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            fill(season, interrupted_after(season, month))
    fill(season)
    assert season.begun == [f"{first}_{last}-backfill" for first, last in MONTHS]
    assert season.triggers() == MONTHS


def interrupted_after(season: Season, months: int) -> Waiting:
    """Ctrl-C once so many months were published."""
    wait = waiting(season)

    def rest(seconds: float) -> None:
        if len(season.triggers()) >= months:
            raise KeyboardInterrupt
        wait.rest(seconds)

    return Waiting(120.0, rest)


def test_what_is_retried_is_waited_for(season: Season) -> None:
    tries: list[int] = []
    load, _ = season.chain["phase2_raw"]

    def second(message: PhaseMessage, context: Context) -> Outcome:
        tries.append(context.attempt)
        if context.attempt < 4:
            raise Fatal("the store is down.", next_step="wait.")
        return load(message, context)

    one = Asked(DateRange(date(2025, 1, 1), date(2025, 1, 31)), 120.0, anew=False)
    fill(season, waiting(season, phase2_raw=second), one)
    assert tries == [1, 2, 3, 4]


def test_waiting_ends_with_what_ended(season: Season) -> None:
    wait = waiting(season, 5.0)
    delivered = season.chain
    del delivered["phase3_analytics"]  # nobody answers

    def rest(seconds: float) -> None:
        season.world.run_until_idle(delivered, wait=False)
        season.world.move(seconds=seconds)

    with pytest.raises(NotThrough, match=r"not through after 5 minutes; phases that ended: phase1, phase2\.") as raised:
        fill(season, Waiting(wait.minutes, rest))
    assert "./nba breakers" in raised.value.next_step
    assert season.triggers() == MONTHS[:1]


def test_paused_it_publishes_nothing(season: Season) -> None:
    world = season.world
    pause_switch.pause(world.state, who="somebody", reason="moving house", now=world.clock.now())
    with pytest.raises(Fatal, match="paused, by somebody: moving house") as raised:
        fill(season)
    assert "./nba resume" in raised.value.next_step
    assert season.triggers() == []


# --- on a state folder ----------------------------------------------------------------------------

WORK = """
    from datetime import date

    from shared.chain.execution.context import Outcome
    from shared.chain.execution.entrypoint import pubsub_function
    from shared.core.errors import DataError
    from tests.pipeline.backfilling import game_rows
    from tests.support.stores import append

    def run(message, context):
        runtime, first = context.runtime, context.dates.first
        runtime.state.create(f"ran/NAME-{first}-{context.attempt}", {"at": runtime.clock.now()})
        if "NAME" == "phase2_raw":
            row = game_rows(date(2025, 3, 20), runtime.clock.now())[0]
            append(runtime.warehouse, "nba_raw.nbac_schedule", [row], str(first))
        if "NAME" == "phase4_precompute" and str(first) == "2025-02-01":
            row = game_rows(first, runtime.clock.now())[0]
            append(runtime.warehouse, "nba_raw.nbac_schedule", [row], "late")
            raise DataError("no features.", next_step="mend them.")
        return Outcome("success", record_count=1)

    NAME = pubsub_function("NAME", run)
"""


def test_on_a_folder_each_month_is_seen_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = load_pipeline()
    specs = []
    for name in CHAIN:
        write_function(tmp_path / "functions", name, WORK.replace("NAME", name))
        announces = str(real.functions[name].announces)
        specs.append(function_spec(name, real.functions[name].topics[0], announces=announces))
    specs.append(function_spec("phase5_coordinator", str(real.functions["phase4_precompute"].announces)))
    write_function(tmp_path / "functions", "phase5_coordinator", WORK.replace("NAME", "phase5_coordinator"))
    pipeline = replace(small_pipeline(*specs), modes=real.modes, phase_order=real.phase_order)
    with open_runtime(tmp_path / "state", pipeline=pipeline, functions=tmp_path / "functions") as embedded:
        embedded.clock.set(START)
        act, state = Client(embedded.server.endpoint).act, embedded.runtime.state
        january = Asked(DateRange(date(2024, 12, 15), date(2025, 1, 31)), 120.0, anew=False)
        for _ in range(2):
            on_a_folder(act, january, print, SIGNED)
        assert [each.id for each in state.query("ran") if "phase1" in each.id] == [
            "phase1_scrape-2024-12-15-1",
            "phase1_scrape-2025-01-01-1",
        ]
        february = Asked(DateRange(date(2025, 2, 1), date(2025, 3, 1)), 1.0, anew=False)
        with pytest.raises(NotThrough, match="1 dates are not through, first 2025-02-01: 1 of 1 games") as raised:
            on_a_folder(act, february, print, SIGNED)
    message = capsys.readouterr()
    assert message.out.splitlines()[:2] == ["2024-12-15 to 2024-12-31", "2025-01-01 to 2025-01-31"]
    failed = "phase4_precompute of run 2025-02-01_2025-02-28-backfill failed for good: no features."
    assert failed in raised.value.message
    assert "2025-03-01 to 2025-03-01" in message.out


# --- input ----------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _hooks() -> Iterator[None]:
    with hooks_put_back():
        yield


FOLLOW = ("--follow", "--why", "a season more", "--yes")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("2024-10-22",), "Missing argument 'TO'"),
        (("2024-10-22", "2024-13-01"), "2024-13-01"),
        (("2024-12-02", "2024-12-01"), "2024-12-02 lies after 2024-12-01"),
        (("2024-12-01", "2024-12-01", "--minutes", "0"), "0.0 is not in the range"),
        (("2024-12-01", "2024-12-01", "--minutes", "an hour"), "'an hour' is not a valid float"),
        (("2024-12-01", "2024-12-01"), "holds no state"),
        (("2024-12-01", "2024-12-01", "--project", ""), "RUNTIME=gcp needs PROJECT_ID"),
    ],
)
def test_wrong_input_is_refused_with_a_sentence_and_exits_two(
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("GOOGLE_CLOUD_PROJECT", "PROJECT_ID", "RUNTIME"):
        monkeypatch.delenv(name, raising=False)
    if "--project" in arguments:
        monkeypatch.setenv("RUNTIME", "gcp")
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path))
    monkeypatch.setenv("WHO", "ada")
    assert main(["backfill", *arguments, *FOLLOW]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("odds_stats", "cost"),
    [
        ("", "up to 360 of the odds API's quota a game: of every statistic, as ODDS_STATS names none"),
        ("points", "up to 80 of the odds API's quota a game: of ODDS_STATS=points"),
        ("points,rebounds", "up to 120 of the odds API's quota a game: of ODDS_STATS=points,rebounds"),
    ],
)
def test_the_consent_states_the_cost_of_the_statistics_that_are_asked_for(
    odds_stats: str, cost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody is there to answer, so that nothing is done."""
    monkeypatch.delenv("RUNTIME", raising=False)
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path))
    monkeypatch.setenv("ODDS_STATS", odds_stats)
    assert main(["backfill", "2024-12-01", "2024-12-02", "--follow", "--why", "a season more"]) == FAILED
    assert f"Past lines that the raw bucket lacks cost {cost}." in capsys.readouterr().err


def test_a_consent_is_not_asked_for_with_an_unknown_statistic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RUNTIME", raising=False)
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path))
    monkeypatch.setenv("ODDS_STATS", "points,dunks")
    assert main(["backfill", "2024-12-01", "2024-12-02", *FOLLOW]) == 2
    assert "'dunks' is no statistic" in capsys.readouterr().err


def test_the_chain_of_a_backfill_is_the_one_played_here() -> None:
    pipeline = load_pipeline()
    last = pipeline.modes[MODE]
    assert (
        tuple(
            name
            for phase in pipeline.phase_order[: pipeline.phase_order.index(last) + 1]
            for name, each in pipeline.functions.items()
            if each.phase == phase
        )
        == CHAIN
    )
