"""The UNION ALL over a batch's staging tables, up to 200 of them: one branch is parsed and the
others written out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlglot import exp

from shared.core.errors import Fatal

_UNION = re.compile(r"\bUNION\s+ALL\b", re.IGNORECASE)
_STAGING = re.compile(r"`?\b(nba_\w+|\w+_nba_\w+)`?\.`?(_staging_[\w-]+)`?")
_PLAIN_STRING = re.compile(r"'([\w .:-]*)'")
_STAND_IN = "_staging_run_"


@dataclass(frozen=True)
class Run:
    """Branches of a UNION ALL that differ in their staging table and in strings alone, parsed once.

    In the parsed branch `_staging_run_{number}_` stands for the table and
    `_staging_run_{number}_{i}_` for a string.
    """

    number: int
    branches: list[tuple[str, ...]]

    def stand_in(self, part: int = 0) -> str:
        return f"{_STAND_IN}{self.number}_" + (f"{part}_" if part else "")


def collapse(sql: str) -> tuple[str, list[Run]]:
    """The SQL with each run of such branches as one branch.

    sqlglot takes about 4 ms for a branch of 40 columns, and a batch has up to 200 of them.
    """
    pieces = _UNION.split(sql)
    kept: list[str] = []
    runs: list[Run] = []
    shape = ""
    for position, piece in enumerate(pieces):
        tables = _STAGING.findall(piece)
        inner = 0 < position < len(pieces) - 1 and len(tables) == 1 and piece.count("(") == piece.count(")")
        if not inner:
            kept.append(piece)
            shape = ""
            continue
        dataset, table = tables[0]
        general = _PLAIN_STRING.sub("''", _STAGING.sub(f"`{dataset}.{_STAND_IN}`", piece))
        branch = (table, *_PLAIN_STRING.findall(piece))
        if general == shape:
            runs[-1].branches.append(branch)
        else:
            shape = general
            run = Run(len(runs), [branch])
            runs.append(run)
            strings = iter(range(1, len(branch)))
            named = _PLAIN_STRING.sub(lambda _, run=run, strings=strings: f"'{run.stand_in(next(strings))}'", piece)
            kept.append(_STAGING.sub(f"`{dataset}.{run.stand_in()}`", named))
    return " UNION ALL ".join(kept), runs


def expand(sql: str, tree: exp.Expr, runs: list[Run]) -> str:
    """The SQL of a tree with its runs written out again.

    Raises Fatal where a branch is not found as it was read.
    """
    if not runs:
        return sql
    parsed = {table.name: table for table in tree.find_all(exp.Table)}
    for run in runs:
        select = parsed[run.stand_in()].find_ancestor(exp.Select)
        branch = select.sql(dialect="duckdb") if select else ""
        if not branch or branch not in sql:
            raise Fatal(
                f"The UNION ALL over {len(run.branches)} staging tables cannot be written out.",
                next_step="give its branches the form SELECT columns FROM `dataset._staging_name`.",
            )
        written = []
        for values in run.branches:
            text = branch
            for part in reversed(range(len(values))):
                text = text.replace(run.stand_in(part), values[part])
            written.append(text)
        sql = sql.replace(branch, " UNION ALL ".join(written))
    return sql
