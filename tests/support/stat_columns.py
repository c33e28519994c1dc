"""A statistic's columns of player_daily_cache and of the feature store."""

from __future__ import annotations

from shared.stores.warehouse.sql import expand_fragments


def stat_columns(stat: str, fragment: str = "stat_columns") -> list[str]:
    """The names of its features, in the order of a fragment that lists them."""
    return [name.strip() for name in expand_fragments(f"{{{{{fragment}(, {stat})}}}}").split(",")]
