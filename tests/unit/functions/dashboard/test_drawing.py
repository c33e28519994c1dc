"""Where bars, lines and ticks lie."""

from __future__ import annotations

from functions.dashboard.drawing import BOTTOM, HEIGHT, LEFT, MOST_LABELS, RIGHT, TOP, WIDTH, draw_bars, draw_lines


def test_bars_stand_on_the_axis_and_say_what_is_over_the_target() -> None:
    chart = draw_bars("Took", "hours", [("11-13", 4.0), ("11-14", None), ("11-15", 8.0)], target=6.0)
    assert chart is not None
    low, high = chart.bars
    axis = HEIGHT - BOTTOM
    assert low.y + low.height == high.y + high.height == axis
    assert (high.y, low.height * 2) == (TOP, high.height)
    assert [low.is_over, high.is_over] == [False, True]
    assert chart.target == axis - 0.75 * (axis - TOP)
    assert [tick.label for tick in chart.values] == ["0", "2", "4", "6", "8"]
    assert [tick.label for tick in chart.labels] == ["11-13", "11-14", "11-15"]
    assert LEFT < low.x < high.x + high.width < WIDTH - RIGHT


def test_a_line_breaks_where_there_is_no_value() -> None:
    chart = draw_lines(
        "p50", "s", list("abcde"), [("p50", [1.0, 2.0, None, 3.0, 3.5]), ("p95", [None, None, 4.0, None, None])]
    )
    assert chart is not None
    first, second = chart.lines
    assert [len(each.split()) for each in first.stretches] == [2, 2]
    assert (second.stretches, len(second.dots)) == ((), 1)
    assert second.dots[0][1] == TOP


def test_an_axis_from_the_least_keeps_all_points_inside() -> None:
    chart = draw_lines("MAE", "points", ["a", "b"], [("x", [4.87, 5.13])], from_zero=False)
    assert chart is not None
    assert [chart.values[0].label, chart.values[-1].label] == ["4.5", "5.5"]
    assert all(TOP <= y <= HEIGHT - BOTTOM for _, y in chart.lines[0].dots)
    flat = draw_lines("MAE", "points", ["a"], [("x", [5.0])], from_zero=False)
    assert flat is not None
    assert [flat.values[0].label, flat.values[-1].label] == ["5", "6"]


def test_labels_are_thinned_and_the_newest_stays() -> None:
    chart = draw_bars("Took", "hours", [(str(n), 1.0) for n in range(40)])
    assert chart is not None
    assert len(chart.labels) <= MOST_LABELS
    assert chart.labels[-1].label == "39"


def test_nothing_is_drawn_of_nothing() -> None:
    assert draw_bars("Took", "hours", [("11-14", None)]) is None
    assert draw_lines("p50", "s", ["a"], [("p50", [None])]) is None
    zero = draw_bars("Took", "hours", [("a", 0.0)])
    assert zero is not None
    assert zero.bars[0].height == 0
