"""Each planted mistake is found by the check that is there for it."""

from __future__ import annotations

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


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_caught(mistake: Mistake, mistaken_root: Path) -> None:
    right = (ROOT / FOLDER / mistake.file).read_text(encoding="utf-8")
    assert right.count(mistake.old) == 1, f"{mistake.file} has this {right.count(mistake.old)} times: {mistake.old}"
    file = mistaken_root / mistake.file
    file.write_text(right.replace(mistake.old, mistake.new), encoding="utf-8")
    try:
        run = run_tests(mistaken_root, mistake.run)[mistake.run]
    finally:
        file.write_text(right, encoding="utf-8")
    assert run.resources, run.said
    wanted = EVERYTHING if mistake.run == "everything" else DEFAULTS
    assert CHECKS[mistake.caught_by](run, wanted), f"{mistake.caught_by} finds nothing wrong"


def test_every_mistake_has_its_own_name_and_a_check() -> None:
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES) >= 12
    assert {mistake.caught_by for mistake in MISTAKES} <= set(CHECKS)
