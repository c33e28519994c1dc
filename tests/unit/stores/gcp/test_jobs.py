"""What BigQuery is asked to do: load jobs exactly once, partitions copied at once, limits and
labels on every job.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Literal

import pyarrow as pa
import pytest

from shared.core.errors import Fatal, SchemaMismatch, StoreUnavailable, WriteConflict
from shared.core.logs import log_context
from shared.stores.gcp.bigquery_load import job_name
from shared.stores.gcp.bigquery_warehouse import BigQueryWarehouse
from shared.stores.gcp.limits import Limits
from shared.stores.ports import DateRange
from shared.stores.warehouse.rows import table_of
from shared.stores.warehouse.schemas import all_schemas, load_schema
from tests.support.gcp_jobs_service import JobsService
from tests.support.gcp_tables import Resource

BATCHES = "nba_predictions.prediction_batches"
ACCURACY = "nba_predictions.prediction_accuracy"
DAY = date(2025, 11, 14)
BACKEND = {"reason": "backendError", "message": "Error encountered during execution. Retrying may solve the problem."}


@pytest.fixture
def service() -> JobsService:
    return JobsService()


@pytest.fixture
def warehouse(service: JobsService) -> BigQueryWarehouse:
    return BigQueryWarehouse(service.client(), dataset_prefix="dev_", max_bytes_billed=1_000)


def rows(*games: str) -> pa.Table:
    now = datetime(2025, 11, 14, 22, 30, tzinfo=UTC)
    fields = {
        "game_date": DAY,
        "batch_id": "b",
        "revision": 1,
        "run_id": "r",
        "rows_expected": 1,
        "consolidated_at": now,
    }
    return table_of(BATCHES, [{**fields, "game_id": game} for game in games])


# --- load -----------------------------------------------------------------------------------------


def test_an_append_is_one_job_of_a_known_id(service: JobsService, warehouse: BigQueryWarehouse) -> None:
    assert warehouse.load(BATCHES, rows("1", "2"), mode="append", job_id="run#1/x") == 2
    ((name, job),) = service.jobs.items()
    assert name == f"{job_name('dev_', 'run#1/x')}-1"
    load = job["configuration"]["load"]
    assert load["destinationTable"] == {
        "projectId": "p",
        "datasetId": "dev_nba_predictions",
        "tableId": "prediction_batches",
    }
    assert (load["writeDisposition"], load["createDisposition"]) == ("WRITE_APPEND", "CREATE_NEVER")
    declared = [
        (field.name, field.type, "REQUIRED" if field.required else "NULLABLE") for field in load_schema(BATCHES).fields
    ]
    assert [(each["name"], each["type"], each["mode"]) for each in load["schema"]["fields"]] == declared
    assert service.loaded[name].column("game_id").to_pylist() == ["1", "2"]


def test_older_code_appends_to_a_table_that_newer_code_has_widened(
    service: JobsService, warehouse: BigQueryWarehouse
) -> None:
    """After a rollback of code alone: a further column, and one that may be NULL by now."""
    table = service.table(f"dev_{BATCHES}")
    _column(table, "later", type="FLOAT")
    _column(table, "run_id", mode="NULLABLE")
    assert warehouse.load(BATCHES, rows("1"), mode="append", job_id="j") == 1
    ((_, job),) = service.jobs.items()
    sent = {field["name"]: field["mode"] for field in job["configuration"]["load"]["schema"]["fields"]}
    assert sent["run_id"] == "NULLABLE"
    assert sent["batch_id"] == "REQUIRED"
    assert "later" not in sent


def test_newer_code_says_what_an_older_table_lacks(service: JobsService, warehouse: BigQueryWarehouse) -> None:
    service.table(f"dev_{BATCHES}")["schema"]["fields"].pop()
    last = load_schema(BATCHES).columns[-1]
    with pytest.raises(SchemaMismatch, match=f"{last} is missing") as raised:
        warehouse.load(BATCHES, rows("1"), mode="append", job_id="j")
    assert "make plan" in raised.value.next_step
    assert service.jobs == {}


def test_the_same_append_again_finds_the_first_job(service: JobsService, warehouse: BigQueryWarehouse) -> None:
    assert warehouse.load(BATCHES, rows("1", "2"), mode="append", job_id="j") == 2
    assert warehouse.load(BATCHES, rows("3"), mode="append", job_id="j") == 2
    assert warehouse.load(BATCHES, rows("3"), mode="append", job_id="k") == 1
    assert [table.num_rows for table in service.loaded.values()] == [2, 1]


def test_an_append_whose_answer_was_lost_is_found_by_its_retry(
    service: JobsService, warehouse: BigQueryWarehouse
) -> None:
    service.lose = 1  # the library asks again, and is told that the id exists
    assert warehouse.load(BATCHES, rows("1"), mode="append", job_id="j") == 1
    assert [table.num_rows for table in service.loaded.values()] == [1]


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_a_job_that_cannot_be_read_yet_is_waited_for_by_a_retry(
    service: JobsService, warehouse: BigQueryWarehouse, mode: Literal["append", "replace"]
) -> None:
    service.unreadable = "load"
    with pytest.raises(StoreUnavailable, match="exists and cannot be read yet"):
        warehouse.load(BATCHES if mode == "append" else "nba_staging._staging_x", rows("1"), mode=mode, job_id="j")


def test_a_copy_that_cannot_be_read_yet_is_waited_for_by_a_retry(
    service: JobsService, warehouse: BigQueryWarehouse
) -> None:
    service.columns, service.answer = declared_columns(ACCURACY), check_partition(7)
    service.unreadable = "copy"
    with pytest.raises(StoreUnavailable, match="exists and cannot be read yet"):
        warehouse.replace_partition(ACCURACY, DateRange(DAY, DAY), "SELECT * FROM nba_raw.x", {})


def test_an_upload_is_given_up_while_there_is_time(service: JobsService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    warehouse = BigQueryWarehouse(service.client(), dataset_prefix="", max_bytes_billed=1_000, limits=Limits(60.0))
    monkeypatch.setattr(service, "_insert", lambda request: (503, {"error": {"code": 503, "message": "no"}}))
    with pytest.raises(StoreUnavailable):
        warehouse.load(BATCHES, rows("1"), mode="append", job_id="j")
    assert [seconds for method, _, seconds in service.requests if method == "POST"] == [15.0] * 3


def test_after_a_failed_job_the_next_id_is_taken(service: JobsService, warehouse: BigQueryWarehouse) -> None:
    service.failures = [BACKEND, BACKEND]
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="Retrying may solve"):
            warehouse.load(BATCHES, rows("1"), mode="append", job_id="j")
    assert warehouse.load(BATCHES, rows("1"), mode="append", job_id="j") == 1
    assert warehouse.load(BATCHES, rows("1"), mode="append", job_id="j") == 1
    assert list(service.jobs) == [f"{job_name('dev_', 'j')}-{number}" for number in (1, 2, 3)]
    assert len(service.loaded) == 1


def test_a_job_that_always_fails_ends(service: JobsService, warehouse: BigQueryWarehouse) -> None:
    service.failures = [BACKEND] * 20
    for _ in range(20):
        with pytest.raises(StoreUnavailable):
            warehouse.load(BATCHES, rows("1"), mode="append", job_id="j")
    with pytest.raises(Fatal, match="failed 20 times"):
        warehouse.load(BATCHES, rows("1"), mode="append", job_id="j")


def test_an_id_used_for_another_table_is_refused(service: JobsService, warehouse: BigQueryWarehouse) -> None:
    warehouse.load(BATCHES, rows("1"), mode="append", job_id="j")
    with pytest.raises(Fatal, match=r"'j' for nba_reference\.player_aliases has been used for .*prediction_batches"):
        warehouse.load(
            "nba_reference.player_aliases", table_of("nba_reference.player_aliases", []), mode="append", job_id="j"
        )


def test_after_the_tables_were_made_anew_another_epoch_loads_them_again(service: JobsService) -> None:
    """A project never forgets a job's id: under the old one the append would be taken for done."""
    for epoch in (1, 1, 2):
        warehouse = BigQueryWarehouse(service.client(), dataset_prefix="dev_", max_bytes_billed=1_000, epoch=epoch)
        assert warehouse.load(BATCHES, rows("1"), mode="append", job_id="j") == 1
    assert list(service.jobs) == [f"{job_name('dev_', 'j')}-1", f"{job_name('dev_e2-', 'j')}-1"]


def test_job_names_are_told_apart() -> None:
    ids = ["a", "a ", "a#", "a.b", "a-b", "ab" * 600, "ab" * 601, "é"]
    names = {job_name(prefix, job_id) for prefix in ("", "dev_") for job_id in ids}
    assert len(names) == 2 * len(ids)
    assert job_name("dev_", "a") != job_name("", "dev_a")
    assert all(name.isascii() and name.replace("-", "").replace("_", "").isalnum() for name in names)
    assert max(map(len, names)) < 1_000


def test_a_staging_table_is_replaced_by_a_job_of_its_own_each_time(
    service: JobsService, warehouse: BigQueryWarehouse
) -> None:
    table = pa.table({"n": pa.array([1], pa.int32()), "x": pa.array([0.5], pa.float32()), "s": pa.array(["a"])})
    for _ in range(2):
        assert warehouse.load("nba_staging._staging_x", table, mode="replace", job_id="1") == 1
    loads = [each["load"] for each in service.configurations("load")]
    assert len(loads) == 2
    for load in loads:
        assert (load["writeDisposition"], load["createDisposition"]) == ("WRITE_TRUNCATE", "CREATE_IF_NEEDED")
        assert [(each["name"], each["type"]) for each in load["schema"]["fields"]] == [
            ("n", "INT64"), ("x", "FLOAT64"), ("s", "STRING"),
        ]  # fmt: skip
    assert {table.schema.field("n").type for table in service.loaded.values()} == {pa.int64()}


class Time:
    """Stands for the libraries' `time`: sleeping makes it later."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        assert self.now < 3_600, "it goes on for ever"


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Time:
    found = Time()
    for module in ("api_core.retry.retry_base", "api_core.retry.retry_unary", "cloud.bigquery.job.query"):
        monkeypatch.setattr(f"google.{module}.time", found)
    # waits between tries are drawn at random up to these
    monkeypatch.setattr("google.api_core.retry.retry_base.random.uniform", lambda low, high: high)
    return found


# --- every job ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("function", "job_ms"), [(540.0, 500_000), (300.0, 260_000), (60.0, 20_000)])
def test_every_job_has_limits_and_labels(service: JobsService, function: float, job_ms: int) -> None:
    """No job goes on when its function's time is over."""
    client, limits = service.client(), Limits(function)
    warehouse = BigQueryWarehouse(client, dataset_prefix="dev_", max_bytes_billed=1_000, limits=limits)
    service.answer = lambda sql: [{"a": 1}]
    with log_context(function="phase2_raw", run_id="Run.1/ä"):
        warehouse.query("SELECT 1 AS a")
        warehouse.load(BATCHES, rows("1"), mode="append", job_id="j")
        assert warehouse.execute("DELETE FROM nba_raw.x WHERE TRUE") == 3
    for job in service.jobs.values():
        configuration = job["configuration"]
        assert configuration["labels"] == {"pipeline": "nba_props", "function": "phase2_raw", "run": "run-1--"}
        assert configuration["jobTimeoutMs"] == str(job_ms)
    assert {each["query"]["maximumBytesBilled"] for each in service.configurations("query")} == {"1000"}


def test_no_request_waits_for_ever(service: JobsService) -> None:
    """A connection that dies silently would hold the thread, perhaps inside a date's lock, and let
    it go on later.
    """
    service.columns, service.answer = declared_columns(ACCURACY), check_partition(7)
    client, limits = service.client(), Limits(300.0)
    warehouse = BigQueryWarehouse(client, dataset_prefix="", max_bytes_billed=1_000, limits=limits)
    warehouse.query("SELECT 1 AS outside")
    warehouse.execute("DELETE FROM nba_raw.x WHERE TRUE")
    for _ in range(2):
        warehouse.load(BATCHES, rows("1"), mode="append", job_id="j")
    warehouse.load("nba_staging._staging_x", rows("1"), mode="replace", job_id="j")
    warehouse.replace_partition(ACCURACY, DateRange(DAY, DAY), "SELECT * FROM nba_raw.x", {})
    warehouse.drop(["nba_staging._staging_x"])
    assert {(method, kind) for method, kind, _ in service.requests} >= {
        ("POST", "jobs"), ("GET", "jobs"), ("GET", "queries"), ("DELETE", "datasets"),
    }  # fmt: skip
    waits = {seconds for _, kind, seconds in service.requests if kind != "queries"}
    assert waits == {60.0}
    assert {seconds for _, kind, seconds in service.requests if kind == "queries"} == {260.0}


WAITING: list[tuple[str, Callable[[BigQueryWarehouse], object]]] = [
    ("query", lambda warehouse: warehouse.query("SELECT 1 AS a")),
    ("load", lambda warehouse: warehouse.load(BATCHES, rows("1"), mode="append", job_id="j")),
]


@pytest.mark.parametrize(("_name", "wait"), WAITING, ids=[name for name, _ in WAITING])
def test_a_job_that_never_ends_is_given_up(
    service: JobsService,
    warehouse: BigQueryWarehouse,
    _name: str,
    wait: Callable[[BigQueryWarehouse], object],
    ticking: Time,
) -> None:
    """BigQuery ends it by then; were it not to, the function's own time would be over."""
    service.running = True
    service.on_request = lambda: ticking.sleep(10.0)
    with pytest.raises(StoreUnavailable):
        wait(warehouse)
    assert 500.0 <= ticking.now < 600.0


@pytest.mark.parametrize("function", [60.0, 300.0, 540.0])
def test_a_query_that_failed_is_restarted(service: JobsService, ticking: Time, function: float) -> None:
    """In the middle of its run, for a reason that a request's failure may have too."""
    service.slow, service.failures, service.answer = True, [BACKEND], lambda sql: [{"a": 1}]
    client, limits = service.client(), Limits(function)
    warehouse = BigQueryWarehouse(client, dataset_prefix="", max_bytes_billed=1_000, limits=limits)
    assert warehouse.query("SELECT 1 AS a").to_pylist() == [{"a": 1}]
    assert len(service.jobs) == 2
    assert ticking.now <= function / 12 + 5.0


def test_a_serialisation_conflict_is_a_write_conflict(service: JobsService, warehouse: BigQueryWarehouse) -> None:
    message = "Could not serialize access to table p:dev_nba_raw.x due to concurrent update"
    service.failures = [{"reason": "invalidQuery", "message": message}]
    with pytest.raises(WriteConflict, match="Could not serialize access"):
        warehouse.execute("DELETE FROM nba_raw.x WHERE TRUE")


# --- replace_partition ----------------------------------------------------------------------------


def declared_columns(table: str) -> list[dict[str, Any]]:
    return [{"name": field.name, "type": field.type} for field in load_schema(table).fields]


def check_partition(n: int, outside: int = 0, table: str = ACCURACY) -> Any:
    required = [field.name for field in load_schema(table).fields if field.required]
    return lambda sql: [{"n": n, "outside": outside, "nulls": [0] * len(required)}] if "AS outside" in sql else []


def test_a_days_partition_is_put_in_place_by_one_copy(service: JobsService, warehouse: BigQueryWarehouse) -> None:
    service.columns, service.answer = declared_columns(ACCURACY), check_partition(7)
    assert warehouse.replace_partition(ACCURACY, DateRange(DAY, DAY), "SELECT * FROM nba_raw.x", {}) == 7
    (copied,) = [each["copy"] for each in service.configurations("copy")]
    assert copied["writeDisposition"] == "WRITE_TRUNCATE"
    assert copied["createDisposition"] == "CREATE_NEVER"
    assert copied["destinationTable"]["tableId"] == "prediction_accuracy$20251114"
    (source,) = [table["tableId"] for table in copied["sourceTables"]]
    assert source.startswith("_replacement_")
    assert source.endswith("_alike$20251114")
    made = [each["query"]["query"] for each in service.configurations("query")]
    assert all("expiration_timestamp" in sql for sql in made if sql.startswith("CREATE"))
    assert not [sql for sql in made if "TRANSACTION" in sql]
    assert len(service.deleted) == 2


@pytest.mark.parametrize("table", [schema.name for schema in all_schemas() if schema.partition_field])
def test_a_copy_leaves_nothing_for_a_plan_to_change(
    service: JobsService, warehouse: BigQueryWarehouse, table: str
) -> None:
    """Columns' descriptions, the key and the table's description are as Terraform made them."""
    service.columns, service.answer = declared_columns(table), check_partition(7, table=table)
    before = copy.deepcopy(service.table(f"dev_{table}"))
    assert before["schema"]["fields"][0]["description"] or before["description"]
    dates = DateRange(DAY, DAY)
    by = (load_schema(table).partition_field or "",)
    assert warehouse.replace_partition(table, dates, "SELECT * FROM nba_raw.x", {}, by=by) == 7
    assert len(service.configurations("copy")) == 1
    assert service.table(f"dev_{table}") == before


def test_a_copy_keeps_what_newer_code_describes(service: JobsService, warehouse: BigQueryWarehouse) -> None:
    """After a rollback of code alone the descriptions in the project are the newer ones."""
    service.columns, service.answer = declared_columns(ACCURACY), check_partition(7)
    table = service.table(f"dev_{ACCURACY}")
    table["description"] = 'One row a grade: "graded" \\ or not\n(later)'
    table["schema"]["fields"][1]["description"] = "the game's id \u00e4, as NBA.com has it"
    table["tableConstraints"] = {"primaryKey": {"columns": ["game_date", "game_id"]}}
    before = copy.deepcopy(table)
    assert warehouse.replace_partition(ACCURACY, DateRange(DAY, DAY), "SELECT 1", {}) == 7
    assert len(service.configurations("copy")) == 1
    assert service.table(f"dev_{ACCURACY}") == before


def _column(table: Resource, name: str, **changes: object) -> None:
    fields = table["schema"]["fields"]
    found = next((field for field in fields if field["name"] == name), None)
    if found is None:
        found = {"name": name, "mode": "NULLABLE"}
        fields.append(found)
    found.update(changes)


# What a project's table may be where its code and its schemas are of different commits.
DIFFERENT: dict[str, Callable[[Resource], object]] = {
    "a column that this code does not know": lambda table: _column(table, "later", type="FLOAT"),
    "a column that may be NULL by now": lambda table: _column(table, "system_id", mode="NULLABLE"),
    "a column that takes more": lambda table: _column(table, "line_value", type="FLOAT"),
    "columns in another order": lambda table: table["schema"]["fields"].reverse(),
    "a column with a default": lambda table: _column(table, "model_version", defaultValueExpression="'?'"),
    "a column under a policy": lambda table: _column(
        table, "model_version", policyTags={"names": ["taxonomies/1/policyTags/2"]}
    ),
    "a REQUIRED column with a default": lambda table: _column(
        table, "later", type="STRING", mode="REQUIRED", defaultValueExpression="''"
    ),
    "other clusters": lambda table: table.update(clustering={"fields": ["game_id"]}),
    "no clusters": lambda table: table.pop("clustering"),
    "partitions by month": lambda table: table["timePartitioning"].update(type="MONTH"),
}


@pytest.mark.parametrize("difference", DIFFERENT)
def test_a_day_of_a_table_unlike_the_declared_one_is_deleted_and_inserted(
    service: JobsService, warehouse: BigQueryWarehouse, difference: str
) -> None:
    """A copy demands equal schemas: after a rollback of code alone results and grades would be dead
    letters.
    """
    service.columns, service.answer = declared_columns(ACCURACY), check_partition(7)
    DIFFERENT[difference](service.table(f"dev_{ACCURACY}"))
    before = copy.deepcopy(service.table(f"dev_{ACCURACY}"))
    assert warehouse.replace_partition(ACCURACY, DateRange(DAY, DAY), "SELECT 1", {}) == 7
    assert service.configurations("copy") == []
    (script,) = [sql for each in service.configurations("query") if "TRANSACTION" in (sql := each["query"]["query"])]
    assert f"BETWEEN DATE '{DAY}' AND DATE '{DAY}'" in script
    assert "later" not in script, "a column that this code does not know stays NULL"
    assert service.table(f"dev_{ACCURACY}") == before
    assert len(service.deleted) == 2


def test_the_stand_in_refuses_a_copy_onto_another_schema(
    service: JobsService, warehouse: BigQueryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the tests above would say nothing."""
    service.columns, service.answer = declared_columns(ACCURACY), check_partition(7)
    _column(service.table(f"dev_{ACCURACY}"), "later", type="FLOAT")
    monkeypatch.setattr("shared.stores.gcp.bigquery_partition.same_as_declared", lambda target, schema: True)
    with pytest.raises(Fatal, match=r"Provided Schema does not match Table .*Cannot remove field \(field: later\)"):
        warehouse.replace_partition(ACCURACY, DateRange(DAY, DAY), "SELECT 1", {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table["schema"]["fields"].pop(), "is missing"),
        (lambda table: _column(table, "system_id", type="INTEGER"), "system_id is INT64, declared STRING"),
        (lambda table: _column(table, "later", type="STRING", mode="REQUIRED"), "later is REQUIRED"),
    ],
)
def test_a_table_that_takes_no_row_is_named_with_the_way_out(
    service: JobsService, warehouse: BigQueryWarehouse, change: Callable[[Resource], object], message: str
) -> None:
    service.columns, service.answer = declared_columns(ACCURACY), check_partition(7)
    change(service.table(f"dev_{ACCURACY}"))
    with pytest.raises(SchemaMismatch, match=message) as raised:
        warehouse.replace_partition(ACCURACY, DateRange(DAY, DAY), "SELECT 1", {})
    assert "make plan" in raised.value.next_step
    assert not [each for each in service.configurations("query") if "CREATE" in each["query"]["query"]]


def test_no_rows_put_nothing_in_place(service: JobsService, warehouse: BigQueryWarehouse) -> None:
    service.columns, service.answer = declared_columns(ACCURACY), check_partition(0)
    assert warehouse.replace_partition(ACCURACY, DateRange(DAY, DAY), "SELECT 1", {}) == 0
    assert service.configurations("copy") == []
    assert len(service.deleted) == 2


@pytest.mark.parametrize(
    ("dates", "by"), [((DAY, date(2025, 11, 15)), ("game_date",)), ((DAY, DAY), ("game_date", "system_id"))]
)
def test_other_slices_are_replaced_in_one_transaction(
    service: JobsService, warehouse: BigQueryWarehouse, dates: tuple[date, date], by: tuple[str, ...]
) -> None:
    service.columns, service.answer = declared_columns(ACCURACY), check_partition(7)
    assert warehouse.replace_partition(ACCURACY, DateRange(*dates), "SELECT 1", {}, by=by) == 7
    assert service.configurations("copy") == []
    (script,) = [sql for each in service.configurations("query") if "TRANSACTION" in (sql := each["query"]["query"])]
    begin, delete, insert, commit, _ = script.split(";")
    assert (begin, commit.strip()) == ("BEGIN TRANSACTION", "COMMIT TRANSACTION")
    assert f"BETWEEN DATE '{dates[0]}' AND DATE '{dates[1]}'" in delete
    assert all(f"old.`{key}` = slices.`{key}`" in delete for key in by)
    assert insert.strip().startswith("INSERT INTO `p.dev_nba_predictions.prediction_accuracy` (`")


def test_a_conflict_of_the_transaction_leaves_no_table_behind(
    service: JobsService, warehouse: BigQueryWarehouse
) -> None:
    service.columns, service.answer = declared_columns(ACCURACY), check_partition(7)
    service.conflicts_at = "BEGIN TRANSACTION"
    with pytest.raises(WriteConflict, match="aborted due to concurrent update"):
        warehouse.replace_partition(ACCURACY, DateRange(DAY, DAY), "SELECT 1", {}, by=("game_date", "system_id"))
    assert len(service.deleted) == 2
