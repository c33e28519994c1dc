"""The backtest's page: one file that needs nothing else, and says plainly what the figures say."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local.backtest.drawing import COLOURS
from local.backtest.page import write_page
from local.backtest.worlds import DAY_BEFORE
from shared.science.evaluation import Scored, alarms, summarise
from tests.support.scored_rows import make_scored, season

pytestmark = pytest.mark.heavy  # a page of plots for every test

ERRORS = {
    ("moving_average", False): 2.2,
    ("zone_matchup_v1", False): 2.3,
    ("similarity_balanced_v1", False): 2.4,
    ("xgboost_v1", False): 1.3,
    ("xgboost_v1", True): 0.8,
    ("ensemble_v1", False): 1.1,
    ("ensemble_v1", True): 0.3,
}


def without_line(of: Scored) -> Scored:
    nothing = np.full(len(of), np.nan)
    advice = np.full(len(of), "NO_LINE")
    gone: dict[str, Any] = dict.fromkeys(
        ("line", "tested_line", "p_over", "p_push", "book_p_over", "edge", "profit"), nothing
    )
    return replace(of, recommendation=advice, expected_value=None, **gone)


def backtest(rows: int, days: int) -> tuple[dict[str, Any], dict[str, list[Scored]]]:
    games = season(rows=rows, days=days)
    lined = [
        make_scored(games, system, market, error, seed)
        for seed, ((system, market), error) in enumerate(ERRORS.items(), start=11)
    ]
    earlier = [replace(each, predicted=each.predicted + 0.4) for each in lined]
    lists = {
        "lined": lined,
        "all": [without_line(each) for each in lined if not each.market],
        "lined_day_before": earlier,
    }
    figures = {name: [summarise(each, seed=1) for each in of] for name, of in lists.items()}
    document = {
        "from": "2025-10-21",
        "to": "2025-12-31",
        "archive": "an <archive>",
        "all_day_before": [],
        **figures,
        "alarms": [sentence for each in figures["lined"] for sentence in alarms(each, "lined")],
        "training": [{"stat": "points", "trained_before": "2025-10-21", "rows": 61234, "seconds": 20.25}],
        "timings": {"features, s": 31.2, "season, s": 48.0},
    }
    return document, lists


class Page(HTMLParser):
    """Tags with their attributes, and the text between them; rows of tables as lists of text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data

    def row(self, *starts: str) -> dict[str, str]:
        """The first row that begins so, by the heads above it."""
        heads: list[str] = []
        for row, before in zip(self.rows, [[], *self.rows], strict=False):
            heads = row if not before or len(row) != len(before) or row[0] == "statistic" else heads
            if row[: len(starts)] == list(starts):
                return dict(zip(heads, row, strict=True))
        raise AssertionError(f"no row {starts}")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    path = tmp_path_factory.mktemp("backtest") / "page.html"
    document, lists = backtest(rows=6300, days=72)
    write_page(path, document, lists)
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]
    return path.read_text(encoding="utf-8"), document


def test_the_page_needs_nothing_else(written: tuple[str, dict[str, Any]]) -> None:
    page = Page(written[0])
    named = [attrs[name] or "" for _, attrs in page.tags for name in attrs if name in {"src", "href", "srcset"}]
    assert [url for url in named if not url.startswith("#")] == []
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "img", "object"}
    assert "@import" not in written[0]
    assert all(url.startswith("#") for url in re.findall(r"url\(([^)]*)\)", written[0]))


def test_plots_can_be_read_aloud_and_keep_their_ids_apart(written: tuple[str, dict[str, Any]]) -> None:
    page = Page(written[0])
    pictures = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(pictures) == 7
    assert all(attrs["role"] == "img" and len(attrs["aria-label"] or "") > 80 for attrs in pictures)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_a_system_is_said_to_be_better_worse_or_neither(written: tuple[str, dict[str, Any]]) -> None:
    page, document = Page(written[0]), written[1]
    rows = [row for row in page.rows if len(row) == 16 and row[1] in COLOURS][: len(ERRORS)]
    for figures, row in zip(document["lined"], rows, strict=True):
        low, high = figures["line_diff_low"], figures["line_diff_high"]
        expected = "better than the line" if high < 0 else "worse than the line" if low > 0 else "not told apart"
        market = "with" if figures["market"] else "without"
        assert (row[0], row[1], row[2], row[7]) == ("points", figures["system"], market, expected)
    assert len({row[7] for row in rows}) == 3


def test_figures_stand_under_their_heads(written: tuple[str, dict[str, Any]]) -> None:
    row, figures = Page(written[0]).row("points", "ensemble_v1", "with"), written[1]["lined"][-1]
    assert row["n"] == "6,300"
    assert row["MAE"] == f"{figures['mae']:.3f}"
    bounds = [f"{figures[name]:+.3f}".replace("-", "−") for name in ("line_diff", "line_diff_low", "line_diff_high")]
    assert row["difference to the line [95%]"] == f"{bounds[0]} [{bounds[1]}, {bounds[2]}]"


def test_rows_without_a_line_have_no_columns_about_it(written: tuple[str, dict[str, Any]]) -> None:
    heads = [row for row in Page(written[0]).rows if row[:2] == ["statistic", "system"] and "CRPS" in row]
    assert "line" in heads[0]
    assert "line" not in heads[1]
    assert "told apart?" not in heads[1]


def test_texts_are_escaped(written: tuple[str, dict[str, Any]]) -> None:
    assert "an &lt;archive&gt;" in written[0]
    assert "<archive>" not in written[0]


def test_an_alarm_stands_above_the_figures(tmp_path: Path) -> None:
    document = {"from": "a", "to": "b", "archive": "c", "lined": [], "all": [], "alarms": ["It is <too> good."]}
    write_page(tmp_path / "page.html", document, {})
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert '<section class="alarms" role="alert">' in text
    assert "It is &lt;too&gt; good." in text
    assert "No alarm" not in text
    assert "No row was scored" in text


def test_who_played_by_status_and_what_was_learned_from(tmp_path: Path) -> None:
    """A table where there are lists, and a sentence where models have not learned from them."""
    bare: dict[str, Any] = {"from": "a", "to": "b", "archive": "c", "alarms": []}
    tested = [{"status": "OUT", "n": 2000, "played": 1}, {"status": "not_listed", "n": 8, "played": 7}]
    document = bare | {"learned_from": "derived", "availability": {"tested": tested, "history": tested[:1]}}
    texts = []
    for each in (document, bare | {"learned_from": "lists", "availability": {"tested": [], "history": []}}):
        write_page(tmp_path / "page.html", each, {})
        texts.append((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert Page(texts[0]).rows == [
        ["status", "tested days", "seasons before"],
        ["OUT", "0.05% of 2,000", "0.05% of 2,000"],
        ["not listed", "87.50% of 8", ""],
    ]
    assert "have learned from absences in box scores" in texts[0]
    assert Page(texts[1]).rows == []
    assert "have learned" not in texts[1]


def test_a_few_days_without_prices_and_distributions_still_make_a_page(tmp_path: Path) -> None:
    few = make_scored(season(rows=40, days=3), "moving_average", market=False)
    bare = replace(few, cdf=None, book_p_over=np.full(40, np.nan), expected_value=None, profit=np.full(40, np.nan))
    document = {"from": "a", "to": "b", "archive": "c", "lined": [summarise(bare, 1)], "alarms": []}
    write_page(tmp_path / "page.html", document, {"lined": [bare]})
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "moving_average" in text
    assert "No alarm" in text


def test_the_same_rows_give_the_same_page_and_without_expected_values_bets_are_shown_by_edge(tmp_path: Path) -> None:
    rows = replace(make_scored(season(rows=500, days=20)), expected_value=None)
    document = {"from": "a", "to": "b", "archive": "c", "lined": [summarise(rows, 1)], "alarms": []}
    for name in ("one", "two"):
        write_page(tmp_path / f"{name}.html", document, {"lined": [rows]})
    one, two = ((tmp_path / f"{name}.html").read_text(encoding="utf-8") for name in ("one", "two"))
    assert one == two
    assert "edge 2 points or more, n = " in one


@pytest.mark.parametrize(
    ("rows", "days", "over_time", "profit", "calibrated"),
    [
        (3, 1, False, False, False),
        (60, 1, False, False, True),
        (90, 3, False, True, True),
        (900, 20, True, True, True),
    ],
)
def test_a_chart_of_a_short_backtest_is_drawn_or_left_out(
    rows: int, days: int, over_time: bool, profit: bool, calibrated: bool, tmp_path: Path
) -> None:
    """No axes without a point: a day has no curve, few rows fill no bin."""
    document, lists = backtest(rows, days)
    write_page(tmp_path / "page.html", document, lists)
    text = (tmp_path / "page.html").read_text()
    titles = re.findall(r"<h4>(.*?)</h4>", text)
    assert ("Error over time against the line: points" in titles) == over_time
    assert any(title.startswith("Profit of") for title in titles) == profit
    assert ("Calibration of P(over): points" in titles) == calibrated
    assert "Error by line: points" in titles
    assert len(re.findall("<svg", text)) == len(titles)


def test_bets_are_one_number_in_the_table_and_above_the_curve(tmp_path: Path) -> None:
    """Pushes and bets without a price are said apart, in no count of bets of their own."""
    document, lists = backtest(rows=900, days=20)
    (main,) = [each for each in lists["lined"] if each.system == "ensemble_v1" and each.market]
    staked = np.flatnonzero(main.staked)
    pushed, unpriced = staked[:3], staked[3:8]
    actual, profits = main.actual.copy(), main.profit.copy()
    actual[staked] = main.tested_line[staked] + 2.0
    actual[pushed] = main.tested_line[pushed]
    profits[pushed], profits[unpriced] = 0.0, np.nan
    changed = replace(main, actual=actual, profit=profits)
    lists = {**lists, "lined": [changed]}
    (figures,) = document["lined"] = [summarise(changed, seed=1)]
    bets = figures["bets"]
    assert bets == len(staked) - 3 == figures["wins"] + int((changed.won == 0).sum())
    write_page(tmp_path / "page.html", document, lists)
    text = (tmp_path / "page.html").read_text()
    assert f"all bets, n = {bets} (3 pushed, 5 without a price)" in text
    assert sum(each["bets"] for each in figures["by_edge"]) == bets
    assert f"<td>{bets}</td>" in text, "the table's cell"


def test_two_statistics_have_their_own_sections_bounds_and_plots(tmp_path: Path) -> None:
    """Tables of lists, of worlds and of edges, ids of plots, and a link to each, points first."""
    points = make_scored(season(rows=900, days=20))
    others = replace(make_scored(season(rows=900, days=20, seed=5)), stat="assists")
    earlier = [replace(each, predicted=each.predicted + 0.5) for each in (points, others)]
    lists = {"lined": [others, points], "lined_day_before": earlier}
    figures = {name: [summarise(each, seed=1) for each in of] for name, of in lists.items()}
    write_page(tmp_path / "page.html", {"from": "a", "to": "b", "archive": "c", "alarms": [], **figures}, lists)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    page = Page(text)
    for each in figures["lined"]:
        for row in (page.row(each["stat"], "ensemble_v1", "with"), page.row(each["stat"], "with", "lined")):
            assert row["MAE"] == f"{each['mae']:.3f}"
    assert figures["lined"][0]["mae"] != figures["lined"][1]["mae"]
    assert [attrs["href"] for tag, attrs in page.tags if tag == "a"] == ["#points", "#assists"]
    ids = [attrs["id"] or "" for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    shown = [name for name in ids if name in ("points", "assists") or name.endswith(("lined", "-absences"))]
    assert shown == ["points", "points-lined", "points-absences", "assists", "assists-lined", "assists-absences"]
    assert text.index("Error by line: points") < text.index('id="assists"') < text.index("Error by line: assists")
    assert text.index("By edge: ensemble_v1 with market on points") < text.index("with market on assists")
    assert {row[0] for row in page.rows if row[0].startswith("edge, ")} == {"edge, points", "edge, assists"}
    compared = [row for row, before in pairwise(page.rows) if any(cell.startswith("MAE, ") for cell in row)]
    assert len(compared) == 2
    column = next(i for i, head in enumerate(compared[0]) if head.endswith(DAY_BEFORE.says))
    differences = {row[0]: row[column] for head, row in pairwise(page.rows) if head in compared}
    assert set(differences) == {"points", "assists"}
    assert "–" not in differences.values()
    assert "below its bound (points 4.5, assists 1.4)" in text
    assert "under 10\n" not in text
    assert "under 2.5" in text, "buckets of lines are the statistic's"


def test_what_is_wrong_with_lines_stands_beside_their_statistic_alone(tmp_path: Path) -> None:
    """And of small counts that errors judge nothing."""
    points = make_scored(season(rows=300, days=20))
    nothing, no_bet = np.full(300, np.nan), np.full(300, "NO_LINE")
    threes = replace(points, stat="threes", recommendation=no_bet, profit=nothing, expected_value=nothing)
    lists = {"lined": [points, threes]}
    figures = {"lined": [summarise(each, seed=1) for each in lists["lined"]]}
    flaw = {"stat": "threes", "season": "2025-26", "what": "two <sources> are mixed", "effect": "no return is shown"}
    document = {"from": "a", "to": "b", "archive": "c", "alarms": [], "flaws": [flaw], **figures}
    write_page(tmp_path / "page.html", document, lists)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    before, _, of_threes = text.partition('id="threes"')
    assert Page(of_threes).rows[:2] == [["season", "what", "effect"], list(flaw.values())[1:]]
    assert "two &lt;sources&gt;" not in before
    assert "judge nothing" in of_threes
    assert "judge nothing" not in before
    verdicts = {row[0]: row[7] for row in Page(text).rows if row[1:3] == ["ensemble_v1", "with"] and len(row) == 16}
    assert verdicts["threes"] == "not judged by it"
    assert verdicts["points"] != verdicts["threes"]
    heads = [row for row in Page(text).rows if "rows judged" in row]
    assert ["PASS" in row for row in heads] == [True, False]
    assert "Profit of ensemble_v1 with market: points" in text
    assert "with market: threes" not in text


def test_a_sum_without_any_line_has_its_figures_of_all_rows(tmp_path: Path) -> None:
    rows = without_line(replace(make_scored(season(rows=300, days=20)), stat="pr"))
    figures = {"lined": [], "all": [summarise(rows, seed=1)]}
    write_page(
        tmp_path / "page.html", {"from": "a", "to": "b", "archive": "c", "alarms": [], **figures}, {"all": [rows]}
    )
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    row = Page(text).row("pr", "with", "all")
    assert (row["n"], row["MAE"], row["line"]) == ("300", f"{figures['all'][0]['mae']:.3f}", "–")
    assert "PR: points + rebounds" in text
