"""Names as keys: what feeds write differently must become the same, and different people must
not.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.nba.player_names import natural_order, player_lookup, player_lookup_base


@pytest.mark.parametrize(
    ("name", "lookup", "base"),
    [
        ("Luka Dončić", "lukadoncic", "lukadoncic"),
        ("Nikola Jokić", "nikolajokic", "nikolajokic"),
        ("Kristaps Porziņģis", "kristapsporzingis", "kristapsporzingis"),
        ("Dāvis Bertāns", "davisbertans", "davisbertans"),
        ("Dennis Schröder", "dennisschroder", "dennisschroder"),
        ("Jonas Valančiūnas", "jonasvalanciunas", "jonasvalanciunas"),
        ("Alperen Şengün", "alperensengun", "alperensengun"),
        ("Ömer Faruk Yurtseven", "omerfarukyurtseven", "omerfarukyurtseven"),
        ("Vlatko Čančar", "vlatkocancar", "vlatkocancar"),
        ("Luka Đorđević", "lukadordevic", "lukadordevic"),
        ("Shai Gilgeous-Alexander", "shaigilgeousalexander", "shaigilgeousalexander"),
        ("De'Aaron Fox", "deaaronfox", "deaaronfox"),
        ("De’Aaron Fox", "deaaronfox", "deaaronfox"),
        ("P.J. Washington", "pjwashington", "pjwashington"),
        ("Jimmy Butler III", "jimmybutleriii", "jimmybutler"),
        ("Tim Hardaway Jr.", "timhardawayjr", "timhardaway"),
        ("Gary Payton II", "garypaytonii", "garypayton"),
        ("Nene", "nene", "nene"),
        ("Royce O'Neale", "royceoneale", "royceoneale"),
    ],
)
def test_names(name: str, lookup: str, base: str) -> None:
    assert player_lookup(name) == lookup
    assert player_lookup_base(name) == base


def test_a_suffix_is_dropped_only_where_two_names_are_left() -> None:
    """A family name may look like a suffix."""
    assert player_lookup_base("Jr Smith") == "jrsmith"
    assert player_lookup_base("Kyle Iv") == "kyleiv"


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Luka Don\u010di\u0107", "Luka Don\u010di\u0107"),
        ("Don\u010di\u0107, Luka", "Luka Don\u010di\u0107"),
        ("Hardaway Jr., Tim", "Tim Hardaway Jr."),
        ("Hardaway, Tim Jr.", "Tim Hardaway Jr."),
        ("Hardaway, Jr., Tim", "Tim Hardaway Jr."),
        ("Tim Hardaway, Jr.", "Tim Hardaway Jr."),
        ("Tim Hardaway,Jr.", "Tim Hardaway Jr."),
        ("Gilgeous-Alexander, Shai", "Shai Gilgeous-Alexander"),
        (" Jimmy\u00a0Butler  III ", "Jimmy Butler III"),
        ("Da Silva, Tristan", "Tristan Da Silva"),
        ("Nene", "Nene"),
        ("Nene,", "Nene"),
        ("Jr, Smith", "Smith Jr"),
        (",", ","),
        ("A, B, C", "A, B, C"),
    ],
)
def test_the_family_name_first_is_turned(written: str, spoken: str) -> None:
    assert natural_order(written) == spoken


@given(st.text())
def test_order_loses_no_word_and_is_found_once(name: str) -> None:
    spoken = natural_order(name)
    assert sorted(player_lookup(spoken)) == sorted(player_lookup(name))
    assert natural_order(spoken) == spoken


def test_both_spellings_of_an_accent_are_one_name() -> None:
    assert player_lookup("Don\u010di\u0107") == player_lookup("Donc\u030cic\u0301") == "doncic"


@given(st.text())
def test_a_lookup_is_a_key_of_letters_and_digits_and_stays_itself(name: str) -> None:
    lookup = player_lookup(name)
    assert all(c in "abcdefghijklmnopqrstuvwxyz0123456789" for c in lookup)
    assert player_lookup(lookup) == lookup
    assert lookup.startswith(player_lookup_base(name))
