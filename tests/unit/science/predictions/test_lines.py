"""Lines and prices: exact half points, the best price at exactly a line, expected value with pushes
returned.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.settings import Settings
from shared.nba.stats import POINTS
from shared.science.predictions.lines import (
    Best,
    best_prices,
    decide,
    expected_value,
    fair_american,
    main_line,
    offers,
    profit,
    to_half,
)
from shared.science.predictions.lines import tested_lines as five_lines
from tests.support.systems_rows import offer

POLICY = Settings()


def test_five_lines_around_the_main_one_as_exact_decimals() -> None:
    assert five_lines(Decimal("24.5"), POINTS) == [Decimal(x) for x in ("22.5", "23.5", "24.5", "25.5", "26.5")]
    assert [str(line) for line in five_lines(Decimal("25.0"), POINTS)] == ["23.0", "24.0", "25.0", "26.0", "27.0"]


@pytest.mark.parametrize(("main", "number"), [("0.5", 3), ("1.0", 3), ("1.5", 4), ("2.0", 4), ("2.5", 5)])
def test_lines_below_half_a_point_are_left_out(main: str, number: int) -> None:
    lines = five_lines(Decimal(main), POINTS)
    assert len(lines) == number
    assert min(lines) >= Decimal("0.5")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["24.5"], "24.5"),
        (["24.5", "25.5"], "25.0"),
        (["24.5", "25.0"], "25.0"),
        (["24.0", "24.5"], "24.5"),
        (["23.5", "24.5", "26.5"], "24.5"),
    ],
)
def test_the_main_line_is_the_median_rounded_to_a_half_quarters_up(lines: list[str], expected: str) -> None:
    books = [offer(f"book{i}", line, -110, -110) for i, line in enumerate(lines)]
    assert main_line(offers(books)) == Decimal(expected)


@pytest.mark.parametrize("order", [("24.5", "25.5", "26.5"), ("26.5", "24.5", "25.5"), ("25.5", "26.5", "24.5")])
def test_a_book_with_several_main_lines_counts_once_with_its_lowest(order: tuple[str, ...]) -> None:
    several = [one for line in order for one in offers([offer("betmgm", line, -110, -110)])]
    assert main_line(several) == Decimal("24.5")
    others = offers([offer("draftkings", "27.5", -110, -110), offer("fanduel", "28.5", -110, -110)])
    assert main_line([*several, *others]) == Decimal("27.5"), "three books, not five lines"


def test_only_a_books_latest_snapshot_is_on_offer() -> None:
    early = "2025-11-14T10:00:00Z"
    books = [
        offer("draftkings", "23.5", 150, -180, snapshot_time=early),
        offer("draftkings", "24.5", -115, -105),
        offer("fanduel", "25.5", -108, -112, snapshot_time=early),
    ]
    current = offers(books)
    assert [(o.bookmaker, str(o.line)) for o in current] == [("draftkings", "24.5"), ("fanduel", "25.5")]
    assert main_line(current) == Decimal("25.0")
    assert main_line([]) is None


def test_alternates_give_prices_but_not_the_main_line() -> None:
    books = [
        offer("draftkings", "24.5", -115, -105),
        offer("betrivers", "24.5", 105, -140, is_main=False),
        offer("betrivers", "20.5", -300, 230, is_main=False),
        offer("fanduel", "24.5", -118, -102),
    ]
    current = offers(books)
    assert main_line(current) == Decimal("24.5")
    best = best_prices(current)
    assert best[Decimal("24.5")] == Best(105, "betrivers", -102, "fanduel")
    assert best[Decimal("20.5")] == Best(-300, "betrivers", 230, "betrivers")


def test_equal_prices_go_to_the_first_book_by_name_and_impossible_odds_are_no_price() -> None:
    best = best_prices(offers([offer("fanduel", "20.5", -110, 0), offer("betmgm", "20.5", -110, None)]))
    assert best[Decimal("20.5")] == Best(-110, "betmgm", None, None)
    pick = best_prices(offers([offer("prizepicks", "20.5", None, None)]))
    assert pick[Decimal("20.5")] == Best()


@pytest.mark.parametrize(("odds", "price"), [(100, 100), (-100, -100), (99, None), (-99, None), (0, None)])
def test_a_price_of_exactly_100_is_one_and_nearer_to_0_there_is_none(odds: int, price: int | None) -> None:
    (read,) = offers([offer("fanduel", "20.5", odds, odds)])
    assert (read.over, read.under) == (price, price)


@pytest.mark.parametrize(("american", "units"), [(150, 1.5), (100, 1.0), (-110, 100 / 110), (-200, 0.5)])
def test_profit_of_american_odds(american: int, units: float) -> None:
    assert profit(american) == pytest.approx(units)


def test_a_push_returns_the_stake() -> None:
    assert expected_value(0.5, 0.4, 100) == pytest.approx(0.1), "0.1 of pushes neither wins nor loses"


@given(st.floats(0.01, 0.99), st.floats(0.0, 0.3))
def test_the_fair_price_has_no_expected_value(p: float, push: float) -> None:
    win, lose = p * (1 - push), (1 - p) * (1 - push)
    fair = fair_american(win, lose)
    assert fair is not None
    assert abs(fair) >= 100 - 1e-9
    paid = fair / 100 if fair > 0 else 100 / -fair
    assert win * paid - lose == pytest.approx(0.0, abs=2e-3)


@pytest.mark.parametrize(
    ("win", "lose", "fair"), [(0.5, 0.5, 100.0), (0.3, 0.7, 233.33), (0.7, 0.3, -233.33), (0.4, 0.4, 100.0)]
)
def test_the_fair_price_has_two_decimals(win: float, lose: float, fair: float) -> None:
    assert fair_american(win, lose) == fair


def test_no_fair_price_where_a_side_cannot_win() -> None:
    assert fair_american(0.0, 1.0) is None


def test_the_side_with_the_better_expected_value_is_recommended_at_its_price() -> None:
    best = Best(-105, "fanduel", -115, "betmgm")
    over = decide(0.60, 0.0, best, POLICY)
    assert (over.recommendation, over.bookmaker) == ("OVER", "fanduel")
    assert over.expected_value == pytest.approx(0.6 * 100 / 105 - 0.4, abs=1e-6)
    assert over.confidence == pytest.approx(0.6)
    under = decide(0.40, 0.0, best, POLICY)
    assert (under.recommendation, under.bookmaker) == ("UNDER", "betmgm")


def test_confidence_is_given_no_push() -> None:
    assert decide(0.50, 0.10, Best(-110, "a", -110, "a"), POLICY).confidence == pytest.approx(0.5 / 0.9)


def test_a_bet_on_who_may_not_play_is_worth_as_often_as_he_plays() -> None:
    """The stake comes back if he does not; what the bet is once it stands does not change."""
    best = Best(-105, "fanduel", -115, "betmgm")
    sure, doubted = decide(0.60, 0.0, best, POLICY), decide(0.60, 0.0, best, POLICY, plays=0.55)
    assert doubted.expected_value == pytest.approx(0.55 * (0.6 * 100 / 105 - 0.4), abs=1e-6)
    assert (doubted.side, doubted.confidence, doubted.recommendation) == (sure.side, sure.confidence, "OVER")
    thin = decide(0.545, 0.0, best, POLICY, plays=0.3)
    assert (thin.recommendation, decide(0.545, 0.0, best, POLICY).recommendation) == ("PASS", "OVER")


def test_a_promise_is_suspicious_however_seldom_the_bet_stands() -> None:
    best = Best(250, "a", -400, "b")
    found = decide(0.60, 0.0, best, POLICY, plays=0.02)
    assert (found.recommendation, found.expected_value) == ("PASS", None)
    assert found.reason == "suspicious_line; a OVER worth 1.10 a unit"
    assert decide(0.60, 0.0, best, POLICY, plays=0.0).recommendation == "PASS", "he is out"


def test_pass_below_either_threshold() -> None:
    fair = decide(0.51, 0.0, Best(-110, "a", -110, "a"), POLICY)
    assert (fair.recommendation, fair.side) == ("PASS", "OVER")
    assert fair.reason == (
        "expected value and confidence too low: OVER is nearer to a bet, with a 51.0% chance and an expected value "
        "of -0.026 a unit at -110, at least +0.020 and a 54.0% chance are needed"
    )
    long_shot = decide(0.30, 0.0, Best(300, "a", -500, "a"), POLICY)
    assert (long_shot.recommendation, long_shot.side) == ("PASS", "OVER")
    assert long_shot.reason == (
        "confidence too low: OVER is nearer to a bet, with a 30.0% chance and an expected value of +0.200 a unit "
        "at +300, "
        "at least a 54.0% chance is needed"
    )
    assert long_shot.expected_value == pytest.approx(0.2)


def test_a_threshold_that_is_met_exactly_is_met() -> None:
    """Five eighths at even odds: an expected value of 1/4, exact in binary."""
    even = Best(100, "a", 100, "a")
    met = Settings(min_expected_value=0.25, min_confidence=0.625)
    over = decide(0.625, 0.0, even, met)
    assert (over.recommendation, over.expected_value, over.confidence) == ("OVER", 0.25, 0.625)
    assert decide(0.375, 0.0, even, met).recommendation == "UNDER"
    missed = decide(0.625, 0.0, even, Settings(min_expected_value=0.2500001, min_confidence=0.625))
    assert missed.recommendation == "PASS"
    assert "an expected value of +0.2500000 a unit at +100, at least +0.2500001 is needed" in missed.reason
    unsure = decide(0.625, 0.0, even, Settings(min_expected_value=0.25, min_confidence=0.6250001))
    assert unsure.recommendation == "PASS"
    assert "a 62.50000% chance" in unsure.reason
    assert unsure.reason.endswith("at least a 62.50001% chance is needed")


@pytest.mark.parametrize("prices", [Best(110, "over_book", 110, "under_book"), Best()], ids=["priced", "assumed"])
def test_a_tie_of_both_sides_goes_to_the_under(prices: Best) -> None:
    """The same answer every time, whichever side was looked at first."""
    permissive = Settings(min_expected_value=-1.0, min_confidence=0.5)
    tied = decide(0.5, 0.0, prices, permissive)
    assert (tied.recommendation, tied.bookmaker) == ("UNDER", prices.under_book)


def test_without_a_price_the_assumed_one_decides_and_no_expected_value_is_claimed() -> None:
    free = decide(0.60, 0.0, Best(), POLICY)
    assert (free.recommendation, free.reason, free.expected_value) == ("OVER", "assumed_price", None)
    assert (free.side, free.bookmaker) == ("OVER", None)
    assert decide(0.53, 0.0, Best(), POLICY).recommendation == "PASS"
    dearer = Settings(assumed_price=-200)
    assert decide(0.60, 0.0, Best(), dearer).recommendation == "PASS"


def test_a_side_that_no_book_prices_is_not_recommended_where_the_other_is() -> None:
    only_over = decide(0.20, 0.0, Best(over=-110, over_book="a"), POLICY)
    assert (only_over.recommendation, only_over.side, only_over.bookmaker) == ("PASS", "OVER", "a")
    assert only_over.confidence == pytest.approx(0.2), "of the over, the only side on offer, likely as the under is"


@pytest.mark.parametrize(
    ("p_over", "side", "book", "price"), [(0.515, "OVER", "fanduel", "-110"), (0.485, "UNDER", "betmgm", "-112")]
)
def test_a_pass_names_the_nearer_side_its_book_and_what_it_lacks(
    p_over: float, side: str, book: str, price: str
) -> None:
    """Prices of two books: the book is the one whose price the figures are made of."""
    decision = decide(p_over, 0.0, Best(-110, "fanduel", -112, "betmgm"), POLICY)
    assert (decision.recommendation, decision.side, decision.bookmaker) == ("PASS", side, book)
    assert decision.confidence == pytest.approx(0.515)
    assert decision.expected_value is not None
    assert f"{side} is nearer to a bet, with a 51.5% chance" in decision.reason
    assert f"an expected value of {decision.expected_value:+.3f} a unit at {price}, at least" in decision.reason


@pytest.mark.parametrize(
    ("p_over", "price", "lacks", "needs"),
    [
        (0.55, -125, "expected value too low", "at least +0.020 is needed"),
        (0.53, 110, "confidence too low", "at least a 54.0% chance is needed"),
        (0.30, -110, "expected value and confidence too low", "at least +0.020 and a 54.0% chance are needed"),
    ],
)
def test_a_pass_lacks_what_it_says_and_no_more(p_over: float, price: int, lacks: str, needs: str) -> None:
    """Where one side alone has a price, the other is not what it was weighed against."""
    decision = decide(p_over, 0.0, Best(price, "a"), POLICY)
    assert decision.recommendation == "PASS"
    assert decision.reason.startswith(f"{lacks}: OVER alone has a price, with a {p_over:.1%} chance")
    assert decision.reason.endswith(needs)


@given(
    st.floats(0.0, 1.0),
    st.floats(0.0, 0.3),
    st.none() | st.integers(-900, -100) | st.integers(100, 900),
    st.none() | st.integers(-900, -100) | st.integers(100, 900),
)
def test_figures_and_book_belong_to_the_side(p: float, push: float, over: int | None, under: int | None) -> None:
    best = Best(over, None if over is None else "over_book", under, None if under is None else "under_book")
    p_over = p * (1.0 - push)
    decision = decide(p_over, push, best, POLICY)
    if decision.expected_value is None:
        assert decision.reason.startswith(("assumed_price", "suspicious_line"))
        return
    win, lose = (p_over, 1.0 - p_over - push) if decision.side == "OVER" else (1.0 - p_over - push, p_over)
    price, book = (over, "over_book") if decision.side == "OVER" else (under, "under_book")
    assert price is not None
    assert decision.bookmaker == book
    assert decision.expected_value == pytest.approx(expected_value(win, lose, price), abs=1e-6)
    assert decision.confidence == pytest.approx(win / (win + lose), abs=1e-6)
    assert decision.recommendation in (decision.side, "PASS")


@given(st.decimals(min_value=1, max_value=60, places=3))
def test_rounding_to_a_half_moves_a_quarter_at_most(value: Decimal) -> None:
    half = to_half(value)
    assert (half * 2) % 1 == 0
    assert abs(half - value) <= Decimal("0.25")


# --- suspicious lines -----------------------------------------------------------------------------


def test_a_suspicious_offer_counts_for_nothing_beside_others() -> None:
    books = [
        offer("betmgm", "24.5", 1_000_000, -110, suspicious="absurd_price"),
        offer("draftkings", "24.5", -115, -105),
        offer("fanduel", "250.5", -110, -110, suspicious="far_from_form"),
    ]
    current = offers(books)
    assert main_line(current) == Decimal("24.5")
    best = best_prices(current)
    assert best[Decimal("24.5")] == Best(-115, "draftkings", -105, "draftkings")
    assert best[Decimal("250.5")] == Best(suspicious="far_from_form")


def test_a_line_that_only_suspicious_offers_have_is_shown_and_never_a_pick() -> None:
    current = offers([offer("fanduel", "250.5", -110, -110, suspicious="far_from_form")])
    assert main_line(current) == Decimal("250.5")
    decision = decide(0.003, 0.0, best_prices(current)[Decimal("250.5")], POLICY)
    assert (decision.recommendation, decision.reason) == ("PASS", "suspicious_line; far_from_form")
    assert (decision.expected_value, decision.confidence, decision.side, decision.bookmaker) == (None,) * 4


@pytest.mark.parametrize(
    ("price", "recommendation", "value"),
    [(1_000_000, "PASS", None), (221, "PASS", None), (220, "PASS", None), (219, "OVER", 0.99375)],
)
def test_a_price_worth_twice_its_stake_is_an_error(price: int, recommendation: str, value: float | None) -> None:
    """At 62.5% +220 promises the stake once more: no book means that."""
    decision = decide(0.625, 0.0, Best(over=price, over_book="betmgm", under=-110, under_book="betmgm"), POLICY)
    assert (decision.recommendation, decision.expected_value) == (recommendation, value)
    assert decision.reason.startswith("suspicious_line; ") is (value is None)
