"""Restoring a date by time travel: what BigQuery is asked, and that nothing changes unless counts
agree. The SQL is read here, and was not run on BigQuery.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.core import failpoints
from shared.core.errors import DataError, Fatal, NotFound, WriteConflict
from shared.core.pipeline import load_pipeline
from shared.operations.actions.action import Performed, Plan
from shared.operations.actions.perform import perform, preview
from shared.operations.actions.signature import Signature
from shared.operations.actions.table import action_of
from shared.operations.restore.restoring import PARTS
from shared.stores.gcp.bigquery_warehouse import BigQueryWarehouse
from shared.stores.runtime import Runtime
from shared.stores.warehouse.schemas import load_schema
from tests.conftest import ROOT
from tests.support.embedded import ManualClock
from tests.support.gcp_jobs_service import JobsService
from tests.support.stores import open_stores

NOW = datetime(2025, 11, 15, 12, 0, tzinfo=UTC)
VALUES = {"game_date": "2025-11-14", "as_of": "2025-11-14T17:00:00Z"}
RESTORE, PIPELINE = action_of("restore"), load_pipeline()


class Tables(JobsService):
    """A project whose date had some rows then, and has others now."""

    def __init__(self) -> None:
        super().__init__()
        self.now: dict[str, list[int]] = {"player_prop_predictions": [1, 2, 9], "prediction_batches": [5]}
        self.then: dict[str, list[int]] = {"player_prop_predictions": [1, 2, 3, 4], "prediction_batches": [5]}
        self.swapped = False
        self.answer = self._answer

    def _answer(self, sql: str) -> list[dict[str, Any]]:
        named = re.search(r"\.(_restored_\w+|\w+)` *(FOR|WHERE|\))", sql)
        assert named is not None, sql
        if "FARM_FINGERPRINT" in sql:
            rows = (self.then if "FOR SYSTEM_TIME" in sql else self.now)[named[1]]
            return [{"fingerprint": each} for each in rows]
        if "COUNT(*) AS n" in sql:
            table = self.table_of(named[1])
            is_copy = named[1].startswith("_restored_")
            return [{"n": len((self.then if is_copy or self.swapped else self.now)[table])}]
        self.swapped = self.swapped or sql.startswith("BEGIN")
        return []

    def table_of(self, name: str) -> str:
        """The table that a copy was made of."""
        for sql in self.queries():
            if f".{name}` OPTIONS" in sql:
                found = re.search(r"FROM `p\.\w+\.(\w+)`", sql)
                assert found is not None
                return found[1]
        return name

    def queries(self) -> list[str]:
        return [each["query"]["query"] for each in self.configurations("query")]


@pytest.fixture
def service() -> Tables:
    return Tables()


@pytest.fixture
def runtime(service: Tables, tmp_path: Path) -> Iterator[Runtime]:
    with open_stores(tmp_path, ManualClock(NOW)) as found:
        warehouse = BigQueryWarehouse(service.client(), dataset_prefix="dev_", max_bytes_billed=1_000)
        yield replace(found, warehouse=warehouse)


def look(runtime: Runtime, **values: str) -> Plan:
    return preview(RESTORE, runtime, PIPELINE, {**VALUES, **values})


def act(runtime: Runtime) -> Performed:
    return perform(RESTORE, runtime, PIPELINE, VALUES, Signature("ada", "a bad merge"), "press-0001")


def test_a_preview_counts_rows_now_and_then_and_writes_nothing(runtime: Runtime, service: Tables) -> None:
    says = look(runtime).says
    assert says[0] == ("nba_predictions.player_prop_predictions: 3 rows now, 4 then; 1 of now go, 2 of then come.")
    assert says[1].endswith("prediction_batches: 1 rows now, 1 then; 0 of now go, 0 of then come.")
    assert len(service.queries()) == 4
    assert all(sql.startswith("SELECT FARM_FINGERPRINT") for sql in service.queries())
    # a statement reads a table at one moment alone
    assert [sql.count("FROM `") for sql in service.queries()] == [1] * 4
    at = "FOR SYSTEM_TIME AS OF TIMESTAMP '2025-11-14 17:00:00.000000+00' WHERE `game_date` = DATE '2025-11-14'"
    assert sum(at in sql for sql in service.queries()) == 2


def test_all_tables_go_back_in_one_transaction_between_their_counts(runtime: Runtime, service: Tables) -> None:
    done = act(runtime)
    assert done.outcome == (
        "restored 2025-11-14: nba_predictions.player_prop_predictions has 4 rows,"
        " nba_predictions.prediction_batches has 1 rows"
    )
    copies = [sql for sql in service.queries() if sql.startswith("CREATE TABLE")]
    assert all("expiration_timestamp" in sql and "FOR SYSTEM_TIME AS OF" in sql for sql in copies)
    (script,) = (sql for sql in service.queries() if sql.startswith("BEGIN TRANSACTION;"))
    assert script.endswith("COMMIT TRANSACTION;")
    for table, before, after in (("player_prop_predictions", 3, 4), ("prediction_batches", 1, 1)):
        place = f"`p.dev_nba_predictions.{table}`"
        count = rf"ASSERT \(SELECT COUNT\(\*\) FROM {place} WHERE `game_date` = DATE '2025-11-14'\) = "
        columns = ", ".join(f"`{name}`" for name in load_schema(f"nba_predictions.{table}").columns)
        steps = [
            rf"{count}{before} AS '[^']+';",
            rf"DELETE FROM {place} WHERE `game_date` = DATE '2025-11-14';",
            rf"INSERT INTO {place} \({columns}\) SELECT {columns} FROM `p\.dev_nba_predictions\._restored_\w+`;",
            rf"{count}{after} AS '[^']+';",
        ]
        assert re.search("\n".join(steps), script)
    assert len(service.deleted) == 2
    assert all("_restored_" in each for each in service.deleted)
    # nothing was dropped before the count after the transaction
    methods = [method for method, *_ in service.requests]
    assert set(methods[methods.index("DELETE") :]) == {"DELETE"}
    assert runtime.state.query("audit")[0].data["action"] == "restore"
    assert act(runtime).repeated
    assert sum(sql.startswith("BEGIN") for sql in service.queries()) == 1


@pytest.mark.parametrize(
    ("reason", "message", "error"),
    [
        ("invalidQuery", "Assertion failed: the rows of x are not those of the preview", Fatal),
        ("invalidQuery", "Transaction is aborted due to concurrent update against p:a.b.", WriteConflict),
    ],
)
def test_where_it_is_rolled_back_the_copies_stay(
    runtime: Runtime, service: Tables, reason: str, message: str, error: type[Exception]
) -> None:
    insert = service._failure

    def fail_the_script(configuration: dict[str, Any]) -> dict[str, str] | None:
        if configuration.get("query", {}).get("query", "").startswith("BEGIN"):
            return {"reason": reason, "message": message}
        return insert(configuration)

    service._failure = fail_the_script  # type: ignore[method-assign]
    with pytest.raises(error, match=message[:40]):
        act(runtime)
    assert service.deleted == []


def test_a_table_without_rows_then_is_never_emptied(runtime: Runtime, service: Tables) -> None:
    service.then["prediction_batches"] = []
    with pytest.raises(DataError, match=r"prediction_batches had no rows of 2025-11-14 at .*; nothing is restored"):
        act(runtime)
    assert all(sql.startswith("SELECT") for sql in service.queries())


def test_what_would_change_nothing_is_said(runtime: Runtime, service: Tables) -> None:
    service.now = service.then
    with pytest.raises(NotFound, match="nothing would change"):
        look(runtime)


def test_a_press_whose_process_died_after_the_transaction_is_done(runtime: Runtime, service: Tables) -> None:
    def die(point: str) -> None:
        if point == "operator_action.recorded":
            raise KeyboardInterrupt

    failpoints.install(die)
    with pytest.raises(KeyboardInterrupt):
        act(runtime)
    failpoints.install(None)
    service.now = service.then
    assert act(runtime).outcome.startswith("nothing left to do: 2025-11-14 is as it was")
    assert not any(sql.startswith("BEGIN") for sql in service.queries())


@pytest.mark.parametrize("hours", [-1, 0, 7 * 24, 400])
def test_a_moment_that_bigquery_does_not_keep_is_refused(runtime: Runtime, service: Tables, hours: int) -> None:
    with pytest.raises(DataError, match="is not within the 7 days before"):
        look(runtime, as_of=(NOW - timedelta(hours=hours)).isoformat())
    assert service.jobs == {}


def test_the_embedded_warehouse_says_that_it_keeps_no_past(tmp_path: Path) -> None:
    refusal = pytest.raises(DataError, match="The embedded warehouse keeps no past")
    with open_stores(tmp_path, ManualClock(NOW)) as runtime, refusal:
        look(runtime)


def test_the_parts_are_tables_by_date_and_predictions_are_what_the_view_reads() -> None:
    for table in (each for part in PARTS.values() for each in part):
        assert load_schema(table).partition_field == "game_date"
    view = (ROOT / "shared/stores/warehouse/views/nba_predictions.current_predictions.sql").read_text(encoding="utf-8")
    assert set(re.findall(r"(?:FROM|JOIN) (nba_\w+\.\w+)", view)) == set(PARTS["predictions"])
