"""A statistic's columns of player_daily_cache and of the feature store."""

from __future__ import annotations

from shared.stores.warehouse.sql import expand_fragments


def stat_columns(stat: str) -> list[str]:
    """The names of its features, in the order of the fragment stat_columns."""
    return [name.strip() for name in expand_fragments(f"{{{{stat_columns(, {stat})}}}}").split(",")]
