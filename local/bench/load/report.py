"""The figures of a load run as a table, and whether each step's time grows in proportion to the
units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

Figures = Mapping[str, Any]
# Step -> the figure that tells its seconds.
STEPS = {
    "fan-out": "fan_out",
    "first request to batch closed": "to_closed",
    "of it predict and stage": "predict",
    "of it complete": "complete",
    "of it complete, CPU": "complete_cpu",
    "consolidation": "consolidation",
    "run history": "history",
    "first request to consolidated": "to_consolidated",
}
# What the limit applies to: every step but the run history, whose tenths of a second are noise.
LIMITED = ("fan_out", "to_closed", "predict", "complete", "complete_cpu", "consolidation", "to_consolidated")
MOST = 1.3


def growth(small: Figures, large: Figures) -> dict[str, float]:
    """Step -> seconds per unit of the large batch over those of the small one: 1.0 is linear."""
    times = large["units"] / small["units"]
    return {name: large[name] / small[name] / times for name in STEPS.values()}


def too_steep(sizes: Sequence[Figures]) -> dict[str, float]:
    """Limited steps that grow more than MOST times linearly from the smallest to the largest
    size.
    """
    found = growth(sizes[0], sizes[-1])
    return {name: ratio for name, ratio in found.items() if name in LIMITED and ratio > MOST}


def show(console: Console, sizes: Sequence[Figures]) -> None:
    """The closing tables."""
    units = [f"{size['units']:,} units" for size in sizes]
    table = _table("", *units, "times linear")
    ratios = growth(sizes[0], sizes[-1])
    for step, name in STEPS.items():
        limit = f" (most {MOST})" if name in LIMITED else ""
        table.add_row(step, *(f"{size[name]:,.2f} s" for size in sizes), f"{ratios[name]:.2f}{limit}")
    console.print(table)
    table = _table("", *units)
    rows = {
        "units a second, to consolidated": [f"{size['units'] / size['to_consolidated']:.1f}" for size in sizes],
        "rows in place": [f"{size['rows']:,}" for size in sizes],
        "messages delivered": [f"{size['messages']['delivered']:,}" for size in sizes],
        "staging loads": [f"{size['statements']['staging_load']:,}" for size in sizes],
        "other warehouse statements": [str(other_statements(size)) for size in sizes],
        "peak memory, MiB": [f"{size['peak_mib']:,}" for size in sizes],
        "batch document, KiB of 1,024": [f"{size['batch_bytes'] / 1024:.0f}" for size in sizes],
    }
    for name, values in rows.items():
        table.add_row(name, *values)
    console.print(table)
    console.print(
        "Seconds of a unit's parts are added up over threads that wait for each other, CPU seconds without waiting. "
        "Memory is the whole process: DuckDB keeps every staging table's columns until they are dropped.",
        highlight=False,
    )


def other_statements(size: Figures) -> int:
    """Warehouse statements but for the workers' own loads."""
    return sum(number for kind, number in size["statements"].items() if kind != "staging_load")


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    return table
