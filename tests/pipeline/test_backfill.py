"""`make backfill`: a month a message, the next one when the month before is through phase 4; on
real stores.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from local.cli.publish import CommandRefused
from local.cloud import backfill
from local.cloud.backfill import Asked, months, on_a_folder, on_google, parse_request
from local.cloud.runs import NotThrough, Waiting
from local.console.exit_codes import DONE, FAILED, WRONG_INPUT
from local.host.runtime import open_runtime
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PhaseMessage
from shared.chain.resilience import pause_switch
from shared.core.errors import DataError, Fatal
from shared.core.pipeline import load_pipeline
from shared.stores.ports import DateRange
from tests.pipeline.support import PipelineHarness, Run
from tests.support.embedded import START, function_spec, small_pipeline, write_function

WINTER = Asked(DateRange(date(2024, 12, 15), date(2025, 2, 3)), minutes=120.0, anew=False)
MONTHS = [("2024-12-15", "2024-12-31"), ("2025-01-01", "2025-01-31"), ("2025-02-01", "2025-02-03")]
CHAIN = ("phase1_scrape", "phase2_raw", "phase3_analytics", "phase4_precompute")


def work(message: PhaseMessage, context: Context) -> Outcome:
    return Outcome("success", record_count=3)


def functions(**other: Run) -> dict[str, tuple[Run, type[PhaseMessage]]]:
    chosen: dict[str, Run] = {**dict.fromkeys(CHAIN, work), "phase5_coordinator": work, **other}
    return {name: (run, PhaseMessage) for name, run in chosen.items()}


def waiting(
    world: PipelineHarness, delivered: dict[str, tuple[Run, type[PhaseMessage]]], minutes: float = 120.0
) -> Waiting:
    """Resting is when the pipeline works, and time passes."""

    def rest(seconds: float) -> None:
        world.run_until_idle(delivered, wait=False)
        world.move(seconds=seconds)

    return Waiting(minutes, rest)


def triggers(world: PipelineHarness) -> list[tuple[str, str]]:
    return [(each["from_date"], each["to_date"]) for each in world.list_published("nba-phase1-trigger")]


def test_a_month_is_published_when_the_month_before_is_through(world: PipelineHarness) -> None:
    ended: list[str] = []

    def last(message: PhaseMessage, context: Context) -> Outcome:
        ended.append(str(message.from_date))
        assert triggers(world) == MONTHS[: len(ended)], "a month was published before the one before it was through"
        return Outcome("success")

    lines: list[str] = []
    on_google(world.runtime, WINTER, waiting(world, functions(phase4_precompute=last)), lines.append)
    assert triggers(world) == MONTHS
    assert ended == [first for first, _ in MONTHS]
    assert [line for line in lines if not line.startswith(" ")] == [f"{first} to {last}" for first, last in MONTHS]
    assert sum("phase4_precompute" in line for line in lines) == 3
    assert {data["mode"] for data in world.documents("executions")} == {"backfill"}


def test_the_same_command_again_does_no_month_twice(world: PipelineHarness) -> None:
    done: list[str] = []

    def first(message: PhaseMessage, context: Context) -> Outcome:
        done.append(context.run_id)
        return Outcome("success")

    for _ in range(2):
        on_google(world.runtime, WINTER, waiting(world, functions(phase1_scrape=first)), lambda line: None)
    assert done == [f"{first}_{last}-backfill" for first, last in MONTHS]
    anew = Asked(WINTER.dates, WINTER.minutes, anew=True)
    on_google(world.runtime, anew, waiting(world, functions(phase1_scrape=first)), lambda line: None)
    assert len(set(done)) == len(done) == 6


def test_a_month_that_fails_for_good_ends_it_and_a_redrive_lets_it_go_on(world: PipelineHarness) -> None:
    broken = True

    def third(message: PhaseMessage, context: Context) -> Outcome:
        if broken and str(message.from_date) == "2025-01-01":
            raise DataError("the box scores of 2025-01-07 make no sense.", next_step="mend them.")
        return Outcome("success")

    wait = waiting(world, functions(phase3_analytics=third))
    with pytest.raises(
        NotThrough, match=r"phase3_analytics of run 2025-01-01_2025-01-31-backfill failed for good: the box"
    ):
        on_google(world.runtime, WINTER, wait, lambda line: None)
    assert triggers(world) == MONTHS[:2]
    with pytest.raises(NotThrough, match="failed for good") as raised:
        on_google(world.runtime, WINTER, wait, lambda line: None)
    assert "make redrive" in raised.value.next_step
    broken = False
    (completion,) = (m for m in world.list_published("nba-phase2-raw-complete") if m["from_date"] == "2025-01-01")
    world.publish("nba-phase2-raw-complete", completion)  # as a redrive does
    world.run_until_idle(functions(phase3_analytics=third), wait=False)
    on_google(world.runtime, WINTER, wait, lambda line: None)
    assert triggers(world)[-1] == MONTHS[-1]


def test_what_is_retried_is_waited_for(world: PipelineHarness) -> None:
    tries: list[int] = []

    def second(message: PhaseMessage, context: Context) -> Outcome:
        tries.append(context.attempt)
        if context.attempt < 4:
            raise Fatal("the store is down.", next_step="wait.")
        return Outcome("success")

    one = Asked(DateRange(date(2025, 1, 1), date(2025, 1, 31)), 120.0, anew=False)
    on_google(world.runtime, one, waiting(world, functions(phase2_raw=second)), lambda line: None)
    assert tries == [1, 2, 3, 4]


def test_waiting_ends_with_what_ended(world: PipelineHarness) -> None:
    delivered = functions()
    del delivered["phase3_analytics"]  # nobody answers
    with pytest.raises(NotThrough, match=r"not through after 5 minutes; phases that ended: phase1, phase2\.") as raised:
        on_google(world.runtime, WINTER, waiting(world, delivered, 5.0), lambda line: None)
    assert "make breakers" in raised.value.next_step
    assert triggers(world) == MONTHS[:1]


def test_paused_it_publishes_nothing(world: PipelineHarness) -> None:
    pause_switch.pause(world.state, who="somebody", reason="moving house", now=world.clock.now())
    with pytest.raises(Fatal, match="paused, by somebody: moving house") as raised:
        on_google(world.runtime, WINTER, waiting(world, functions()), lambda line: None)
    assert "make resume" in raised.value.next_step
    assert triggers(world) == []


# --- on a state folder ----------------------------------------------------------------------------

FIRST = """
    import base64, json
    from shared.stores.runtime import get_runtime

    def phase1_scrape(request):
        runtime = get_runtime()
        data = base64.b64decode(request.get_json()["message"]["data"])
        month = json.loads(data)["from_date"]
        runtime.state.create("months/" + month, {"at": runtime.clock.now()})
        if month != "2025-02-01":
            runtime.bus.publish("b", data)
        return {"status": "success", "record_count": 1}
"""
LAST = "def phase4_precompute(request):\n    return {'status': 'success', 'record_count': 2}\n"


def test_on_a_folder_each_month_is_seen_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_function(tmp_path / "functions", "phase1_scrape", FIRST)
    write_function(tmp_path / "functions", "phase4_precompute", LAST)
    pipeline = small_pipeline(
        function_spec("phase1_scrape", "nba-phase1-trigger", announces="b"), function_spec("phase4_precompute", "b")
    )
    with open_runtime(tmp_path / "state", pipeline=pipeline, functions=tmp_path / "functions") as embedded:
        embedded.clock.set(START)
        january = Asked(DateRange(date(2024, 12, 15), date(2025, 1, 31)), 120.0, anew=False)
        assert on_a_folder(embedded.server.endpoint, january, print) == DONE
        assert len(embedded.runtime.state.query("months")) == 2
        # February's chain ends before its last phase, without an error
        assert (
            on_a_folder(
                embedded.server.endpoint, Asked(DateRange(date(2025, 2, 1), date(2025, 3, 1)), 1.0, False), print
            )
            == FAILED
        )
    message = capsys.readouterr()
    assert "2024-12-15 to 2024-12-31\n" in message.out
    assert "2025-02-01 to 2025-02-28 ended before phase4_precompute" in message.err
    assert "2025-03-01" not in message.out


# --- input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2025-11-14", "2025-11-14", [("2025-11-14", "2025-11-14")]),
        ("2024-02-29", "2024-03-01", [("2024-02-29", "2024-02-29"), ("2024-03-01", "2024-03-01")]),
        ("2023-12-31", "2024-01-01", [("2023-12-31", "2023-12-31"), ("2024-01-01", "2024-01-01")]),
        ("2024-01-31", "2024-02-29", [("2024-01-31", "2024-01-31"), ("2024-02-01", "2024-02-29")]),
    ],
)
def test_months_are_cut_to_the_days_asked_for(first: str, last: str, expected: list[tuple[str, str]]) -> None:
    dates = DateRange(date.fromisoformat(first), date.fromisoformat(last))
    assert [(str(month.first), str(month.last)) for month in months(dates)] == expected


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "FROM='' is no day"),
        ({"FROM": "2024-10-22"}, "TO='' is no day"),
        ({"FROM": "2024-10-22", "TO": "2024-13-01"}, "TO='2024-13-01' is no day"),
        ({"FROM": "yesterday", "TO": "2024-12-01"}, "FROM='yesterday' is no day"),
        ({"FROM": "2024-12-02", "TO": "2024-12-01"}, "FROM=2024-12-02 lies after TO=2024-12-01"),
        ({"FROM": "1066-10-14", "TO": "2024-12-01"}, "FROM=1066-10-14 is of no year"),
        ({"FROM": "2024-12-01", "TO": "2024-12-01", "MINUTES": "0"}, "MINUTES=0 is no number"),
        ({"FROM": "2024-12-01", "TO": "2024-12-01", "MINUTES": "an hour"}, "MINUTES=an hour is no number"),
        ({"FROM": "2024-12-01", "TO": "2024-12-01", "MINUTES": "inf"}, "MINUTES=inf is no number"),
    ],
)
def test_wrong_input_is_refused_with_a_sentence(settings: dict[str, str], message: str) -> None:
    with pytest.raises(CommandRefused, match=message):
        parse_request(settings)


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        ({"FROM": "", "TO": ""}, WRONG_INPUT, "FROM='' is no day"),
        ({"RUNTIME": "gcp", "PROJECT_ID": ""}, WRONG_INPUT, "RUNTIME=gcp needs PROJECT_ID"),
        ({"RUNTIME": ""}, WRONG_INPUT, "holds no state"),
    ],
)
def test_the_command_says_it_and_exits_two(
    settings: dict[str, str],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    for name, value in {"FROM": "2024-12-01", "TO": "2024-12-01", "LOCAL_DIR": str(tmp_path), **settings}.items():
        monkeypatch.setenv(name, value)
    assert backfill.main() == code
    assert message in capsys.readouterr().err


def test_the_chain_of_a_backfill_is_the_one_played_here() -> None:
    pipeline = load_pipeline()
    last = pipeline.modes[backfill.MODE]
    assert (
        tuple(
            name
            for phase in pipeline.phase_order[: pipeline.phase_order.index(last) + 1]
            for name, each in pipeline.functions.items()
            if each.phase == phase
        )
        == CHAIN
    )
