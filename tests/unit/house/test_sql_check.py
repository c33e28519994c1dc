"""The project's SQL passes the check, and each rule of the check notices a planted breach."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.stores.warehouse import staging
from tests.conftest import ROOT
from tests.contract.sql_answers import AGGREGATES, SCALARS, WINDOWS
from tests.sqlcheck import checker
from tests.sqlcheck.functions import ALLOWED, list_called

BATCH = "batch_2025-11-14_r1"
TABLE = "nba_predictions.player_prop_predictions"
KEY = (
    "T.game_date = S.game_date AND T.game_id = S.game_id AND T.player_id = S.player_id AND T.system_id = S.system_id"
    " AND T.stat IS NOT DISTINCT FROM S.stat AND T.line_value IS NOT DISTINCT FROM S.line_value"
)


def build_statements() -> list[tuple[str, str]]:
    """The statements that shared/stores/warehouse/staging.py puts together, for tables of unlike
    columns.
    """
    columns = staging.staged_columns()
    tables = {staging.staging_table(BATCH, str(unit)): columns for unit in (7, 8, 9)}
    tables[staging.staging_table(BATCH, "10")] = columns[:-1]
    rows = staging.staged_rows(tables, BATCH)
    return [
        ("merge_sql", staging.merge_sql(rows)),
        ("check_sql", staging.check_sql(rows)),
        ("compaction_sql", staging.compaction_sql(tables, BATCH, staging.staging_table(BATCH, "gathered"))),
        ("in_place_sql", staging.in_place_sql()),
        ("absent_keys_sql", staging.absent_keys_sql(sorted(tables))),
    ]


# --- the project ----------------------------------------------------------------------------------


def test_every_sql_file_passes() -> None:
    problems = checker.file_problems(ROOT)
    assert not problems, "\n".join(problems)


def test_the_check_finds_the_sql_files() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in checker.sql_files(ROOT)}
    assert "shared/stores/warehouse/views/nba_predictions.current_predictions.sql" in names
    assert len(names) > 1


def test_sql_that_code_builds_passes() -> None:
    assert checker.built_problems(build_statements()) == []


def test_no_python_outside_the_builders_holds_sql() -> None:
    assert checker.python_problems(ROOT) == []


def test_the_contract_has_an_answer_of_every_function_that_is_let_pass() -> None:
    answered = {
        name for cases in (SCALARS, AGGREGATES, WINDOWS) for expression, _ in cases for name in list_called(expression)
    }
    # As a word before a parenthesis these are also clauses of the language.
    assert ALLOWED - answered - {"REPLACE"} == set()


# --- planted breaches -----------------------------------------------------------------------------

BOX = "nba_raw.nbac_player_boxscores"
LINES = "nba_raw.odds_api_player_props"
FEATURES = "nba_predictions.ml_feature_store"

BREACHES: list[tuple[str, str]] = [
    # what is there at all
    ("SELECT nonsense FROM", "does not parse"),
    ("SELECT 1 AS a; SELECT 2 AS b", "2 statements"),
    (f"SELECT pionts FROM {BOX}", "'pionts' could not be resolved"),
    ("SELECT points FROM nba_raw.boxscores", "nba_raw.boxscores, which no schema declares"),
    ("SELECT points FROM boxscores", "boxscores, which is neither"),
    (f"WITH b AS (SELECT points FROM {BOX}) SELECT b.minutes FROM b", "Unknown column: minutes"),
    (f"SELECT points * 2 AS double, double + 1 AS more FROM {BOX}", "'double' could not be resolved"),
    (f"SELECT points * 2 AS double FROM {BOX} WHERE double > 1", "'double' could not be resolved"),
    (f"SELECT points, minutes AS points FROM {BOX}", "2 columns of the name points"),
    (f"WITH b AS (SELECT points, minutes AS points FROM {BOX}) SELECT 1 AS one FROM b", "2 columns of the name points"),
    # keys
    (f"SELECT SUM(points) OVER (PARTITION BY minutes) AS s FROM {BOX}", "PARTITION BY a FLOAT64"),
    (f"SELECT SUM(points) OVER (PARTITION BY points / 2) AS s FROM {BOX}", "PARTITION BY a FLOAT64"),
    (
        f"WITH b AS (SELECT player_id, AVG(points) AS mean FROM {BOX} GROUP BY player_id)"
        " SELECT ROW_NUMBER() OVER (PARTITION BY b.mean ORDER BY player_id) AS n FROM b",
        "PARTITION BY a FLOAT64",
    ),
    (
        f"SELECT minutes AS m FROM {BOX} QUALIFY ROW_NUMBER() OVER (PARTITION BY m ORDER BY player_id) = 1",
        "PARTITION BY a FLOAT64",
    ),
    (f"SELECT minutes, COUNT(*) AS n FROM {BOX} GROUP BY minutes", "GROUP BY a FLOAT64"),
    (f"SELECT a.points FROM {BOX} AS a JOIN {BOX} AS b ON a.minutes = b.minutes", "JOIN on a FLOAT64"),
    # types that only DuckDB compares
    (f"SELECT points FROM {BOX} WHERE game_date < snapshot_time", "mixes DATE, TIMESTAMP"),
    (f"SELECT points FROM {BOX} WHERE game_id = 22500001", "mixes text, number"),
    (f"SELECT points FROM {BOX} WHERE is_home = 1", "mixes BOOL, number"),
    (f"SELECT COALESCE(points, player_name) AS x FROM {BOX}", "mixes number, text"),
    (f"SELECT IF(is_home, points, team) AS x FROM {BOX}", "mixes number, text"),
    (f"SELECT points FROM {BOX} UNION ALL SELECT team FROM {BOX}", "unlike columns"),
    (f"SELECT points, team FROM {BOX} UNION ALL SELECT points FROM {BOX}", "2 and 1 columns"),
    # where the engines differ
    (f"SELECT CAST(minutes AS INT64) AS m FROM {BOX}", "round ties differently"),
    (f"SELECT CAST(line AS STRING) AS l FROM {LINES}", "write such numbers differently"),
    (f"SELECT CONCAT(bookmaker, line) AS l FROM {LINES}", "write such numbers differently"),
    (f"SELECT bookmaker || line AS l FROM {LINES}", "write such numbers differently"),
    (f"SELECT STRING_AGG(line, ',' ORDER BY line) AS l FROM {LINES}", "write such numbers differently"),
    (f"SELECT DIV(line, 2) AS half FROM {LINES}", "no whole number in DuckDB"),
    (f"SELECT line / 2 AS half FROM {LINES}", "NUMERIC in BigQuery, FLOAT64 in DuckDB"),
    (f"SELECT AVG(line) AS mean FROM {LINES}", "NUMERIC in BigQuery, FLOAT64 in DuckDB"),
    (f"SELECT MEDIAN(points) AS m FROM {BOX}", "MEDIAN is not among the functions"),
    (f"SELECT EPOCH(snapshot_time) AS m FROM {BOX}", "EPOCH is not among the functions"),
    # another answer each time
    (f"SELECT points FROM {BOX} WHERE snapshot_time < CURRENT_TIMESTAMP()", "CURRENT_TIMESTAMP gives another"),
    (f"SELECT points FROM {BOX} WHERE game_date = CURRENT_DATE", "CURRENT_DATE gives another"),
    ("SELECT GENERATE_UUID() AS id", "GENERATE_UUID gives another"),
    (f"SELECT team, ANY_VALUE(points) AS p FROM {BOX} GROUP BY team", "ANY_VALUE gives another"),
    (f"SELECT ROW_NUMBER() OVER (PARTITION BY team) AS n FROM {BOX}", "has no ORDER BY"),
    (f"SELECT LAG(points) OVER w AS n FROM {BOX} WINDOW w AS (PARTITION BY team)", "has no ORDER BY"),
    (f"SELECT LAST_VALUE(points IGNORE NULLS) OVER (PARTITION BY team) AS n FROM {BOX}", "has no ORDER BY"),
    (f"SELECT ARRAY_AGG(points) AS p FROM {BOX}", "in no stated order"),
    (f"SELECT STRING_AGG(team, ',') AS p FROM {BOX}", "in no stated order"),
    (f"SELECT points FROM {BOX} LIMIT 3", "LIMIT has no ORDER BY"),
    # point in time
    (f"SELECT points FROM {BOX} WHERE snapshot_time <= @as_of", "lets in what happened at as_of"),
    (f"SELECT points FROM {BOX} WHERE @as_of >= snapshot_time", "lets in what happened at as_of"),
    (f"SELECT points FROM {BOX} WHERE NOT snapshot_time > @as_of", "lets in what happened at as_of"),
    (f"SELECT points FROM {BOX} WHERE NOT (@as_of < snapshot_time)", "lets in what happened at as_of"),
    (f"SELECT points FROM {BOX} WHERE snapshot_time BETWEEN @start AND @as_of", "BETWEEN includes its ends"),
    (
        f"SELECT b.points FROM {BOX} AS b JOIN {FEATURES} AS f ON f.player_id = b.player_id"
        " AND TIMESTAMP_ADD(b.snapshot_time, INTERVAL 3 HOUR) <= f.features_as_of",
        "lets in what happened at as_of",
    ),
    # values formatted in
    (f"SELECT points FROM {BOX} WHERE game_date = '{{game_date}}'", "formats {game_date}"),
    (f"SELECT points FROM {BOX} WHERE game_date = {{game_date!r}}", "formats {game_date!r}"),
    (f"SELECT points FROM {BOX} WHERE game_date = %s", "formats %s"),
    (f"SELECT points FROM {BOX} WHERE game_date = %(day)s", "formats %(day)s"),
    # SELECT * into a table
    (f"SELECT * FROM {BOX}", "SELECT * of the table nba_raw.nbac_player_boxscores"),
    (f"SELECT b.*, 1 AS one FROM {BOX} AS b", "SELECT * of the table"),
    (f"WITH b AS (SELECT * FROM {BOX}) SELECT * FROM b", "SELECT * of the table"),
    (f"SELECT * FROM (SELECT * EXCEPT (points) FROM {BOX})", "SELECT * of the table"),
    ("INSERT INTO nba_reference.player_aliases SELECT * FROM nba_reference.player_aliases", "SELECT * of the table"),
    ("INSERT INTO nba_reference.player_aliases SELECT 'a' AS a, 1 AS b", "INSERT names no columns"),
    ("INSERT INTO nba_reference.player_aliases (alias_lookup) SELECT 'a' AS a", "leaves out the REQUIRED player_id"),
    ("INSERT INTO nba_reference.player_aliases (alias_lookup, player_id) SELECT 'a' AS a", "2 columns for 1 values"),
    (
        "INSERT INTO nba_reference.player_aliases (alias_lookup, player_id) SELECT 1 AS a, 1 AS b",
        "alias_lookup is STRING",
    ),
    (
        "INSERT INTO nba_reference.player_aliases (alias_lookup, player_id, x) SELECT 'a' AS a, 1 AS b, 2 AS c",
        "column x",
    ),
    # DML
    (f"UPDATE {TABLE} SET reason = 'a', reason = 'b' WHERE game_date = @d", "assigns reason twice"),
    (f"UPDATE {TABLE} SET prediction_id = 'a' WHERE game_date = @d", "overwrites prediction_id"),
    (f"UPDATE {TABLE} SET created_at = @now WHERE game_date = @d", "overwrites created_at"),
    (f"UPDATE {TABLE} SET raison = 'a' WHERE game_date = @d", "declares no column raison"),
    (f"UPDATE {TABLE} SET reason = 1 WHERE game_date = @d", "reason is STRING, its value number"),
    (f"UPDATE {TABLE} SET player_id = 1 WHERE game_date = @d", "a column of the key"),
    (f"UPDATE {TABLE} SET reason = 'a' WHERE player_id = 1", "WHERE must compare it"),
    (f"UPDATE {TABLE} SET reason = 'a' WHERE game_date = DATE(updated_at)", "WHERE must compare it"),
    (f"DELETE FROM {TABLE} WHERE TRUE", "WHERE must compare it"),
    (f"DELETE FROM {TABLE} WHERE game_date = @d AND updated_at <= @as_of", "lets in what happened"),
    (f"DELETE FROM {TABLE} WHERE game_date = @d AND bach_id = 'x'", "could not be resolved"),
    ("DELETE FROM nba_raw.nowhere WHERE TRUE", "no schema declares"),
    ("DROP TABLE nba_reference.players", "neither SELECT nor DML"),
]


@pytest.mark.parametrize(("sql", "expected"), BREACHES)
def test_a_breach_is_noticed(sql: str, expected: str) -> None:
    found = checker.check(sql)
    assert any(expected in problem for problem in found), found


def merge(
    on: str = f"{KEY} AND T.game_date = @game_date",
    update: str = "reason = S.reason",
    insert: str = "INSERT (prediction_id) VALUES (S.prediction_id)",
    source: str = f"(SELECT * EXCEPT (prediction_id), prediction_id FROM (SELECT * FROM {TABLE} WHERE game_date = @d))",
) -> str:
    return (
        f"MERGE INTO {TABLE} AS T USING {source} AS S ON {on}"
        f" WHEN MATCHED THEN UPDATE SET {update} WHEN NOT MATCHED THEN {insert}"
    )


MERGES: list[tuple[str, str]] = [
    (merge(on=KEY), "ON must compare it with a parameter"),
    (merge(on="T.prediction_id = S.prediction_id AND T.game_date = @game_date"), "ON goes by prediction_id"),
    (merge(on=KEY.replace("AND T.system_id = S.system_id", "") + " AND T.game_date = @d"), "ON goes by"),
    (merge(on=KEY.replace("IS NOT DISTINCT FROM", "=") + " AND T.game_date = @d"), "line_value may be NULL"),
    (merge(on=f"{KEY} AND T.game_date = @d AND S.updated_at > T.updated_at"), "ON holds more than the key"),
    (merge(update="reason = S.reason, updated_at = @now, updated_at = S.updated_at"), "assigns updated_at twice"),
    (merge(update="T.prediction_id = S.prediction_id"), "overwrites prediction_id"),
    (merge(update="reason = S.raison"), "Unknown column: raison"),
    (merge(update="reason = S.over_price"), "reason is STRING, its value number"),
    (merge(insert="INSERT ROW"), "INSERT names no columns"),
    (merge(), "leaves out the REQUIRED batch_id"),
    (merge(insert="INSERT (prediction_id, batch_id) VALUES (S.prediction_id)"), "2 columns for 1 values"),
    (merge(), "SELECT * of the table"),
    (merge() + " WHEN NOT MATCHED BY SOURCE THEN DELETE", "NOT MATCHED BY SOURCE deletes"),
]


@pytest.mark.parametrize(("sql", "expected"), MERGES)
def test_a_breach_in_a_merge_is_noticed(sql: str, expected: str) -> None:
    found = checker.check(sql)
    assert any(expected in problem for problem in found), found


SOUND: list[str] = [
    f"SELECT game_date, COUNT(*) AS n FROM {BOX} WHERE game_date = @d GROUP BY 1 HAVING n > 1 ORDER BY n",
    f"SELECT IF(is_home, 'h', 'a') AS side, SUM(points) AS p FROM {BOX} GROUP BY side ORDER BY side",
    f"SELECT points FROM {BOX} WHERE snapshot_time < @as_of AND game_date BETWEEN @first AND @last",
    # The complement of "strictly before".
    f"SELECT points FROM {BOX} WHERE snapshot_time >= @as_of OR NOT snapshot_time < @as_of",
    f"SELECT player_id FROM {FEATURES} WHERE features_as_of <= @as_of",
    f"SELECT CAST(ROUND(minutes) AS INT64) AS m FROM {BOX}",
    f"SELECT CAST(ROUND(2 * AVG(line)) / 2 AS NUMERIC) AS half FROM {LINES}",
    f"WITH b AS (SELECT points, minutes FROM {BOX}) SELECT b.*, 1 AS one FROM b",
    f"SELECT REGEXP_CONTAINS(player_lookup, r'[a-z]{{3}}$') AS x FROM {BOX} -- {{not_code}} %s",
    "INSERT INTO nba_reference.player_aliases (player_id, alias_lookup) SELECT 1 AS id, 'a' AS alias",
    f"UPDATE {TABLE} SET reason = 'a', updated_at = @now WHERE game_date IN UNNEST(@days)",
    f"DELETE FROM {TABLE} WHERE game_date >= @first AND batch_id = @batch_id",
    f"DELETE FROM {TABLE} WHERE @first <= game_date AND batch_id = @batch_id",
]


@pytest.mark.parametrize("sql", SOUND)
def test_sound_sql_passes(sql: str) -> None:
    assert checker.check(sql) == []


def test_a_null_safe_key_may_be_spelled_out() -> None:
    spelled = KEY.replace(
        "T.line_value IS NOT DISTINCT FROM S.line_value",
        "(T.line_value = S.line_value OR (T.line_value IS NULL AND S.line_value IS NULL))",
    )
    found = checker.check(merge(on=f"{spelled} AND T.game_date = @game_date"))
    assert not any("ON" in problem for problem in found), found


def test_a_select_that_is_only_read_may_take_all_columns() -> None:
    assert checker.check(f"SELECT * FROM {BOX}", written=False) == []


# --- which files are written ----------------------------------------------------------------------


def plant(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def test_a_file_counts_as_written_unless_it_is_plainly_only_read(tmp_path: Path) -> None:
    star = f"SELECT * FROM {BOX}"
    plant(
        tmp_path,
        {
            "functions/writer/run.py": "w.query(read_sql(P, 'asked'))\nw.replace_partition(read_sql(P, step))",
            "functions/writer/sql/asked.sql": star,
            "functions/writer/sql/given.sql": star,
            "functions/reader/run.py": "w.query(read_sql(P, name))",
            "functions/reader/sql/asked.sql": star,
            "shared/stores/warehouse/views/nba_raw.v.sql": star,
        },
    )
    assert [problem.partition(":")[0] for problem in checker.file_problems(tmp_path)] == [
        "functions/writer/sql/given.sql"
    ]


ALIASES = "nba_reference.player_aliases"


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ("note, player_id, alias_lookup", None),
        ("note, alias_lookup", f"lacks player_id, which shared/stores/warehouse/schemas/{ALIASES}.json declares"),
        (
            "player_id, alias_lookup, note, 1 AS team",
            f"selects team, which shared/stores/warehouse/schemas/{ALIASES}.json does not declare",
        ),
    ],
)
def test_a_select_has_the_columns_of_the_table_it_fills(tmp_path: Path, columns: str, problem: str | None) -> None:
    select = f"SELECT {columns} FROM {ALIASES}"
    writer, reader = "w.replace_partition(read_sql(P, step))", "w.query(read_sql(P, name))"
    files = {"functions/writer/run.py": writer, "functions/reader/run.py": reader}
    files |= {f"functions/{name}/sql/player_aliases.sql": select for name in ("writer", "reader")}
    plant(tmp_path, {**files, "functions/writer/sql/other.sql": select})
    expected = [f"functions/writer/sql/player_aliases.sql: {problem}"] if problem else []
    assert checker.file_problems(tmp_path) == expected


# --- SQL in Python --------------------------------------------------------------------------------

PYTHON: list[tuple[str, str]] = [
    ("""sql = f"SELECT a FROM {table} WHERE d = '{day}'" """, "formats SQL"),
    ("""sql = "SELECT a FROM t WHERE d = '%s'" % day""", "formats SQL"),
    ("""sql = "SELECT a FROM t WHERE d = {}".format(day)""", "formats SQL"),
    ("""sql = "SELECT a FROM t WHERE d = " + day""", "formats SQL"),
    ("""sql = "DELETE FROM t WHERE d = DAY".replace("DAY", day)""", "formats SQL"),
    ("""sql = f"... JOIN nba_raw.t ON {x}" """, "formats SQL"),
    ('''sql = """\nSELECT a\nFROM nba_raw.t\n"""''', "holds SQL"),
    ("""run("MERGE INTO t USING s ON a = b")""", "holds SQL"),
]


@pytest.mark.parametrize(("code", "expected"), PYTHON)
def test_sql_in_python_is_noticed(tmp_path: Path, code: str, expected: str) -> None:
    plant(tmp_path, {"functions/a/run.py": code, "local/b.py": code, "shared/stores/warehouse/staging.py": code})
    found = checker.python_problems(tmp_path)
    assert len(found) == 1
    assert found[0].startswith("functions/a/run.py:1 ")
    assert expected in found[0]


@pytest.mark.parametrize(
    "code",
    [
        '"""SELECT a FROM t is what the docstring tells."""\n',
        'message = f"could not select anything from {table}"\n',
        'def f() -> str:\n    """Run MERGE INTO the table."""\n    return read_sql("functions.a", "b")\n',
        'raise Fatal(f"The UPDATE of {table} failed", next_step="run the MERGE again")\n',
    ],
)
def test_python_that_only_speaks_of_sql_passes(tmp_path: Path, code: str) -> None:
    plant(tmp_path, {"functions/a/run.py": code})
    assert checker.python_problems(tmp_path) == []
