"""The functions that SQL here may use: BigQuery has them, and the contract suite has an answer of
each from every implementation. One more needs a case in tests/contract/sql_answers.py.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ALLOWED = _words(
    """
    ABS AVG CEIL COALESCE CONCAT CORR COUNT COUNTIF DIV EXP FLOOR GREATEST IF IFNULL LEAST LN LOGICAL_AND LOGICAL_OR
    MAX MAX_BY MIN MIN_BY MOD NULLIF PERCENTILE_CONT POW POWER ROUND SAFE_DIVIDE SQRT STDDEV STDDEV_POP STDDEV_SAMP
    SUM TRUNC VARIANCE VAR_POP VAR_SAMP
    CAST SAFE_CAST
    ENDS_WITH JSON_QUERY_ARRAY JSON_VALUE LENGTH LOWER LPAD LTRIM MD5 REGEXP_CONTAINS REGEXP_EXTRACT REGEXP_REPLACE
    REPLACE RTRIM SHA256 SPLIT STARTS_WITH STRING_AGG STRPOS SUBSTR TO_HEX TRIM UPPER
    DATE DATETIME DATETIME_ADD DATETIME_DIFF DATETIME_SUB DATE_ADD DATE_DIFF DATE_SUB DATE_TRUNC EXTRACT FORMAT_DATE
    TIME TIMESTAMP TIMESTAMP_ADD TIMESTAMP_DIFF TIMESTAMP_SECONDS TIMESTAMP_SUB TIMESTAMP_TRUNC UNIX_MILLIS
    UNIX_SECONDS
    ARRAY_AGG ARRAY_LENGTH GENERATE_ARRAY GENERATE_DATE_ARRAY STRUCT UNNEST
    DENSE_RANK FIRST_VALUE LAG LAST_VALUE LEAD NTH_VALUE RANK ROW_NUMBER
    """
)
# Another answer each time, or one that depends on the order in which rows happen to be read.
UNREPEATABLE = _words(
    """
    CURRENT_DATE CURRENT_DATETIME CURRENT_TIME CURRENT_TIMESTAMP RAND GENERATE_UUID SESSION_USER ANY_VALUE
    APPROX_COUNT_DISTINCT APPROX_QUANTILES APPROX_TOP_COUNT APPROX_TOP_SUM HLL_COUNT
    """
)
# These too are followed by a parenthesis.
_WORDS = _words(
    """
    ALL AND ANY ARRAY AS BETWEEN BY CASE CROSS CUBE DELETE DISTINCT ELSE END EXCEPT EXISTS FILTER FROM GROUPING
    HAVING IN INNER INSERT INTERSECT INTO IS JOIN LEFT LIKE LIMIT MATCHED NOT NUMERIC OFFSET ON OR ORDER OUTER OVER
    PARTITION QUALIFY RANGE REPLACE ROLLUP ROWS SAFE_OFFSET SELECT SET SETS SOME THEN UNION UPDATE USING VALUES WHEN
    WHERE WINDOW WITH WEEK
    """
)
_CALL = re.compile(r"(?<![\w.`])([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?)\s*\(")
_BARE = re.compile(r"(?<![\w.`@])(CURRENT_(?:DATE|DATETIME|TIME|TIMESTAMP))\b(?!\s*\()", re.IGNORECASE)
_TABLE_COLUMNS = re.compile(r"\bINTO\s+[`\w.-]+\s*\(", re.IGNORECASE)
# Strings and comments, blanked before functions and placeholders are looked for.
TEXT = re.compile(
    r"[rR]?'(?:\\.|[^'\\])*'|[rR]?\"(?:\\.|[^\"\\])*\"|--[^\n]*|\#[^\n]*|/\*.*?\*/",
    re.DOTALL,
)


def list_called(sql: str) -> set[str]:
    """The functions that a statement calls, in capitals."""
    bare = _TABLE_COLUMNS.sub("(", TEXT.sub("''", sql))
    names = {name.upper() for name in _CALL.findall(bare)} | {name.upper() for name in _BARE.findall(bare)}
    return names - _WORDS


def function_problems(sql: str) -> list[str]:
    problems = []
    for name in sorted(list_called(sql)):
        if name in UNREPEATABLE or name.partition(".")[0] in UNREPEATABLE:
            problems.append(f"{name} gives another answer each time: pass it as a parameter, or order by a key")
        elif name not in ALLOWED:
            problems.append(
                f"{name} is not among the functions both engines answer alike (tests/sqlcheck/functions.py)"
            )
    return problems
