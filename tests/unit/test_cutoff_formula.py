"""A row's own moment is one formula (ADR 7), and SQL has no place to keep it once: every file spells it alike."""

from __future__ import annotations

import re
from datetime import time

from shared.clock import HISTORICAL_CUTOFF
from tests.conftest import ROOT

FORMULA = re.compile(r"CASE\s+WHEN \S*tipoff_at > @as_of THEN @as_of.*?END", re.DOTALL)
# With table aliases taken out.
SPELLED = (
    "CASE WHEN tipoff_at > @as_of THEN @as_of ELSE LEAST(TIMESTAMP(DATETIME(game_date, TIME '17:30:00'), "
    "'America/New_York'), tipoff_at) END"
)


def test_every_statement_cuts_off_at_the_same_moment() -> None:
    assert time(17, 30) == HISTORICAL_CUTOFF
    found = {}
    for file in sorted(path for room in ("functions", "shared") for path in (ROOT / room).rglob("*.sql")):
        text = file.read_text(encoding="utf-8")
        spelled = [re.sub(r"\b[a-z]\.", "", " ".join(each.split())) for each in FORMULA.findall(text)]
        assert len(spelled) == text.count("17:30:00"), f"{file} has a cut-off of its own"
        if spelled:
            found[file.name] = set(spelled)
    assert len(found) >= 8
    assert {name: forms for name, forms in found.items() if forms != {SPELLED}} == {}
