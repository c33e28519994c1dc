"""Each planted mistake is found by the check that is there for it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.infra.mistakes import MISTAKES, Mistake
from tests.infra.terraform_checks import CHECKS
from tests.infra.terraform_runs import FOLDER, copy_root, init, run_tests
from tests.infra.test_terraform_wiring import DEFAULTS, EVERYTHING


@pytest.fixture(scope="module")
def mistaken_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the root of this module's own, whose files are changed and put back."""
    root = copy_root(tmp_path_factory.mktemp("mistakes"))
    init(root)
    return root


def _together(mistakes: Iterable[Mistake]) -> list[list[Mistake]]:
    """Groups for one run each, which takes seconds: of a group no two are of one check, or of one
    place.
    """
    groups: list[list[Mistake]] = []
    for mistake in mistakes:
        for group in groups:
            if all(each.run == mistake.run and _apart(each, mistake) for each in group):
                group.append(mistake)
                break
        else:
            groups.append([mistake])
    return groups


def _apart(one: Mistake, other: Mistake) -> bool:
    if one.caught_by == other.caught_by:
        return False
    return one.file != other.file or (one.old not in other.old and other.old not in one.old)


PLANTED = [[each] for each in MISTAKES] if os.environ.get("ALONE") == "1" else _together(MISTAKES)


@pytest.mark.parametrize("mistakes", PLANTED, ids=lambda mistakes: "; ".join(each.name for each in mistakes))
def test_mistakes_are_caught(mistakes: list[Mistake], mistaken_root: Path) -> None:
    """Together with others that other checks find; ALONE=1 (`make infra-check`) plants each by
    itself.
    """
    right = {each.file: (ROOT / FOLDER / each.file).read_text(encoding="utf-8") for each in mistakes}
    wrong = dict(right)
    for each in mistakes:
        found = wrong[each.file].count(each.old)
        assert found == 1, f"{each.file} has this {found} times: {each.old}"
        wrong[each.file] = wrong[each.file].replace(each.old, each.new)
    try:
        for file, text in wrong.items():
            (mistaken_root / file).write_text(text, encoding="utf-8")
        run = run_tests(mistaken_root, mistakes[0].run)[mistakes[0].run]
    finally:
        for file, text in right.items():
            (mistaken_root / file).write_text(text, encoding="utf-8")
    assert run.resources, run.output
    wanted = EVERYTHING if mistakes[0].run == "everything" else DEFAULTS
    missed = [each.name for each in mistakes if not CHECKS[each.caught_by](run, wanted)]
    assert missed == []


def test_every_mistake_has_its_own_name_and_a_check() -> None:
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES) >= 12
    assert {mistake.caught_by for mistake in MISTAKES} <= set(CHECKS)
