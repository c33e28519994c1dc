"""The feature store's columns that no model reads without the market."""

from __future__ import annotations

from shared.science.features.names import FEATURE_STORE, MARKET_MARK
from shared.stores.warehouse.schemas import load_schema

NUMBERS = ("FLOAT64", "INT64", "BOOL")


def market_features() -> tuple[str, ...]:
    """Numeric columns that come from bookmakers, in the schema's order."""
    fields = load_schema(FEATURE_STORE).fields
    return tuple(field.name for field in fields if field.type in NUMBERS and field.description.startswith(MARKET_MARK))
