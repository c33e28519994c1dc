"""A statement as BigQuery gets it: of one kind, with the dataset prefix, its parameters typed by
their values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

from google.cloud import bigquery

from shared.core.errors import Fatal
from shared.stores.ports import Params
from shared.stores.warehouse.sql import STRINGS_AND_COMMENTS, with_prefix

Kind = Literal["query", "dml"]
Parameter = bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter

_QUERY = frozenset({"SELECT", "WITH"})
_DML = frozenset({"MERGE", "INSERT", "UPDATE", "DELETE"})
# A batch of very many units is gathered into tables of its own; all others come from their schemas.
_GATHERS = re.compile(r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?TABLE\s+\S+\s+AS\s+(?:SELECT|WITH)\b", re.IGNORECASE)
# What shared/stores/warehouse/migration.py does to a table of a release before.
_MIGRATES = re.compile(r"\s*ALTER\s+TABLE\s+\S+\s+(?:RENAME|ADD)\s+COLUMN\b", re.IGNORECASE)
_NOT_CODE = re.compile(STRINGS_AND_COMMENTS, re.DOTALL)
_FIRST_WORD = re.compile(r"[\s(]*([A-Za-z]+)")
_NAMED = re.compile(f"(?:{STRINGS_AND_COMMENTS}|`[^`]*`)|(?<![@\\w])@([A-Za-z_]\\w*)", re.DOTALL)
_TYPES: dict[type, str] = {
    bool: "BOOL",
    int: "INT64",
    float: "FLOAT64",
    str: "STRING",
    Decimal: "NUMERIC",
    datetime: "TIMESTAMP",
    date: "DATE",
}


@dataclass(frozen=True)
class Statement:
    """SQL text, without a closing semicolon (a SELECT may go into another), and the parameters that
    it names.
    """

    sql: str
    parameters: tuple[Parameter, ...]


def prepare(sql: str, params: Params | None, prefix: str, kind: Kind) -> Statement:
    """The statement to send; parameters that the SQL does not name are left out.

    A parameter that is None is written as NULL, and one that is an empty list as []: these have no
    type of their own in BigQuery and fit wherever they stand, while a parameter must have one,
    which the value does not tell.

    Raises Fatal for another kind of statement or several, for a parameter that is missing or of a
    type that BigQuery lacks, and for a moment without a time zone.
    """
    given = params or {}
    found, names, sql = _inspect(sql)
    if found != kind:
        raise Fatal(
            f"{'query' if kind == 'query' else 'execute'} was given {sql[:200]!r}.",
            next_step="query takes a SELECT, execute takes MERGE, INSERT, UPDATE or DELETE.",
        )
    missing = sorted(names - set(given))
    if missing:
        listed = ", ".join(f"@{name}" for name in missing)
        raise Fatal(f"The SQL needs {listed}; it begins {sql[:200]!r}.", next_step="pass it in params.")
    untyped = {name: written for name in names if (written := _refuse_untyped(given[name]))}
    text = with_prefix(sql, prefix)
    if untyped:
        text = _NAMED.sub(lambda match: untyped.get(match[1], match[0]) if match[1] else match[0], text)
    return Statement(text, tuple(_parameter(name, given[name]) for name in sorted(names - set(untyped))))


@lru_cache(maxsize=256)
def _inspect(sql: str) -> tuple[Kind | None, frozenset[str], str]:
    """The statement's kind (None for any other, and for several), the names of its parameters, and
    its text without the closing semicolon.
    """
    code = _NOT_CODE.sub(lambda match: ("'" if match[0][0] not in "-#/" else " ") * len(match[0]), sql).rstrip()
    if code.endswith(";"):
        end = len(code) - 1
        code, sql = code[:end], sql[:end] + sql[end + 1 :]
    first = _FIRST_WORD.match(code)
    word = first[1].upper() if first else ""
    kind: Kind | None = None
    if ";" in code:
        kind = None
    elif word in _QUERY:
        kind = "query"
    elif word in _DML or _GATHERS.match(code) or _MIGRATES.match(code):
        kind = "dml"
    return kind, frozenset(match[1] for match in _NAMED.finditer(sql) if match[1]), sql


def _refuse_untyped(value: object) -> str:
    if value is None:
        return "NULL"
    return "[]" if isinstance(value, list | tuple) and not value else ""


def _parameter(name: str, value: Any) -> Parameter:
    if not isinstance(value, list | tuple):
        return bigquery.ScalarQueryParameter(name, _type(name, value), _encode_value(value))
    types = {_type(name, each) for each in value if each is not None}
    if types == {"INT64", "FLOAT64"}:
        types = {"FLOAT64"}
    if len(types) != 1:
        raise Fatal(f"@{name} is a list of {', '.join(sorted(types)) or 'NULL alone'}.", next_step="give one type.")
    return bigquery.ArrayQueryParameter(name, types.pop(), [_encode_value(each) for each in value])


def _type(name: str, value: object) -> str:
    if isinstance(value, datetime) and value.tzinfo is None:
        raise Fatal(f"@{name} is {value!r}, without a time zone.", next_step="pass an aware datetime.")
    found = _TYPES.get(type(value))
    if found is None:
        raise Fatal(
            f"@{name} is {type(value).__name__} {value!r:.80}, which is no parameter.",
            next_step="pass str, int, float, bool, Decimal, date, aware datetime, None, or a list of one of these.",
        )
    return found


def _encode_value(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value
