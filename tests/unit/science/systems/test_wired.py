"""A prediction system is known wherever systems are listed; what it lacks is named by its file."""

from __future__ import annotations

import json

import pytest

from functions.phase6_export.labels import LABELS
from local.backtest.drawing import COLOURS
from shared.science.features.names import model_features
from shared.science.systems.formulas import FORMULAS, Formula
from shared.science.systems.output import BASE_SYSTEMS, SYSTEMS, XGBOOST
from tests.conftest import ROOT
from tests.support.stats_by_kind import BASES

COMMON = ROOT / "functions/phase6_export/schemas/common.schema.json"


def test_base_systems_are_the_formulas_and_the_trees() -> None:
    known = (*(formula.system_id for formula in FORMULAS), XGBOOST)
    assert known == BASE_SYSTEMS, "shared/science/systems/formulas.py and output.py list others, or in another order"


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_is_exported_drawn_and_described(system: str) -> None:
    listed = json.loads(COMMON.read_text(encoding="utf-8"))["$defs"]["system_id"]["enum"]
    science = (ROOT / "docs/science.md").read_text(encoding="utf-8")
    lacking = {
        "functions/phase6_export/schemas/common.schema.json, $defs/system_id": system in listed,
        "local/backtest/drawing.py, COLOURS": system in COLOURS,
        "docs/science.md, the table of systems": f"\n| {system} |" in science,
    }
    assert [place for place, is_there in lacking.items() if not is_there] == []


def test_nobody_is_listed_who_is_no_system() -> None:
    listed = json.loads(COMMON.read_text(encoding="utf-8"))["$defs"]["system_id"]["enum"]
    assert listed == list(SYSTEMS)
    assert COLOURS.keys() == set(SYSTEMS)


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.system_id)
def test_what_a_formula_reads_is_a_feature_with_a_label(formula: Formula) -> None:
    for stat in (each for each in BASES.values() if formula.speaks_of(each)):
        read = set(formula.features_of(stat))
        assert sorted(read - set(model_features(stat.name))) == [], "shared/stores/warehouse/schemas"
        assert sorted(read - LABELS.keys()) == [], "functions/phase6_export/labels.py"
