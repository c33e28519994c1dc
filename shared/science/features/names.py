"""Which columns of the feature store are what: read from its schema, so that a new column is
declared once.

The description of what serves one statistic alone begins with its name ("rebounds: ..."). Points
came first: what has no such mark is theirs and everybody's, so that a further statistic leaves the
inputs of theirs as they are.
"""

from __future__ import annotations

from functools import cache

from shared.nba.stats import BASE_STATS, POINTS
from shared.stores.warehouse.schemas import Field, load_schema

FEATURE_STORE = "nba_predictions.ml_feature_store"
# How the schema marks what comes from bookmakers: kept apart, so that results are known with and
# without it.
MARKET_MARK = "market:"
# The last column that says which row it is and how much of it is known; features follow.
_LAST_IDENTITY = "null_reasons"


def _fields() -> tuple[Field, ...]:
    return load_schema(FEATURE_STORE).fields


def _is_number(field: Field) -> bool:
    return field.type in ("FLOAT64", "INT64", "BOOL")


@cache
def identity_columns() -> tuple[str, ...]:
    """Columns that name the row, its game, its injury status and its quality, in the schema's
    order.
    """
    names = [field.name for field in _fields()]
    return tuple(names[: names.index(_LAST_IDENTITY) + 1])


@cache
def model_features(stat: str = POINTS.name) -> tuple[str, ...]:
    """Numeric inputs of a statistic's model without the market, in the schema's order: what is
    marked as of another statistic is none of it.
    """
    others = tuple(f"{name}:" for name in BASE_STATS if name != stat)
    return tuple(
        field.name
        for field in _fields()
        if field.name not in identity_columns()
        and _is_number(field)
        and not field.description.startswith((MARKET_MARK, *others))
    )
