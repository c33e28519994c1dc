"""Spellings that feeds use and NBA.com does not: the start of nba_reference.player_aliases, kept by people.

Every run over games played brings them; a spelling that unresolved_names shows is added to the table by hand. The name
that NBA.com uses goes to nba_reference.player_names, where box scores add every name they ever had for an id: whichever
of the names stands in a feed, and whichever in box scores, they find each other.
"""

from __future__ import annotations

import hashlib

from shared.names import player_lookup, player_lookup_base
from shared.ports import Warehouse

TABLE = "nba_reference.player_aliases"
NAMES = "nba_reference.player_names"
# Nicknames and other first names; accents and generational suffixes need no alias. Add what unresolved_names shows.
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


def load_aliases(warehouse: Warehouse) -> int:
    """Add these to the two tables, once for this list: what people added there stays. Returns the aliases."""
    import pyarrow as pa

    digest = hashlib.sha256(repr((ALIASES, NBA_NAMES)).encode()).hexdigest()[:12]
    names = list(NBA_NAMES.values())
    known = pa.table(
        {
            "player_id": pa.array(list(NBA_NAMES), pa.int64()),
            "player_lookup": pa.array([player_lookup(name) for name in names], pa.string()),
            "player_lookup_base": pa.array([player_lookup_base(name) for name in names], pa.string()),
            "player_name": pa.array(names, pa.string()),
            "known_at": pa.nulls(len(names), pa.timestamp("us", "UTC")),
        }
    )
    warehouse.load(NAMES, known, mode="append", job_id=f"player-names-{digest}")
    rows = pa.table(
        {
            "alias_lookup": pa.array([player_lookup(name) for name, _ in ALIASES], pa.string()),
            "player_id": pa.array([player_id for _, player_id in ALIASES], pa.int64()),
            "note": pa.array([f"feeds write {name}" for name, _ in ALIASES], pa.string()),
        }
    )
    return warehouse.load(TABLE, rows, mode="append", job_id=f"player-aliases-{digest}")
