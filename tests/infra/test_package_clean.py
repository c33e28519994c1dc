"""The archive alone: unpacked, with its locked packages and nothing else, on every supported Python; each entry point
started as it is deployed, under functions-framework's production server, and sent messages."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.bus import SqliteBus
from local.package.archive import build, contents
from local.package.cold_start import offenders, start
from local.package.environment import DEPLOYED, SUPPORTED, clean_environment, find_python, outside
from local.package.report import HEAVY
from local.sqlite_file import SqliteFile
from shared.clock import SystemClock
from shared.pipeline import load_pipeline
from tests.conftest import ROOT
from tests.infra.deployed import RUNTIME, lay_beside, refusal, served
from tests.infra.prepared_unit import prepare_unit
from tests.pipeline.support import push
from tests.pipeline.test_production_server import log_lines
from tests.python_sources import sources

PIPELINE = load_pipeline()
FUNCTIONS = sorted(PIPELINE.functions)
GAME_DATE = "2025-11-14"
BATCH = f"batch_{GAME_DATE}_r1"
# Of a batch that is not there.
WORKER_REQUEST = {"batch_id": BATCH, "revision": 1, "unit": "203999", "models": {}, "players": []}


def asks(method: str) -> tuple[int, str, str]:
    """The answer of a function that came as far as this method of the warehouse: to be tried again."""
    return 503, "retry", f"The warehouse is out of reach for {method}."


# What a function answers to a good message on empty stores and without a warehouse.
ANSWERS = {
    "batch_sweep": asks("tables"),
    "grading": asks("query"),
    "phase1_scrape": (503, "retry", "schedule of 2025-26"),  # no source answers
    "phase2_raw": (200, "no_data", f"there are no raw files of {GAME_DATE}"),
    "phase3_analytics": asks("query"),
    "phase4_precompute": asks("query"),
    "phase5_consolidation": (200, "no_data", f"No batch was opened for {GAME_DATE}."),
    "phase5_coordinator": asks("query"),
    "phase5_worker": (200, "dead_lettered", f"Batch {BATCH} does not exist."),
    "phase6_export": asks("query"),
    "self_heal": asks("query"),
    "train_model": asks("query"),
}

# The heavy packages that loading an entry point loads; any other is imported where it is used, or never.
LOADED = {
    "batch_sweep": set(),
    "grading": {"numpy"},
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


# --- the archive, and what lies beside it -----------------------------------------------------------------------


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked archive."""
    folder = tmp_path_factory.mktemp("package") / "workspace"
    with zipfile.ZipFile(BytesIO(build(contents(ROOT)))) as packed:
        packed.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_beside(tmp_path_factory.mktemp("beside"))


def _environment(version: str, archive: Path) -> Path:
    if find_python(version) is None:
        # CI has the Python that is deployed; of the others, those that its machine has
        allowed = "" if version == DEPLOYED else "allowed in CI: "
        pytest.skip(f"{allowed}there is no Python {version} with venv here")
    return clean_environment(version, archive / "requirements.txt")


@pytest.fixture(scope="session", params=SUPPORTED)
def python(request: pytest.FixtureRequest, archive: Path) -> Path:
    """The python of a clean environment, for each supported version."""
    return _environment(request.param, archive)


@pytest.fixture(scope="session")
def deployed_python(archive: Path) -> Path:
    return _environment(DEPLOYED, archive)


# --- the environment ----------------------------------------------------------------------------------------------


def test_the_environment_holds_the_lock_and_nothing_else(python: Path, archive: Path) -> None:
    command = [str(python), "-m", "pip", "freeze", "--disable-pip-version-check"]
    frozen = subprocess.run(command, env=outside(), capture_output=True, text=True, check=True).stdout
    installed = {re.sub(r"[-_.]+", "-", line).lower() for line in frozen.splitlines()}
    lock = (archive / "requirements.txt").read_text(encoding="utf-8")
    locked = {
        re.sub(r"[-_.]+", "-", package): marker for package, marker in re.findall(r"(?m)^(\S+==\S+)( ; .+)? \\$", lock)
    }
    everywhere = {package for package, marker in locked.items() if not marker}
    assert len(everywhere) > 30
    assert everywhere <= installed <= set(locked)


def test_all_that_the_archive_imports_anywhere_is_there(python: Path, archive: Path, tmp_path: Path) -> None:
    """Lazy imports too, which no start and few messages come to; and our modules are the archive's own."""
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
        check=True,
    )
    assert json.loads(done.stdout) == [[], []]


# --- the entry points ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_entry_point_answers_as_it_is_deployed(
    name: str, python: Path, archive: Path, beside: Path, tmp_path: Path
) -> None:
    subscription = PIPELINE.functions[name].subscriptions[0]
    message = {"game_date": GAME_DATE, "run_id": "packaged"} | (WORKER_REQUEST if name == "phase5_worker" else {})
    with served(python, name, archive, beside, tmp_path) as url:
        poison = httpx.post(url, content=push("{broken", subscription=subscription.name), timeout=60)
        answer = httpx.post(url, content=push(message, message_id="2", subscription=subscription.name), timeout=60)
    assert answer.headers["Server"] == "gunicorn"
    assert (poison.status_code, poison.json()["status"]) == (200, "dead_lettered")
    status, said, reason = ANSWERS[name]
    assert (answer.status_code, answer.json()["status"]) == (status, said), answer.text
    assert reason in answer.json()["reason"]
    lines = log_lines(tmp_path / "output.txt")
    assert {line["function"] for line in lines} == {name}
    assert [line["severity"] for line in lines if "{broken" in line["message"]] == ["ERROR"]
    assert any(reason in line["message"] or reason in line.get("reason", "") for line in lines)
    with closing(SqliteFile(tmp_path / "stores" / "state.sqlite")) as file:
        letters = SqliteBus(file, PIPELINE, SystemClock()).pull(subscription.dead_letter_subscription)
    assert letters[0].data == b"{broken"


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A state folder with a batch in it, and the message that asks a worker for its unit."""
    folder = tmp_path_factory.mktemp("prepared")
    return folder / "stores", prepare_unit(folder / "stores", folder)


def test_the_worker_predicts_as_it_is_deployed(
    python: Path, archive: Path, beside: Path, prepared: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """xgboost and scipy come in lazily, in the process that gunicorn forked; what was predicted cannot be staged."""
    stores, request = prepared
    shutil.copytree(stores, tmp_path / "stores")
    with served(python, "phase5_worker", archive, beside, tmp_path) as url:
        answer = httpx.post(url, content=push(request, message_id="2"), timeout=60)
    assert (answer.status_code, answer.json()["reason"]) == (503, asks("load")[2])
    assert [line["severity"] for line in log_lines(tmp_path / "output.txt")] == ["WARNING"]


def test_a_deployment_without_a_runtime_does_not_start_and_says_so(deployed_python: Path, archive: Path) -> None:
    said = refusal(deployed_python, "grading", archive)
    assert said.endswith("ConfigError: RUNTIME is not set. Next: deploy with RUNTIME in the function's environment.")


def test_a_deployment_of_an_unknown_function_does_not_start_and_lists_those_there_are(
    deployed_python: Path, archive: Path
) -> None:
    said = refusal(deployed_python, "phase7", archive, RUNTIME=RUNTIME)
    assert "FUNCTION_TARGET is 'phase7'" in said
    assert [name for name in FUNCTIONS if name not in said] == []


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
