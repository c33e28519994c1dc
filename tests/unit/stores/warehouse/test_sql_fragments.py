"""A rule that several statements need stands once, as a fragment (ADR 7 of the features'
moment).
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import time
from pathlib import Path

import pytest

from shared.core.clock import HISTORICAL_CUTOFF
from shared.core.errors import NotFound, SchemaMismatch
from shared.nba.stats import BASE_STATS, OTHERS, STATS, Stat
from shared.science.features.names import FEATURE_STORE
from shared.stores.warehouse import sql
from shared.stores.warehouse.schemas import load_schema
from shared.stores.warehouse.sql import FRAGMENTS, expand_fragments, read_sql
from tests.conftest import ROOT
from tests.support.stat_columns import stat_columns

FILES = [path for room in ("functions", "shared") for path in sorted((ROOT / room).rglob("*.sql"))]
USES = re.compile(r"\{\{(\w+)\(")
# How each rule is told, as a regular expression: no statement may spell it by itself.
WORDS = {
    "features_moment": "17:30:01",
    "newest_snapshot": r"run_id DESC, \S*source_file DESC",
    "report_in_force": "WHEN 'what_if' THEN 0",
    "answered_at": r"answer_at, IF\(",
    "until_the_moment": "bookmaker IS NULL AND",
    "is_known": "fetched_at > answered_at",
    "absence_probability": r"'QUESTIONABLE' THEN 0\.45",
    "says_something": "'nothing_to_say'",
    "stat_value": r"CASE \S+\s+WHEN 'points' THEN",
}
# Parts of one statistic's features: used with each statistic of shared/nba/stats.py, so that none
# lacks one.
# Of lines there are two columns each, and of points they have been there before.
OF_LINES = {"stat_line", "stat_lines", "stat_unlined"}
PARTS = {path.stem for path in FRAGMENTS.glob("stat_*.sql")} - WORDS.keys() - OF_LINES


def test_every_rule_is_used_and_stands_nowhere_else() -> None:
    assert time(17, 30) == HISTORICAL_CUTOFF, "a second before the moment: what is of the cut-off itself is known"
    assert {path.stem for path in FRAGMENTS.glob("*.sql")} - PARTS - OF_LINES == WORDS.keys()
    texts = [path.read_text(encoding="utf-8") for path in FILES]
    uses = Counter(name for text in texts for name in USES.findall(text) if name not in PARTS | OF_LINES)
    assert uses.keys() == WORDS.keys()
    assert min(uses.values()) >= 2
    assert uses["features_moment"] >= 12
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        spelled = {name for name, words in WORDS.items() if re.search(words, text)}
        assert spelled == ({path.stem} & WORDS.keys() if path.parent == FRAGMENTS else set()), path


def test_a_file_is_read_with_its_fragments() -> None:
    for path in FILES:
        if path.parent.name == "sql":
            assert "{{" not in read_sql(path.parent, path.stem)
    text = read_sql("functions.phase3_analytics", "unresolved_names")
    assert "WHEN g.tipoff_at > @as_of THEN @as_of" in text
    assert "ELSE LEAST(TIMESTAMP(DATETIME(g.game_date, TIME '17:30:01'), 'America/New_York'), g.tipoff_at)" in text


def test_values_take_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "later.sql").write_text("-- about it\n$1a > $2b\n  AND $1c", encoding="utf-8")
    (tmp_path / "plain.sql").write_text("x DESC", encoding="utf-8")
    monkeypatch.setattr(sql, "FRAGMENTS", tmp_path)
    sql._fragment.cache_clear()
    assert (
        expand_fragments("SELECT {{later(t., )}} ORDER BY {{plain()}}") == "SELECT t.a > b\n  AND t.c ORDER BY x DESC"
    )
    assert expand_fragments("WHERE {{later(t., u.)}}") == "WHERE t.a > u.b\n  AND t.c"
    (tmp_path / "all.sql").write_text("-- Joined by OR.\n$1 > 0", encoding="utf-8")
    assert expand_fragments("{{later(s., *)}}").count("s.a > ") == len(BASE_STATS)
    assert expand_fragments("IF({{all(*)}}, 1, 0)") == f"IF({' OR '.join(f'{stat} > 0' for stat in BASE_STATS)}, 1, 0)"
    pairs = zip((STATS[stat].column for stat in BASE_STATS), BASE_STATS, strict=True)
    each = ", ".join(f"{column}a > {stat}b AND {column}c" for column, stat in pairs)
    assert " ".join(expand_fragments("{{later(columns, *)}}").split()) == each
    assert "fg3ma > threesb" in each
    with pytest.raises(SchemaMismatch, match=r"lists of \[4, 7\] statistics"):
        expand_fragments("{{later(others, *)}}")
    for wrong in ("{{later(t.)}}", "{{later(a, b, c)}}", "{{plain(a, b)}}"):
        with pytest.raises(SchemaMismatch, match="values to a fragment"):
            expand_fragments(wrong)
    with pytest.raises(NotFound, match=r"nowhere\.sql"):
        expand_fragments("{{nowhere()}}")
    sql._fragment.cache_clear()


@pytest.mark.parametrize("stat", BASE_STATS)
def test_every_statistic_has_every_feature(stat: str) -> None:
    """A statistic of shared/nba/stats.py that a statement or a schema lacks is named here."""
    used = {
        (name, values.rpartition(",")[2].strip())
        for path in FILES
        for name, values in re.findall(r"\{\{(stat_\w+)\(([^()]*)\)", path.read_text(encoding="utf-8"))
    }
    unused = sorted(f"{{{{{part}(... {stat})}}}}" for part in PARTS - {name for name, of in used if of in (stat, "*")})
    assert not unused, f"no SQL of functions/phase4_precompute/sql/ uses {', '.join(unused)}"
    columns = stat_columns(stat)
    assert len(columns) > 20
    around = stat_columns(stat, "stat_circumstances")
    assert set(around) <= {*load_schema("nba_precompute.player_composite_factors").columns}
    assert set(around) <= {*load_schema(FEATURE_STORE).columns}
    for table in ("nba_precompute.player_daily_cache", FEATURE_STORE):
        undeclared = sorted(set(columns) - set(load_schema(table).columns))
        assert not undeclared, f"shared/stores/warehouse/schemas/{table}.json lacks {', '.join(undeclared)}"
    assert STATS[stat].column in load_schema("nba_analytics.player_game_summary").columns


@pytest.mark.parametrize("stat", STATS.values(), ids=STATS.keys())
def test_every_statistic_has_its_value_a_sum_that_of_its_parts(stat: Stat) -> None:
    in_a_game = " + ".join(f"g.{STATS[part].column}" for part in stat.parts)
    assert f"WHEN '{stat.name}' THEN {in_a_game}\n" in expand_fragments("{{stat_value(g., , p.stat, fg3m)}}")
    mean = " + ".join(f"f.{part}_season" for part in stat.parts)
    assert f"WHEN '{stat.name}' THEN {mean}\n" in expand_fragments("{{stat_value(f., _season, p.stat, threes)}}")
    assert all(f"{part}_season" in load_schema(FEATURE_STORE).columns for part in stat.parts)


@pytest.mark.parametrize("stat", OTHERS)
def test_every_statistic_has_its_line(stat: str) -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in FILES)
    assert all(re.search(rf"\{{\{{{part}\([^()]*others\)\}}\}}", texts) for part in OF_LINES)
    columns = stat_columns(stat, "stat_lines")
    assert columns == [f"{stat}_line", f"{stat}_line_p_over"]
    for table in ("nba_analytics.upcoming_player_game_context", FEATURE_STORE):
        undeclared = sorted(set(columns) - set(load_schema(table).columns))
        assert not undeclared, f"shared/stores/warehouse/schemas/{table}.json lacks {', '.join(undeclared)}"
