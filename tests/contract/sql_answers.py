"""What BigQuery answers, as its reference says: each implementation of the warehouse must answer
the same.

Each case is one expression over the table `t` below and its value. Every function that the SQL
check lets pass has a case here, and so has every place where engines are known to differ.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

# Three rows, so that aggregates and windows have something to do.
ROWS = """
SELECT 1 AS k, 'a' AS s, 2 AS i, 1.5 AS f, NUMERIC '24.5' AS n, DATE '2025-11-14' AS d,
  TIMESTAMP '2025-11-14 23:30:00+00' AS ts, CAST(NULL AS INT64) AS nothing, TRUE AS b
UNION ALL
SELECT 2, 'b', 5, 2.5, NUMERIC '25', DATE '2025-11-15', TIMESTAMP '2025-11-15 02:00:00+00', 7, FALSE
UNION ALL
SELECT 3, 'c', 5, NULL, NUMERIC '0.5', DATE '2025-11-16', TIMESTAMP '2025-11-16 06:00:00+00', NULL, NULL
"""


def _ts(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


# Of the first row.
SCALARS: list[tuple[str, Any]] = [
    # NULLs
    ("LEAST(i, nothing)", None),
    ("GREATEST(i, nothing)", None),
    ("LEAST(i, k)", 1),
    ("GREATEST(f, 0.25)", 1.5),
    ("CONCAT('a', CAST(NULL AS STRING))", None),
    ("CONCAT(s, 'b')", "ab"),
    ("s || 'c'", "ac"),
    ("COALESCE(nothing, i)", 2),
    ("IFNULL(nothing, 0)", 0),
    ("NULLIF(i, 2)", None),
    ("nothing IS NOT DISTINCT FROM NULL", True),
    ("IF(nothing > 1, 'yes', 'no')", "no"),
    ("CASE WHEN f > 1 THEN f ELSE 0 END", 1.5),
    ("i IN UNNEST([1, 2])", True),
    ("i IN (SELECT 3)", False),
    # numbers
    ("i / 4", 0.5),
    ("k / 3 * 3", 1.0),
    ("DIV(-7, 2)", -3),
    ("MOD(-7, 2)", -1),
    ("SAFE_DIVIDE(i, 0)", None),
    ("SAFE_DIVIDE(1, 4)", 0.25),
    ("0.1 + 0.2", 0.30000000000000004),
    ("0.5 * i", 1.0),
    ("n - 2", Decimal("22.5")),
    ("n * 2", Decimal(49)),
    ("NUMERIC '0.5' + n", Decimal(25)),
    ("CAST('24.5' AS NUMERIC)", Decimal("24.5")),
    ("CAST(n AS FLOAT64)", 24.5),
    ("n = 24.5", True),
    ("ROUND(2.5)", 3.0),
    ("ROUND(-2.5)", -3.0),
    ("ROUND(3.14159, 2)", 3.14),
    ("CAST(ROUND(n * 2) / 2 AS NUMERIC)", Decimal("24.5")),
    ("CAST(ROUND(2.5) AS INT64)", 3),
    # Half away from zero, NUMERIC as FLOAT64, and so are digits beyond the ninth.
    ("CAST(ROUND(NUMERIC '2.5') AS INT64)", 3),
    ("CAST(ROUND(NUMERIC '-2.5') AS INT64)", -3),
    ("ROUND(NUMERIC '24.25', 1)", Decimal("24.3")),
    ("ROUND(NUMERIC '-24.25', 1)", Decimal("-24.3")),
    ("CAST(0.0000000005 AS NUMERIC)", Decimal("0.000000001")),
    ("CAST(ROUND(NUMERIC '24.75' * 2) / 2 AS NUMERIC)", Decimal(25)),
    ("CAST(ROUND(NUMERIC '24.25' * 2) / 2 AS NUMERIC)", Decimal("24.5")),
    ("TRUNC(-2.5)", -2.0),
    ("CEIL(1.2)", 2.0),
    ("FLOOR(-1.2)", -2.0),
    ("ABS(-3)", 3),
    ("POW(2, 10)", 1024.0),
    ("POWER(0.9, 2) < 0.82", True),
    ("SQRT(16)", 4.0),
    ("EXP(0)", 1.0),
    ("LN(1)", 0.0),
    ("SAFE_CAST('x' AS INT64)", None),
    ("CAST('12' AS INT64)", 12),
    ("CAST(TRUE AS INT64)", 1),
    # strings
    ("CAST(i AS STRING)", "2"),
    ("CAST(d AS STRING)", "2025-11-14"),
    ("LOWER('ÀB')", "àb"),
    ("UPPER('ab')", "AB"),
    ("LENGTH('čd')", 2),
    ("SUBSTR('0022500001', 4, 2)", "25"),
    ("REPLACE('a-b', '-', '')", "ab"),
    ("TRIM('  a ')", "a"),
    ("LTRIM('xxa', 'x')", "a"),
    ("RTRIM('a, b, ', ', ')", "a, b"),
    ("LPAD('7', 3, '0')", "007"),
    ("STRPOS('abc', 'c')", 3),
    ("STARTS_WITH('abc', 'ab')", True),
    ("ENDS_WITH('abc', 'ab')", False),
    (r"REGEXP_CONTAINS('jimmybutleriii', r'(jr|sr|ii+)$')", True),
    (r"REGEXP_EXTRACT('r12x', r'^r(\d+)')", "12"),
    (r"REGEXP_EXTRACT('abc', r'\d+')", None),
    (r"REGEXP_REPLACE('a.b-c', r'[^a-z]', '')", "abc"),
    ("SPLIT('a-b', '-')[OFFSET(1)]", "b"),
    ("SPLIT('a-b', '-')[SAFE_OFFSET(5)]", None),
    ("TO_HEX(MD5('a'))", "0cc175b9c0f1b6a831c399e269772661"),
    ("TO_HEX(SHA256('a'))", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
    # time
    ("d + 1", date(2025, 11, 15)),
    ("DATE_ADD(d, INTERVAL 1 DAY)", date(2025, 11, 15)),
    ("DATE_SUB(d, INTERVAL i DAY)", date(2025, 11, 12)),
    ("DATE_DIFF(DATE '2025-11-20', d, DAY)", 6),
    ("DATE_TRUNC(d, MONTH)", date(2025, 11, 1)),
    ("DATE_TRUNC(d, WEEK(MONDAY))", date(2025, 11, 10)),
    ("DATE(2025, 10, 1)", date(2025, 10, 1)),
    ("EXTRACT(DAYOFWEEK FROM d)", 6),  # a Friday; Sunday is 1
    ("EXTRACT(MONTH FROM d)", 11),
    ("EXTRACT(YEAR FROM d)", 2025),
    ("EXTRACT(HOUR FROM ts AT TIME ZONE 'America/New_York')", 18),
    ("DATE(ts)", date(2025, 11, 14)),
    ("DATE(TIMESTAMP '2025-11-15 03:00:00+00', 'America/New_York')", date(2025, 11, 14)),
    ("FORMAT_DATE('%Y%m%d', d)", "20251114"),
    ("DATETIME(ts, 'America/New_York')", datetime(2025, 11, 14, 18, 30)),  # noqa: DTZ001
    ("TIMESTAMP(DATETIME(d, TIME '17:30:00'), 'America/New_York')", _ts(2025, 11, 14, 22, 30)),
    ("TIMESTAMP(DATETIME(d, TIME(19, 0, 0)), 'America/New_York')", _ts(2025, 11, 15, 0, 0)),
    # Eastern daylight time is four hours behind, and ends on 2 November 2025.
    ("TIMESTAMP(DATETIME(DATE '2025-11-01', TIME '17:30:00'), 'America/New_York')", _ts(2025, 11, 1, 21, 30)),
    ("TIMESTAMP(d)", _ts(2025, 11, 14)),
    ("TIMESTAMP(d, 'America/New_York')", _ts(2025, 11, 14, 5)),
    ("DATETIME_ADD(DATETIME(d, TIME '17:30:00'), INTERVAL 1 HOUR)", datetime(2025, 11, 14, 18, 30)),  # noqa: DTZ001
    ("DATETIME_SUB(DATETIME(d, TIME '17:30:00'), INTERVAL 1 HOUR)", datetime(2025, 11, 14, 16, 30)),  # noqa: DTZ001
    ("TIMESTAMP_ADD(ts, INTERVAL 3 HOUR)", _ts(2025, 11, 15, 2, 30)),
    ("TIMESTAMP_SUB(ts, INTERVAL 90 MINUTE)", _ts(2025, 11, 14, 22)),
    # Whole hours that passed, not boundaries crossed.
    ("TIMESTAMP_DIFF(TIMESTAMP '2025-01-01 12:59:00+00', TIMESTAMP '2025-01-01 11:01:00+00', HOUR)", 1),
    ("TIMESTAMP_DIFF(TIMESTAMP '2025-01-03 00:00:00+00', TIMESTAMP '2025-01-01 01:00:00+00', DAY)", 1),
    ("TIMESTAMP_DIFF(TIMESTAMP '2025-01-01 00:00:00+00', TIMESTAMP '2025-01-01 01:30:00+00', HOUR)", -1),
    ("DATETIME_DIFF(DATETIME '2025-01-02 00:30:00', DATETIME '2025-01-01 23:30:00', DAY)", 1),
    ("TIMESTAMP_TRUNC(ts, DAY)", _ts(2025, 11, 14)),
    ("UNIX_SECONDS(TIMESTAMP '1970-01-02 00:00:00+00')", 86400),
    ("UNIX_MILLIS(TIMESTAMP '1970-01-01 00:00:01+00')", 1000),
    ("TIMESTAMP_SECONDS(86400)", _ts(1970, 1, 2)),
    ("CAST('2025-11-14T23:30:00.250001+00:00' AS TIMESTAMP)", _ts(2025, 11, 14, 23, 30).replace(microsecond=250_001)),
    ("ts < TIMESTAMP '2025-11-14 18:30:01-05'", True),
    # arrays and structs
    ("ARRAY_LENGTH([1, 2, 3])", 3),
    ("ARRAY_LENGTH(GENERATE_DATE_ARRAY(d, DATE '2025-11-16'))", 3),
    ("ARRAY_LENGTH(GENERATE_ARRAY(1, 5))", 5),
    (
        """(SELECT STRING_AGG(JSON_VALUE(x, '$.a'), ' ' ORDER BY JSON_VALUE(x, '$.a')) FROM
      UNNEST(JSON_QUERY_ARRAY('[{"a": 2.5}, {"a": "b"}, {"a": null}]')) AS x)""",
        "2.5 b",
    ),
    ("""CAST(JSON_VALUE('{"a": 7}', '$.a') AS INT64)""", 7),
    ("""CAST(JSON_VALUE('{"a": null}', '$.a') AS FLOAT64)""", None),
    ("""JSON_VALUE('{"a": 7}', '$.b')""", None),
    ("STRUCT(i AS x, s AS y)", {"x": 2, "y": "a"}),
    ("(SELECT SUM(x) FROM UNNEST([1, 2, 3]) AS x)", 6),
    ("(SELECT COUNTIF(x > 1) FROM UNNEST([1, 2, 3]) AS x WHERE x > 3)", 0),
    ("(SELECT COUNTIF(x > 1) + COUNTIF(x < 3) FROM UNNEST([1, 2, 3]) AS x)", 4),
]

# Over all three rows.
AGGREGATES: list[tuple[str, Any]] = [
    ("COUNT(*)", 3),
    ("COUNT(nothing)", 1),
    ("COUNT(DISTINCT i)", 2),
    ("COUNTIF(f > 1)", 2),
    ("COUNTIF(nothing > 100)", 0),
    ("COUNTIF(NULLIF(i, i) > 0)", 0),
    ("SUM(i)", 12),
    ("SUM(i * 1000000000000)", 12_000_000_000_000),
    ("SUM(nothing - 7)", 0),
    ("SUM(n)", Decimal(50)),
    ("SUM(f)", 4.0),
    ("AVG(i)", 4.0),
    ("AVG(f)", 2.0),
    ("MIN(d)", date(2025, 11, 14)),
    ("MAX(ts)", _ts(2025, 11, 16, 6)),
    ("MIN_BY(s, k)", "a"),
    ("MAX_BY(s, k)", "c"),
    ("LOGICAL_OR(b)", True),
    ("LOGICAL_AND(b)", False),
    ("STDDEV_SAMP(f)", 0.7071067811865476),
    ("STDDEV(f)", 0.7071067811865476),
    ("STDDEV_POP(f)", 0.5),
    ("STDDEV_SAMP(nothing)", None),
    ("VAR_SAMP(f)", 0.5),
    ("VAR_POP(f)", 0.25),
    ("VARIANCE(f)", 0.5),
    ("CORR(k, i)", 0.8660254037844387),
    ("STRING_AGG(s, ', ' ORDER BY k DESC)", "c, b, a"),
    ("STRING_AGG(DISTINCT s, '' ORDER BY s)", "abc"),
    ("ARRAY_AGG(k ORDER BY i DESC, k LIMIT 2)", [2, 3]),
    ("ARRAY_AGG(nothing IGNORE NULLS ORDER BY k)", [7]),
    ("ARRAY_AGG(STRUCT(k AS k, f AS f) ORDER BY k DESC LIMIT 1)", [{"k": 3, "f": None}]),
    ("ARRAY_AGG(k ORDER BY f, k)", [3, 1, 2]),  # ascending: NULLs first
    ("ARRAY_AGG(k ORDER BY f DESC, k)", [2, 1, 3]),  # descending: NULLs last
]

# Of each row, by k.
WINDOWS: list[tuple[str, list[Any]]] = [
    ("ROW_NUMBER() OVER (ORDER BY f, k)", [2, 3, 1]),
    ("RANK() OVER (ORDER BY i)", [1, 2, 2]),
    ("DENSE_RANK() OVER (ORDER BY i DESC)", [2, 1, 1]),
    ("LAG(s) OVER (ORDER BY k)", [None, "a", "b"]),
    ("LEAD(s, 1) OVER (ORDER BY k)", ["b", "c", None]),
    ("FIRST_VALUE(s) OVER (ORDER BY k)", ["a", "a", "a"]),
    ("LAST_VALUE(f IGNORE NULLS) OVER (ORDER BY k)", [1.5, 2.5, 2.5]),
    ("NTH_VALUE(s, 2) OVER (ORDER BY k)", [None, "b", "b"]),
    ("SUM(i) OVER (ORDER BY k)", [2, 7, 12]),
    ("SUM(i) OVER (ORDER BY i)", [2, 12, 12]),  # peers belong to the frame
    ("AVG(i) OVER (ORDER BY k ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING)", [None, 2.0, 3.5]),
    ("COUNT(*) OVER (ORDER BY UNIX_SECONDS(ts) RANGE BETWEEN 18000 PRECEDING AND 1 PRECEDING)", [0, 1, 0]),
    ("PERCENTILE_CONT(i, 0.5) OVER ()", [5.0, 5.0, 5.0]),
    ("PERCENTILE_CONT(f, 0.5) OVER (PARTITION BY s)", [1.5, 2.5, None]),
    ("COUNTIF(i = 5) OVER (ORDER BY k)", [0, 1, 2]),
    ("COUNTIF(nothing > 1) OVER (ORDER BY k)", [0, 1, 1]),
    ("COUNTIF(i = 5) OVER (ORDER BY k ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING)", [0, 0, 1]),
]
