"""A seeded fuzz of phase 2 with every source's answers, and that one bad element costs no other."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from functions.phase2_raw.normalise.rows import Problems
from local.embedded.duckdb_warehouse import DuckDbWarehouse
from shared.core.errors import DataError
from shared.nba.bounds import BOUNDS, YEAR
from tests.fuzz.mutations import ODD, as_sent, mutate
from tests.fuzz.normalising import Files, Source, fuzz, sources

# For whoever waits, and for CI.
FEW, INPUTS = 2_000, 20_000


@pytest.mark.parametrize(("inputs", "refused"), [(FEW, 3), pytest.param(INPUTS, 100, marks=pytest.mark.heavy)])
def test_mutated_answers_become_rows_within_bounds_or_refusals(tmp_path: Path, inputs: int, refused: int) -> None:
    tally = fuzz(inputs, seed=1, keep=True)
    assert sum(tally.inputs.values()) == inputs
    # Each source gives both: what would only be refused, or never, would try nothing.
    for name in tally.inputs:
        assert tally.rows[name] > inputs / 20, name
        # a report of the league is read whole or refused whole
        assert (tally.files if name == "official reports" else tally.elements)[name] > refused, name
    warehouse = DuckDbWarehouse(tmp_path / "warehouse.duckdb")
    for table, parts in tally.tables.items():
        rows = pa.concat_tables(parts)
        assert warehouse.load(table, rows, mode="append", job_id=table) == rows.num_rows
        for column, bound in BOUNDS[table].items():
            low, high = f"MIN({column})", f"MAX({column})"
            [found] = warehouse.query(
                f"SELECT {low} AS low, {high} AS high FROM {table} WHERE game_date > '1900-01-01'"
            ).to_pylist()
            assert found["low"] is None or bound.low <= found["low"] <= found["high"] <= bound.high, (table, column)
        years = f"SELECT MIN(game_date) AS low, MAX(game_date) AS high FROM {table} WHERE game_date > '0001-01-01'"
        [found] = warehouse.query(years).to_pylist()
        assert YEAR.low <= found["low"].year <= found["high"].year <= YEAR.high
    warehouse.close()


# The elements of a sample that must not cost one another: (source, where they are).
ELEMENTS: list[tuple[str, Callable[[Any], list[Any]]]] = [
    ("schedule", lambda answer: answer["leagueSchedule"]["gameDates"][1]["games"]),
    ("schedule", lambda answer: answer["leagueSchedule"]["gameDates"]),
    ("player box scores", lambda answer: answer["resultSets"][0]["rowSet"]),
    ("team box scores", lambda answer: answer["resultSets"][0]["rowSet"]),
    ("player points", lambda answer: answer["bookmakers"]),
    ("player points", lambda answer: answer["bookmakers"][0]["markets"]),
    ("live odds", lambda answer: answer["bookmakers"][0]["markets"]),
    ("past odds", lambda answer: answer["data"]["bookmakers"]),
    ("injuries", lambda answer: answer["injuries"]),
    ("injuries", lambda answer: answer["injuries"][0]["injuries"]),
    ("player zones", lambda answer: answer["rows"]),
    ("team zones", lambda answer: answer["rows"]),
]


@pytest.mark.parametrize(("name", "elements"), ELEMENTS, ids=[f"{n}-{name}" for n, (name, _) in enumerate(ELEMENTS)])
def test_one_odd_element_costs_no_other(name: str, elements: Callable[[Any], list[Any]]) -> None:
    """Every row that the answer has without the element is there with the element in any odd
    form.
    """
    source, random_ = sources()[name], random.Random(name)
    sample = source.answers[0]
    for number in range(len(elements(sample))):
        without = copy.deepcopy(sample)
        del elements(without)[number]
        others = _rows(source, without)
        sent = as_sent(elements(sample)[number])
        odd = [*random_.sample(ODD, 12), *(mutate(sent, random_, 1) for _ in range(20))]
        for value in odd:
            changed = copy.deepcopy(sample)
            elements(changed)[number] = value
            found = _rows(source, changed)
            assert others <= found, f"{name}: element {number} as {value!r:.200} costs {sorted(others - found)[:2]}"


def _rows(source: Source, answer: Any) -> set[str]:
    """The rows but for what is of the file: the covered days, and rows that say that nothing came
    of an answer.
    """
    files = Files(source, Problems())
    files.add(answer)
    return {
        f"{name} { {key: value for key, value in row.items() if key != 'covers_from'} }"
        for name, rows in files.tables().items()
        for row in rows.to_pylist()
        if row.get("bookmaker", "x") is not None and row.get("status") != "NONE"
    }


def test_an_answer_that_is_nothing_at_all_is_refused_by_name() -> None:
    for name, source in sources().items():
        for value in ODD:
            problems = Problems()
            files = Files(source, problems)
            message = ""
            try:
                files.add(value)
            except DataError as error:
                message = str(error)
            assert problems.refused == 1 or "the/path" in message, f"{name}: {value!r:.100}"
            assert files.tables() == {}


def test_samples_are_read_whole() -> None:
    for name, source in sources().items():
        for answer in source.answers:
            problems = Problems()
            files = Files(source, problems)
            files.add(answer)
            assert sum(rows.num_rows for rows in files.tables().values()) > 1, name
            assert problems.sentences == [], name
