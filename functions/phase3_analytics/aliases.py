"""Spellings that feeds use and NBA.com does not: the start of nba_reference.player_aliases, kept by
people.

Every backfill brings them; between backfills a spelling that unresolved_names shows is added to the
table by hand. As pairs of names they find each other in every run, whichever of the two stands in a
feed and whichever in box scores.
"""

from __future__ import annotations

import hashlib

from shared.nba.player_names import player_lookup, player_lookup_base
from shared.stores.ports import Warehouse

TABLE = "nba_reference.player_aliases"
# Nicknames and other first names; accents and generational suffixes need no alias. Add what
# unresolved_names shows.
ALIASES = (
    ("Alexandre Sarr", 1642259),  # Alex Sarr
    ("B.J. Boston Jr", 1630527),  # Brandon Boston
    ("Cam Johnson", 1629661),  # Cameron Johnson
    ("Cameron Thomas", 1630560),  # Cam Thomas
    ("Carlton Carrington", 1642267),  # Bub Carrington
    ("David Jones", 1642357),  # David Jones Garcia
    ("Gregory Jackson", 1641713),  # GG Jackson
    ("Gregory Jackson II", 1641713),  # GG Jackson
    ("Herb Jones", 1630529),  # Herbert Jones
    ("Jalen (2001) Johnson", 1630552),  # Jalen Johnson
    ("James Huff", 1630643),  # Jay Huff
    ("Jeenathan Williams", 1631466),  # Nate Williams
    ("Kenyon Martin Jr.", 1630231),  # KJ Martin
    ("Moe Wagner", 1629021),  # Moritz Wagner
    ("Mohamed Bamba", 1628964),  # Mo Bamba
    ("Nicolas Claxton", 1629651),  # Nic Claxton
    ("Ron Holland", 1641842),  # Ronald Holland II
    ("Tristan Silva", 1641783),  # Tristan da Silva
    ("Vincent Williams Jr", 1631246),  # Vince Williams Jr.
)

# What NBA.com calls them.
NBA_NAMES = {
    1628964: "Mo Bamba",
    1629021: "Moritz Wagner",
    1629651: "Nic Claxton",
    1629661: "Cameron Johnson",
    1630231: "KJ Martin",
    1630527: "Brandon Boston",
    1630529: "Herbert Jones",
    1630552: "Jalen Johnson",
    1630560: "Cam Thomas",
    1630643: "Jay Huff",
    1631246: "Vince Williams Jr.",
    1631466: "Nate Williams",
    1641713: "GG Jackson",
    1641783: "Tristan da Silva",
    1641842: "Ronald Holland II",
    1642259: "Alex Sarr",
    1642267: "Bub Carrington",
    1642357: "David Jones Garcia",
}


# "carltoncarrington=bubcarrington,...", without suffixes: what resolved_names.sql reads.
ALIAS_PAIRS = ",".join(f"{player_lookup_base(name)}={player_lookup_base(NBA_NAMES[who])}" for name, who in ALIASES)


def load_aliases(warehouse: Warehouse) -> int:
    """Add these to the table, once for this list: what people added there stays.

    Returns the rows of the list.
    """
    import pyarrow as pa

    digest = hashlib.sha256(repr(ALIASES).encode()).hexdigest()[:12]
    rows = pa.table(
        {
            "alias_lookup": pa.array([player_lookup(name) for name, _ in ALIASES], pa.string()),
            "player_id": pa.array([player_id for _, player_id in ALIASES], pa.int64()),
            "note": pa.array([f"feeds write {name}" for name, _ in ALIASES], pa.string()),
        }
    )
    return warehouse.load(TABLE, rows, mode="append", job_id=f"player-aliases-{digest}")
