"""The schemas of exports bound every number and every date: what no game can come to does not
fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from functions.phase6_export.document import LONGEST_FAIR_PRICE, fair_price
from functions.phase6_export.schema_check import FOLDER, load, validator
from shared.core.clock import YEARS
from shared.nba import bounds
from shared.nba.bounds import Bound
from shared.nba.stats import STATS

SCHEMAS = sorted(path.name.removesuffix(".schema.json") for path in FOLDER.iterdir())
# What any statistic may come to: one bound suits all, the highest line's.
ANY_STAT = Bound(0, bounds.PROPS["line"].high, "the highest line of a statistic")
# Fields that are, or stand for, a column of a raw table: the bounds are the same.
COLUMNS = {
    "player_id": bounds.PLAYER_ID,
    **dict.fromkeys((*STATS, "actual"), ANY_STAT),
    "minutes": bounds.PLAYER_BOX["minutes"],
    "over_price": bounds.PROPS["over_price"],
    "under_price": bounds.PROPS["under_price"],
    "price": bounds.PROPS["over_price"],
}
SHARES = {"p_over", "p_push", "confidence", "share", "hit_rate", "hit_rate_low", "hit_rate_high", "brier"}
DATE, MOMENT, FINE = "2025-11-14", "2025-11-14T17:00:00Z", "2025-11-14T17:00:00.000000Z"


def nodes(node: Any, name: str = "", within: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...], dict]]:
    """Every schema in a schema, with the property it is of and those around it."""
    if isinstance(node, list):
        for each in node:
            yield from nodes(each, name, within)
    if not isinstance(node, dict):
        return
    yield name, within, node
    for key, value in node.items():
        if key in ("properties", "$defs"):
            for field, each in value.items():
                yield from nodes(each, field, (*within, field))
        else:
            yield from nodes(value, name, within)


def list_typed(schema: str, *types: str) -> list[tuple[str, tuple[str, ...], dict[str, Any]]]:
    def kinds(node: dict[str, Any]) -> list[str]:
        kind = node.get("type", [])
        return [kind] if isinstance(kind, str) else kind

    return [each for each in nodes(load(schema)) if set(kinds(each[2])) & set(types)]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_number_of_every_schema_has_both_bounds(schema: str) -> None:
    found = list_typed(schema, "integer", "number")
    assert found or schema == "player", "a test that looks at nothing proves nothing"
    for _, within, node in found:
        assert {"minimum", "maximum"} <= set(node), within
        assert -1e9 <= node["minimum"] < node["maximum"] <= 1e10, within


@pytest.mark.parametrize("schema", SCHEMAS)
def test_bounds_are_those_of_the_raw_tables_and_probabilities_are_from_0_to_1(schema: str) -> None:
    for name, within, node in list_typed(schema, "integer", "number"):
        if name in SHARES:
            assert (node["minimum"], node["maximum"]) == (0, 1), within
        if name in COLUMNS and "explanation" not in within:
            assert (node["minimum"], node["maximum"]) == (COLUMNS[name].low, COLUMNS[name].high), within
        if name == "line":
            assert node["minimum"] == bounds.PROPS["line"].low, within
            assert node["maximum"] >= bounds.PROPS["line"].high, "one bound suits the lines of every statistic"


def patterns() -> list[tuple[str, str]]:
    """(what fits, the pattern) of every date and moment of the schemas."""
    found = []
    for schema in SCHEMAS:
        for name, within, node in list_typed(schema, "string"):
            pattern = node.get("pattern", "")
            dated = name.endswith(("_at", "_date")) or name in ("features_as_of", "generated_at")
            fits = [each for each in (DATE, MOMENT, FINE) if re.search(pattern, each)] if pattern else []
            if dated or (fits and not re.search(pattern, "alpha")):
                assert len(fits) == 1, f"{schema} {within}: {pattern}"
                found.append((fits[0], pattern))
    assert len({fits for fits, _ in found}) == 3
    return sorted(set(found))


@pytest.mark.parametrize(("fits", "pattern"), patterns())
def test_a_date_is_one_of_a_year_that_a_game_can_be_of(fits: str, pattern: str) -> None:
    for year in (YEARS[0], 1999, YEARS[-1]):
        assert re.search(pattern, fits.replace("2025", str(year)))
    for other in (str(YEARS[0] - 1), str(YEARS[-1] + 1), "0000", "9999", "٢٠٢٥"):
        assert not re.search(pattern, fits.replace("2025", other))
    for day in ("11-31", "02-30", "13-01", "00-10", "11-00", "11-32", "1-14"):
        assert not re.search(pattern, fits.replace("11-14", day))
    if fits != DATE:
        for time in ("24:00:00", "17:60:00", "17:00:60"):
            assert not re.search(pattern, fits.replace("17:00:00", time))
    for around in (f" {fits}", f"{fits}\n", f"{fits} ", f"{fits}x"):
        assert not re.search(pattern, around)


@pytest.mark.parametrize(
    ("definition", "field", "values"),
    [
        ("line", "line", [0, -0.5, 185.5, 24.25, 1e300]),
        ("line", "over_price", [0, 99, -99, 20_001, -100_001]),
        ("line", "p_over", [-0.0001, 1.0001]),
        ("line", "expected_value", [-1.01, 201]),
        ("line", "fair_over_price", [1e7, -1e7]),
        ("stat_tonight", "predicted", [-0.01, 185.01, 1e300]),
        ("player", "player_id", [0, -1, 10_000_000_000]),
        ("stat_tonight", "last_10", [[186], [-1]]),
    ],
)
def test_what_no_game_can_come_to_does_not_fit(definition: str, field: str, values: list[Any]) -> None:
    schema = {"$ref": f"common.schema.json#/$defs/{definition}/properties/{field}"}
    checker = validator("player").evolve(schema=schema)
    for value in values:
        assert not checker.is_valid(value), value


def test_a_fair_price_that_no_book_could_pay_is_not_shown() -> None:
    assert fair_price(-127.2727) == -127.27
    assert fair_price(None) is None
    assert fair_price(LONGEST_FAIR_PRICE) == LONGEST_FAIR_PRICE
    assert fair_price(-1e32) is None
    assert fair_price(float("inf")) is None
