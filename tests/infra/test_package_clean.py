"""The archive in an environment with its locked packages and nothing else, on every supported
Python: all that it imports is there, and an entry point loads what it needs and no more.
test_package_served.py starts them.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from local.package.cold_start import offenders, start
from local.package.environment import outside
from local.package.report import HEAVY
from shared.core.pipeline import load_pipeline
from tests.house.python_sources import sources
from tests.infra.deployed import RUNTIME, refusal

FUNCTIONS = sorted(load_pipeline().functions)
# The heavy packages that loading an entry point loads; any other is imported where it is used, or
# never.
LOADED = {
    "batch_sweep": set(),
    "dashboard": {"httpx"},
    "grading": {"numpy"},
    "monitor": {"httpx"},
    "phase1_scrape": {"httpx"},
    "phase2_raw": {"numpy", "pyarrow"},
    "phase3_analytics": set(),
    "phase4_precompute": set(),
    "phase5_consolidation": {"numpy", "pyarrow"},
    "phase5_coordinator": {"numpy", "pyarrow"},
    "phase5_worker": {"numpy", "pyarrow"},
    "phase6_export": {"jsonschema"},
    "self_heal": set(),
    "train_model": {"numpy"},
}

# Imports what it is told on standard input, and says where our own modules came from.
IMPORT = """
import importlib, json, sys
archive = sys.argv[1]
sys.path.append(archive)  # at the end, as functions-framework does
failed, strangers = [], []
for module, names in json.load(sys.stdin):
    try:
        found = importlib.import_module(module)
        for name in names:
            hasattr(found, name) or importlib.import_module(f"{module}.{name}")
    except ImportError as error:
        failed.append(f"{module}: {error}")
        continue
    if module.partition(".")[0] in ("functions", "shared"):
        place = getattr(found, "__file__", None) or next(iter(found.__path__))
        if not place.startswith(archive):
            strangers.append(f"{module}: {place}")
print(json.dumps([failed, strangers]))
"""


# --- the environment ------------------------------------------------------------------------------


def canonical(package: str) -> str:
    """name==version in one spelling, without extras."""
    return re.sub(r"[-_.]+", "-", re.sub(r"\[.*\]", "", package)).lower()


def test_the_environment_holds_the_lock_and_nothing_else(python: Path, archive: Path) -> None:
    command = [str(python), "-m", "pip", "freeze", "--disable-pip-version-check"]
    frozen = subprocess.run(command, env=outside(), capture_output=True, text=True, check=True).stdout
    installed = {canonical(line) for line in frozen.splitlines()}
    lock = (archive / "requirements.txt").read_text(encoding="utf-8")
    locked = {canonical(package): marker for package, marker in re.findall(r"(?m)^(\S+==\S+)( ; .+)? \\$", lock)}
    everywhere = {package for package, marker in locked.items() if not marker}
    assert len(everywhere) > 30
    assert everywhere <= installed <= set(locked)


def test_all_that_the_archive_imports_anywhere_is_there(python: Path, archive: Path, tmp_path: Path) -> None:
    """Lazy imports too, which no start and few messages come to; and our modules are the archive's
    own.
    """
    found = sources(archive, ("functions", "shared"))
    ours = {(source.module, ()) for source in found}
    theirs = {(each.module, each.names) for source in found for each in source.imports}
    assert {"xgboost", "scipy.special", "jsonschema"} <= {module for module, _ in theirs}
    done = subprocess.run(
        [str(python), "-P", "-c", IMPORT, str(archive)],
        input=json.dumps(sorted(ours | theirs)),
        cwd=tmp_path,
        env=outside(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[], []]


# --- the entry points -----------------------------------------------------------------------------


def test_a_deployment_without_a_runtime_does_not_start_and_says_so(deployed_python: Path, archive: Path) -> None:
    output = refusal(deployed_python, "grading", archive)
    assert output.endswith("ConfigError: RUNTIME is not set. Next: deploy with RUNTIME in the function's environment.")


def test_a_deployment_of_an_unknown_function_does_not_start_and_lists_those_there_are(
    deployed_python: Path, archive: Path
) -> None:
    output = refusal(deployed_python, "phase7", archive, RUNTIME=RUNTIME)
    assert "FUNCTION_TARGET is 'phase7'" in output
    assert [name for name in FUNCTIONS if name not in output] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_entry_point_loads_no_other_and_only_the_heavy_packages_it_always_needs(
    name: str, deployed_python: Path, archive: Path
) -> None:
    modules = start(deployed_python, archive, name).modules
    folders = {module.split(".")[1] for module in modules if module.startswith("functions.")}
    assert folders == {name}
    assert {package for package in HEAVY if package in modules} == LOADED[name]


def test_the_report_finds_where_a_start_goes(deployed_python: Path, archive: Path) -> None:
    found = dict(offenders(deployed_python, archive, "phase5_worker"))
    assert {"numpy", "pyarrow", "shared", "functions"} <= set(found)
    assert "functions_framework" not in found, "that is every start's share"
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_no_entry_point_predicts_while_it_loads() -> None:
    assert set(LOADED) == set(FUNCTIONS)
    assert {"pandas", "scipy", "xgboost"} <= set(HEAVY)
    assert {"pandas", "scipy", "xgboost"} & set().union(*LOADED.values()) == set()
