"""train_model end to end: promotion, a challenger that is held back, rollback, and deaths between
the writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.train_model.training import run
from shared.chain.execution.handler import Response
from shared.chain.messages.messages import TrainingMessage
from shared.core.failpoints import POINTS
from shared.nba.stats import STATS
from shared.science.features.names import model_features
from shared.science.model_registry.promotions import move_pointer, pointer_of, read_serving
from shared.science.model_registry.registry import list_saved_versions, load_models, read_metadata, save_models
from shared.science.systems.output import ENSEMBLE, XGBOOST
from tests.pipeline.support import NOW, Killed, PipelineHarness, open_world
from tests.support.systems_models import train_named
from tests.support.training_tables import feature_store_row, game, summary_row

pytestmark = pytest.mark.heavy  # a training for every test

TRAINING = {"train_model": (run, TrainingMessage)}
TOPIC = "nba-training-trigger"
GAMES, PLAYERS = 118, 6
FIRST_WEEK, SECOND_WEEK = 108, 115  # games known at the first and the second training
AT = NOW
FORM = ("ewma_20", "ewma_08", "l10", "l20", "season")


def lay_out(world: PipelineHarness, *, upside_down_until: int = 0, rebounds_from: int = 0) -> None:
    """Games whose points follow from the players' level; in the first ones the better player scores
    less. Of the others the worse scorer has more, and chance too; before a game nobody counts
    rebounds.
    """
    box, store = [], []
    for number in range(GAMES):
        for player in range(PLAYERS):
            level = 8.0 + 4.0 * player
            expected = 36.0 - level if number < upside_down_until else level
            levels = {"points": level, "rebounds": 9.0 - player, "assists": 7.0 - player, "threes": 4.0 - player / 2}
            chance = {
                name: (number * step + player * 3) % width - width // 2
                for name, step, width in (("rebounds", 5, 5), ("assists", 3, 4), ("threes", 2, 3))
            }
            counted = {STATS[name].column: round(levels[name]) + chance[name] for name in chance}
            counted["points"] = round(expected) + (number * 7 + player * 3) % 9 - 4
            if number < rebounds_from:
                del counted["rebounds"]
            box.append(summary_row(number, player, **counted))
            known = {f"{name}_{mean}": value for name, value in levels.items() for mean in FORM}
            known |= {stat.line_feature: sum(levels[part] for part in stat.parts) - 0.5 for stat in STATS.values()}
            store.append(feature_store_row(number, player, **known))
    world.add("nba_analytics.player_game_summary", box)
    world.add("nba_predictions.ml_feature_store", store)


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Path:
    folder = tmp_path_factory.mktemp("season")
    with open_world(folder, template, on_disk=True) as world:
        lay_out(world)
    return folder / "warehouse.duckdb"


@pytest.fixture
def league(tmp_path: Path, season: Path) -> Iterator[PipelineHarness]:
    """The season before its first training."""
    with open_world(tmp_path / "state", season, now=training_time(FIRST_WEEK)) as world:
        yield world


@pytest.fixture(scope="module")
def trained_twice(tmp_path_factory: pytest.TempPathFactory, season: Path) -> Iterator[PipelineHarness]:
    """Two weeks, trained undisturbed."""
    with open_world(tmp_path_factory.mktemp("undisturbed"), season, now=training_time(FIRST_WEEK)) as world:
        train(world, "week-1")
        world.clock.set(training_time(SECOND_WEEK))
        train(world, "week-2")
        yield world


@pytest.fixture
def serving_two(league: PipelineHarness) -> PipelineHarness:
    """A bucket in which v2 serves after v1, without any training."""
    for version in ("2025-01-01-one", "2025-01-08-two"):
        serve(league, version)
    return league


def training_time(games: int) -> Any:
    return game(games)["known_at"]


def serve(world: PipelineHarness, version: str, **metadata: Any) -> None:
    save_models(world.models, "points", train_named(version), {"features": list(model_features()), **metadata})
    move_pointer(
        world.models, "points", read_serving(world.models, "points"), version, by=f"test-{version}", at=AT, why="test"
    )


def train(world: PipelineHarness, run_id: str) -> dict[str, Any]:
    """Publish a training and see it through; what it announced."""
    world.publish(TOPIC, {"game_date": "TODAY", "run_id": run_id})
    world.run_until_idle(TRAINING)
    return world.list_published("nba-training-complete")[-1]


def roll_back(world: PipelineHarness, to: str, **fields: str) -> Response:
    """Publish the operator's message, which has no date, and deliver it once."""
    world.publish(TOPIC, {"rollback_to": to, **fields})
    ((_, response),) = world.run_until_idle(TRAINING)
    return response


def current(world: PipelineHarness) -> str | None:
    seen = read_serving(world.models, "points")
    assert set(seen.versions.values()) <= {seen.version}, "both systems have one version"
    return seen.version


# --- promotion ------------------------------------------------------------------------------------


def test_every_training_is_compared_with_the_serving_version_on_days_that_neither_has_seen(
    trained_twice: PipelineHarness,
) -> None:
    first, second = (
        each["metadata"]["stats"]["points"] for each in trained_twice.list_published("nba-training-complete")
    )
    assert first["promoted"]
    assert first["gate"]["against"] == "season_average"
    assert first["gate"]["reason"].startswith("nothing serves yet; ")
    gate = second["gate"]
    assert (gate["against"], gate["judged_as"], gate["promoted"]) == (first["version"], "twin", True)
    assert [(c["system"], c["market"]) for c in gate["comparisons"]] == [
        (XGBOOST, False),
        (ENSEMBLE, False),
        (ENSEMBLE, True),
    ]
    assert len({c["n"] for c in gate["comparisons"]}) == 1, "every row has a line"
    old, new = (read_metadata(trained_twice.models, "points", each["version"]) for each in (first, second))
    assert old["twin_last_day"] < new["twin_last_day"] < gate["first_day"] <= gate["last_day"] == new["last_day"]
    assert current(trained_twice) == second["version"]
    assert trained_twice.alerts() == []


def test_a_versions_metadata_says_all_about_it(trained_twice: PipelineHarness) -> None:
    (_, completion) = trained_twice.list_published("nba-training-complete")
    found = completion["metadata"]["stats"]["points"]
    metadata = read_metadata(trained_twice.models, "points", found["version"])
    assert metadata["system_id"] == XGBOOST
    assert metadata["features"] == list(model_features())
    days = [str(game(number)["game_date"]) for number in (0, SECOND_WEEK)]
    assert [metadata["first_day"], metadata["last_day"]] == days
    versions = {name: each["version"] for name, each in completion["metadata"]["stats"].items()}
    assert list(versions) == list(STATS)
    rows = [read_metadata(trained_twice.models, name, version)["rows"] for name, version in versions.items()]
    assert set(rows) == {metadata["rows"]}
    assert completion["record_count"] == sum(rows)
    assert len(metadata["data_hash"]) == 64
    assert metadata["metrics"] == found["metrics"]
    assert metadata["gate"] == found["gate"]
    assert metadata["xgboost"]
    history = read_serving(trained_twice.models, "points").promotions
    assert [(each.action, each.by) for each in history] == [
        ("promotion", "train_model.week-1"),
        ("promotion", "train_model.week-2"),
    ]
    assert history[1].replaced == history[0].versions
    assert history[1].why == metadata["gate"]["reason"]


def test_a_candidate_that_is_worse_is_kept_but_does_not_serve(tmp_path: Path, template: Path) -> None:
    with open_world(tmp_path / "state", template, now=training_time(FIRST_WEEK)) as world:
        lay_out(world, upside_down_until=FIRST_WEEK - 26)
        serve(world, "2024-12-31-good", last_day="2024-12-31")
        before = world.models.read(pointer_of("points"))
        announcement = train(world, "week-1")
        assert announcement["status"] == "partial"
        found = announcement["metadata"]["stats"]["points"]
        version, gate = found["version"], found["gate"]
        assert (gate["against"], gate["judged_as"]) == ("2024-12-31-good", "itself")
        assert gate["comparisons"][0]["worse"]
        assert announcement["reason"].startswith(
            f"version {version} of points is worse than 2024-12-31-good: xgboost_v1 +"
        )
        assert announcement["reason"].endswith("2024-12-31-good goes on serving")
        assert world.models.read(pointer_of("points")) == before
        assert list_saved_versions(world.models, "points") == ["2024-12-31-good", version]
        (alert,) = world.alerts()
        assert (alert["severity"], alert["version"]) == ("warning", version)
        # somebody looks, and decides otherwise
        assert roll_back(world, version, reason="the rules of the league changed").body["status"] == "success"
        assert current(world) == version
        again = train(world, "week-1-again")
        assert (again["status"], again["metadata"]["stats"]["points"]["promoted"]) == ("success", True), (
            "it serves already"
        )
        assert len(world.alerts()) == 1


@pytest.mark.parametrize("point", ["training.saved", "handler.ran"])
def test_a_death_between_the_writes_is_repaired_by_the_retry(
    league: PipelineHarness, trained_twice: PipelineHarness, point: str
) -> None:
    league.publish(TOPIC, {"game_date": "TODAY", "run_id": "week-1"})
    with league.kill_at(point), pytest.raises(Killed):
        league.run_until_idle(TRAINING)
    moved = point == "handler.ran"
    assert (current(league) is not None) is moved, "the pointer is the last that is written"
    assert len(list_saved_versions(league.models, "points")) == 1
    league.start()
    league.run_until_idle(TRAINING)
    first = read_serving(trained_twice.models, "points").promotions[0]
    (promotion,) = read_serving(league.models, "points").promotions
    assert (promotion.versions, promotion.by) == (first.versions, first.by)
    (announcement,) = league.list_published("nba-training-complete")
    assert announcement["metadata"] == trained_twice.list_published("nba-training-complete")[0]["metadata"]
    assert point in POINTS


# --- rollback -------------------------------------------------------------------------------------


def test_one_message_makes_the_previous_version_serve(serving_two: PipelineHarness) -> None:
    answer = roll_back(serving_two, "previous", reason="predicts centres too high")
    assert answer.body["status"] == "success"
    assert current(serving_two) == "2025-01-01-one"
    last = read_serving(serving_two.models, "points").promotions[-1]
    assert (last.action, last.why) == ("rollback", "predicts centres too high")
    assert last.at == serving_two.clock.now().isoformat()
    (announcement,) = serving_two.list_published("nba-training-complete")
    assert announcement["metadata"]["stats"] == {
        "points": {"version": "2025-01-01-one", "rolled_back_from": "2025-01-08-two"}
    }
    assert announcement["game_date"] == "2025-04-18"
    assert announcement["reason"].endswith("serves again instead of 2025-01-08-two (predicts centres too high)")


def test_a_version_by_name_serves_and_the_one_that_serves_stays(serving_two: PipelineHarness) -> None:
    assert roll_back(serving_two, "2025-01-01-one").body["status"] == "success"
    assert current(serving_two) == "2025-01-01-one"
    before = serving_two.models.read(pointer_of("points"))
    assert roll_back(serving_two, "2025-01-01-one").body["status"] == "skipped"
    assert serving_two.models.read(pointer_of("points")) == before


@pytest.mark.parametrize(
    ("asked", "announcement", "reason"),
    [
        ("2025-01-09-typo", "there is no version 2025-01-09-typo", "unknown_version"),
        ("2025-01-05-other", "version 2025-01-05-other of points cannot serve", "version_does_not_fit"),
    ],
)
def test_what_cannot_serve_is_refused_for_good_and_nothing_moves(
    serving_two: PipelineHarness, asked: str, announcement: str, reason: str
) -> None:
    save_models(serving_two.models, "points", train_named("2025-01-05-other"), {"features": ["points_l3"]})
    before = serving_two.models.read(pointer_of("points"))
    assert roll_back(serving_two, asked).body["status"] == "dead_lettered"
    assert serving_two.models.read(pointer_of("points")) == before
    (letter,) = serving_two.bus.pull("train-model-nba-training-trigger-dead-letter")
    assert letter.attributes["dead_letter_reason"] == reason
    assert announcement in letter.attributes["dead_letter_error"]
    if reason == "unknown_version":
        assert "2025-01-01-one, 2025-01-05-other, 2025-01-08-two" in letter.attributes["dead_letter_error"]
    else:
        assert "was trained on 1 features" in letter.attributes["dead_letter_error"]


def test_before_the_first_version_there_is_nothing_to_go_back_to(league: PipelineHarness) -> None:
    assert roll_back(league, "previous").body["status"] == "dead_lettered"
    assert current(league) is None
    serve(league, "2025-01-01-one")
    assert roll_back(league, "previous").body["status"] == "dead_lettered"
    announcement = [each.attributes for each in league.bus.pull("train-model-nba-training-trigger-dead-letter")]
    assert {each["dead_letter_reason"] for each in announcement} == {"no_previous_version"}
    assert "the versions in the bucket are of points: none" in announcement[0]["dead_letter_error"]
    assert current(league) == "2025-01-01-one"


def test_a_rollback_delivered_again_goes_back_once(league: PipelineHarness) -> None:
    for version in ("2025-01-01-one", "2025-01-08-two", "2025-01-15-three"):
        serve(league, version)
    league.publish(TOPIC, {"rollback_to": "previous"})
    with league.kill_at("handler.ran"), pytest.raises(Killed):
        league.run_until_idle(TRAINING)
    assert current(league) == "2025-01-08-two"
    league.start()
    league.move(hours=30)  # another day: the message is still of the day on which it was published
    league.run_until_idle(TRAINING)
    assert current(league) == "2025-01-08-two"
    assert len(read_serving(league.models, "points").promotions) == 4
    (announcement,) = league.list_published("nba-training-complete")
    assert announcement["metadata"]["stats"] == {
        "points": {"version": "2025-01-08-two", "rolled_back_from": "2025-01-15-three"}
    }


def test_training_after_a_rollback_compares_with_what_serves_and_does_not_undo_it(league: PipelineHarness) -> None:
    train(league, "week-1")
    first = current(league)
    league.clock.set(training_time(SECOND_WEEK))
    second = train(league, "week-2")["metadata"]["stats"]["points"]["version"]
    assert current(league) == second
    roll_back(league, "previous", reason="bias")
    assert current(league) == first
    league.move(hours=1)
    same = train(league, "week-2-again")
    assert (same["status"], same["metadata"]["stats"]["points"]["version"]) == ("partial", second)
    assert same["metadata"]["stats"]["points"]["gate"]["against"] == first
    assert f"version {second} of points is withdrawn since the rollback of " in same["reason"]
    assert current(league) == first
    league.move(days=2)
    newer = train(league, "week-3")
    assert newer["metadata"]["stats"]["points"]["gate"]["against"] == first
    version = newer["metadata"]["stats"]["points"]["version"]
    assert version not in (first, second)
    assert current(league) == (version if newer["metadata"]["stats"]["points"]["promoted"] else first)


def test_a_rollback_needs_no_date_and_a_training_does(league: PipelineHarness) -> None:
    league.publish(TOPIC, {"rollback_to": None})
    league.publish(TOPIC, {})
    answers = [answer.body for _, answer in league.run_until_idle(TRAINING)]
    assert [answer["status"] for answer in answers] == ["dead_lettered"] * 2
    assert all("game_date is missing" in json.dumps(answer) for answer in answers)
    assert load_models(league.models, "points", read_serving(league.models, "points").versions).xgboost is None
