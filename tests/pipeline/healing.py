"""A played day on an embedded runtime for the tests of self-heal: what is asked of it, and what is
taken away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from local.day.day import Day
from local.host.dispatcher import envelope
from local.host.runtime import EmbeddedRuntime, open_runtime
from local.replay import Archive
from shared.chain.batches.reading import latest_batch
from shared.chain.batches.records import BatchStatus
from shared.chain.execution.handler import handle
from shared.core.clock import at_new_york
from tests.pipeline.evening import IDENTITY
from tests.pipeline.support import PHASE5

TRIGGER = "nba-self-heal-trigger"
PREDICTIONS = "nba_predictions.player_prop_predictions"
# What a run of another moment with the same inputs may write differently.
MOMENTS = {*IDENTITY, "features_as_of"}


@dataclass
class Heal:
    """A day on an open runtime, and what is asked and taken away."""

    embedded: EmbeddedRuntime
    archive: Archive
    day: date
    asked: int = 0

    def ask(self, day: date | None = None, **message: Any) -> dict[str, Any]:
        """Ask self-heal as an operator would, see everything through, and return its execution."""
        self.asked += 1
        run_id = f"asked-{self.asked}"
        self.publish(TRIGGER, {"game_date": str(day or self.day), "run_id": run_id, **message})
        self.embedded.run_until_idle()
        return self.execution(f"self_heal.{message.get('run_id', run_id)}")

    def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        self.embedded.bus.publish(topic, json.dumps(message).encode())

    def execution(self, name: str) -> dict[str, Any]:
        found = self.embedded.runtime.state.get(f"executions/{name}")
        assert found is not None, name
        return found.data

    def heals(self) -> list[str]:
        return [document.id for document in self.embedded.runtime.state.query("heals")]

    def take_away(self, table: str, condition: str = "game_date = @day") -> int:
        sql = f"DELETE FROM {table} WHERE {condition}"
        gone = self.embedded.warehouse.execute(sql, {"day": self.day} if "@day" in sql else {})
        assert gone > 0, "a test that takes nothing away proves nothing"
        return gone

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return self.embedded.warehouse.query(sql, {"day": self.day} if "@day" in sql else {}).to_pylist()

    def predictions(self) -> list[dict[str, Any]]:
        found = self.rows(
            "SELECT * FROM nba_predictions.current_predictions WHERE game_date = @day"
            " ORDER BY game_id, player_id, stat, system_id, line_value"
        )
        return [{name: value for name, value in row.items() if name not in MOMENTS} for row in found]

    def file(self) -> dict[str, Any]:
        data = self.embedded.runtime.exports.read(f"v1/predictions/{self.day}.json").data
        return dict(json.loads(data))

    def read_exported(self) -> list[dict[str, Any]]:
        """The players of the date's file, but for the moments of their features and of the injury
        list, which is fetched again.
        """
        players = [{n: value for n, value in each.items() if n != "features_as_of"} for each in self.file()["players"]]
        return [each | {"injury_list": {**each["injury_list"], "snapshot_at": None}} for each in players]

    def at(self, hour: int, minute: int, days: int = 0) -> None:
        self.embedded.clock.advance_to(at_new_york(self.day + timedelta(days=days), time(hour, minute)))

    def begin(self) -> Day:
        return Day(self.embedded, self.archive, self.day, lambda label, completed: None)


@contextmanager
def open_healing(folder: Path, archive: Archive) -> Iterator[Heal]:
    with open_runtime(folder, archive=archive.folder) as embedded:
        yield Heal(embedded, archive, archive.last_date)


def play(folder: Path, archive: Archive, last: str, days: int = 0) -> None:
    """The day up to its event `last` on the game day, or on the morning after."""
    with open_healing(folder, archive) as world:
        played = world.begin()
        for stretch in played.missing_history(0):
            played.load_history(stretch)
        for event in played.events:
            played.play(event)
            if event.schedule == last and event.day == world.day + timedelta(days=days):
                return


def feeds(world: Heal) -> None:
    for table in ("nba_raw.injury_report", "nba_raw.odds_api_player_props", "nba_raw.odds_api_game_lines"):
        world.take_away(table)
    teams = "DELETE FROM nba_raw.injury_report_teams WHERE game_date = @day"
    world.embedded.warehouse.execute(teams, {"day": world.day})


def context(world: Heal) -> None:
    world.take_away("nba_analytics.upcoming_player_game_context")


def context_of_one_team(world: Heal) -> None:
    newest = "(SELECT MAX(features_as_of) FROM nba_analytics.upcoming_player_game_context WHERE game_date = @day)"
    team = world.rows("SELECT MIN(home_team) AS team FROM nba_raw.nbac_schedule WHERE game_date = @day")[0]["team"]
    condition = f"game_date = @day AND features_as_of = {newest} AND team = '{team}'"
    world.take_away("nba_analytics.upcoming_player_game_context", condition)


def features(world: Heal) -> None:
    world.take_away("nba_predictions.ml_feature_store")


def features_of_one_player(world: Heal) -> None:
    one = "(SELECT MIN(player_id) FROM nba_predictions.ml_feature_store WHERE game_date = @day)"
    world.take_away("nba_predictions.ml_feature_store", f"game_date = @day AND player_id = {one}")


def predictions(world: Heal) -> None:
    world.take_away(PREDICTIONS)


def drop_a_third_of_the_predictions(world: Heal) -> None:
    world.take_away(PREDICTIONS, "game_date = @day AND MOD(player_id, 3) = 0")


def batch_records(world: Heal) -> None:
    world.take_away("nba_predictions.prediction_batches")


def who_was_expected(world: Heal) -> None:
    world.take_away("nba_monitoring.expected_outputs")


def the_batch(world: Heal) -> None:
    """Its consolidation failed for good, and the revision before is what counts."""
    batch = latest_batch(world.embedded.runtime.state, world.day)
    assert batch is not None
    world.embedded.runtime.state.update(batch.path, {"status": BatchStatus.FAILED, "failure": "12 of 13 rows"})
    world.take_away("nba_predictions.prediction_batches", f"game_date = @day AND batch_id = '{batch.batch_id}'")


def export(world: Heal) -> None:
    path = world.embedded.folder / "exports" / "v1" / "predictions" / f"{world.day}.json"
    path.unlink()


def best_bets(world: Heal) -> None:
    (world.embedded.folder / "exports" / "v1" / "best-bets" / f"{world.day}.json").unlink()


def drop_a_players_file(world: Heal) -> None:
    min((world.embedded.folder / "exports" / "v1" / "tonight" / "player").iterdir()).unlink()


def todays_pointer(world: Heal) -> None:
    (world.embedded.folder / "exports" / "v1" / "predictions" / "today.json").unlink()


def rows_of_a_system(world: Heal) -> None:
    one = f"(SELECT MIN(player_id) FROM {PREDICTIONS} WHERE game_date = @day)"
    world.take_away(PREDICTIONS, f"game_date = @day AND player_id = {one} AND system_id = 'moving_average'")


def restore_an_older_export(world: Heal) -> None:
    runtime = world.embedded.runtime
    content = {**world.file(), "batches": [{"batch_id": f"batch_{world.day}_r1"}]}
    runtime.exports.write(
        f"v1/predictions/{world.day}.json", json.dumps(content).encode(), content_type="application/json"
    )


def close_batch(world: Heal) -> str:
    """A new revision that its workers closed, and nobody was told; its staging stands."""
    world.publish("nba-predictions-trigger", {"game_date": str(world.day), "run_id": "again"})
    bus, runtime = world.embedded.bus, world.embedded.runtime
    while claimed := bus.due({"phase5_coordinator": 1, "phase5_worker": 4}):
        for delivery in claimed:
            run, model = PHASE5[delivery.subscription.function]
            assert handle(delivery.subscription.function, run, model, envelope(delivery), runtime).status == 200
            bus.acknowledge(delivery)
    (lost,) = bus.due({"phase5_consolidation": 1})
    bus.acknowledge(lost)
    latest = latest_batch(runtime.state, world.day)
    assert latest is not None
    assert (latest.status, latest.run_id) == (BatchStatus.CLOSED, "again")
    return latest.batch_id
