"""A source is known wherever sources are listed; what it lacks is named with the file."""

from __future__ import annotations

import importlib
from dataclasses import fields

import pytest

from functions.phase1_scrape.fetch import SOURCES
from functions.phase2_raw.load_raw import KINDS
from local.host.runtime import with_replay_sources
from local.replay.app import ROUTES
from shared.core.settings import Settings
from tests.conftest import ROOT
from tests.fuzz.normalising import sources
from tests.simulation.world import SETTINGS

MODULES = sorted(path.stem for path in (ROOT / "functions/phase1_scrape/sources").glob("[a-z]*.py"))
BASE_URLS = [setting.name for setting in fields(Settings) if setting.name.endswith("_base_url")]


@pytest.mark.parametrize("module", MODULES)
def test_every_kind_that_is_fetched_is_read(module: str) -> None:
    found = importlib.import_module(f"functions.phase1_scrape.sources.{module}")
    kinds = getattr(found, "KINDS", ()) or ([found.KIND] if hasattr(found, "KIND") else [])
    kinds = kinds.values() if isinstance(kinds, dict) else kinds
    unread = [(found.SOURCE, kind) for kind in kinds if (found.SOURCE, kind) not in KINDS]
    assert unread == [], "KINDS in functions/phase2_raw/load_raw.py lacks them"


def test_every_source_has_a_kind_and_every_kind_a_source() -> None:
    assert {source for source, _ in KINDS} == set(SOURCES), "functions/phase2_raw/load_raw.py, phase1_scrape/fetch.py"


def test_every_kind_is_fuzzed() -> None:
    unfuzzed = KINDS.keys() - {source.kind for source in sources().values()}
    assert sorted(unfuzzed) == [], "sources() in tests/fuzz/normalising.py lacks them"


@pytest.mark.parametrize("name", BASE_URLS)
def test_every_source_is_replayed(name: str) -> None:
    """Where its base URL stayed what it is, a replayed day would ask the source itself, or leave it
    out.
    """
    server = "http://replay"
    replayed = getattr(with_replay_sources(Settings(), server), name)
    assert replayed.startswith(f"{server}/replay/"), f"with_replay_sources in local/host/runtime.py lacks {name}"
    assert getattr(SETTINGS, name) == replayed.replace(server, "http://sources"), (
        f"SETTINGS in tests/simulation/world.py lacks {name}"
    )
    path = replayed.removeprefix(f"{server}/replay")
    assert any(route.startswith(f"{path}/") for route in ROUTES), f"ROUTES in local/replay/app.py has none below {path}"
