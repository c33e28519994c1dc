"""How plots look, and a figure as SVG for a page."""

from __future__ import annotations

import io
import re
from contextlib import AbstractContextManager
from html import escape
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shared.science.evaluation import Scored

# Okabe & Ito's colours, told apart with any kind of colour vision; market variants differ by the
# kind of line too.
COLOURS = {
    "ensemble_v1": "#0072B2",
    "xgboost_v1": "#009E73",
    "moving_average": "#CC79A7",
    "similarity_balanced_v1": "#D55E00",
    "zone_matchup_v1": "#E69F00",
}
OTHER = "#56B4E9"
BOOK = "#222222"
FAINT = "#8a8a8a"
WIDTH = 11.0  # inches; the page scales it

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "date.converter": "concise",
}


def apply_style() -> AbstractContextManager[None]:
    """Within it, what is drawn looks like the page's plots; matplotlib's settings are as before
    afterwards.
    """
    settings: Any = STYLE
    return rc_context(settings)


def colour(scored: Scored) -> str:
    return COLOURS.get(scored.system, OTHER)


def stroke(scored: Scored) -> str:
    """Solid with market, dashed without."""
    return "-" if scored.market else "--"


def blank(columns: int, rows: int = 1, height: float = 4.2, **options: Any) -> tuple[Figure, list[Axes]]:
    """An empty figure of page width (height in inches) and its axes, row by row."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, [each for row in axes for each in row]


def svg(figure: Figure, name: str, description: str) -> str:
    """The figure as an <svg> element; `name` keeps its ids apart from those of other plots on the
    page.

    The same figure gives the same text: no date, no random ids.
    """
    buffer = io.StringIO()
    with rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    # Groups are numbered alike in every figure, and nothing refers to them.
    text = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", text)
    text = re.sub(r'<svg([^>]*?) width="[^"]*"', r"<svg\1", text, count=1)
    text = re.sub(r'<svg([^>]*?) height="[^"]*"', r"<svg\1", text, count=1)
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(description, quote=True)}"', 1)
